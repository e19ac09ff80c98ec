"""The choice among candidate links is the best one, not a good one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.tracking.offline import path_cover


def _best_by_trying_all(tail: NDArray[np.int64], head: NDArray[np.int64], gain: NDArray[np.float64]) -> float:
    """Return the greatest total gain over all one-to-one subsets."""
    best = 0.0
    for size in range(len(gain) + 1):
        for chosen in itertools.combinations(range(len(gain)), size):
            rows = list(chosen)
            if len(set(tail[rows].tolist())) == size == len(set(head[rows].tolist())):
                best = max(best, float(gain[rows].sum()))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_no_other_choice_is_worth_more(seed: int) -> None:
    """On small problems the choice equals the best of all possible ones, and uses every node once at most."""
    random = np.random.default_rng(seed)
    pairs = random.permutation(np.array([(a, b) for a in range(4) for b in range(4)]))[:11]
    gain = random.uniform(-1, 5, len(pairs))
    chosen = path_cover.choose(pairs[:, 0], pairs[:, 1], gain)
    assert len(set(pairs[chosen, 0].tolist())) == len(chosen) == len(set(pairs[chosen, 1].tolist()))
    assert np.all(gain[chosen] > 0)
    assert gain[chosen].sum() == pytest.approx(_best_by_trying_all(pairs[:, 0], pairs[:, 1], gain))


@pytest.mark.parametrize("seed", range(3))
def test_the_sparse_solver_agrees_with_the_dense_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large components go through another solver; it finds the same worth."""
    random = np.random.default_rng(seed)
    tail, head = (part.reshape(-1) for part in np.meshgrid(np.arange(20), np.arange(25), indexing="ij"))
    gain = random.uniform(0.1, 5, len(tail))
    dense = path_cover.choose(tail, head, gain)
    monkeypatch.setattr(path_cover, "_DENSE_CELLS", 0)
    sparse = path_cover.choose(tail, head, gain)
    assert len(set(head[sparse].tolist())) == len(sparse)
    assert gain[sparse].sum() == pytest.approx(gain[dense].sum())


def test_safe_links_beat_every_rival() -> None:
    """A link is safe only where no other candidate of either side comes within the margin."""
    tail, head = np.array([0, 0, 1, 2]), np.array([0, 1, 1, 2])
    gain = np.array([9.0, 3.0, 4.0, 1.0])
    assert path_cover.safe(tail, head, gain, 2.0).tolist() == [0]
    assert path_cover.safe(tail, head, gain, 0.5).tolist() == [0, 2, 3]
    assert path_cover.safe(tail, head, -gain, 0.0).tolist() == []
