"""One place where labels look wrong."""

from __future__ import annotations

from dataclasses import dataclass

from framelabel.core.boxes import NO_TRACK


@dataclass(frozen=True, slots=True)
class Finding:
    """One suspected label error. A finding is a question, not a verdict."""

    kind: str
    """The name of the check that found it."""
    video: int
    """Row of `Labels.videos`."""
    frame: int
    """Frame ordinal where it shows."""
    track_id: int = NO_TRACK
    severity: float = 0.5
    """In [0, 1]; how sure and how bad, comparable between checks."""
    message: str = ""
    """One line for a person."""
    other_track: int = NO_TRACK
    """The second track concerned; NO_TRACK for none."""
    stop: int = 0
    """One past the last frame concerned; 0 for `frame` alone."""


def severity(excess: float, *, at_threshold: float = 0.3, scale: float = 1.0) -> float:
    """Map how far a value exceeds its threshold (0 = just) to [at_threshold, 1)."""
    return at_threshold + (1.0 - at_threshold) * (1.0 - 1.0 / (1.0 + max(excess, 0.0) / scale))
