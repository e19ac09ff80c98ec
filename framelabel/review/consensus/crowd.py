"""Methods of crowd-kit (optional extra): the results are its own."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import MissingExtraError
from framelabel.review.consensus.votes import ClassConsensus, Votes, from_shares


def dawid_skene(votes: Votes) -> ClassConsensus:
    """Merge by Dawid and Skene (1979): a confusion matrix per annotator, by expectation maximisation."""
    return _merge(votes, "DawidSkene", n_iter=100)


def one_coin(votes: Votes) -> ClassConsensus:
    """Merge by Dawid and Skene with one accuracy per annotator, steadier for few answers."""
    return _merge(votes, "OneCoinDawidSkene", n_iter=100)


def glad(votes: Votes) -> ClassConsensus:
    """Merge by GLAD (Whitehill et al., 2009): skill of annotators and difficulty of tasks."""
    return _merge(votes, "GLAD", n_iter=100)


def mace(votes: Votes) -> ClassConsensus:
    """Merge by MACE (Hovy et al., 2013): who answers by themselves, and who spams."""
    return _merge(votes, "MACE", n_iter=50, n_restarts=10, random_state=0)


def _merge(votes: Votes, name: str, **options: Any) -> ClassConsensus:
    try:
        import pandas as pd
        from crowdkit import aggregation
    except ImportError as error:
        raise MissingExtraError(
            f"this consensus method needs crowd-kit: pip install 'framelabel[consensus]' ({error.name} is missing)"
        ) from None
    if len(votes.task) == 0:
        return from_shares(votes, np.zeros((votes.task_count, votes.label_count)))
    answers = pd.DataFrame({"task": votes.task, "worker": votes.annotator, "label": votes.label})
    method = getattr(aggregation, name)(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # crowd-kit calls pandas in ways that pandas announces to drop
        labels = method.fit_predict(answers)
    probability = method.probas_
    table = np.zeros((votes.task_count, votes.label_count))
    table[np.ix_(probability.index.to_numpy(), probability.columns.to_numpy())] = probability.fillna(0).to_numpy()
    merged = from_shares(votes, table, _skill(votes, table))
    label = merged.label.copy()
    label[labels.index.to_numpy()] = labels.to_numpy()
    return ClassConsensus(label, merged.probability, merged.skill)


def _skill(votes: Votes, probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each annotator's expected accuracy: the mean posterior of the labels they chose."""
    given = np.bincount(votes.annotator, minlength=votes.annotator_count)
    right = np.bincount(votes.annotator, probability[votes.task, votes.label], minlength=votes.annotator_count)
    return np.asarray(np.divide(right, given, out=np.full(votes.annotator_count, np.nan), where=given > 0))
