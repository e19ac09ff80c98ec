"""The stored fact: one label of one frame, with where it comes from. Append-only; a correction supersedes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId
from framelabel.core.labels import Flag
from framelabel.core.ontology import AttributeValue
from framelabel.core.shapes import Shape
from framelabel.core.tracks import Visibility

AnnotationId = int
NO_ATTRIBUTES: Mapping[str, AttributeValue] = MappingProxyType({})


class Origin(str, Enum):
    """Who or what made a label."""

    MODEL = "model"
    TRACKER = "tracker"
    PROPAGATION = "propagation"
    HUMAN = "human"
    IMPORT = "import"
    CONSENSUS = "consensus"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where one label comes from."""

    origin: Origin
    author: str
    """Person's name, model digest, or imported file."""
    run_id: int = 0
    """The execution that wrote it; 0 for none."""
    parents: tuple[AnnotationId, ...] = ()
    """Annotations it was derived from (consensus, propagation)."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One label of one frame. `class_id` is a row of the project's ontology."""

    video_id: VideoId
    frame: int
    """Frame ordinal."""
    class_id: int
    """-1 for a whole-frame tag, whose content is in `attributes`."""
    xyxy: tuple[float, float, float, float]
    """Box hull in pixels, x2/y2 exclusive; zeros for a whole-frame tag."""
    provenance: Provenance
    track_id: int = NO_TRACK
    score: float = 1.0
    visibility: Visibility = Visibility.VISIBLE
    is_keyframe: bool = False
    uncertainty: float = 0.0
    flags: Flag = Flag.NONE
    """Truncated, crowd, ignored, difficult; what other fields say is not repeated here."""
    attributes: Mapping[str, AttributeValue] = field(default_factory=lambda: NO_ATTRIBUTES)
    shape: Shape | None = None
    id: AnnotationId = 0
    """Given by the store; 0 before."""
    supersedes: AnnotationId = 0
    """The older annotation that this one replaces; 0 for none."""
    is_deleted: bool = False
    """A row that only removes what it supersedes."""
