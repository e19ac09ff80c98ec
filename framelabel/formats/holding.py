"""What a format can hold, declared once, and labels reduced to that with every loss counted.

Writers write what `fit` returns, so that reading an export gives exactly the fitted labels: the contract suite
checks this for every format.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape, hull
from framelabel.core.videos import Video
from framelabel.formats import events
from framelabel.formats.builder import possible
from framelabel.formats.conventions import default_name, ruled_names
from framelabel.formats.files import file_names, safe_stem
from framelabel.formats.numbering import fraction_of
from framelabel.formats.outlines import outlined
from framelabel.formats.pictures import label_stem
from framelabel.formats.report import LossReport


class Fact(str, Enum):
    """A kind of fact that formats may or may not hold; the value names it in tables and loss reports."""

    TRACK = "track id"
    SCORE = "score"
    OCCLUDED = "occluded"
    TRUNCATED = "truncated"
    CROWD = "crowd"
    IGNORED = "ignored"
    KEYFRAME = "keyframe"
    PREDICTED = "predicted"
    DIFFICULT = "difficult"
    VISIBLE = "visible share"
    POLYGON = "polygon"
    POLYLINE = "polyline"
    KEYPOINTS = "keypoints"
    MASK = "mask"
    BOX_BESIDE_SHAPE = "box beside its shape"
    ATTRIBUTES = "attributes"
    FRAME_ATTRIBUTES = "frame attributes"
    FRAME_NAME = "picture name"
    FRAME_SIZE = "picture size"
    MIXED_SIZES = "mixed picture sizes in one video"
    UNUSED_CLASS = "class without labels"
    SUPERCATEGORY = "supercategory"
    CLASS_ATTRIBUTES = "attribute definitions"
    JOINTS = "names of joints"
    EVENTS = "events"


class FrameSet(str, Enum):
    """Which frames a format lists."""

    LISTED = "listed"
    """Any set of frames, also without labels."""
    LABELLED = "labelled"
    """Only frames that have labels."""
    FULL = "full"
    """All frames from 0 to the video's last."""
    RANGE = "range"
    """First, last and step."""


class Rate(str, Enum):
    """How exactly the picture rate is stored."""

    EXACT = "exact"
    FLOAT = "float"
    """As a decimal; broadcast rates such as 30000/1001 come back exactly."""
    INTEGER = "integer"
    NONE = "none"


_FLAG_FACTS: tuple[tuple[Flag, Fact], ...] = (
    (Flag.OCCLUDED, Fact.OCCLUDED),
    (Flag.TRUNCATED, Fact.TRUNCATED),
    (Flag.CROWD, Fact.CROWD),
    (Flag.IGNORED, Fact.IGNORED),
    (Flag.KEYFRAME, Fact.KEYFRAME),
    (Flag.PREDICTED, Fact.PREDICTED),
    (Flag.DIFFICULT, Fact.DIFFICULT),
)
_SHAPE_FACTS: tuple[tuple[type, Fact], ...] = (
    (Polygon, Fact.POLYGON),
    (Polyline, Fact.POLYLINE),
    (Keypoints, Fact.KEYPOINTS),
    (Mask, Fact.MASK),
)
_CLASS_FACTS: tuple[tuple[Fact, dict[str, Any]], ...] = (
    (Fact.SUPERCATEGORY, {"supercategory": ""}),
    (Fact.CLASS_ATTRIBUTES, {"attributes": ()}),
    (Fact.JOINTS, {"keypoints": (), "skeleton": ()}),
)
"""Facts of a class, and what a class without them has."""
EVERY_FLAG = frozenset(fact for _, fact in _FLAG_FACTS)
EVERYTHING = frozenset(Fact)


@dataclass(frozen=True, slots=True)
class Holds:
    """What one format can hold."""

    facts: frozenset[Fact]
    frames: FrameSet = FrameSet.LISTED
    rate: Rate = Rate.NONE
    videos: bool = True
    """Frames belong to videos and have ordinals; without, all frames become pictures of one set."""
    names_files: bool = False
    """A file or folder is named after each video."""
    coordinates: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    """(N, 4) boxes as they come back from the file; None when they come back digit for digit."""


def fit(labels: Labels, holds: Holds, loss: LossReport) -> Labels:
    """Return the labels reduced to what a format holds; add what was dropped to `loss`."""
    labels = _without_impossible(labels, loss)
    labels = events.fitted(labels, loss, holds=Fact.EVENTS in holds.facts and holds.videos)
    labels = _fit_columns(labels, holds, loss)
    labels = _fit_shapes(labels, holds, loss)
    labels = _fit_videos(labels, holds, loss)
    labels = _fit_frames(labels, holds, loss)
    labels = _fit_ontology(labels, holds, loss)
    if holds.coordinates is not None and len(labels):
        xyxy = holds.coordinates(labels.xyxy)
        moved = np.any(xyxy != labels.xyxy, axis=1)
        loss.add("coordinate digits", int(moved.sum()), "the last digits of these boxes change in this format's units")
        labels = replace(labels, xyxy=xyxy)
    return labels


def _without_impossible(labels: Labels, loss: LossReport) -> Labels:
    good = possible(labels.xyxy)
    if bool(good.all()):
        return labels
    loss.add("impossible box", int((~good).sum()), "not finite, negative or absurdly far; left out")
    return labels.select(good)


def _fit_columns(labels: Labels, holds: Holds, loss: LossReport) -> Labels:
    flags = labels.flags
    for flag, fact in _FLAG_FACTS:
        has = (flags & np.uint16(flag)) != 0
        if fact not in holds.facts and bool(has.any()):
            loss.add(fact.value, int(has.sum()), "dropped")
            flags = np.where(has, flags & np.uint16(~int(flag) & 0xFFFF), flags).astype(np.uint16)
    changes: dict[str, object] = {"flags": flags}
    if Fact.TRACK not in holds.facts and bool((has := labels.track_id != NO_TRACK).any()):
        loss.add(Fact.TRACK.value, int(has.sum()), "dropped; the boxes stay")
        changes["track_id"] = np.full(len(labels), NO_TRACK, np.int64)
    for fact, name in ((Fact.SCORE, "score"), (Fact.VISIBLE, "visible")):
        has = ~np.isnan(getattr(labels, name))
        if fact not in holds.facts and bool(has.any()):
            loss.add(fact.value, int(has.sum()), "dropped")
            changes[name] = np.full(len(labels), np.nan)
    if Fact.ATTRIBUTES not in holds.facts and labels.attributes:
        loss.add(Fact.ATTRIBUTES.value, len(labels.attributes), "attributes of these labels dropped")
        changes["attributes"] = {}
    if Fact.FRAME_ATTRIBUTES not in holds.facts and labels.frame_attributes:
        loss.add(Fact.FRAME_ATTRIBUTES.value, len(labels.frame_attributes), "tags of these frames dropped")
        changes["frame_attributes"] = {}
    return replace(labels, **changes)  # type: ignore[arg-type]


def _fit_shapes(labels: Labels, holds: Holds, loss: LossReport) -> Labels:
    if not labels.shapes:
        return labels
    if Fact.MASK not in holds.facts and Fact.POLYGON in holds.facts:
        masks = sum(isinstance(shape, Mask) for shape in labels.shapes.values())
        loss.add(Fact.MASK.value, masks, "written as a polygon along the pixels' edges")
        labels = replace(labels, shapes=outlined(labels.shapes))
    kept: dict[int, Shape] = {}
    for row, shape in labels.shapes.items():
        fact = next(fact for kind, fact in _SHAPE_FACTS if isinstance(shape, kind))
        if fact in holds.facts:
            kept[row] = shape
        else:
            loss.add(fact.value, 1, "written as its box")
    xyxy = labels.xyxy
    if Fact.BOX_BESIDE_SHAPE not in holds.facts and kept:
        rows = np.fromiter(kept, np.int64)
        hulls = np.stack([hull(kept[row]) for row in rows.tolist()])
        differs = np.any(hulls != xyxy[rows], axis=1)
        loss.add(Fact.BOX_BESIDE_SHAPE.value, int(differs.sum()), "only the shape is kept, its hull becomes the box")
        xyxy = xyxy.copy()
        xyxy[rows] = hulls
    return replace(labels, shapes=kept, xyxy=xyxy)


def frame_names(labels: Labels, rule: Callable[[str, int], str]) -> tuple[str, ...]:
    """Return the picture name of every frame: the given ones, or `rule(video name, ordinal)` where there are none."""
    names = [video.name for video in labels.videos]
    rows, indices = labels.frames.video.tolist(), labels.frames.index.tolist()
    ruled = ruled_names(rule, [names[row] for row in rows], indices)
    if not labels.frames.name:
        return tuple(ruled)
    return tuple(name or other for name, other in zip(labels.frames.name, ruled, strict=True))


def frame_sizes(labels: Labels) -> NDArray[np.int64]:
    """Return the (F, 2) width and height of every frame; zeros where unknown."""
    if labels.frames.size is not None:
        return labels.frames.size.astype(np.int64)
    sizes = np.array([video.size for video in labels.videos] or [(0, 0)], np.int64)
    return np.asarray(sizes[labels.frames.video], dtype=np.int64).reshape(-1, 2)


def _fit_videos(labels: Labels, holds: Holds, loss: LossReport) -> Labels:
    videos = labels.videos
    rates = []
    for video in videos:
        decimal = fraction_of(float(video.fps))
        rate = {Rate.EXACT: video.fps, Rate.FLOAT: decimal, Rate.INTEGER: Fraction(round(video.fps))}
        rates.append(rate.get(holds.rate, Fraction(0)))
    changed = sum(video.fps != rate for video, rate in zip(videos, rates, strict=True))
    loss.add("picture rate", changed, "rounded or dropped")
    videos = tuple(
        replace(video, fps=rate, time_base=1 / rate if rate else Fraction(1)) if video.fps != rate else video
        for video, rate in zip(videos, rates, strict=True)
    )
    labels = replace(labels, videos=videos)
    if Fact.FRAME_SIZE not in holds.facts and any(video.width for video in videos):
        loss.add(Fact.FRAME_SIZE.value, len(videos), "dropped")
        videos = tuple(replace(video, width=0, height=0) for video in videos)
        labels = replace(labels, videos=videos, frames=replace(labels.frames, size=None))
    if labels.frames.size is not None and not {Fact.FRAME_SIZE, Fact.MIXED_SIZES} <= holds.facts:
        loss.add(Fact.MIXED_SIZES.value, len(labels.frames), "only one size for each video is kept")
        labels = replace(labels, frames=replace(labels.frames, size=None))
    if not holds.videos:
        return _flattened(labels, loss)
    if holds.names_files:
        labels = _with_file_names(labels, loss)
    if Fact.FRAME_NAME not in holds.facts and labels.frames.name:
        loss.add(Fact.FRAME_NAME.value, len(labels.frames.name), "dropped; frames are numbered")
        labels = replace(labels, frames=replace(labels.frames, name=()))
    return labels


def _with_file_names(labels: Labels, loss: LossReport) -> Labels:
    taken: set[str] = set()
    videos = []
    for video in labels.videos:
        name, number = safe_stem(video.name), 2
        while name.lower() in taken:
            name, number = f"{safe_stem(video.name)}-{number}", number + 1
        taken.add(name.lower())
        videos.append(replace(video, name=name))
    changed = sum(old.name != new.name for old, new in zip(labels.videos, videos, strict=True))
    loss.add("video name", changed, "changed into a file name")
    return replace(labels, videos=tuple(videos))


def _flattened(labels: Labels, loss: LossReport) -> Labels:
    """Return all frames as pictures of one set; their names tell video and frame number."""
    given = frame_names(labels, default_name)
    names = file_names(given)
    renamed = sum(one != two for one, two in zip(names, given, strict=True))
    loss.add("picture name", renamed, "changed, because files of this format are named after pictures")
    is_clip = np.array([video.fps > 0 for video in labels.videos] or [False])[labels.frames.video]
    loss.add("frame number", int(is_clip.sum()), "frames become single pictures; the number stays in the file name")
    track_id = labels.track_id
    if len(labels.videos) > 1 and bool((track_id != NO_TRACK).any()):
        video = labels.frames.video[labels.frame]
        pairs = np.unique(np.stack([track_id, video], axis=1)[track_id != NO_TRACK], axis=0)
        if len(np.unique(pairs[:, 0])) < len(pairs):
            step = int(track_id.max()) + 1
            track_id = np.where(track_id == NO_TRACK, NO_TRACK, track_id + step * video)
            loss.add("track id", len(pairs), "renumbered, because ids of several videos would clash in one set")
    sizes = frame_sizes(labels)
    size = sizes.astype(np.int32) if len(sizes) and bool((sizes != sizes[0]).any()) else None
    first = labels.videos[0] if labels.videos else None
    videos: tuple[Video, ...] = ()
    if first is not None:
        width, height = (0, 0) if size is not None or not len(sizes) else (int(sizes[0, 0]), int(sizes[0, 1]))
        videos = (replace(first, path="", width=width, height=height, frame_count=len(names), fps=Fraction(0)),)
    # pictures of one set are read back in the order of their names
    order = sorted(range(len(names)), key=lambda row: label_stem(names[row]))
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    frames = FrameTable(
        np.zeros(len(names), np.int32),
        np.arange(len(names), dtype=np.int64),
        tuple(names[row] for row in order),
        None if size is None else size[order],
    )
    return _renumbered(replace(labels, videos=videos, track_id=track_id), frames, rank)


def _renumbered(labels: Labels, frames: FrameTable, rank: NDArray[np.int64]) -> Labels:
    """Return labels with other frames; `rank[old frame row]` is the new row, -1 for a frame that goes away."""
    tags = {int(rank[row]): values for row, values in labels.frame_attributes.items() if rank[row] >= 0}
    return Labels.of(
        labels.ontology,
        labels.videos,
        frames,
        rank[labels.frame] if len(labels) else labels.frame,
        labels.xyxy,
        class_id=labels.class_id,
        track_id=labels.track_id,
        score=labels.score,
        flags=labels.flags,
        visible=labels.visible,
        shapes=labels.shapes,
        attributes=labels.attributes,
        frame_attributes=tags,
        events=labels.events,
    )


def _fit_frames(labels: Labels, holds: Holds, loss: LossReport) -> Labels:
    table = labels.frames
    if holds.frames is FrameSet.LISTED:
        return labels
    if holds.frames is FrameSet.LABELLED:
        kept = np.zeros(len(table), np.bool_)
        kept[labels.frame] = True
        kept[np.fromiter(labels.frame_attributes, np.int64, len(labels.frame_attributes))] = True
        loss.add("frame without labels", int((~kept).sum()), "not listed in the file")
        rank = np.where(kept, np.cumsum(kept) - 1, -1)
        labels = _renumbered(labels, _taken(table, np.flatnonzero(kept)), rank)
        ends = [int(table.index[kept & (table.video == row)].max(initial=-1)) for row in range(len(labels.videos))]
        shorter = sum(video.frame_count > end + 1 for video, end in zip(labels.videos, ends, strict=True))
        loss.add("video length", shorter, "frames after the last label are not in the file")
        videos = tuple(replace(video, frame_count=end + 1) for video, end in zip(labels.videos, ends, strict=True))
        return replace(labels, videos=videos)
    owners: list[NDArray[np.int32]] = []
    indices: list[NDArray[np.int64]] = []
    for row, video in enumerate(labels.videos):
        present = table.index[table.video == row]
        last = int(present[-1]) if len(present) else -1
        wanted = np.arange(max(last + 1, video.frame_count), dtype=np.int64)
        if holds.frames is FrameSet.RANGE and len(present):
            step = int(present[1] - present[0]) if len(present) > 1 else 1
            regular = np.arange(present[0], present[-1] + 1, step, dtype=np.int64)
            wanted = present if len(regular) == len(present) else np.arange(present[0], last + 1, dtype=np.int64)
        owners.append(np.full(len(wanted), row, np.int32))
        indices.append(wanted)
    if not owners:
        return labels
    frames = FrameTable(np.concatenate(owners), np.concatenate(indices))
    if len(frames) == len(table):
        return labels
    loss.add("which frames were looked at", len(frames) - len(table), "the file also lists the frames between")
    key, old = _keys(frames), _keys(table)
    rank = np.searchsorted(key, old)
    if table.name:
        names = [""] * len(frames)
        for row, name in zip(rank.tolist(), table.name, strict=True):
            names[row] = name
        frames = replace(frames, name=tuple(names))
    return _renumbered(labels, frames, rank)


def _keys(table: FrameTable) -> NDArray[np.int64]:
    return np.asarray(table.video.astype(np.int64) * (1 << 40) + table.index, dtype=np.int64)


def _taken(table: FrameTable, rows: NDArray[np.int64]) -> FrameTable:
    names = tuple(table.name[row] for row in rows) if table.name else ()
    return FrameTable(table.video[rows], table.index[rows], names, None if table.size is None else table.size[rows])


def _fit_ontology(labels: Labels, holds: Holds, loss: LossReport) -> Labels:
    classes = labels.ontology.classes
    for fact, without in _CLASS_FACTS:
        if fact not in holds.facts:
            bare = tuple(replace(spec, **without) for spec in classes)
            loss.add(fact.value, sum(map(operator.ne, classes, bare)), "dropped for these classes")
            classes = bare
    classes = tuple(replace(spec, colour="") for spec in classes)
    used = np.zeros(len(classes), np.bool_)
    used[labels.class_id] = True
    class_id = labels.class_id
    if Fact.UNUSED_CLASS not in holds.facts and not bool(used.all()):
        loss.add(Fact.UNUSED_CLASS.value, int((~used).sum()), "classes without labels are not listed in the file")
        class_id = (np.cumsum(used) - 1).astype(np.int32)[class_id]
        classes = tuple(spec for spec, keep in zip(classes, used.tolist(), strict=True) if keep)
    return replace(labels, ontology=Ontology(classes), class_id=class_id)
