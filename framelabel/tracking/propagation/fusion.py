"""One globally best path through the candidates of a gap, then smoothed along the flow.

First dynamic programming (Viterbi) over the candidates of every picture and "not there": ends fixed, cheap where the
network believes, the content looks like the human's box and the step agrees with the flow or is small. Then the
chosen boxes are measurements and the flow gives the steps between them: a chain of quadratic terms, solved exactly,
reweighted so that neither a wrong measurement nor wrong flow pulls (iteratively reweighted least squares).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from framelabel.core.geometry import iou
from framelabel.tracking.propagation.candidates import (
    CARRIED_FIRST,
    CARRIED_LAST,
    HUMAN,
    INTERPOLATED,
    WALK_FIRST,
    WALK_LAST,
    Candidates,
)
from framelabel.tracking.propagation.keys import from_log, size_of, to_log

Floats = NDArray[np.float64]

ABSENT_NODE = -1
_FIRST_LOOK = 30
"""Beyond the last human box, this many pictures show what the object looks like."""
_LEAST_SPREAD, _SPREAD_FACTOR = 0.08, 2.4
"""Spread of the likeness of a visible object: at least, and per distance from median to upper quartile."""
_ELSEWHERE = 0.25
"""Mean and spread of the likeness of whatever the walks hold while the object is away."""
_MOST_ODDS = 3.0
SURE = 12.0
"""Log odds that the network usually gives to the object itself; what it holds instead seldom gets more than 8."""
_DOUBTED, _DOUBTED_AT_MOST, _DOUBT_SLOPE = 3.5, 7.5, 0.8
"""So far below its usual log odds in this gap (and at most at these) a view says nothing for or against the object, and
the slope there."""
_MOST_LIKENESS_ODDS = 1.5
_LEAST_SHARE = 0.3
"""Weight of the farther walk where both agree, at least."""
_CERTAIN = 1e8
"""Weight of a human box: the path goes through it."""


@dataclass(frozen=True)
class FusionOptions:
    """Costs are negative log likelihoods; lengths are in box sizes, sqrt(w h)."""

    network: float = 2.0
    """Cost of a walk's box per unit of -log probability."""
    certainty: float = 0.2
    """Cost of a walk's box per unit of log odds below those of the surest box in the picture."""
    likeness: float = 4.0
    """Cost of a box per unit of lacking correlation with the human boxes, times the correlation of those two."""
    interpolated: float = 4.0
    """Cost of the interpolated box."""
    carried: float = 2.0
    """Cost of a box carried by flow, plus `carried_error` per accumulated error."""
    carried_error: float = 4.0
    step: float = 0.5
    """Weight of the motion terms."""
    step_flow: float = 0.06
    """Spread of the step around the flow's."""
    step_free: float = 0.2
    """Spread of a step when the flow is not believed, plus one pixel; costs `step_free_cost` more."""
    step_free_cost: float = 1.0
    resize: float = 0.08
    """Spread of the step in log width and log height."""
    cut: float = 8.0
    """Cost at which a motion term stops growing (but for a hundredth)."""
    switch: float = 7.0
    """Cost of leaving and of returning."""
    smooth: float = 3.0
    """Weight of the steps along the flow against the measurements."""
    flow_error: float = 0.03
    """Forward-backward error at which the flow's weight is halved."""
    disagreement: float = 0.15
    """Difference between path and flow at which the flow's weight is halved."""
    outlier: float = 0.12
    """Distance from the path at which a measurement's weight is halved."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The chosen and smoothed path through a gap of M + 1 pictures."""

    xyxy: Floats
    """(M + 1, 4); rows where the object is absent carry no meaning."""
    is_absent: NDArray[np.bool_]
    """(M + 1,)."""
    choice: NDArray[np.int64]
    """(M + 1,) chosen candidate by picture; ABSENT_NODE."""
    flow_trust: Floats
    """(M,) in [0, 1]: how far the flow between neighbouring pictures is believed on this path."""
    step: Floats
    """(M, 2) the flow's step in pixels."""


def solve(gap: Candidates, options: FusionOptions, size_trust: Floats) -> Path:
    """Return the best path. `size_trust` (2,): variance ratios of width and height, see `sizes.size_trust`."""
    unary = [_unary(gap, row, options) for row in range(len(gap.boxes))]
    choice = _viterbi(gap, unary, options)
    return _smoothed(gap, unary, choice, options, size_trust)


def _unary(gap: Candidates, row: int, options: FusionOptions) -> Floats:
    source, score = gap.source[row], np.maximum(gap.score[row], 1e-4)
    sure = np.where(source <= WALK_LAST, log_odds(score), 0.0)
    cost = -options.network * np.log(score) + options.certainty * (sure.max() - sure)
    cost = np.where(source == INTERPOLATED, options.interpolated, cost)
    carried = (source == CARRIED_FIRST) | (source == CARRIED_LAST)
    cost = np.where(carried, options.carried - options.carried_error * np.log(score), cost)
    cost = cost + _likeness_weight(gap, options) * (1 - gap.likeness[row])
    return np.where(source == HUMAN, 0.0, cost)


def _likeness_weight(gap: Candidates, options: FusionOptions) -> float:
    return options.likeness * min(max(gap.key_likeness, 0.1), 0.7)


def _viterbi(gap: Candidates, unary: list[Floats], options: FusionOptions) -> NDArray[np.int64]:
    """Return the cheapest candidate of each picture; the last node of each picture is "not there"."""
    odds = presence_odds(gap)
    logs = [to_log(boxes) for boxes in gap.boxes]
    cost = np.append(unary[0], np.inf)
    back: list[NDArray[np.int64]] = []
    for row in range(len(gap.boxes) - 1):
        step = _step_cost(gap, row, logs[row], logs[row + 1], options)
        total = np.full((len(step) + 1, step.shape[1] + 1), options.switch)
        total[:-1, :-1] = step
        total[-1, -1] = 0.0
        total += cost[:, None]
        best = np.argmin(total, axis=0)
        back.append(best)
        may_leave = gap.is_open or row + 2 < len(gap.boxes)
        stay = float(unary[row + 1].min()) + odds[row + 1] if may_leave else np.inf
        cost = total[best, np.arange(total.shape[1])] + np.append(unary[row + 1], stay)
    node = int(np.argmin(cost))
    choice = np.zeros(len(gap.boxes), np.int64)
    for row in range(len(gap.boxes) - 1, -1, -1):
        choice[row] = node if node < len(unary[row]) else ABSENT_NODE
        if row:
            node = int(back[row - 1][node])
    return choice


def presence_odds(gap: Candidates) -> Floats:
    """Return (M + 1,) log odds that the object is in each picture, from how much the best walk's box looks like it.

    What the object looks like while it is there is read from the gap itself: the upper half of the likenesses, with
    their spread. Where the human boxes do not look alike, or the object seldom like them even while the network is
    sure of it, neither likeness nor the network says anything.
    """
    best = np.array(
        [
            float(np.max(likeness[source <= WALK_LAST], initial=-1.0)) if (source <= WALK_LAST).any() else 1.0
            for likeness, source in zip(gap.likeness, gap.source, strict=True)
        ]
    )
    seen = best[1 : 1 + _FIRST_LOOK] if gap.is_open else best[1:-1]
    if len(seen) == 0:
        return np.full(len(best), _MOST_ODDS)
    usual = float(np.quantile(seen, 0.75))
    spread = max(_LEAST_SPREAD, (usual - float(np.median(seen))) * _SPREAD_FACTOR)
    there = -0.5 * ((np.minimum(best, usual) - usual) / spread) ** 2 - np.log(spread)
    elsewhere = -0.5 * ((best - _ELSEWHERE) / _ELSEWHERE) ** 2 - np.log(_ELSEWHERE)
    by_network = _network_odds(gap)
    sure = best[1 : 1 + len(seen)][by_network[1 : 1 + len(seen)] > 0]
    recognised = float(np.median(sure)) if len(sure) else 0.0
    weight = float(np.clip((gap.key_likeness - 0.1) / 0.4, 0.0, 1.0) * np.clip((recognised - 0.5) / 0.25, 0.0, 1.0))
    odds = np.clip(there - elsewhere, -_MOST_LIKENESS_ODDS, _MOST_LIKENESS_ODDS)
    odds = np.clip(odds + by_network, -_MOST_ODDS, _MOST_ODDS)
    return np.asarray(odds * weight + _MOST_ODDS * (1 - weight), dtype=np.float64)


def log_odds(score: Floats) -> Floats:
    """Return the log odds of probabilities, between 0 and `SURE`."""
    kept = np.clip(score, 0.5, 1 - 1e-7)
    return np.asarray(np.minimum(np.log(kept / (1 - kept)), SURE), dtype=np.float64)


def _network_odds(gap: Candidates) -> Floats:
    """Return the (M + 1,) log odds that the object is there by how sure the better of the walks is, against usual."""
    sure = np.array(
        [
            float(log_odds(score)[source <= WALK_LAST].max(initial=0.0)) if (source <= WALK_LAST).any() else SURE
            for score, source in zip(gap.score, gap.source, strict=True)
        ]
    )
    seen = sure[1 : 1 + _FIRST_LOOK] if gap.is_open else sure[1:-1]
    doubted = min(float(np.quantile(seen, 0.75)) - _DOUBTED, _DOUBTED_AT_MOST)
    return np.asarray(np.clip((sure - doubted) * _DOUBT_SLOPE, -_MOST_ODDS, _MOST_ODDS), dtype=np.float64)


def _step_cost(gap: Candidates, row: int, before: Floats, after: Floats, options: FusionOptions) -> Floats:
    size = size_of(gap.boxes[row])[:, None]
    moved = after[None, :, :2] - before[:, None, :2]
    flow = (gap.ahead[row].shift[:, None] - gap.back[row].shift[None]) / 2
    along = ((moved - flow) ** 2).sum(axis=-1) / (options.step_flow * size) ** 2
    free = (moved**2).sum(axis=-1) / (options.step_free * size + 1) ** 2
    resize = ((after[None, :, 2:] - before[:, None, 2:]) ** 2).sum(axis=-1) / options.resize**2

    def cut(cost: Floats) -> Floats:
        return np.minimum(cost, options.cut + cost / 100)

    return np.asarray(
        options.step * (np.minimum(cut(along), cut(free) + options.step_free_cost) + cut(resize)), dtype=np.float64
    )


def _measured(gap: Candidates, row: int, node: int) -> Floats:
    """Return the chosen box in log space, averaged with the box of the other walk that means the same place.

    The walk whose key is nearer counts for more.
    """
    box = to_log(gap.boxes[row][node])
    source = gap.source[row]
    if source[node] > WALK_LAST:
        return box
    rivals = np.flatnonzero(source == (WALK_LAST if source[node] == WALK_FIRST else WALK_FIRST))
    if len(rivals) == 0:
        return box
    overlap = iou(gap.boxes[row][node][None], gap.boxes[row][rivals])[0]
    best = int(np.argmax(overlap))
    if overlap[best] <= 0.5:
        return box
    share = min(max(row / (len(gap.boxes) - 1), _LEAST_SHARE), 1 - _LEAST_SHARE)
    mine, theirs = (1 - share, share) if source[node] == WALK_FIRST else (share, 1 - share)
    return np.asarray((box * mine + to_log(gap.boxes[row][rivals[best]]) * theirs) / (mine + theirs), dtype=np.float64)


def _smoothed(
    gap: Candidates, unary: list[Floats], choice: NDArray[np.int64], options: FusionOptions, size_trust: Floats
) -> Path:
    count = len(choice)
    absent = choice == ABSENT_NODE
    measured = np.zeros((count, 4))
    weight = np.zeros(count)
    alike = _likeness_weight(gap, options)
    for row, node in enumerate(choice):
        if absent[row]:
            continue
        measured[row] = _measured(gap, row, int(node))
        source = gap.source[row][node]
        weight[row] = np.exp(-(unary[row][node] - alike * (1 - gap.likeness[row][node])) / 2)
        if source == HUMAN:
            weight[row] = _CERTAIN
        elif source == INTERPOLATED:
            weight[row] = 0.02
        elif source >= CARRIED_FIRST:
            weight[row] *= 0.5
    size = np.exp(measured[:, 2:].mean(axis=1))
    step, growth, error = _flow_along(gap, choice)
    error = error / size[:-1]
    linked = ~absent[:-1] & ~absent[1:]

    def trust(centre: Floats) -> Floats:
        off = np.hypot(*(centre[1:] - centre[:-1] - step).T) / size[:-1]
        doubt = (error / options.flow_error) ** 2 + (off / options.disagreement) ** 2
        return np.where(linked, 1 / (1 + doubt), 0.0)

    out = measured.copy()
    believed = trust(measured[:, :2])
    current = weight
    for _ in range(2):
        for axis in range(2):
            out[:, axis] = chain(measured[:, axis], current, step[:, axis], options.smooth * believed)
        off = np.hypot(*(out[:, :2] - measured[:, :2]).T) / size
        current = np.where(weight < _CERTAIN, weight / (1 + (off / options.outlier) ** 2), weight)
        believed = trust(out[:, :2])
    line, spread = _size_line(gap)
    for axis in (2, 3):
        deviation = measured[:, axis] - line[:, axis - 2]
        slope = np.diff(line[:, axis - 2])
        held = np.where(weight < _CERTAIN, weight * 0.3, weight)
        bent = chain(deviation, held, growth - slope, options.smooth * believed + 0.3 * linked, pull=0.03)
        variance = size_trust[axis - 2] * spread
        out[:, axis] = line[:, axis - 2] + bent * variance / (variance + 1)
    return Path(from_log(out), absent, choice, believed, step)


def _size_line(gap: Candidates) -> tuple[Floats, Floats]:
    """Return the log sizes that the human boxes alone suggest, (M + 1, 2), and how far they may err: (M + 1,) frames.

    Between two boxes the error is a Brownian bridge's variance u (1 - u) M; beyond the last it grows with distance.
    """
    count = len(gap.frames) - 1
    start = to_log(gap.first.xyxy)[2:]
    row = np.arange(count + 1)
    if gap.last is None:
        return np.tile(start, (count + 1, 1)), row.astype(np.float64)
    share = row / count
    stop = to_log(gap.last.xyxy)[2:]
    return start + share[:, None] * (stop - start), share * (1 - share) * count


def _flow_along(gap: Candidates, choice: NDArray[np.int64]) -> tuple[Floats, Floats, Floats]:
    """Return step (M, 2), growth (M,) and error (M,) of the flow between the chosen boxes; zeros next to absence."""
    count = len(choice) - 1
    step, growth, error = np.zeros((count, 2)), np.zeros(count), np.zeros(count)
    for row in range(count):
        here, there = choice[row], choice[row + 1]
        if ABSENT_NODE in (here, there):
            continue
        ahead, back = gap.ahead[row], gap.back[row]
        step[row] = (ahead.shift[here] - back.shift[there]) / 2
        growth[row] = (ahead.log_scale[here] - back.log_scale[there]) / 2
        error[row] = (ahead.error[here] + back.error[there]) / 2
    return step, growth, error


def chain(value: Floats, weight: Floats, step: Floats, stiffness: Floats, *, pull: float = 0.0) -> Floats:
    """Return x that minimises sum w (x - value)^2 + sum k (x[n+1] - x[n] - step)^2 + pull * sum x^2, exactly.

    value, weight: (N,); step, stiffness: (N - 1,). A tridiagonal system.
    """
    diagonal = weight + pull + 1e-9
    diagonal[:-1] += stiffness
    diagonal[1:] += stiffness
    right = weight * value
    right[:-1] -= stiffness * step
    right[1:] += stiffness * step
    if len(value) == 1:
        return np.asarray(right / diagonal, dtype=np.float64)
    banded = np.zeros((2, len(value)))
    banded[0, 1:] = -stiffness
    banded[1] = diagonal
    return np.asarray(solveh_banded(banded, right), dtype=np.float64)
