"""Something that happened: what a rule found in tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from framelabel.core.frames import VideoId
from framelabel.core.ontology import AttributeValue


@dataclass(frozen=True, slots=True)
class Event:
    """One occurrence of one rule."""

    video_id: VideoId
    name: str
    """The rule's event name, for example "ppe_violation"."""
    rule: str
    start: int
    """First frame ordinal at which the rule's condition held."""
    stop: int
    """One past the last frame ordinal."""
    actors: tuple[int, ...]
    """Track ids, subject first."""
    evidence_frame: int
    """The frame that shows it best."""
    score: float = 1.0
    needs_review: bool = False
    attributes: Mapping[str, AttributeValue] = field(default_factory=lambda: MappingProxyType({}))
    id: int = 0
    """Given by the store; 0 before."""
    run_id: int = 0
