"""KITTI's rules (neighbouring classes, DontCare, truncated and hidden truth, small boxes) against TrackEval."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framelabel.metrics.challenges import KITTI_TYPES, kitti, kitti_truth
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import score_tracks

FIGURES = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "CLR_FP", "CLR_FN", "IDF1")
# TrackEval 1.3.0, Kitti2DBox: PointRCNN's detections with raw scores above 1, the identity being the place in the frame
# from left to right (pedestrians' plus 1000), both classes in one file
EXPECTED = {
    ("0001", "Car"): (0.138161383, 0.686544873, 0.028026085, 0.890074524, 0.268045775, 459, 143, 0.081069959),
    ("0001", "Pedestrian"): (0.199404898, 0.252441498, 0.157704797, 0.745054065, -0.688679245, 155, 9, 0.329608939),
    ("0004", "Car"): (0.167241998, 0.464680808, 0.060252225, 0.870802049, -0.200520833, 496, 81, 0.115838032),
    ("0004", "Pedestrian"): (0.090533679, 0.11752863, 0.071087574, 0.662318114, -1.328125, 89, 59, 0.037974684),
}


def _detections(path: Path, kind: str) -> Observations:
    """Return the detections above the bar; the n-th from the left of each frame is number n."""
    table = np.loadtxt(path, delimiter=",", ndmin=2)
    table = table[table[:, 6] > 1.0]
    table = table[np.lexsort((table[:, 2], table[:, 0]))]
    frame = table[:, 0].astype(np.int64)
    place = np.arange(len(frame)) - np.searchsorted(frame, frame)
    return Observations.of(frame, place, table[:, 2:6], np.full(len(frame), KITTI_TYPES.index(kind)))


@pytest.mark.parametrize(("sequence", "kind"), EXPECTED, ids="-".join)
def test_every_figure_agrees_with_trackeval(shared: Callable[[str], Path], sequence: str, kind: str) -> None:
    """Two busy sequences, both classes: every figure to the ninth digit."""
    labels = shared("data/mot/KITTI_tracking_label_02") / f"{sequence}.txt"
    truth = kitti_truth(labels.read_text("utf-8").splitlines())
    found = _detections(shared("data/mot/KITTI_pointrcnn_det_val") / f"pointrcnn_{kind}_val/{sequence}.txt", kind)
    count = int(max(truth.boxes.frame.max(), found.frame.max())) + 1
    figures = score_tracks(overlap(*kitti(truth, found, kind), count)).figures()
    assert [figures[name] for name in FIGURES] == pytest.approx(EXPECTED[sequence, kind], abs=1e-8)
