"""Every way to merge class answers. One function and one line each."""

from __future__ import annotations

from typing import Protocol

from framelabel.core.catalog import Catalog
from framelabel.review.consensus.votes import ClassConsensus, Votes


class Merge(Protocol):
    """Merges class answers."""

    def __call__(self, votes: Votes) -> ClassConsensus:
        """Return the merged label of every task.

        Raises:
            MissingExtraError: the method needs an optional package.
        """


CONSENSUS: Catalog[Merge] = Catalog(
    "consensus method",
    {
        "majority": "framelabel.review.consensus.majority:majority",
        "dawid_skene": "framelabel.review.consensus.crowd:dawid_skene",
        "one_coin": "framelabel.review.consensus.crowd:one_coin",
        "glad": "framelabel.review.consensus.crowd:glad",
        "mace": "framelabel.review.consensus.crowd:mace",
    },
)
