"""One-to-one assignment with a gate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def assign(cost: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    """Return the (K, 2) row-column pairs of least total cost, without pairs that cost more than `limit`.

    A pair over the limit is first priced at a constant far above it, so that it never pushes a permitted pair out
    (Jonker-Volgenant, as `scipy.optimize.linear_sum_assignment`). Rows come in ascending order.
    """
    if cost.size == 0:
        return np.zeros((0, 2), np.int64)
    allowed = cost <= limit
    penalty = (limit + 1.0) * (min(cost.shape) + 1)
    rows, columns = linear_sum_assignment(np.where(allowed, cost, max(penalty, 1.0)))
    keep = allowed[rows, columns]
    return np.stack([rows[keep], columns[keep]], axis=1).astype(np.int64)
