"""The default: every method that the evidence allows, and for each object and gap the one it trusts most there.

All methods state how far they trust themselves, calibrated on human boxes that were left out, and every inner human
box of an object is such a trial. So the stated trust is evidence about this object, not about methods in general.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from framelabel.core.frames import Span
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation.correlation import FlowPropagator
from framelabel.tracking.propagation.detections import Detections
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.fusion import FusionOptions
from framelabel.tracking.propagation.visual import VisualPropagator


class AutoPropagator:
    """The `auto` method."""

    @dataclass(frozen=True, slots=True)
    class Options:
        """When pictures and text disagree about what to trust."""

        absent_doubt: float = 0.25
        """Uncertainty that a frame without the object counts for when methods are compared."""
        text_handicap: float = 0.05
        """Uncertainty added to the method that never looks at a picture."""

    def __init__(self, options: Options, evidence: Evidence) -> None:
        """Use pictures where there are any, with the network where there is one, and detections where there are any."""
        self._options = options
        self._text = Detections(Detections.Options(), evidence)
        self._pixels: VisualPropagator | None = None
        if evidence.reader is not None:
            kind = FlowPropagator if evidence.network is None else VisualPropagator
            self._pixels = kind(FusionOptions(), evidence)

    def acquaint(self, tracks: Sequence[Track]) -> None:
        """Learn from the human boxes of all objects what the detections are worth."""
        self._text.acquaint(tracks)

    def propagate(self, keyframes: Track, span: Span) -> Track:
        """Return the object in every frame of the span; see `Propagator`."""
        text = self._text.propagate(keyframes, span)
        if self._pixels is None:
            return text
        seen = self._pixels.propagate(keyframes, span)
        take_text = np.zeros(len(span), np.bool_)
        bounds = np.searchsorted(keyframes.frame, np.arange(span.start, span.stop), side="right")
        for gap in np.unique(bounds):
            rows = np.flatnonzero((bounds == gap) & ~seen.is_keyframe)
            if len(rows) and self._doubt(text, rows) + self._options.text_handicap < self._doubt(seen, rows):
                take_text[rows] = True
        return Track(
            seen.id,
            seen.class_id,
            seen.frame,
            np.where(take_text[:, None], text.xyxy, seen.xyxy),
            seen.is_keyframe,
            np.where(take_text, text.uncertainty, seen.uncertainty),
            np.where(take_text, text.visibility, seen.visibility).astype(np.int8),
            np.where(take_text, text.score, seen.score),
        )

    def _doubt(self, track: Track, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float:
        absent = track.visibility[rows] == Visibility.ABSENT
        doubt = np.where(absent, self._options.absent_doubt, track.uncertainty[rows])
        doubt = np.where(track.visibility[rows] == Visibility.LOST, 1.0, doubt)
        return float(doubt.mean())
