"""Scores of boxes without identity, against pycocotools and by hand."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from framelabel.core.reliability import reliability
from framelabel.metrics.average_precision import average_precision
from framelabel.metrics.clear import clear
from framelabel.metrics.detection import class_figures, confusion, truth_of
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.timeline import timeline, track_overlaps


def _crowd(seed: int) -> tuple[Observations, Observations]:
    """Twelve overlapping true boxes in each of ten frames, and jittered predictions of two classes with rivals."""
    random = np.random.default_rng(seed)
    corner = random.uniform(0, 80, (120, 2))
    truth = Observations.of(
        np.repeat(np.arange(10), 12), np.arange(120), np.hstack([corner, corner + 20]), random.integers(0, 2, 120)
    )
    rows = np.repeat(np.arange(120), 2)
    prediction = Observations.of(
        truth.frame[rows],
        np.arange(240),
        truth.xyxy[rows] + random.normal(0, 3, (240, 4)),
        np.where(random.random(240) < 0.8, truth.class_id[rows], 1 - truth.class_id[rows]),
        random.random(240),
    )
    return truth, prediction


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_right_predictions_are_those_that_coco_matches(seed: int) -> None:
    """The rule that calibration and precision rest on is the one pycocotools applies at overlap 0.5."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    truth, prediction = _crowd(seed)
    sides = [np.hstack([side.xyxy[:, :2], side.xyxy[:, 2:] - side.xyxy[:, :2]]) for side in (truth, prediction)]
    with contextlib.redirect_stdout(io.StringIO()):
        sets = []
        for side, boxes in zip((truth, prediction), sides, strict=True):
            coco = COCO()
            coco.dataset = {
                "images": [{"id": number} for number in range(10)],
                "categories": [{"id": 0}, {"id": 1}],
                "annotations": [
                    {
                        "id": row + 1,
                        "image_id": int(side.frame[row]),
                        "category_id": int(side.class_id[row]),
                        "bbox": boxes[row].tolist(),
                        "area": float(boxes[row, 2] * boxes[row, 3]),
                        "iscrowd": 0,
                        "score": float(side.score[row]),
                    }
                    for row in range(len(side))
                ],
            }
            coco.createIndex()
            sets.append(coco)
        evaluation = COCOeval(*sets, "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
    expected = np.full(len(prediction), -1)
    for image in filter(None, evaluation.evalImgs):
        for identity, matched in zip(image["dtIds"], image["dtMatches"][0], strict=True):
            expected[identity - 1] = int(matched) - 1
    assert truth_of(truth, prediction).tolist() == expected.tolist()
    assert 20 < np.count_nonzero(expected >= 0) < 120


def test_average_precision_on_a_curve_worked_out_by_hand() -> None:
    """Two truths; the better prediction is right, the next wrong, the last right: precision 1 then 2/3."""
    truth = Observations.of([0, 1], [1, 2], [[0, 0, 40, 40], [0, 0, 40, 40]])
    prediction = Observations.of(
        [0, 0, 1], [1, 2, 3], [[0, 0, 40, 40], [200, 0, 240, 40], [0, 0, 40, 40]], score=[0.9, 0.8, 0.7]
    )
    score = average_precision(truth, prediction, ["thing", "unseen"])
    expected = (51 * 1.0 + 50 * 2 / 3) / 101
    assert score.figures["AP"] == pytest.approx(expected)
    assert score.figures["AP_medium"] == pytest.approx(expected)
    assert score.figures["AP_large"] == -1
    assert score.per_class.tolist() == pytest.approx([expected, -1])
    assert score.precision_50[0, [0, 50, 51, 100]] == pytest.approx([1, 1, 2 / 3, 2 / 3])


def test_confusion_counts_classes_misses_and_phantoms() -> None:
    """Rows are true classes; the last column holds misses, the last row predictions on nothing."""
    places = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]])
    truth = Observations.of([0, 0, 0], [1, 2, 3], places, [0, 0, 1])
    prediction = Observations.of([0, 0, 0], [1, 2, 3], [*places[:2].tolist(), [90, 0, 99, 9]], [0, 1, 1])
    assert confusion(truth, prediction, 2).tolist() == [[1, 1, 0], [0, 0, 1], [0, 1, 0]]
    first, second = class_figures(truth, prediction, 2)
    assert [first.precision, first.recall, first.f1] == pytest.approx([1.0, 0.5, 2 / 3])
    assert (second.precision, second.recall) == (0.0, 0.0)


def test_confusion_sums_to_all_boxes() -> None:
    """Every true box is in one row, every predicted box in one column."""
    truth, prediction = _crowd(5)
    matrix = confusion(truth, prediction, 2)
    assert matrix[:2].sum(axis=1).tolist() == np.bincount(truth.class_id).tolist()
    assert matrix[:, :2].sum(axis=0).tolist() == np.bincount(prediction.class_id).tolist()


@pytest.mark.parametrize("equal_mass", [False, True], ids=["equal-width", "equal-mass"])
def test_honest_confidence_has_a_small_calibration_error(equal_mass: bool) -> None:
    """Outcomes drawn with the stated probability give an error near 0; overconfidence shows as its excess."""
    random = np.random.default_rng(0)
    stated = random.random(20_000)
    right = random.random(20_000) < stated
    assert reliability(stated, right, equal_mass=equal_mass).ece < 0.02
    overconfident = reliability(np.minimum(stated + 0.2, 1.0), right, equal_mass=equal_mass)
    assert overconfident.ece == pytest.approx(0.18, abs=0.02)
    assert reliability([], []).ece == 0.0


def test_timeline_adds_up_to_the_clear_counts() -> None:
    """Errors per frame sum to CLEAR's totals, and tracks' overlaps to its overlap."""
    truth, prediction = _crowd(6)
    pairs = overlap(truth, prediction, 10)
    line, total = timeline(pairs), clear(pairs)
    assert (line.missed.sum(), line.false.sum(), line.switches.sum()) == (total.fn, total.fp, total.id_switches)
    assert sum(track.overlap.sum() for track in track_overlaps(pairs)) == pytest.approx(total.overlap)
    worst = line.worst(3)
    assert line.errors[np.searchsorted(line.frame, worst[0])] == line.errors.max()
