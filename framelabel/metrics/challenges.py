"""What the challenges leave out before scoring: MOTChallenge's distractors and KITTI's regions of no interest.

Both follow TrackEval (`datasets/mot_challenge_2d_box.py`, `datasets/kitti_2d_box.py`), which follow the challenges'
own development kits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import paired_iou
from framelabel.core.pairs import candidates, match
from framelabel.metrics.matching import EPSILON, ioa
from framelabel.metrics.observations import Observations

PEDESTRIAN = 1
"""MOTChallenge's class of interest."""
MOT_DISTRACTORS = (2, 7, 8, 12)
"""Person on vehicle, static person, distractor, reflection: a prediction on one is neither right nor wrong."""
MOT20_DISTRACTORS = (*MOT_DISTRACTORS, 6)
"""MOT20 adds the non-motorised vehicle."""

KITTI_TYPES = ("Car", "Van", "Truck", "Pedestrian", "Person", "Cyclist", "Tram", "Misc", "DontCare")
"""Class ids of `kitti_truth` are rows of this; Person_sitting is Person."""
_KITTI_NEIGHBOURS = {"Car": ("Van",), "Pedestrian": ("Person",)}


class MotEdition(str, Enum):
    """Which edition's rules apply."""

    MOT15 = "mot15"
    """No classes: every row not marked zero counts."""
    MOT16 = "mot16"
    """MOT16 and MOT17."""
    MOT20 = "mot20"


@dataclass(frozen=True, slots=True, eq=False)
class KittiTruth:
    """KITTI ground truth of one sequence with the columns its rules need; rows match `boxes`."""

    boxes: Observations
    """`class_id` is a row of `KITTI_TYPES`."""
    truncation: NDArray[np.int64]
    """(N,) 0 whole, 1 partly, 2 largely out of the picture; -1 not stated."""
    occlusion: NDArray[np.int64]
    """(N,) 0 visible, 1 partly, 2 largely hidden, 3 unknown; -1 not stated."""

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> KittiTruth:
        """Return these rows only (a mask or ascending row numbers)."""
        return KittiTruth(self.boxes.select(rows), self.truncation[rows], self.occlusion[rows])


def mot_observations(table: NDArray[np.float64], *, has_classes: bool = False) -> Observations:
    """Read rows of a MOTChallenge text (frame, id, left, top, width, height, confidence, ...) given as numbers.

    Args:
        table: (N, >= 7), for example `numpy.loadtxt(path, delimiter=",", ndmin=2)`.
        has_classes: the eighth column is a class (ground truth from MOT16 on); otherwise all are pedestrians.

    Returns:
        Boxes with class ids of MOTChallenge; `score` is the seventh column as it stands, where 0 in ground truth
        means "not to be scored".
    """
    table = np.asarray(table, np.float64).reshape(-1, table.shape[-1] if table.size else 10)
    corners = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    classes = table[:, 7].astype(np.int32) if has_classes else np.full(len(table), PEDESTRIAN, np.int32)
    return Observations.of(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), corners, classes, table[:, 6])


def mot_challenge(
    truth: Observations, prediction: Observations, edition: MotEdition = MotEdition.MOT16
) -> tuple[Observations, Observations]:
    """Return truth and prediction as MOTChallenge scores them.

    Predictions matched (overlap 0.5, best total) to a distractor are dropped; of the truth only pedestrians not
    marked zero (`score` 0) remain. MOT15 has no classes and drops zero-marked rows only.
    """
    counted = truth.score != 0
    if edition is MotEdition.MOT15:
        return truth.select(counted), prediction
    distractors = MOT20_DISTRACTORS if edition is MotEdition.MOT20 else MOT_DISTRACTORS
    matched_truth, matched_prediction = best_matches(truth, prediction)
    on_distractor = np.isin(truth.class_id[matched_truth], distractors)
    kept = np.ones(len(prediction), np.bool_)
    kept[matched_prediction[on_distractor]] = False
    return truth.select(counted & (truth.class_id == PEDESTRIAN)), prediction.select(kept)


def kitti_truth(lines: Iterable[str]) -> KittiTruth:
    """Read the lines of one KITTI tracking label file (`label_02/NNNN.txt`); type names in any case."""
    rows = [line.split() for line in lines if line.strip()]
    known = {name.lower(): number for number, name in enumerate(KITTI_TYPES)}
    known["person_sitting"] = known["person"]
    frame = np.array([int(row[0]) for row in rows], np.int64)
    order = np.argsort(frame, kind="stable")
    boxes = Observations.of(
        frame,
        [int(row[1]) for row in rows],
        np.array([[float(value) for value in row[6:10]] for row in rows]).reshape(-1, 4),
        [known[row[2].lower()] for row in rows],
    )
    truncation = np.array([int(float(row[3])) for row in rows], np.int64)[order]
    occlusion = np.array([int(float(row[4])) for row in rows], np.int64)[order]
    return KittiTruth(boxes, truncation, occlusion)


def kitti(
    truth: KittiTruth,
    prediction: Observations,
    kind: str,
    *,
    max_truncation: int = 0,
    max_occlusion: int = 2,
    min_height: float = 25.0,
) -> tuple[Observations, Observations]:
    """Return truth and prediction of one class ("Car" or "Pedestrian") as KITTI's tracking benchmark scores them.

    Args:
        truth: all rows of the sequence.
        prediction: all predictions; class ids are rows of `KITTI_TYPES`.
        kind: the class to score.
        max_truncation: truth cut off more than this is neither required nor punished.
        max_occlusion: likewise for hidden truth.
        min_height: unmatched predictions up to this many pixels high are dropped.
    """
    own = KITTI_TYPES.index(kind)
    neighbours = [KITTI_TYPES.index(name) for name in _KITTI_NEIGHBOURS.get(kind, ())]
    boxes, mine = truth.boxes, prediction.select(prediction.class_id == own)
    relevant = np.flatnonzero(np.isin(boxes.class_id, [own, *neighbours]))
    near = boxes.select(relevant)
    hard = (truth.occlusion[relevant] > max_occlusion) | (truth.truncation[relevant] > max_truncation)

    matched_truth, matched_prediction = best_matches(near, mine)
    excused = np.isin(near.class_id[matched_truth], neighbours) | hard[matched_truth]
    unmatched = np.ones(len(mine), np.bool_)
    unmatched[matched_prediction] = False
    small = mine.xyxy[:, 3] - mine.xyxy[:, 1] <= min_height + EPSILON
    dropped = unmatched & (small | _inside(mine, boxes.select(boxes.class_id == KITTI_TYPES.index("DontCare"))))
    dropped[matched_prediction[excused]] = True
    return near.select((near.class_id == own) & ~hard), mine.select(~dropped)


def best_matches(truth: Observations, prediction: Observations) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows of truth and of prediction matched one to one at an overlap of 0.5 with the best total."""
    rows, columns, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for first, second in candidates(truth.frame, prediction.frame):
        value = paired_iou(truth.xyxy[first], prediction.xyxy[second])
        close = value >= 0.5 - EPSILON
        rows.append(first[close])
        columns.append(second[close])
        values.append(value[close])
    row, column = np.concatenate(rows), np.concatenate(columns)
    chosen = match(truth.frame[row], row, column, np.concatenate(values))
    return row[chosen], column[chosen]


def _inside(boxes: Observations, regions: Observations) -> NDArray[np.bool_]:
    """Return the (N,) mask of boxes of which more than half lies in one region of their frame."""
    inside = np.zeros(len(boxes), np.bool_)
    for first, second in candidates(boxes.frame, regions.frame):
        inside[first[ioa(boxes.xyxy[first], regions.xyxy[second]) > 0.5 + EPSILON]] = True
    return inside


def excused(
    truth: Observations, is_ignored: NDArray[np.bool_], prediction: Observations
) -> tuple[Observations, Observations]:
    """Return truth without its ignored rows, and predictions without those that lie on one.

    For data sets without rules of their own: a prediction matched to an ignored row (overlap 0.5, best total), or more
    than half inside one, is neither right nor wrong.
    """
    if not is_ignored.any():
        return truth, prediction
    matched_truth, matched_prediction = best_matches(truth, prediction)
    dropped = _inside(prediction, truth.select(is_ignored))
    dropped[matched_prediction] = is_ignored[matched_truth]
    return truth.select(~is_ignored), prediction.select(~dropped)
