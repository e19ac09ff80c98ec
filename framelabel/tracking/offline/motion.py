"""How objects move in this clip, and how likely two tracklets are one object, looking both ways.

Each side of the box (x1, y1, x2, y2) moves with a velocity that forgets itself (integrated Ornstein-Uhlenbeck process);
detections carry measurement noise. Sides rather than centre and size, because what is half hidden loses one side and
keeps three. Deviations are in units of the box size, so that near and far objects share one model. They are measured
on the clip itself (`measure`), which is what lets one set of parameters serve static and moving cameras from 5 to 60
pictures per second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.offline.chains import NONE, Chains

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_CUT = 8.0
"""Robust deviations at which a difference is cut: fast movers count, mistakes do not rule."""
_START_VELOCITY = np.array([3.0, 1.5, 3.0, 1.5])
"""Box sizes per second that are thought possible before anything was measured."""
_LEAST_NOISE = 0.1
"""Box sizes; a tighter law would refuse links over what is only a detector's whim."""
_LEAST_SPEED = 0.6
"""Box sizes per second; the spread of speeds is never taken to be smaller."""
_NOISE_MARGIN = 1.5
"""Boxes jump more where chains break than where they run, and chains are where deviations are measured."""
_VELOCITY_MARGIN = 1.5
_SHORTEST_MEMORY_S, _LONGEST_MEMORY_S = 0.3, 4.0
_LAG_S = 0.4
"""Seconds over which changes of velocity are measured."""
_HISTORY = 16
"""Detections that a state at a chain's end remembers; older ones weigh next to nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Deviations per side, (4,) each, in box sizes; time in frames."""

    measurement: Floats
    velocity: Floats
    """Spread of velocities among objects."""
    memory: Floats
    """Frames after which a velocity is forgotten to 1/e."""
    jitter: Floats
    """Detector noise as it is; `measurement` is never so small that a link would be refused over a detector's whim."""
    restlessness: Floats
    """Change of velocity from one frame to the next."""

    @staticmethod
    def of(measurement: Floats, velocity: Floats, memory: Floats) -> Motion:
        """Return a motion whose jitter is its measurement noise and whose restlessness follows from its memory."""
        return Motion(measurement, velocity, memory, measurement, np.sqrt(2.0 / memory) * velocity)

    @staticmethod
    def expected(fps: float) -> Motion:
        """Return what is assumed before anything was measured: wide, so that fast scenes can be measured at all."""
        return Motion.of(np.full(4, 0.1), _START_VELOCITY / fps, np.full(4, 1.0) * fps)

    @staticmethod
    def usual(fps: float) -> Motion:
        """Return deviations typical of people and vehicles, for when there is nothing to measure them on."""
        return Motion.of(np.full(4, 0.08), np.array([0.8, 0.3, 0.8, 0.3]) / fps, np.full(4, 1.0) * fps)

    def spread(self, t: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return what `t` frames (K, 1) do: decay, reach of velocity, and the three variances gained, (K, 4) each."""
        decay = np.exp(-t / self.memory)
        rest = 1.0 - decay
        lever = self.memory * rest
        drift = 2.0 * self.velocity**2 * self.memory
        gained = drift * (t - 2.0 * lever + 0.5 * self.memory * (1.0 - decay**2))
        return decay, lever, gained, self.velocity**2 * self.memory * rest**2, self.velocity**2 * (1.0 - decay**2)


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """States at one end of T chains: (T, 4) arrays in pixels and frames."""

    position: Floats
    velocity: Floats
    position_variance: Floats
    covariance: Floats
    velocity_variance: Floats


def measure(
    xyxy: Floats, size: Floats, frame: Rows, chains: Chains, *, prior: Motion, fps: float, weight: float
) -> Motion:
    """Measure the deviations on the chains of this clip.

    The variance of second differences x[k + d] - 2 x[k] + x[k - d] is 6 m + 2/3 q d^3 for measurement variance m and
    acceleration variance q. It is taken at one frame, which mostly shows m, and at about `_LAG_S`, which shows q: box
    jitter that lasts a few frames would otherwise pass for acceleration. Outliers are cut at four robust deviations;
    `prior` counts as `weight` samples.
    """
    lag = max(2, round(_LAG_S * fps))
    near, _, near_count = _differences(xyxy, size, frame, chains, 1)
    far, speed, far_count = _differences(xyxy, size, frame, chains, lag)
    share, far_share = near_count / (near_count + weight), far_count / (far_count + weight)
    q = 2.0 * prior.velocity**2 / prior.memory
    if far_count:
        shown = np.maximum(far - near, 0.0) / (2 / 3 * (lag**3 - 1))
        q = far_share * shown + (1 - far_share) * q
    m = share * np.maximum((near - 2 / 3 * q) / 6, near / 12) + (1 - share) * prior.measurement**2
    v = far_share * np.maximum(speed - m / (2 * lag**2), 0.1 * speed) + (1 - far_share) * prior.velocity**2
    memory = np.clip(2.0 * v / q, _SHORTEST_MEMORY_S * fps, _LONGEST_MEMORY_S * fps)
    return Motion(
        np.maximum(np.sqrt(m) * _NOISE_MARGIN, _LEAST_NOISE),
        np.maximum(np.sqrt(v) * _VELOCITY_MARGIN, _LEAST_SPEED / fps),
        memory,
        np.sqrt(m),
        np.sqrt(q),
    )


def _differences(state: Floats, size: Floats, frame: Rows, chains: Chains, lag: int) -> tuple[Floats, Floats, int]:
    """Return the mean squares of second differences and of velocities at `lag` frames, (4,) each, and the samples."""
    before = after = np.arange(len(frame))
    for _ in range(lag):
        before = np.where(before == NONE, NONE, chains.before[before])
        after = np.where(after == NONE, NONE, chains.after[after])
    rows = np.flatnonzero((before != NONE) & (after != NONE))
    rows = rows[frame[after[rows]] - frame[before[rows]] == 2 * lag]
    if not len(rows):
        return np.zeros(4), np.zeros(4), 0
    a, b = state[after[rows]], state[before[rows]]
    second = np.abs(a - 2 * state[rows] + b) / size[rows, None]
    first = np.abs(a - b) / size[rows, None] / (2 * lag)
    second = np.minimum(second, _CUT * 1.4826 * np.median(second, axis=0) + 1e-9)
    first = np.minimum(first, _CUT * 1.4826 * np.median(first, axis=0) + 1e-9)
    return np.mean(second**2, axis=0), np.mean(first**2, axis=0), len(rows)


def ends(state: Floats, size: Floats, frame: Rows, *, neighbour: Rows, at: Rows, motion: Motion) -> Ends:
    """Return the states at the detections `at`, filtered over the chain behind them.

    Args:
        state: (N, 4) sides in pixels.
        size: (N,) pixels.
        frame: (N,) frame numbers.
        neighbour: (N,) where the chain goes on from each detection, away from the end: `before` for tails, `after`
            for heads, whose velocities then point backwards in time.
        at: (T,) the ends.
        motion: deviations of this clip.
    """
    history = [at]
    for _ in range(_HISTORY - 1):
        last = history[-1]
        older = np.where(last == NONE, NONE, neighbour[last])
        if not np.any(older != NONE):
            break
        history.append(older)
    shape = (len(at), 4)
    mean, speed = np.zeros(shape), np.zeros(shape)
    p, c, v = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    started = np.zeros(len(at), np.bool_)
    previous = np.zeros(len(at), np.int64)
    noise, spread = motion.measurement**2, motion.velocity**2
    for rows in reversed(history):
        here = rows != NONE
        fresh = np.flatnonzero(here & ~started)
        if len(fresh):
            row = rows[fresh]
            scale = size[row, None] ** 2
            mean[fresh], speed[fresh] = state[row], 0.0
            p[fresh], c[fresh], v[fresh] = noise * scale, 0.0, spread * scale
        going = np.flatnonzero(here & started)
        if len(going):
            row = rows[going]
            scale = size[row, None] ** 2
            dt = np.abs(frame[row] - previous[going]).astype(np.float64)[:, None]
            decay, lever, gained, mixed, renewed = motion.spread(dt)
            pg, cg, vg = p[going], c[going], v[going]
            pg = pg + lever * (2 * cg + lever * vg) + gained * scale
            cg = decay * (cg + lever * vg) + mixed * scale
            vg = decay**2 * vg + renewed * scale
            guess = mean[going] + lever * speed[going]
            kept = decay * speed[going]
            total = pg + noise * scale
            residual = state[row] - guess
            gain, gain_v = pg / total, cg / total
            mean[going] = guess + gain * residual
            speed[going] = kept + gain_v * residual
            p[going], c[going], v[going] = pg - gain * pg, cg - gain * cg, vg - gain_v * cg
        previous[here] = frame[rows[here]]
        started |= here
    return Ends(mean, speed, p, c, v)


def log_ratio(
    tail: Ends,
    head: Ends,
    a: Rows,
    b: Rows,
    *,
    dt: Rows,
    size: Floats,
    motion: Motion,
    freedom: float,
    reach: float,
) -> Floats:
    """Return (K,) log of how much likelier tail `a` and head `b` are one object than two, by place, speed and size.

    The innovation in position and velocity is judged jointly, per coordinate, under a Student law of `freedom`
    degrees (so that one odd coordinate cannot veto a link) against a broad law for unrelated objects: positions
    within `reach` box sizes, velocities and sizes as spread in this clip.

    Args:
        tail: states at the ends of chains.
        head: states at the starts, velocities pointing backwards.
        a: (K,) row of `tail`.
        b: (K,) row of `head`.
        dt: (K,) frames between them, positive.
        size: (K,) pixels, the unit of distance for this pair.
        motion: deviations of this clip.
        freedom: degrees of freedom of the Student law.
        reach: deviation of unrelated positions, in box sizes.
    """
    scale = np.square(size)[:, None]
    table = motion.spread(np.arange(int(dt.max(initial=0)) + 1.0)[:, None])
    decay, lever, gained, mixed, renewed = (each[dt] for each in table)
    z = head.position[b] - tail.position[a] - lever * tail.velocity[a]
    w = -head.velocity[b] - decay * tail.velocity[a]
    pa, ca, va = tail.position_variance[a], tail.covariance[a], tail.velocity_variance[a]
    # mirrored in time, the covariance of position and velocity changes its sign
    s11 = pa + lever * (2 * ca + lever * va) + gained * scale + head.position_variance[b]
    s12 = decay * (ca + lever * va) + mixed * scale - head.covariance[b]
    s22 = decay**2 * va + renewed * scale + head.velocity_variance[b]
    determinant = s11 * s22 - s12**2
    distance = (s22 * z**2 - 2 * s12 * z * w + s11 * w**2) / determinant
    same = -0.5 * np.log(determinant) - 0.5 * (freedom + 2) * np.log1p(distance / freedom)
    other = -0.5 * np.log(reach**2 * scale * 2 * motion.velocity**2 * scale)
    return np.asarray((same - other).sum(axis=1), np.float64)
