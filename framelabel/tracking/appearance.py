"""Appearance as arrays: embeddings are computed elsewhere (any re-identification model); here they are compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Embeddings of some of a clip's detections; those that are not listed are unknown."""

    row: NDArray[np.int64]
    """(K,) row of each in the concatenation of the boxes of all frames, in the order that the tracker is given them."""
    vector: NDArray[np.float32]
    """(K, D) of length 1."""


def normalised(embedding: NDArray[np.floating]) -> Floats:
    """Return (N, D) embeddings scaled to length 1; rows that are zero or not finite become zero, that is unknown."""
    rows = np.where(np.isfinite(embedding), embedding, 0.0).astype(np.float64).reshape(len(embedding), -1)
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 0), np.float64)


def cosine_distance(a: Floats, b: Floats) -> Floats:
    """Return the (N, M) cosine distances, 0 same to 2 opposite; 1 where either is unknown. Both must be normalised."""
    return np.asarray(1.0 - a @ b.T, np.float64)


def moving_average(old: Floats, new: Floats, keep: float) -> Floats:
    """Return (N, D) embeddings that keep the share `keep` of the old and take the rest from the new, length 1.

    Unknown rows on one side take the other side as it is.
    """
    is_new, is_old = np.any(new != 0, axis=1, keepdims=True), np.any(old != 0, axis=1, keepdims=True)
    blend = np.where(is_old & is_new, keep * old + (1 - keep) * new, old + new)
    return normalised(blend)
