"""Whether two sets of labels say the same, and where they differ first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from framelabel.core.labels import Labels
from framelabel.core.shapes import Keypoints, Mask, Polygon, Shape


def differences(a: Labels, b: Labels, *, limit: int = 10) -> list[str]:
    """Return up to `limit` lines that say where two sets of labels differ; empty when they are identical.

    Boxes, scores and attributes are compared to the last digit; classes by name; rows of one frame in any order.
    Paths, video ids, and the name of a lone set of still pictures are not labels.
    """
    return list(islice(_differences(a, b), limit))


def _differences(a: Labels, b: Labels) -> Iterator[str]:
    yield from _video_differences(a, b)
    if a.ontology.classes and set(a.ontology.names) != set(b.ontology.names):
        yield f"classes {a.ontology.names} are {b.ontology.names}"
    specs = {spec.name: spec for spec in b.ontology.classes}
    for spec in a.ontology.classes:
        other = specs.get(spec.name)
        if other is not None and replace(spec, colour="") != replace(other, colour=""):
            yield f"class {spec.name}: {spec} is {other}"
    yield from _frame_differences(a, b)
    if len(a) != len(b):
        yield f"{len(a)} labels are {len(b)}"
        return
    yield from _row_differences(a, b)
    if a.events != b.events:
        yield f"events {a.events[:2]} are {b.events[:2]}"


def _video_differences(a: Labels, b: Labels) -> Iterator[str]:
    if len(a.videos) != len(b.videos):
        yield f"{len(a.videos)} videos are {len(b.videos)}"
        return
    for one, two in zip(a.videos, b.videos, strict=True):
        is_stills = len(a.videos) == 1 and not one.fps
        facts_one = ("" if is_stills else one.name, one.size, one.frame_count, one.fps)
        facts_two = ("" if is_stills else two.name, two.size, two.frame_count, two.fps)
        if facts_one != facts_two:
            yield f"video {facts_one} is {facts_two}"


def _frame_differences(a: Labels, b: Labels) -> Iterator[str]:
    one, two = a.frames, b.frames
    if len(one) != len(two) or not np.array_equal(one.video, two.video) or not np.array_equal(one.index, two.index):
        yield f"{len(one)} frames are {len(two)} other frames"
        return
    if one.name != two.name:
        yield f"picture names {one.name[:3]} are {two.name[:3]}"
    size_one = np.zeros(0) if one.size is None else one.size
    size_two = np.zeros(0) if two.size is None else two.size
    if not np.array_equal(size_one, size_two):
        yield "picture sizes differ"
    keys = sorted(set(a.frame_attributes) | set(b.frame_attributes))
    for key in keys:
        if dict(a.frame_attributes.get(key, {})) != dict(b.frame_attributes.get(key, {})):
            yield f"tags of frame row {key}: {a.frame_attributes.get(key)} are {b.frame_attributes.get(key)}"


def _row_differences(a: Labels, b: Labels) -> Iterator[str]:
    order_a, order_b = _order(a), _order(b)
    for name in ("frame", "xyxy", "track_id", "score", "flags", "visible"):
        one, two = getattr(a, name)[order_a], getattr(b, name)[order_b]
        same = (one == two) | ((one != one) & (two != two))  # noqa: PLR0124 - NaN equals NaN here
        if not bool(same.all()):
            bad = np.flatnonzero(~same.reshape(len(one), -1).all(axis=1))
            yield f"{name} differs in {len(bad)} rows, first row {bad[0]}: {one[bad[0]]} is {two[bad[0]]}"
    names_a, names_b = np.array(a.ontology.names or ("",)), np.array(b.ontology.names or ("",))
    if len(a) and not np.array_equal(names_a[a.class_id][order_a], names_b[b.class_id][order_b]):
        yield "classes of rows differ"
    for row_a, row_b in zip(order_a.tolist(), order_b.tolist(), strict=True):
        one_values, two_values = a.attributes.get(row_a, {}), b.attributes.get(row_b, {})
        if _typed(one_values) != _typed(two_values):
            yield f"attributes of row {row_a}: {dict(one_values)} are {dict(two_values)}"
        if not same_shape(a.shapes.get(row_a), b.shapes.get(row_b)):
            yield f"shape of row {row_a}: {a.shapes.get(row_a)} is {b.shapes.get(row_b)}"


def _typed(values: object) -> dict[str, tuple[str, object]]:
    return {key: (type(value).__name__, value) for key, value in dict(values).items()}  # type: ignore[call-overload]


def _order(labels: Labels) -> NDArray[np.int64]:
    """Return rows by frame, track, class name and box, so that order within a frame does not matter."""
    names = np.array(labels.ontology.names or ("",))
    rank = np.argsort(np.argsort(names))[labels.class_id] if len(labels) else labels.class_id
    keys = (*labels.xyxy.T[::-1], rank, labels.track_id, labels.frame)
    return np.lexsort(keys)


def same_shape(a: Shape | None, b: Shape | None) -> bool:
    """Return whether two shapes are equal to the last digit."""
    if type(a) is not type(b):
        return False
    if a is None:
        return True
    if isinstance(a, Mask) and isinstance(b, Mask):
        return a.size == b.size and np.array_equal(a.counts, b.counts)
    if isinstance(a, Keypoints) and isinstance(b, Keypoints):
        return np.array_equal(a.points, b.points) and np.array_equal(a.visibility, b.visibility)
    if isinstance(a, Polygon) and isinstance(b, Polygon):
        return len(a.rings) == len(b.rings) and all(map(np.array_equal, a.rings, b.rings))
    return np.array_equal(getattr(a, "points", None), getattr(b, "points", None))  # type: ignore[arg-type]
