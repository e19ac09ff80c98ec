"""Scenes for rules, small enough to work out by hand: boxes by time in seconds, seen at any rate, lost when told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.tracks import Track
from framelabel.rules.evaluate import evaluate, parse
from framelabel.rules.scene import Scene
from framelabel.rules.zones import Line, Zone

ONTOLOGY = Ontology.of(["person", "car", "bag", "cola", "crisps", "tea", "player", "ball"])
ZONES = {
    "left": Zone("left", ((0, 0), (0.5, 0), (0.5, 1), (0, 1))),
    "right": Zone("right", ((0.5, 0), (1, 0), (1, 1), (0.5, 1))),
}
LINES = {"gate": Line("gate", ((0.5, 0.0), (0.5, 1.0)))}
SIZE = (200, 100)
Path = Callable[[float], tuple[float, float]]
"""Time in seconds -> x, y of the point where an object stands."""


def standing(track_id: int, name: str, box: ArrayLike, frames: int = 30) -> Track:
    """Return a track that stays in one box from frame 0 on."""
    xyxy = np.tile(np.asarray(box, np.float64), (frames, 1))
    return Track.of(track_id, np.arange(frames), xyxy, class_id=ONTOLOGY.id_of(name))


def moving(
    track_id: int,
    name: str,
    path: Path,
    *,
    fps: float,
    seconds: float,
    lost: Sequence[tuple[float, float]] = (),
    begins: float = 0.0,
    size: tuple[float, float] = (8.0, 20.0),
) -> Track:
    """Return a track along a path, seen `fps` times a second, unseen during the half-open times of `lost`."""
    frames = np.arange(round(seconds * fps) + 1)
    times = frames / fps
    seen = (times >= begins) & ~np.any([(times >= a) & (times < b) for a, b in lost] or [times < 0], axis=0)
    foot = np.array([path(time) for time in times[seen]])
    width, height = size
    xyxy = np.column_stack([foot[:, 0] - width / 2, foot[:, 1] - height, foot[:, 0] + width / 2, foot[:, 1]])
    return Track.of(track_id, frames[seen], xyxy, class_id=ONTOLOGY.id_of(name))


def events_of(
    rule: Mapping[str, Any],
    *tracks: Track,
    fps: float = 10.0,
    frame_count: int = 30,
    attributes: Mapping[int, Mapping[str, AttributeValue]] | None = None,
    size: tuple[int, int] = SIZE,
) -> list[Event]:
    """Return the events of one rule in a scene of these tracks."""
    frames = np.arange(frame_count)
    seconds = frames / fps
    scene = Scene(VideoId(1), size, frames, seconds, tracks, ONTOLOGY, ZONES, LINES, None, attributes or {})
    return evaluate(parse([{"name": "r", **rule}], ZONES, LINES, ONTOLOGY, "test"), scene)
