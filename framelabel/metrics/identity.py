"""Identity metrics (Ristani et al., "Performance Measures and a Data Set for Multi-Target ...", 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from framelabel.metrics.matching import Overlap


@dataclass(frozen=True, slots=True)
class Identity:
    """Sums over sequences at one overlap threshold."""

    idtp: int = 0
    """Boxes right in place and identity, under the best one-to-one pairing of whole tracks."""
    idfn: int = 0
    idfp: int = 0

    def __add__(self, other: Identity) -> Identity:
        return Identity(self.idtp + other.idtp, self.idfn + other.idfn, self.idfp + other.idfp)

    @property
    def idf1(self) -> float:
        """Harmonic mean of identity recall and precision."""
        return self.idtp / max(1.0, self.idtp + 0.5 * self.idfn + 0.5 * self.idfp)

    def figures(self) -> dict[str, float]:
        """Return every figure under TrackEval's name."""
        return {
            "IDF1": self.idf1,
            "IDR": self.idtp / max(1, self.idtp + self.idfn),
            "IDP": self.idtp / max(1, self.idtp + self.idfp),
            "IDTP": self.idtp,
            "IDFN": self.idfn,
            "IDFP": self.idfp,
        }


def identity(overlap: Overlap, *, threshold: float = 0.5) -> Identity:
    """Score one sequence: tracks are paired one to one so that as many boxes as possible overlap by `threshold`."""
    near = overlap.similarity >= threshold
    truth = overlap.truth_id[overlap.pair_truth[near]]
    prediction = overlap.prediction_id[overlap.pair_prediction[near]]
    width = max(overlap.prediction_count, 1)
    keys, count = np.unique(truth * width + prediction, return_counts=True)
    hits = _largest_pairing(keys // width, keys % width, count, (overlap.truth_count, width))
    return Identity(hits, len(overlap.truth_id) - hits, len(overlap.prediction_id) - hits)


def _largest_pairing(
    row: NDArray[np.int64],
    column: NDArray[np.int64],
    weight: NDArray[np.int64],
    shape: tuple[int, int],
) -> int:
    """Return the largest total weight of a one-to-one pairing; each connected group of tracks is solved alone."""
    if len(row) == 0:
        return 0
    rows, columns = shape
    graph = coo_matrix((weight, (row, column + rows)), shape=(rows + columns, rows + columns))
    group = connected_components(graph, directed=False)[1][row]
    order = np.argsort(group, kind="stable")
    total = 0
    for part in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        own_rows, first = np.unique(row[part], return_inverse=True)
        own_columns, second = np.unique(column[part], return_inverse=True)
        table = np.zeros((len(own_rows), len(own_columns)))
        table[first, second] = weight[part]
        total += int(table[linear_sum_assignment(table, maximize=True)].sum())
    return total
