"""Whose opinion on the object's size to follow: the network's, or the line between the human boxes.

Every human box between two others scores both at that picture. A line errs like a random walk, more in a longer gap;
a calibrated network errs about the same everywhere. The ratio of the two variances is the trust, per object and side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.keys import Key, to_log
from framelabel.tracking.propagation.passes import Passes

Floats = NDArray[np.float64]

_LINE_VARIANCE = 0.0008
"""What a line's log size errs by per frame of gap, before anything is known of the object."""
_NETWORK_VARIANCE = 0.002
_PRIOR_BOXES = 2.0
"""The prior weighs as much as this many human boxes."""
_LARGEST = 0.3
"""An error beyond this (in log size) counts as this."""


def size_trust(passes: Passes, keys: Sequence[Key]) -> Floats:
    """Return (2,) line variance per frame over network variance, for log width and log height."""
    line, network = [], []
    for before, key, after in zip(keys, keys[1:], keys[2:], strict=False):
        share = (key.frame - before.frame) / (after.frame - before.frame)
        missed = to_log(key.xyxy) - (1 - share) * to_log(before.xyxy) - share * to_log(after.xyxy)
        bridge = share * (1 - share) * (after.frame - before.frame)
        line.append(np.minimum(missed[2:] ** 2, _LARGEST**2) / bridge)
        network.append(np.minimum(left_out_error(passes, before, key, after)[2:] ** 2, _LARGEST**2))
    total_line = _PRIOR_BOXES * _LINE_VARIANCE + np.sum(line, axis=0)
    total_network = _PRIOR_BOXES * _NETWORK_VARIANCE + np.sum(network, axis=0)
    return np.asarray(np.broadcast_to(total_line / total_network, 2), dtype=np.float64)


def left_out_error(passes: Passes, before: Key, key: Key, after: Key) -> Floats:
    """Return what the neighbours' templates, calibrated without `key`, miss at `key`: (4,) as `Residual.offset`."""
    share = (key.frame - before.frame) / (after.frame - before.frame)
    error = np.zeros(4)
    for model, weight in ((before, 1 - share), (after, share)):
        known = (1 - share) * passes.residual(before, model).offset + share * passes.residual(after, model).offset
        error += weight * (passes.residual(key, model).offset - known)
    return error
