"""One set of boxes from several people's boxes of the same frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.geometry import iou
from framelabel.core.pairs import match_frame

SAME_OBJECT = 0.5
"""Overlap from which two people mean the same object."""


@dataclass(frozen=True, slots=True, eq=False)
class BoxConsensus:
    """The merged boxes of one frame."""

    boxes: Boxes
    """K boxes; `score` is the share of the annotators' weight that drew each."""
    member: NDArray[np.int64]
    """(K, A) row of each annotator's own box; -1 where they drew none."""


def merge_boxes(
    given: Sequence[Boxes],
    weight: NDArray[np.float64] | None = None,
    *,
    overlap: float = SAME_OBJECT,
    support: float = 0.5,
) -> BoxConsensus:
    """Merge the boxes of one frame.

    Boxes of different annotators are grouped by overlap, closest first, never two of one annotator; a group counts
    when more than `support` of the weight drew it. Its sides are weighted medians, its class a weighted vote.

    Args:
        given: the boxes of every annotator who looked at this frame, also those who drew none.
        weight: (A,) trust in each annotator; equal when not given.
        overlap: from which two boxes mean one object.
        support: share of the weight that must be exceeded.
    """
    trust = np.ones(len(given)) if weight is None else np.maximum(weight, 1e-6)
    owner = np.concatenate([np.full(len(boxes), number) for number, boxes in enumerate(given)] or [np.zeros(0)])
    every = Boxes.concatenate(list(given))
    if len(every) == 0:
        return BoxConsensus(Boxes.empty(), np.zeros((0, len(given)), np.int64))
    group = _grouped(every.xyxy, owner.astype(np.int64), overlap)
    first_row = np.cumsum([0, *(len(boxes) for boxes in given)])
    xyxy, score, kind, member = [], [], [], []
    for number in range(int(group.max()) + 1):
        rows = np.flatnonzero(group == number)
        owners = owner[rows].astype(np.int64)
        share = float(trust[owners].sum() / trust.sum())
        if share <= support:
            continue
        xyxy.append(weighted_median(every.xyxy[rows], trust[owners]))
        votes = np.bincount(every.class_id[rows], trust[owners])
        score.append(share)
        kind.append(int(votes.argmax()))
        places = np.full(len(given), -1, np.int64)
        places[owners] = rows - first_row[owners]
        member.append(places)
    merged = Boxes.of(np.array(xyxy).reshape(-1, 4), score, kind)
    return BoxConsensus(merged, np.array(member, np.int64).reshape(-1, len(given)))


def weighted_median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (D,) medians of (N, D) values; where the weight splits in halves, the middle between both."""
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    reached = np.cumsum(weight[order], axis=0)
    half = reached[-1] / 2
    slack = 1e-9 * reached[-1]
    low = np.argmax(reached >= half - slack, axis=0)
    high = np.argmax(reached > half + slack, axis=0)
    columns = np.arange(values.shape[1])
    return np.asarray((ordered[low, columns] + ordered[high, columns]) / 2)


def _grouped(xyxy: NDArray[np.float64], owner: NDArray[np.int64], overlap: float) -> NDArray[np.int64]:
    """Return the (N,) group of each box: closest pairs join first, one box per owner and group."""
    table = iou(xyxy, xyxy)
    table[owner[:, None] == owner[None, :]] = 0.0
    first, second = np.nonzero(np.triu(table) >= overlap)
    group = np.arange(len(xyxy))
    owners = [{int(one)} for one in owner]
    for pair in np.argsort(-table[first, second], kind="stable").tolist():
        one, two = int(group[first[pair]]), int(group[second[pair]])
        if one != two and not owners[one] & owners[two]:
            owners[one] |= owners[two]
            group[group == two] = one
    return np.asarray(np.unique(group, return_inverse=True)[1], dtype=np.int64).reshape(-1)


def box_skill(given: Sequence[Boxes], merged: BoxConsensus) -> NDArray[np.float64]:
    """Return each annotator's (A, 3) sums for one frame: overlap with merged boxes, merged boxes, own boxes."""
    sums = np.zeros((len(given), 3))
    for number, boxes in enumerate(given):
        table = iou(merged.boxes.xyxy, boxes.xyxy)
        rows, columns = np.nonzero(table >= SAME_OBJECT)
        chosen = match_frame(rows, columns, table[rows, columns]) if len(rows) else np.zeros(0, np.bool_)
        sums[number] = (table[rows[chosen], columns[chosen]].sum(), len(merged.boxes), len(boxes))
    return sums
