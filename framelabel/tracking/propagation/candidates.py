"""Where the object may be in each picture of a gap, gathered once; choosing among it is `fusion`'s work.

A gap lies between two human boxes, or on the far side of the last one. Its frames are listed from one human box
outwards, so that walking back in time is the same code as walking forwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou
from framelabel.tracking.propagation.flow import Motion
from framelabel.tracking.propagation.keys import Key, from_log, size_of, to_log
from framelabel.tracking.propagation.passes import Passes

Floats = NDArray[np.float64]

WALK_FIRST, WALK_LAST, INTERPOLATED, CARRIED_FIRST, CARRIED_LAST, HUMAN = range(6)
"""Where a candidate comes from: the walks from either key, interpolation, flow from either key, the human."""

_PER_WALK = 5
_SUPPRESS = 0.85
_CONSIDERED = 60
_OWN_TEMPLATE_SHARE = 0.8
"""Nearer to its own key than this (in time), a walk asks only its own template; the other would hardly count."""
_GROWTH_TRUST = 0.6
"""Share of the flow's divergence by which a carried box grows."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Candidates of M + 1 consecutive pictures; the first is a human box, the last one too unless `is_open`."""

    first: Key
    last: Key | None
    frames: NDArray[np.int64]
    """(M + 1,) ordinals, ascending or descending."""
    boxes: tuple[Floats, ...]
    """By picture, (C, 4) xyxy."""
    source: tuple[NDArray[np.int64], ...]
    """By picture, (C,) WALK_FIRST ... HUMAN."""
    score: tuple[Floats, ...]
    """By picture, (C,) the network's probability; for carried boxes exp(-accumulated flow error); 1 for the rest."""
    likeness: tuple[Floats, ...]
    """By picture, (C,) correlation with the more similar human box, -1 to 1."""
    ahead: tuple[Motion, ...]
    """Flow of the candidates of picture n to picture n + 1, M entries."""
    back: tuple[Motion, ...]
    """Flow of the candidates of picture n + 1 to picture n, M entries."""
    key_likeness: float
    """Correlation of the two human boxes' content; 1 when there is one only."""

    @property
    def is_open(self) -> bool:
        """True beyond the last human box."""
        return self.last is None


def gather(passes: Passes, first: Key, last: Key | None, stop: int) -> Candidates:
    """Gather a gap from the key `first` to the key `last`, or without one to picture `stop` (inclusive)."""
    end = last.frame if last is not None else stop
    step = 1 if end >= first.frame else -1
    kept = passes.gap(first, last, end)
    if kept is not None:
        return kept
    frames = np.arange(first.frame, end + step, step)
    count = len(frames) - 1
    inner = frames[1:] if last is None else frames[1:-1]
    boxes: list[Floats] = [first.xyxy[None]]
    source = [np.array([HUMAN])]
    score = [np.ones(1)]
    carried_first = _carry(passes, first, inner, step)
    carried_last = None if last is None else _carry(passes, last, inner[::-1], -step)
    for row, frame in enumerate(inner):
        share = (row + 1) / count if last is not None else 0.0
        found = [_walk_candidates(passes, first, last, step, int(frame), share)]
        kinds = [WALK_FIRST]
        if last is not None:
            found.append(_walk_candidates(passes, last, first, -step, int(frame), 1 - share))
            kinds.append(WALK_LAST)
            found.append((_blend(first.xyxy, last.xyxy, share)[None], np.ones(1)))
            kinds.append(INTERPOLATED)
        found.append((carried_first[0][row : row + 1], carried_first[1][row : row + 1]))
        kinds.append(CARRIED_FIRST)
        if carried_last is not None:
            back_row = len(inner) - 1 - row
            found.append((carried_last[0][back_row : back_row + 1], carried_last[1][back_row : back_row + 1]))
            kinds.append(CARRIED_LAST)
        boxes.append(np.concatenate([part for part, _ in found]))
        score.append(np.concatenate([part for _, part in found]))
        source.append(np.concatenate([np.full(len(part), kind) for (part, _), kind in zip(found, kinds, strict=True)]))
    if last is not None:
        boxes.append(last.xyxy[None])
        source.append(np.array([HUMAN]))
        score.append(np.ones(1))
    backward = step < 0
    models = [passes.patch(key) for key in (first, last) if key is not None]
    likeness = tuple(
        np.max([passes.appearance.patches(int(frame), box) @ model for model in models], axis=0)
        for frame, box in zip(frames, boxes, strict=True)
    )
    gap = Candidates(
        first,
        last,
        frames,
        tuple(boxes),
        tuple(source),
        tuple(score),
        likeness,
        tuple(passes.flow.motion(int(frames[n]), boxes[n], backward=backward) for n in range(count)),
        tuple(passes.flow.motion(int(frames[n + 1]), boxes[n + 1], backward=not backward) for n in range(count)),
        float(models[0] @ models[-1]) if len(models) > 1 else 1.0,
    )
    passes.keep_gap(first, last, end, gap)
    return gap


def _carry(passes: Passes, key: Key, frames: NDArray[np.int64], step: int) -> tuple[Floats, Floats]:
    """Return the boxes carried from a key by flow alone, (N, 4), and exp(-accumulated error in box sizes), (N,)."""
    boxes = np.zeros((len(frames), 4))
    trust = np.zeros(len(frames))
    box, at, lost = key.xyxy, key.frame, 0.0
    for row, frame in enumerate(frames):
        motion = passes.flow.motion(at, box[None], backward=step < 0)
        moved = to_log(box)
        moved[:2] += motion.shift[0]
        moved[2:] += motion.log_scale[0] * _GROWTH_TRUST
        box, at = from_log(moved), int(frame)
        lost += float(motion.error[0] / size_of(box))
        boxes[row], trust[row] = box, np.exp(-lost)
    return boxes, trust


def _walk_candidates(
    passes: Passes, own: Key, other: Key | None, step: int, frame: int, share: float
) -> tuple[Floats, Floats]:
    """Return the best boxes, (C, 4), and probabilities, (C,), in the view of the walk from `own`.

    Both templates are asked; `share` (0 at `own`, 1 at `other`) is the weight of the other one's opinion. Each box is
    corrected by what the template misses at the human boxes, interpolated in time.
    """
    mine = passes.response(own, step, frame, own)
    if other is None:
        boxes = _calibrated(mine.xyxy, passes.residual(own, own).offset)
        score = mine.score
    else:
        offset = _blend(passes.residual(own, own).offset, passes.residual(other, own).offset, share)
        moved = _calibrated(mine.xyxy, offset)
        score = mine.score
        if share > 1 - _OWN_TEMPLATE_SHARE:
            theirs = passes.response(own, step, frame, other)
            offset = _blend(passes.residual(own, other).offset, passes.residual(other, other).offset, share)
            weight = np.stack([(1 - share) * mine.score, share * theirs.score]) + 1e-9
            both = np.stack([moved, _calibrated(theirs.xyxy, offset)])
            moved = (both * weight[..., None]).sum(axis=0) / weight.sum(axis=0)[:, None]
            score = mine.score ** (1 - share) * theirs.score**share
        boxes = moved
    corners = from_log(boxes)
    rows = _suppress(corners, score)
    return corners[rows], score[rows]


def _blend(first: Floats, second: Floats, share: float) -> Floats:
    return first * (1 - share) + second * share


def _calibrated(xyxy: Floats, offset: Floats) -> Floats:
    box = to_log(xyxy)
    box[:, :2] += offset[:2] * np.maximum(xyxy[:, 2:] - xyxy[:, :2], 1.0)
    box[:, 2:] += offset[2:]
    return box


def _suppress(xyxy: Floats, score: Floats) -> NDArray[np.int64]:
    """Return the rows of the best boxes that do not repeat one another, best first."""
    order = np.argsort(-score, kind="stable")[:_CONSIDERED]
    overlap = iou(xyxy[order], xyxy[order])
    free = np.ones(len(order), np.bool_)
    kept: list[int] = []
    for row in range(len(order)):
        if free[row]:
            kept.append(int(order[row]))
            if len(kept) == _PER_WALK:
                break
            free &= overlap[row] < _SUPPRESS
    return np.array(kept, np.int64)
