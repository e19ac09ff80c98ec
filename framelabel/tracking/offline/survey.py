"""What is measured on a clip before it is linked, so that every part of it is linked by the same laws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.offline.camera import Shifts
from framelabel.tracking.offline.chains import Chains
from framelabel.tracking.offline.evidence import Evidence
from framelabel.tracking.offline.reliability import Trust

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
Part = Callable[[int, int], Evidence]
"""Positions from, to before -> the detections there."""

_BLOCK = 1024
"""Positions looked at by themselves, one block after the other."""
_SAMPLE = 16
"""Blocks, evenly spread, on which trust and motion are measured; a clip that has no more is measured as a whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """A clip's camera and the detections that speak for all of it."""

    camera: Floats
    """(positions, 2) pixels by which the picture has moved."""
    trust: Trust
    sample: Evidence
    """As a steady camera would have seen them."""
    tracklets: Chains
    """Safe links within blocks of the sample."""
    is_whole: bool
    """The sample is all there is."""


def survey(
    part: Part, positions: int, tracklets: Callable[[Evidence], Chains], fps: float, camera: Floats | None
) -> Survey | None:
    """Go through a clip once, block by block; return nothing where it has no detections.

    Args:
        part: gives the detections of a stretch.
        positions: length of the clip.
        tracklets: makes safe links between neighbouring frames.
        fps: positions per second.
        camera: (positions, 2) path of the camera where it is known.
    """
    starts = range(0, positions, _BLOCK)
    stride = -(-len(starts) // _SAMPLE)
    shifts = Shifts(positions)
    parts: list[Evidence] = []
    links: list[Chains] = []
    for number, low in enumerate(starts):
        is_sampled = number % stride == 0
        if camera is not None and not is_sampled:
            continue
        # with the first frame of the next block, so that no step of the camera is missed
        block = part(low, low + _BLOCK + 1)
        if not len(block):
            continue
        if camera is not None:
            block = block.moved(-camera)
        chains = tracklets(block)
        if camera is None:
            shifts.add(block.xyxy, block.frame, chains)
        if is_sampled:
            inside = block.between(low, low + _BLOCK)
            parts.append(block.select(inside))
            links.append(chains.part(inside))
    path = shifts.path() if camera is None else camera
    if not sum(map(len, parts)):
        return None
    sample = Evidence.concatenate(parts)
    joined = Chains.concatenate(links)
    trust = Trust.measured(sample.score, sample.frame, joined, fps)
    return Survey(path, trust, sample if camera is not None else sample.moved(-path), joined, stride == 1)
