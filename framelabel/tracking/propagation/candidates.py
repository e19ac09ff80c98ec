"""Where the object may be in each picture of a gap, gathered once; choosing among it is `fusion`'s work.

A gap lies between two human boxes, or on the far side of the last one. Its frames are listed from one human box
outwards, so that walking back in time is the same code as walking forwards.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou
from framelabel.tracking.propagation.calibration import offsets
from framelabel.tracking.propagation.flow import Motion
from framelabel.tracking.propagation.keys import Key, from_log, size_of, to_log
from framelabel.tracking.propagation.passes import Passes

Floats = NDArray[np.float64]

WALK_FIRST, WALK_LAST, INTERPOLATED, CARRIED_FIRST, CARRIED_LAST, HUMAN = range(6)
"""Where a candidate comes from: the walks from either key, interpolation, flow from either key, the human."""

_PER_WALK = 5
_SUPPRESS = 0.85
_CONSIDERED = 40
_PER_PASSING = 3
_HELD = 0.5
"""A walk that passes a human box goes on being heard where it overlaps this box by so much."""
_RELIEVED = 0.67
"""Share of the gap that a walk from its end covers where a passing walk takes over: a third of the work is saved."""
_GROWTH_TRUST = 0.6
"""Share of the flow's divergence by which a carried box grows."""
_NOTHING = np.zeros((0, 4)), np.zeros(0)


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


def gather(
    passes: Passes, first: Key, last: Key | None, stop: int, known: tuple[Key, ...], outer: Key | None = None
) -> Candidates:
    """Gather a gap from the key `first` to the key `last`, or without one to picture `stop` (inclusive).

    `known` are the human boxes by which the network's boxes are calibrated; those at the gap's ends among them. The
    walk from `outer`, a human box beyond the gap, is heard too if it held the object where it passes the gap's end.
    """
    end = last.frame if last is not None else stop
    step = 1 if end >= first.frame else -1
    address = (first, last, end, known, outer)
    kept = passes.gap(address)
    if kept is not None:
        return kept
    frames = np.arange(first.frame, end + step, step)
    count = len(frames) - 1
    inner = frames[1:] if last is None else frames[1:-1]
    share = np.arange(1, len(inner) + 1) / count if last is not None else np.zeros(len(inner))
    parts = [(CARRIED_FIRST, _carry(passes, first, inner, step))]
    if last is None:
        parts.append((WALK_FIRST, _walk_candidates(passes, first, step, inner, known)))
    else:
        line = first.xyxy + share[:, None] * (last.xyxy - first.xyxy)
        parts.append((INTERPOLATED, [(box[None], np.ones(1)) for box in line]))
        parts.append((CARRIED_LAST, _carry(passes, last, inner[::-1], -step)[::-1]))
        passing = [] if outer is None else _passing_walk(passes, outer, first, last, inner, known)
        reach = {kind: math.ceil(len(inner) * _RELIEVED) for kind, _ in passing}
        ahead = _walk_candidates(passes, first, step, inner[: reach.get(WALK_FIRST)], known)
        back = _walk_candidates(passes, last, -step, inner[::-1][: reach.get(WALK_LAST)], known)
        parts.append((WALK_FIRST, ahead + [_NOTHING] * (len(inner) - len(ahead))))
        parts.append((WALK_LAST, ([_NOTHING] * (len(inner) - len(back))) + back[::-1]))
        parts += passing
    parts.sort(key=lambda part: part[0])
    human = [np.array([HUMAN])], [np.ones(1)]
    boxes, source, score = [first.xyxy[None]], human[0].copy(), human[1].copy()
    for row in range(len(inner)):
        boxes.append(np.concatenate([part[row][0] for _, part in parts]))
        score.append(np.concatenate([part[row][1] for _, part in parts]))
        source.append(np.concatenate([np.full(len(part[row][0]), kind) for kind, part in parts]))
    if last is not None:
        boxes.append(last.xyxy[None])
        source += human[0]
        score += human[1]
    backward = step < 0
    models = np.stack([passes.patch(key) for key in (first, last) if key is not None])
    likeness = tuple(
        (passes.appearance.patches(int(frame), box) @ models.T).max(axis=1)
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
    passes.keep_gap(address, gap)
    return gap


def _carry(passes: Passes, key: Key, frames: NDArray[np.int64], step: int) -> list[tuple[Floats, Floats]]:
    """Return by picture the box carried from a key by flow alone, (1, 4), and exp(-accumulated error in box sizes)."""
    found = []
    box, at, lost = key.xyxy, key.frame, 0.0
    for frame in frames:
        motion = passes.flow.motion(at, box[None], backward=step < 0)
        moved = to_log(box)
        moved[:2] += motion.shift[0]
        moved[2:] += motion.log_scale[0] * _GROWTH_TRUST
        box, at = from_log(moved), int(frame)
        lost += float(motion.error[0] / size_of(box))
        found.append((box[None], np.array([np.exp(-lost)])))
    return found


def _walk_candidates(
    passes: Passes, own: Key, step: int, frames: NDArray[np.int64], known: tuple[Key, ...]
) -> list[tuple[Floats, Floats]]:
    """Return by picture the best boxes, (C, 4), and probabilities, (C,), in the views of the walk from `own`.

    `frames` lead away from `own`. Each box is corrected by what the template misses at the `known` human boxes.
    """
    if len(frames) == 0:
        return []
    seen = [passes.response(own, step, int(frame)) for frame in frames]
    score = np.stack([found.score for found in seen])
    best = np.argsort(-score, axis=1, kind="stable")[:, :_CONSIDERED]
    row = np.arange(len(frames))[:, None]
    xyxy = np.stack([found.xyxy for found in seen])[row, best]
    boxes, chance = from_log(_calibrated(xyxy, offsets(passes, own, known, frames))), score[row, best]
    kept = _distinct(boxes)
    return [(box[rows], value[rows]) for box, value, rows in zip(boxes, chance, kept, strict=True)]


def _passing_walk(
    passes: Passes, outer: Key, first: Key, last: Key, inner: NDArray[np.int64], known: tuple[Key, ...]
) -> list[tuple[int, list[tuple[Floats, Floats]]]]:
    """Return what the walk from a key beyond the gap finds in it; nothing if it misses the human box it passes."""
    forward = outer.frame < first.frame
    passed, step = (first, 1) if forward else (last, -1)
    here = _walk_candidates(passes, outer, step, np.array([passed.frame]), known)[0][0]
    if float(iou(here[:1], passed.xyxy[None])[0, 0]) < _HELD:
        return []
    frames = inner if forward else inner[::-1]
    found = [
        (box[:_PER_PASSING], score[:_PER_PASSING])
        for box, score in _walk_candidates(passes, outer, step, frames, known)
    ]
    return [(WALK_FIRST, found) if forward else (WALK_LAST, found[::-1])]


def _calibrated(xyxy: Floats, offset: Floats) -> Floats:
    """Return the (N, C, 4) boxes in log space, each picture's shifted by its (4,) offset."""
    box = to_log(xyxy)
    box[..., :2] += offset[:, None, :2] * np.maximum(xyxy[..., 2:] - xyxy[..., :2], 1.0)
    box[..., 2:] += offset[:, None, 2:]
    return box


def _distinct(xyxy: Floats) -> list[NDArray[np.int64]]:
    """Return by picture the rows of the first boxes of (N, C, 4), best first, that do not repeat one another."""
    low, high = np.moveaxis(xyxy[..., :2], -1, 0), np.moveaxis(xyxy[..., 2:], -1, 0)
    size = (high - low).prod(axis=0)
    free = np.ones(size.shape, np.bool_)
    kept = np.zeros(size.shape, np.bool_)
    row = np.arange(len(xyxy))
    for _ in range(_PER_WALK):
        best = np.argmax(free, axis=1)
        kept[row, best] |= free[row, best]
        common = np.maximum(
            np.minimum(high, high[:, row, best][..., None]) - np.maximum(low, low[:, row, best][..., None]), 0.0
        ).prod(axis=0)
        free &= common < _SUPPRESS * (size + size[row, best][:, None] - common)
        free[row, best] = False
    return [np.flatnonzero(rows) for rows in kept]
