"""Majority vote, plain or weighted by skill, and when to ask one more person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from framelabel.review.consensus.votes import ClassConsensus, Votes, from_shares


def majority(votes: Votes) -> ClassConsensus:
    """Merge by plain majority; an annotator's skill is the share of votes that agree with it."""
    merged = from_shares(votes, votes.counts())
    agrees = (merged.label[votes.task] == votes.label).astype(np.float64)
    given = np.bincount(votes.annotator, minlength=votes.annotator_count)
    agreed = np.bincount(votes.annotator, agrees, minlength=votes.annotator_count)
    skill = np.divide(agreed, given, out=np.full(votes.annotator_count, np.nan), where=given > 0)
    return ClassConsensus(merged.label, merged.probability, skill)


def posterior(votes: Votes, skill: NDArray[np.float64], prior: NDArray[np.float64] | None = None) -> ClassConsensus:
    """Merge by Bayes' rule with known skills (from golden tasks), errors spread evenly over the other labels.

    Args:
        votes: the answers.
        skill: (A,) accuracy of each annotator.
        prior: (L,) how frequent labels are; equal when not given.
    """
    labels = max(votes.label_count, 2)
    right = np.clip(skill, 1e-3, 1 - 1e-3)
    gain = np.log(right) - np.log((1 - right) / (labels - 1))
    log_odds = votes.counts(gain)
    if prior is not None:
        log_odds = log_odds + np.log(np.clip(prior, 1e-9, 1.0))
    chance = np.exp(log_odds - log_odds.max(axis=1, keepdims=True, initial=-np.inf))
    asked = np.bincount(votes.task, minlength=votes.task_count) > 0
    return from_shares(votes, np.where(asked[:, None], chance, 0.0), skill)


def needs_another(
    merged: ClassConsensus, answers: NDArray[np.int64], *, sure: float = 0.95, most: int = 5
) -> NDArray[np.bool_]:
    """Return the (T,) mask of tasks to ask one more person about: still unsure, and fewer than `most` answers."""
    return np.asarray((merged.certainty < sure) & (answers < most))
