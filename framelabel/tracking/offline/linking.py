"""Candidate links between the ends and starts of chains, and the passes that choose among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.offline import path_cover
from framelabel.tracking.offline.chains import Chains
from framelabel.tracking.offline.evidence import Evidence
from framelabel.tracking.offline.looks import Gallery
from framelabel.tracking.offline.motion import Motion, ends, log_ratio

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_BLOCK = 400_000
"""Candidates judged at a time; bounds memory, changes no result."""
_MOST_STARTS = 1024
"""Starts after an end, the next ones in time and all of their last frame, that may continue it. Only hundreds of boxes
in every picture that nothing links come to more, and would otherwise cost minutes a second of footage."""

_NEAR, _FAR = 1.5, np.array([8.0, 4.0, 8.0, 4.0])
"""Box sizes within which a side may move in no time, and in any time; across more than along the line of sight."""
_LARGEST_RATIO = 1.0
"""Of sizes, as a logarithm."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One round of linking."""

    longest: int
    """Frames between the two sides, at most."""
    bar: float
    """Log likelihood ratio that a link must exceed."""
    gap_price: float
    """Log likelihood lost per e-fold of (1 + missing time / `gap_unit`)."""
    gap_unit: float
    """Frames."""
    margin: float = -1.0
    """When not negative, only links that beat every rival by this much."""


@dataclass(frozen=True, slots=True)
class Law:
    """What makes two chains one object; see `motion.log_ratio`."""

    freedom: float
    reach: float
    class_price: float
    """Log likelihood lost where the class changes."""


def link(
    evidence: Evidence,
    chains: Chains,
    motion: Motion,
    step: Pass,
    law: Law,
    doubt: tuple[Floats, Floats] | None = None,
    gallery: Gallery | None = None,
) -> int:
    """Extend `chains` by the best links of one pass; return how many.

    `doubt` is the log likelihood, (N,) by detection, that a link loses at the end it leaves and at the start it
    enters; `gallery` says what looks are worth.
    """
    state, size, frame = evidence.xyxy, evidence.size, evidence.frame
    tails, heads = chains.tails(), chains.heads()
    tail_ends = ends(state, size, frame, neighbour=chains.before, at=tails, motion=motion)
    head_ends = ends(state, size, frame, neighbour=chains.after, at=heads, motion=motion)
    found: list[tuple[Rows, Rows, Floats]] = []
    head_frame = frame[heads]
    low = np.searchsorted(head_frame, frame[tails] + 1)
    high = np.searchsorted(head_frame, frame[tails] + step.longest, side="right")
    latest = head_frame[np.minimum(low + _MOST_STARTS, len(heads) - 1)]
    high = np.minimum(high, np.searchsorted(head_frame, latest, side="right"))
    counts = high - low
    edges = np.r_[0, np.cumsum(counts)]
    start = 0
    while start < len(tails):
        stop = int(np.searchsorted(edges, edges[start] + _BLOCK, side="right")) - 1
        stop = max(stop, start + 1)
        n = counts[start:stop]
        a = np.repeat(np.arange(start, stop), n)
        b = (
            np.arange(edges[stop] - edges[start])
            - np.repeat(edges[start:stop] - edges[start], n)
            + np.repeat(low[start:stop], n)
        )
        start = stop
        a, b = _near(evidence, tails, heads, a, b, motion)
        if not len(a):
            continue
        i, j = tails[a], heads[b]
        dt = frame[j] - frame[i]
        unit = np.sqrt(size[i] * size[j])
        other = evidence.class_id[i] != evidence.class_id[j]
        worth = log_ratio(
            tail_ends, head_ends, a, b, dt=dt, size=unit, motion=motion, freedom=law.freedom, reach=law.reach
        )
        worth -= step.bar + step.gap_price * np.log1p((dt - 1) / step.gap_unit)
        worth -= law.class_price * other
        if doubt is not None:
            worth -= doubt[0][tails[a]] + doubt[1][heads[b]]
        if gallery is not None:
            worth += gallery.worth(chains, tails[a], heads[b])
        good = worth > 0
        found.append((a[good], b[good], worth[good]))
    if not found:
        return 0
    a, b, worth = (np.concatenate(part) for part in zip(*found, strict=True))
    taken = path_cover.choose(a, b, worth) if step.margin < 0 else path_cover.safe(a, b, worth, step.margin)
    chains.link(tails[a[taken]], heads[b[taken]])
    return len(taken)


def _near(evidence: Evidence, tails: Rows, heads: Rows, a: Rows, b: Rows, motion: Motion) -> tuple[Rows, Rows]:
    """Return the candidates that are of comparable size and have a side within reach, across and along.

    One measure after the other, since few candidates pass each.
    """
    xyxy, frame, size = evidence.xyxy, evidence.frame, np.log(evidence.size)
    near = np.abs(size[heads[b]] - size[tails[a]]) < _LARGEST_RATIO
    a, b = a[near], b[near]
    for axis in range(2):
        i, j = tails[a], heads[b]
        unit, dt = np.exp((size[i] + size[j]) / 2), frame[j] - frame[i]
        near = np.zeros(len(a), np.bool_)
        for side in (axis, axis + 2):
            reach = np.minimum(_NEAR + 4 * motion.velocity[side] * dt, _FAR[side]) * unit
            near |= np.abs(xyxy[j, side] - xyxy[i, side]) < reach
        a, b = a[near], b[near]
    return a, b
