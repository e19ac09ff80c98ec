"""One mask from several people's masks of the same object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Mask


def merge_masks(masks: Sequence[Mask], weight: NDArray[np.float64] | None = None) -> Mask:
    """Return the mask of pixels that more than half of the weight marked.

    Works on run lengths, so a frame of any size costs no more than its outlines.

    Raises:
        ValueError: no masks, or masks of different frames.
    """
    if not masks:
        msg = "no masks to merge"
        raise ValueError(msg)
    size = masks[0].size
    if any(mask.size != size for mask in masks):
        msg = f"masks must have one size, got {sorted({mask.size for mask in masks})}"
        raise ValueError(msg)
    trust = np.ones(len(masks)) if weight is None else np.asarray(weight, np.float64)
    position, change = [], []
    for mask, value in zip(masks, trust.tolist(), strict=True):
        edges = np.cumsum(mask.counts)[:-1]
        position.append(edges)
        # the first run is of 0: an edge with an even number switches the mask on
        change.append(np.where(np.arange(len(edges)) % 2 == 0, value, -value))
    places = np.concatenate(position)
    edges, inverse = np.unique(places, return_inverse=True)
    level = np.cumsum(np.bincount(inverse.reshape(-1), np.concatenate(change), minlength=len(edges)))
    inside = level > trust.sum() / 2 + 1e-9
    switches = np.flatnonzero(np.diff(np.concatenate([[False], inside])))
    counts = np.diff(np.concatenate([[0], edges[switches], [size[0] * size[1]]]))
    return Mask(size, counts.astype(np.int64))
