"""Which items to label next: where one more label helps most, within a budget of people's time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]

_POOL = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What is known of each item that could be labelled."""

    probability: Floats
    """(N,) of being right."""
    class_id: NDArray[np.int32]
    """(N,)."""
    seconds: Floats
    """(N,) expected time of labelling it."""
    disagreement: Floats
    """(N,) in [0, 1]: how much models or people disagree on it; 0 where nobody else looked."""
    has_event: NDArray[np.bool_]
    """(N,) an event of interest depends on it."""
    embedding: Floats
    """(N, D) appearance or features, for diversity; (N, 0) for none."""
    size: Floats | None = None
    """(N,) boxes that one label settles (a track's length); None for one each."""


def worth(items: Candidates) -> Floats:
    """Return the (N,) expected benefit of a label: uncertainty and disagreement, more for rare classes and events."""
    chance = np.clip(items.probability, 1e-6, 1 - 1e-6)
    entropy = -(chance * np.log2(chance) + (1 - chance) * np.log2(1 - chance))
    count = np.bincount(items.class_id, minlength=1).astype(np.float64)
    rarity = np.sqrt(count.max() / np.maximum(count, 1))[items.class_id] if len(chance) else np.zeros(0)
    doubt = (entropy + items.disagreement) * np.minimum(rarity, 5.0) * np.where(items.has_event, 2.0, 1.0)
    return np.asarray(doubt if items.size is None else doubt * items.size)


def select(
    items: Candidates, budget_seconds: float, *, diversity: float = 0.5, labelled: Floats | None = None
) -> NDArray[np.int64]:
    """Return the items to label next, most useful first, that fit into a budget.

    Items are taken greedily by benefit per second; benefit falls for what resembles an item already taken (greedy
    k-centre: the distance to the nearest taken or labelled item, as a share of the largest such distance).

    Args:
        items: the candidates.
        budget_seconds: people's time.
        diversity: 0 looks at benefit alone, 1 lets resemblance take all of it away.
        labelled: (M, D) embeddings of what is labelled already; None for nothing.
    """
    rate = worth(items) / np.maximum(items.seconds, 1e-6)
    left = budget_seconds
    taken: list[int] = []
    open_items = items.seconds <= left
    distance = np.full(len(rate), np.inf)
    has_place = items.embedding.shape[1] > 0 and diversity > 0
    # far below the best rate, no diversity brings an item in: a pool of the best keeps a million items cheap
    pool = np.argsort(-rate, kind="stable")[:_POOL]
    has_distance = False
    if has_place and labelled is not None and len(labelled):
        has_distance = True
        distance[pool] = cKDTree(labelled).query(items.embedding[pool])[0]
    while bool(open_items[pool].any()):
        value = rate[pool]
        if has_distance:
            reach = distance[pool]
            value = value * (1 - diversity + diversity * reach / max(float(reach[open_items[pool]].max()), 1e-12))
        best = int(pool[int(np.argmax(np.where(open_items[pool], value, -1.0)))])
        taken.append(best)
        left -= float(items.seconds[best])
        open_items[best] = False
        open_items &= items.seconds <= left
        if has_place:
            gap = np.linalg.norm(items.embedding[pool] - items.embedding[best], axis=1)
            distance[pool] = np.minimum(distance[pool], gap)
            has_distance = True
    return np.array(taken, np.int64)
