"""Further views: each picture is also seen mirrored, upside down or from nearer, and the boxes of all are fused.

Fusion is Weighted Boxes Fusion (Solovyev, Wang and Gabruseva, "Weighted boxes fusion: Ensembling boxes from different
object detection models", 2021): boxes of one object are averaged by score, and an object that fewer views see keeps
a smaller score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.core.assignment import assign
from framelabel.core.boxes import Boxes
from framelabel.core.findings import Findings
from framelabel.core.geometry import area, iou

Floats = NDArray[np.float64]
Find = Callable[[Sequence[NDArray[np.uint8]]], list[Findings]]
"""Finds everything in (H, W, 3) RGB pictures."""

MIRRORS = {"mirror": (-1, 1), "flip": (1, -1)}
"""Views with left and right, or top and bottom, exchanged: the steps across and down the picture."""
NEAR = "near"
"""Four overlapping quarters, each as large as the picture: nearly twice as near."""
VIEWS = (*MIRRORS, NEAR)
FULL = ("mirror", NEAR)
"""What full effort looks at besides the plain picture."""
_SAME_OBJECT_IOU = 0.55
_QUARTER = 0.6
"""Side of a nearer view as a share of the picture's, so that neighbours overlap by a fifth."""
_SEAM_PX = 3.0
_LARGE = 0.5
"""Objects wider or higher than this share of the picture are not expected to be seen from nearer."""


def look(find: Find, image: NDArray[np.uint8], views: Sequence[str]) -> Findings:
    """Look at one (H, W, 3) picture plainly and in further views, and fuse the boxes of all.

    Shapes and tags are the plain view's, and a box with a shape is its own.

    Args:
        find: looks at pictures; those of one size may go through the model together.
        image: the picture.
        views: names of `VIEWS`.
    """
    height, width = image.shape[:2]
    mirrors = [MIRRORS[view] for view in views if view in MIRRORS]
    plain, *mirrored = find([image, *(np.ascontiguousarray(image[::down, ::across]) for across, down in mirrors)])
    found = [plain.boxes]
    for (across, down), seen in zip(mirrors, mirrored, strict=True):
        xyxy = seen.boxes.xyxy.copy()
        if across < 0:
            xyxy[:, [0, 2]] = width - xyxy[:, [2, 0]]
        if down < 0:
            xyxy[:, [1, 3]] = height - xyxy[:, [3, 1]]
        found.append(Boxes(xyxy, seen.boxes.score, seen.boxes.class_id, seen.boxes.track_id))
    is_near = NEAR in views
    if is_near:
        corners = [(left, top) for left in (0.0, 1 - _QUARTER) for top in (0.0, 1 - _QUARTER)]
        found.append(Boxes.concatenate([_quarter(find, image, left, top) for left, top in corners]))
    return _drawn(fuse(found, (width, height), nearer=is_near), plain)


def _quarter(find: Find, image: NDArray[np.uint8], left: float, top: float) -> Boxes:
    """Detect in one nearer view; boxes that its inner border cuts are left to the other views."""
    height, width = image.shape[:2]
    x1, y1 = round(left * width), round(top * height)
    x2, y2 = round((left + _QUARTER) * width), round((top + _QUARTER) * height)
    boxes = find([np.ascontiguousarray(image[y1:y2, x1:x2])])[0].boxes
    xyxy = boxes.xyxy + np.array([x1, y1, x1, y1])
    cut = np.zeros(len(boxes), np.bool_)
    for side, edge, border in ((0, x1, 0), (1, y1, 0), (2, x2, width), (3, y2, height)):
        if edge != border:
            cut |= np.abs(xyxy[:, side] - edge) < _SEAM_PX
    return Boxes(xyxy, boxes.score, boxes.class_id, boxes.track_id).select(~cut)


def _drawn(fused: Boxes, plain: Findings) -> Findings:
    """Give fused boxes the shapes of the plain view's boxes that went into them."""
    if not plain.shapes:
        return Findings(fused, {}, plain.tags)
    overlap = iou(fused.xyxy, plain.boxes.xyxy) * (fused.class_id[:, None] == plain.boxes.class_id[None, :])
    pairs = [(int(row), int(source)) for row, source in assign(1.0 - overlap, 1.0 - _SAME_OBJECT_IOU)]
    shapes = {row: plain.shapes[source] for row, source in pairs if source in plain.shapes}
    xyxy = fused.xyxy.copy()
    for row, source in pairs:
        if row in shapes:
            xyxy[row] = plain.boxes.xyxy[source]
    return Findings(Boxes(xyxy, fused.score, fused.class_id, fused.track_id), shapes, plain.tags)


def fuse(views: Sequence[Boxes], size: tuple[int, int], *, nearer: bool = False) -> Boxes:
    """Fuse the boxes of several views of one picture of `size` (width, height).

    `nearer`: the last view is from nearer, where objects of half the picture's size are not expected to be seen.

    >>> a = Boxes.of([[0., 0., 10., 10.]], [0.8])
    >>> b = Boxes.of([[2., 0., 12., 10.]], [0.4])
    >>> fused = fuse([a, b, Boxes.empty()], (12, 12), nearer=True)
    >>> fused.xyxy.round(2).tolist(), fused.score.round(2).tolist()
    ([[0.67, 0.0, 10.67, 10.0]], [0.6])
    """
    boxes = Boxes.concatenate(views)
    view = np.repeat(np.arange(len(views)), [len(part) for part in views])
    order = np.argsort(-boxes.score, kind="stable")
    members: list[list[int]] = []
    fused: list[Floats] = []
    for row in order.tolist():
        match = _cluster_of(boxes, row, members, fused)
        if match < 0:
            members.append([row])
            fused.append(boxes.xyxy[row])
        else:
            members[match].append(row)
            weights = boxes.score[members[match]]
            fused[match] = np.average(boxes.xyxy[members[match]], axis=0, weights=np.maximum(weights, 1e-9))
    if not members:
        return Boxes.empty()
    xyxy = np.array(fused)
    extent = (xyxy[:, 2:] - xyxy[:, :2]) / np.array(size, dtype=np.float64)
    is_large = np.any(extent > _LARGE, axis=1) | (area(xyxy) <= 0)
    expected = len(views) - (is_large & nearer)
    best = [[boxes.score[[row for row in group if view[row] == one]].max(initial=0.0) for one in range(len(views))]
            for group in members]  # fmt: skip
    score = np.minimum(np.array(best).sum(axis=1) / expected, 1.0)
    class_id = np.array([boxes.class_id[group[0]] for group in members], dtype=np.int32)
    rank = np.argsort(-score, kind="stable")
    return Boxes.of(xyxy[rank], score[rank], class_id[rank])


def _cluster_of(boxes: Boxes, row: int, members: list[list[int]], fused: list[Floats]) -> int:
    """Return the cluster of the same class that a box belongs to; -1 for none."""
    same = [number for number, group in enumerate(members) if boxes.class_id[group[0]] == boxes.class_id[row]]
    if not same:
        return -1
    overlap = iou(boxes.xyxy[row : row + 1], np.array([fused[number] for number in same]))[0]
    best = int(np.argmax(overlap))
    return same[best] if overlap[best] > _SAME_OBJECT_IOU else -1
