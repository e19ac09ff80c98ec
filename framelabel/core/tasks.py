"""Questions put to people and what they answered. Answers are rows: nobody overwrites anybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from framelabel.core.boxes import NO_TRACK
from framelabel.core.frames import VideoId


class TaskKind(str, Enum):
    """What a task asks about."""

    BOX = "box"
    TRACK = "track"
    SPAN = "span"
    EVENT = "event"
    TAG = "tag"
    """A whole-frame yes/no or category."""


@dataclass(frozen=True, slots=True)
class Task:
    """One question."""

    kind: TaskKind
    video_id: VideoId
    start: int
    """First frame ordinal concerned."""
    stop: int
    """One past the last."""
    track_id: int = NO_TRACK
    subject_id: int = 0
    """Annotation or event id the question is about; 0 for none."""
    question: str = ""
    choices: tuple[str, ...] = ()
    priority: float = 0.0
    """Expected benefit of asking; higher first."""
    answers_wanted: int = 1
    reason: str = ""
    """Why it is asked: "routing", "lint: jump", "event: loitering", "golden", "audit"."""
    gold: Mapping[str, Any] | None = None
    """The known answer of a golden task; never shown before the answer is in."""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What one person said to one task."""

    task_id: int
    annotator: str
    verdict: str
    """"accept", "reject", "fix", "skip", or one of the task's choices."""
    seconds: float = 0.0
    """Time from showing to answering."""
    content: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """The correction, as JSON-able values."""
    answered_at: str = ""
    """UTC, ISO 8601."""
    id: int = 0
