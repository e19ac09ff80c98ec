"""Tracking metrics on sequences small enough to score by hand."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.boxes import NO_TRACK
from framelabel.metrics.challenges import KITTI_TYPES, kitti, kitti_truth, mot_challenge, mot_observations
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import TrackingScore, score_tracks

BOX = [0.0, 0.0, 10.0, 10.0]
FAR = [100.0, 0.0, 110.0, 10.0]


def _rows(*rows: tuple[int, int, list[float]]) -> Observations:
    return Observations.of([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


NOTHING = _rows()
STILL = _rows(*((frame, 1, BOX) for frame in range(4)))

CASES: dict[str, tuple[Observations, Observations, dict[str, float]]] = {
    "perfect": (STILL, STILL, {"HOTA": 1, "MOTA": 1, "IDF1": 1, "IDSW": 0, "MT": 1, "Frag": 0, "LocA": 1}),
    "nothing-predicted": (STILL, NOTHING, {"HOTA": 0, "MOTA": 0, "IDF1": 0, "CLR_FN": 4, "ML": 1, "LocA": 1}),
    "nothing-true": (NOTHING, STILL, {"HOTA": 0, "CLR_FP": 4, "IDFP": 4, "GT_IDs": 0}),
    "nothing-at-all": (NOTHING, NOTHING, {"HOTA": 0, "MOTA": 0, "IDF1": 0, "Dets": 0}),
    "identity-changes-half-way": (
        STILL,
        _rows((0, 1, BOX), (1, 1, BOX), (2, 2, BOX), (3, 2, BOX)),
        {"IDSW": 1, "Frag": 0, "IDF1": 0.5, "MOTA": 0.75, "AssA": 0.5, "DetA": 1},
    ),
    "missed-in-an-active-frame": (
        STILL,
        _rows((0, 1, BOX), (1, 9, FAR), (2, 1, BOX), (3, 1, BOX)),
        {"Frag": 1, "IDSW": 0, "CLR_FN": 1, "CLR_FP": 1, "PT": 1},
    ),
    "boxes-without-identity-are-each-their-own-track": (
        STILL,
        _rows(*((frame, NO_TRACK, BOX) for frame in range(4))),
        {"IDs": 4, "IDSW": 3, "IDTP": 1, "DetA": 1},
    ),
    "nan-and-empty-boxes-match-nothing": (
        STILL,
        _rows((0, 1, [np.nan] * 4), (1, 1, [5.0, 5.0, 5.0, 5.0])),
        {"CLR_FP": 2, "CLR_FN": 4, "HOTA": 0},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_small_sequences_score_as_by_hand(case: str) -> None:
    """Figures worked out on paper, edge cases included."""
    truth, prediction, expected = CASES[case]
    figures = score_tracks(overlap(truth, prediction, 4)).figures()
    assert {name: figures[name] for name in expected} == pytest.approx(expected)


def test_an_identity_keeps_its_partner_against_a_better_box() -> None:
    """CLEAR keeps the pair of the frame before although another prediction overlaps more."""
    shifted = [1.0, 0.0, 11.0, 10.0]
    truth = _rows((0, 1, BOX), (1, 1, BOX))
    prediction = _rows((0, 5, BOX), (1, 5, shifted), (1, 6, BOX))
    assert score_tracks(overlap(truth, prediction, 2)).clear.id_switches == 0


def test_order_of_rows_does_not_matter() -> None:
    """A shuffled sequence scores the same, crowds with rivals included."""
    random = np.random.default_rng(4)
    corner = random.uniform(0, 60, (600, 2))
    rows = Observations.of(np.repeat(np.arange(20), 30), np.tile(np.arange(30), 20), np.hstack([corner, corner + 20]))
    moved = rows.xyxy + random.normal(0, 3, (600, 4))
    straight = score_tracks(overlap(rows, Observations.of(rows.frame, rows.track_id, moved), 20)).figures()
    order = random.permutation(600)
    shuffled = Observations.of(rows.frame[order], rows.track_id[order], moved[order])
    assert score_tracks(overlap(rows, shuffled, 20)).figures() == pytest.approx(straight)
    assert 0 < straight["HOTA"] < 1


def test_sequences_combine_by_addition() -> None:
    """Adding the scores of two sequences equals scoring them as one with distinct identities."""
    other = _rows((0, 1, BOX), (1, 2, BOX), (3, 2, FAR))
    apart = score_tracks(overlap(STILL, other, 4)) + score_tracks(overlap(STILL, STILL, 4)) + TrackingScore()
    joined = score_tracks(
        overlap(_joined(STILL, STILL), _joined(other, STILL), 8),
    )
    assert apart.figures() == pytest.approx(joined.figures())


def _joined(first: Observations, second: Observations) -> Observations:
    return Observations.of(
        np.concatenate([first.frame, second.frame + 10]),
        np.concatenate([first.track_id, second.track_id + 10]),
        np.concatenate([first.xyxy, second.xyxy]),
    )


MOT_TRUTH = np.array(
    [
        [1, 1, 0, 0, 10, 10, 1, 1, 1.0],
        [1, 2, 100, 0, 10, 10, 0, 8, 1.0],  # a distractor
        [1, 3, 200, 0, 10, 10, 0, 1, 1.0],  # a pedestrian that is not scored
        [1, 4, 300, 0, 10, 10, 1, 3, 1.0],  # a car
    ]
)


def test_mot_challenge_ignores_distractors_and_unscored_rows() -> None:
    """A prediction on a distractor vanishes; one on an unscored pedestrian or a car stays a false positive."""
    prediction = mot_observations(
        np.array(
            [[1, 1, 0, 0, 10, 10, 1.0], [1, 2, 101, 0, 10, 10, 1], [1, 3, 200, 0, 10, 10, 1], [1, 4, 300, 0, 10, 10, 1]]
        )
    )
    truth, kept = mot_challenge(mot_observations(MOT_TRUTH, has_classes=True), prediction)
    assert truth.track_id.tolist() == [1]
    assert kept.track_id.tolist() == [1, 3, 4]


KITTI_LINES = """\
0 1 Car 0 0 0 0 0 50 50 -1 -1 -1 -1 -1 -1 -1
0 2 Van 0 0 0 100 0 150 50 -1 -1 -1 -1 -1 -1 -1
0 3 Car 2 0 0 200 0 250 50 -1 -1 -1 -1 -1 -1 -1
0 4 Car 0 3 0 300 0 350 50 -1 -1 -1 -1 -1 -1 -1
0 -1 DontCare -1 -1 -10 400 0 500 100 -1000 -1000 -1000 -10 -1 -1 -1
0 5 Pedestrian 0 0 0 600 0 650 50 -1 -1 -1 -1 -1 -1 -1
"""


def test_kitti_excuses_neighbours_hard_truth_small_boxes_and_regions() -> None:
    """Only a large, unmatched car outside every DontCare region is a false positive."""
    places = [(0, 50), (101, 50), (201, 50), (301, 50), (410, 50), (600, 50), (700, 20)]
    prediction = Observations.of(
        np.zeros(7), np.arange(7), [[x, 0, x + side, side] for x, side in places], np.full(7, KITTI_TYPES.index("Car"))
    )
    truth, kept = kitti(kitti_truth(KITTI_LINES.splitlines()), prediction, "Car")
    assert truth.track_id.tolist() == [1]
    assert kept.track_id.tolist() == [0, 5]
