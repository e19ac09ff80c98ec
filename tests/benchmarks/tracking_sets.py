"""The sequences of `tracking.py`: detections and ground truth in the layouts of MOTChallenge and KITTI."""

from __future__ import annotations

import configparser
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.metrics.challenges import (
    KITTI_TYPES,
    PEDESTRIAN,
    MotEdition,
    kitti,
    kitti_truth,
    mot_challenge,
    mot_observations,
)
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import TrackingScore, score_tracks

Floats = NDArray[np.float64]


class Scorer(Protocol):
    """Scores an answer against the truth of a sequence."""

    def __call__(
        self, frame: NDArray[np.int64], track: NDArray[np.int64], xyxy: Floats, step: int = 1
    ) -> TrackingScore:
        """Score boxes with frames from 0, counted among every `step`-th frame of the sequence."""


POINTRCNN_BAR = {"Car": 3.240738, "Pedestrian": 2.683133}
"""PointRCNN's raw score that AB3DMOT's published evaluation takes as sure; it is mapped to 0.5."""
_KITTI_SIZE, _KITTI_FPS = (1242, 375), 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """One clip: what every tracker is given, and how its answer is scored."""

    name: str
    fps: float
    size: tuple[int, int]
    boxes: list[Boxes]
    """One per frame, from frame 0 on."""
    score: Scorer
    truth: Observations
    """Of the class that is scored; frames from 0. Rows that do not count are among them."""

    def thinned(self, step: int) -> Sequence:
        """Return every `step`-th frame, at a rate as much lower."""
        return replace(self, fps=self.fps / step, boxes=self.boxes[::step], score=partial(self.score, step=step))


def sigmoid(raw: Floats) -> Floats:
    """Return raw scores as shares; the same map for every tracker."""
    return np.asarray(1.0 / (1.0 + np.exp(-raw)), np.float64)


def load(data: Path) -> dict[str, list[Sequence]]:
    """Return the sets found below `data` (the layouts of shared/data/mot); a set without sequences is left out."""
    sets = {
        "MOT15 Faster R-CNN": _mot15(data),
        "MOT17 DPM": _mot17(data),
        "KITTI pedestrians": _kitti(data, "Pedestrian"),
        "KITTI cars": _kitti(data, "Car"),
    }
    return {name: found for name, found in sets.items() if found}


def _mot15(data: Path) -> list[Sequence]:
    return [
        _mot(folder, detections, MotEdition.MOT15, lambda raw: raw)
        for folder in sorted((data / "MOT15-train").glob("*/"))
        if (detections := data / "MOT15-train_FasterRCNN_det" / folder.name / "det/det.txt").exists()
    ]


def _mot17(data: Path) -> list[Sequence]:
    return [
        _mot(folder, detections, MotEdition.MOT16, sigmoid)
        for folder in sorted((data / "MOT17-train").glob("*/"))
        if (detections := data / "MOT17Det_DPM_det" / f"{'-'.join(folder.name.split('-')[:2])}.txt").exists()
    ]


def _mot(folder: Path, detections: Path, edition: MotEdition, to_share: Callable[[Floats], Floats]) -> Sequence:
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini")
    facts = info["Sequence"]
    truth = mot_observations(_table(folder / "gt/gt.txt"), has_classes=edition is not MotEdition.MOT15)
    table = _table(detections)
    corners = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    count = max(int(facts["seqLength"]), int(table[:, 0].max()))

    def score(frame: NDArray[np.int64], track: NDArray[np.int64], xyxy: Floats, step: int = 1) -> TrackingScore:
        found = Observations.of(frame * step + 1, track, xyxy, np.ones(len(frame), np.int32))
        kept = truth.select((truth.frame - 1) % step == 0)
        return score_tracks(overlap(*mot_challenge(kept, found, edition), count))

    size = int(facts["imWidth"]), int(facts["imHeight"])
    boxes = _by_frame(table[:, 0].astype(np.int64) - 1, corners, to_share(table[:, 6]), count)
    counted = truth.select(truth.class_id == PEDESTRIAN)
    return Sequence(
        facts["name"], float(facts["frameRate"]), size, boxes, score, replace(counted, frame=counted.frame - 1)
    )


def _kitti(data: Path, kind: str) -> list[Sequence]:
    found = []
    for labels in sorted((data / "KITTI_tracking_label_02").glob("[0-9]*.txt")):
        detections = data / "KITTI_pointrcnn_det_val" / f"pointrcnn_{kind}_val" / labels.name
        if detections.exists():
            found.append(_kitti_sequence(labels, detections, kind))
    return found


def _kitti_sequence(labels: Path, detections: Path, kind: str) -> Sequence:
    truth = kitti_truth(labels.read_text("utf-8").splitlines())
    table = _table(detections)
    number = KITTI_TYPES.index(kind)

    def score(frame: NDArray[np.int64], track: NDArray[np.int64], xyxy: Floats, step: int = 1) -> TrackingScore:
        answer = Observations.of(frame * step, track, xyxy, np.full(len(frame), number))
        return score_tracks(overlap(*kitti(truth.select(truth.boxes.frame % step == 0), answer, kind), count))

    count = max(int(truth.boxes.frame.max()), int(table[:, 0].max())) + 1
    shares = sigmoid(table[:, 6] - POINTRCNN_BAR[kind])
    boxes = _by_frame(table[:, 0].astype(np.int64), table[:, 2:6], shares, count)
    own = truth.boxes.select(truth.boxes.class_id == number)
    return Sequence(labels.stem, _KITTI_FPS, _KITTI_SIZE, boxes, score, own)


def _table(path: Path) -> Floats:
    return np.asarray(np.loadtxt(path, delimiter=",", ndmin=2), np.float64)


def _by_frame(frame: NDArray[np.int64], xyxy: Floats, score: Floats, count: int) -> list[Boxes]:
    order = np.argsort(frame, kind="stable")
    edge = np.searchsorted(frame[order], np.arange(count + 1))
    return [Boxes.of(xyxy[order[a:b]], score[order[a:b]]) for a, b in pairwise(edge)]
