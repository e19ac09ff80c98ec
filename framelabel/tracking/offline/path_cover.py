"""Exact choice among candidate links: the path cover of most total gain.

Every end may be followed by one start and every start may follow one end. Because links only point forward in time,
any such choice is a set of disjoint paths, so the best path cover of the graph is a bipartite assignment (Dilworth;
Fulkerson 1956), which is solved to optimality here: links that are worth more than the best alternatives of both
their sides together are in some optimal solution and are taken first; what remains falls apart into independent
components, each solved by shortest augmenting paths (Jonker-Volgenant) as implemented in SciPy.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_DENSE_CELLS = 250_000


def choose(tail: Rows, head: Rows, gain: Floats) -> Rows:
    """Return which candidates (positions, ascending) make the one-to-one choice of most total gain.

    Args:
        tail: (K,) node that each candidate leaves; non-negative numbers.
        head: (K,) node that each candidate enters.
        gain: (K,) worth of each candidate; those not above 0 are never taken.
    """
    live = np.flatnonzero(gain > 0)
    chosen: list[Rows] = []
    while len(live):
        a, b, worth = tail[live], head[live], gain[live]
        rival = _best_other(a, worth) + _best_other(b, worth)
        sure = live[worth >= rival]
        sure = sure[_first_of_each(tail[sure]) & _first_of_each(head[sure])] if len(sure) else sure
        if not len(sure):
            chosen.extend(_solve_components(tail, head, gain, live))
            break
        chosen.append(sure)
        live = live[~np.isin(a, tail[sure]) & ~np.isin(b, head[sure])]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, np.int64)


def safe(tail: Rows, head: Rows, gain: Floats, margin: float) -> Rows:
    """Return the candidates (positions, ascending) that beat every rival at either side by at least `margin`."""
    live = np.flatnonzero(gain > 0)
    if not len(live):
        return live
    a, b, worth = tail[live], head[live], gain[live]
    rival = np.maximum(_best_other(a, worth), _best_other(b, worth))
    sure = live[worth >= rival + margin]
    return sure[_first_of_each(tail[sure]) & _first_of_each(head[sure])]


def _best_other(node: Rows, worth: Floats) -> Floats:
    """Return for each candidate the best gain among the other candidates of its node; 0 when it is alone."""
    order = np.lexsort((-worth, node))
    sorted_node = node[order]
    is_first = np.r_[True, sorted_node[1:] != sorted_node[:-1]]
    start = np.flatnonzero(is_first)
    second = np.minimum(start + 1, len(node) - 1)
    runner_up = np.where((second > start) & (sorted_node[second] == sorted_node[start]), worth[order[second]], 0.0)
    group = np.cumsum(is_first) - 1
    other = np.where(is_first, runner_up[group], worth[order[start]][group])
    out = np.empty(len(node))
    out[order] = other
    return out


def _first_of_each(node: Rows) -> NDArray[np.bool_]:
    """Return true at the first occurrence of every value."""
    mask = np.zeros(len(node), np.bool_)
    mask[np.unique(node, return_index=True)[1]] = True
    return mask


def _solve_components(tail: Rows, head: Rows, gain: Floats, live: Rows) -> list[Rows]:
    """Solve each connected component of the remaining candidates exactly."""
    tails, a = np.unique(tail[live], return_inverse=True)
    heads, b = np.unique(head[live], return_inverse=True)
    nodes = len(tails) + len(heads)
    graph = coo_array((np.ones(len(live)), (a, b + len(tails))), shape=(nodes, nodes))
    label = connected_components(graph, directed=False)[1][a]
    order = np.argsort(label, kind="stable")
    bounds = np.flatnonzero(np.r_[True, np.diff(label[order]) != 0, True])
    return [
        live[part[_solve(a[part], b[part], gain[live[part]])]]
        for part in (order[start:stop] for start, stop in pairwise(bounds))
    ]


def _solve(tail: Rows, head: Rows, worth: Floats) -> Rows:
    """Return the positions of the best one-to-one choice within one component."""
    if len(worth) == 1:
        return np.zeros(1, np.int64)
    tails, a = np.unique(tail, return_inverse=True)
    heads, b = np.unique(head, return_inverse=True)
    if len(tails) * len(heads) <= _DENSE_CELLS:
        table = np.zeros((len(tails), len(heads)))
        table[a, b] = worth
        row, column = linear_sum_assignment(table, maximize=True)
        number = np.full(table.shape, -1)
        number[a, b] = np.arange(len(worth))
        taken = number[row, column]
        return np.asarray(taken[taken >= 0], np.int64)
    # every tail may also stay alone, at a price that makes all entries positive as the sparse solver asks
    ceiling = float(worth.max()) + 1.0
    alone = np.arange(len(tails))
    rows, columns = np.r_[a, alone], np.r_[b, len(heads) + alone]
    price = np.r_[ceiling - worth, np.full(len(tails), ceiling)]
    shape = (len(tails), len(heads) + len(tails))
    left, right = min_weight_full_bipartite_matching(csr_array((price, (rows, columns)), shape=shape))
    order = np.lexsort((b, a))
    key = a[order] * shape[1] + b[order]
    wanted = left[right < len(heads)].astype(np.int64) * shape[1] + right[right < len(heads)]
    return np.asarray(order[np.searchsorted(key, wanted)], np.int64)
