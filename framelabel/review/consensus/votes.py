"""Answers that choose one of several labels, and what they come to together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """One row per answer."""

    task: NDArray[np.int64]
    """(N,) 0 to task_count - 1."""
    annotator: NDArray[np.int64]
    """(N,) 0 to annotator_count - 1."""
    label: NDArray[np.int64]
    """(N,) 0 to label_count - 1."""
    task_count: int
    annotator_count: int
    label_count: int

    @staticmethod
    def of(task: ArrayLike, annotator: ArrayLike, label: ArrayLike, label_count: int = 0) -> Votes:
        """Make votes; counts are one more than the largest number, or more labels where given."""
        columns = [np.asarray(column, np.int64).reshape(-1) for column in (task, annotator, label)]
        tasks, annotators, labels = (int(column.max(initial=-1)) + 1 for column in columns)
        return Votes(columns[0], columns[1], columns[2], tasks, annotators, max(labels, label_count))

    def counts(self, weight: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the (T, L) sums of votes, each counted with its annotator's weight (1 when not given)."""
        values = np.ones(len(self.task)) if weight is None else weight[self.annotator]
        table = np.zeros((self.task_count, self.label_count))
        np.add.at(table, (self.task, self.label), values)
        return table


@dataclass(frozen=True, slots=True, eq=False)
class ClassConsensus:
    """The merged label of every task."""

    label: NDArray[np.int64]
    """(T,) -1 for tasks without a vote."""
    probability: NDArray[np.float64]
    """(T, L) posterior, or share of the votes; equal shares for tasks without a vote."""
    skill: NDArray[np.float64]
    """(A,) estimated accuracy of each annotator; NaN where the method does not say."""

    @property
    def certainty(self) -> NDArray[np.float64]:
        """(T,) probability of the merged label."""
        return np.asarray(self.probability.max(axis=1, initial=0.0))


def from_shares(votes: Votes, table: NDArray[np.float64], skill: NDArray[np.float64] | None = None) -> ClassConsensus:
    """Return the consensus of a (T, L) table of votes or probabilities; the first label wins among equals."""
    total = table.sum(axis=1, keepdims=True)
    share = np.divide(table, total, out=np.full_like(table, 1.0 / max(votes.label_count, 1)), where=total > 0)
    label = np.where(total[:, 0] > 0, share.argmax(axis=1) if table.size else 0, -1)
    unknown = np.full(votes.annotator_count, np.nan)
    return ClassConsensus(np.asarray(label, np.int64), share, unknown if skill is None else skill)
