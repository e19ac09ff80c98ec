"""Which detections belong to one object between two of its keyframes: an exact shortest path.

The path starts at one keyframe and ends at the next. It may use at most one detection a frame; frames without one
cost a fixed price. What two detections of the path cost depends on how differently they depart from a base path (an
interpolation between the keyframes), so that common motion is free and a jump to a neighbour is not. Detections up to
`REACH` frames apart are joined directly; a longer gap leads over the base path itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.geometry import cxcywh_to_xyxy, iou, xyxy_to_cxcywh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH = 10
"""Frames; two detections of a path further apart than this are joined over the base path."""
MISS_COST = 3.5
"""Price of a frame without a detection."""
DOUBT_COST = 1.0
"""Price of a detection of score 0 (score 1 is free)."""
JUMP_LIMIT = 12.0
"""Largest price of one step; beyond it a step is equally bad."""
GATE_START, GATE_GROWTH, GATE_LIMIT = 0.5, 0.25, 4.0
"""Largest distance from the base path in object sizes: at a keyframe, more per frame from it, and anywhere."""
SIZE_GATE = 1.5
"""Largest difference of log width or log height from the base path."""
POSITION_NOISE, POSITION_DRIFT = 0.06, 0.04
"""Standard deviation of a step in object sizes: of the two detections, and per frame."""
SIZE_NOISE, SIZE_DRIFT = 0.12, 0.02
"""The same in log size."""
LINK_COST = 0.5
"""Price of a step between two detections that follow one another without doubt, wherever the base path is."""
LINK_IOU, LINK_MARGIN = 0.4, 0.6
"""A link needs this overlap with the predicted box, and every rival at most this share of it."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipDetections:
    """All detections of one video in frame order, and which of them follow one another without doubt."""

    frame: Ints
    """(D,) ordinals, non-decreasing."""
    xyxy: Floats
    """(D, 4) pixels."""
    score: Floats
    """(D,) in [0, 1]."""
    successor: Ints
    """(D,) row of the same object's detection in the next frame, -1 where there is none or it is in doubt."""
    predecessor: Ints
    """(D,) the same in the frame before."""

    @staticmethod
    def of(detections: Mapping[int, Boxes] | Iterable[tuple[int, Boxes]]) -> ClipDetections:
        """Join the boxes of all frames and link them."""
        pairs = sorted(detections.items() if isinstance(detections, Mapping) else detections, key=lambda pair: pair[0])
        joined = Boxes.concatenate([boxes for _, boxes in pairs])
        frame = np.repeat(np.array([index for index, _ in pairs], np.int64), [len(boxes) for _, boxes in pairs])
        successor = _successors(frame, joined.xyxy)
        predecessor = np.full(len(frame), -1, np.int64)
        linked = np.flatnonzero(successor >= 0)
        predecessor[successor[linked]] = linked
        return ClipDetections(frame, joined.xyxy, joined.score, successor, predecessor)

    def __len__(self) -> int:
        return len(self.frame)

    def rows(self, start: int, stop: int) -> slice:
        """Return the rows of the frames `[start, stop)`."""
        first, last = np.searchsorted(self.frame, [start, stop])
        return slice(int(first), int(last))


def _successors(frame: Ints, xyxy: Floats) -> Ints:
    """Link detections of neighbouring frames that prefer one another clearly, where constant velocity expects them."""
    successor = np.full(len(frame), -1, np.int64)
    velocity = np.zeros((len(frame), 4))
    is_moving = np.zeros(len(frame), np.bool_)
    state = xyxy_to_cxcywh(xyxy)
    state[:, 2:] = np.log(np.maximum(state[:, 2:], 1e-3))
    numbers, starts = np.unique(frame, return_index=True)
    stops = np.append(starts[1:], len(frame))
    for index in range(len(numbers) - 1):
        if numbers[index + 1] != numbers[index] + 1:
            continue
        here, there = slice(starts[index], stops[index]), slice(starts[index + 1], stops[index + 1])
        expected = state[here] + velocity[here]
        expected[:, 2:] = np.exp(expected[:, 2:])
        overlap = iou(cxcywh_to_xyxy(expected), xyxy[there])
        rows, columns = np.arange(overlap.shape[0]), np.arange(overlap.shape[1])
        favourite, suitor = overlap.argmax(axis=1), overlap.argmax(axis=0)
        best = overlap[rows, favourite]
        rivals = overlap.copy()
        rivals[rows, favourite] = -1.0
        rival = rivals.max(axis=1)
        rivals = overlap.copy()
        rivals[suitor, columns] = -1.0
        rival = np.maximum(rival, rivals.max(axis=0)[favourite])
        sure = np.flatnonzero((suitor[favourite] == rows) & (best > LINK_IOU) & (rival < LINK_MARGIN * best))
        source, target = sure + here.start, favourite[sure] + there.start
        successor[source] = target
        moved = state[target] - state[source]
        velocity[target] = np.where(is_moving[source][:, None], (velocity[source] + moved) / 2, 0.7 * moved)
        is_moving[target] = True
    return successor


def departure(xyxy: Floats, base: Floats) -> Floats:
    """Return (N, 4) differences of boxes from base boxes: x, y of the centre in base widths, heights; log w, log h."""
    extent = np.maximum(base[:, 2:] - base[:, :2], 1e-3)
    own = np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1e-3)
    centre = (xyxy[:, :2] + xyxy[:, 2:] - base[:, :2] - base[:, 2:]) / 2
    return np.concatenate([centre / extent, np.log(own / extent)], axis=1)


def departed(departure_: Floats, base: Floats) -> Floats:
    """Return the (N, 4) boxes that depart so from base boxes; the inverse of `departure`."""
    extent = np.maximum(base[:, 2:] - base[:, :2], 1e-3)
    centre = (base[:, :2] + base[:, 2:]) / 2 + departure_[:, :2] * extent
    half = extent * np.exp(departure_[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def associate(clip: ClipDetections, start: int, base: Floats) -> Ints:
    """Return for each of the M + 1 frames from keyframe to keyframe the row of its detection, -1 for none.

    Args:
        clip: the video's detections.
        start: frame ordinal of the first keyframe.
        base: (M + 1, 4) boxes of the base path, keyframes included.
    """
    length = len(base)
    chosen = np.full(length, -1, np.int64)
    rows = clip.rows(start + 1, start + length - 1)
    offset = clip.frame[rows] - start
    step = departure(clip.xyxy[rows], base[offset])
    extent = base[:, 2:] - base[:, :2]
    in_sizes = extent / np.sqrt(np.maximum(extent[:, :1] * extent[:, 1:], 1e-6))
    step[:, :2] *= in_sizes[offset]
    gate = np.minimum(GATE_START + GATE_GROWTH * np.minimum(offset, length - 1 - offset), GATE_LIMIT)
    near = (np.hypot(step[:, 0], step[:, 1]) <= gate) & (np.abs(step[:, 2:]) <= SIZE_GATE).all(axis=1)
    if not near.any():
        return chosen
    candidate = np.flatnonzero(near) + rows.start
    # Nodes: the first keyframe, then per frame the base path itself followed by its detections, then the last one.
    frame = np.concatenate([np.arange(length), offset[near]])
    row = np.concatenate([np.full(length, -1), candidate])
    value = np.concatenate([np.zeros((length, 4)), step[near]])
    price = np.concatenate([np.full(length, MISS_COST), DOUBT_COST * (1 - clip.score[candidate])])
    price[[0, length - 1]] = 0.0
    order = np.argsort(frame, kind="stable")
    frame, row, value, price = frame[order], row[order], value[order], price[order]
    bounds = np.searchsorted(frame, np.arange(length + 1))
    total = np.zeros(len(frame))
    parent = np.zeros(len(frame), np.int64)
    is_base = row < 0
    is_base[[0, -1]] = False
    for index in range(1, length):
        low, high, stop = bounds[max(index - REACH, 0)], bounds[index], bounds[index + 1]
        gap = (index - frame[low:high]).astype(np.float64)
        difference = (value[None, low:high] - value[high:stop, None]) ** 2
        loose = is_base[None, low:high] | is_base[high:stop, None]
        reach = np.where(loose, REACH, gap[None])
        cost = (difference[..., 0] + difference[..., 1]) / (2 * (POSITION_NOISE**2 + (POSITION_DRIFT * reach) ** 2))
        cost += (difference[..., 2] + difference[..., 3]) / (2 * (SIZE_NOISE**2 + (SIZE_DRIFT * reach) ** 2))
        np.minimum(cost, JUMP_LIMIT, out=cost)
        cost += total[None, low:high] + MISS_COST * (gap[None] - 1)
        is_pair = (row[None, low:high] >= 0) & (row[high:stop, None] >= 0)
        linked = is_pair & (clip.successor[row[low:high]][None] == row[high:stop, None])
        cost[linked] = np.minimum(cost, total[None, low:high] + LINK_COST)[linked]
        # Joining or leaving the base path is dear, so that it is used across long gaps only.
        cost += np.where(is_base[None, low:high] ^ is_base[high:stop, None], 1.0, 0.0)
        best = np.argmin(cost, axis=1)
        parent[high:stop] = low + best
        total[high:stop] = cost[np.arange(stop - high), best] + price[high:stop]
    node = len(frame) - 1
    while node > 0:
        chosen[frame[node]] = row[node]
        node = int(parent[node])
    return chosen
