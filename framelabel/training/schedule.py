"""How the learning rate moves, and how weights are averaged over time."""

from __future__ import annotations

import math


def learning_rate(step: int, steps: int, peak: float, *, warm_up: int, floor_share: float = 0.05) -> float:
    """Return the rate of one step: a linear rise over `warm_up` steps, then half a cosine down to a share of the peak.

    >>> [round(learning_rate(step, 10, 1.0, warm_up=2), 3) for step in (0, 1, 2, 9)]
    [0.5, 1.0, 1.0, 0.086]
    """
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = (step - warm_up) / max(steps - warm_up, 1)
    return peak * (floor_share + (1.0 - floor_share) * 0.5 * (1.0 + math.cos(math.pi * done)))


def averaging(step: int, decay: float, ramp: float) -> float:
    """Return the share of the running average that is kept at one step; small at first, `decay` in the end.

    Without the ramp (YOLOX and YOLOv5 use the same) the average would remember the untrained network for long.
    """
    return decay * (1.0 - math.exp(-(step + 1) / ramp))
