"""Ground truth and detections of tracking data sets as text, for the effort benchmarks.

Layouts read (below one folder): `MOT15-train/<seq>/gt/gt.txt` with `MOT15-train_FasterRCNN_det/<seq>/det/det.txt`,
`MOT17-train/<seq>/gt/gt.txt` with `MOT17_trackeval_reference/data/<seq>.txt` (a tracker's boxes; the ids are dropped)
and `MOT17Det_DPM_det/<seq>.txt`, `KITTI_tracking_label_02/<seq>.txt` with `KITTI_pointrcnn_det_val/*/<seq>.txt`.
Sequences without detections are left out.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from framelabel.core.boxes import Boxes

Floats = NDArray[np.float64]

KITTI_CLASSES = ("Pedestrian", "Car", "Cyclist", "Van", "Truck", "Person_sitting", "Tram", "Misc")
KITTI_DETECTOR_CLASS = {1: 0, 2: 1, 3: 2}
"""PointRCNN's class number -> row of `KITTI_CLASSES`."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One visible run: an object over consecutive frames."""

    track: int
    class_id: int
    start: int
    """Frame ordinal of the first box."""
    truth: Floats
    """(N, 4) xyxy of N consecutive frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Sequence:
    """One clip: its runs and the detections of each frame."""

    data_set: str
    name: str
    classes: tuple[str, ...]
    runs: tuple[Run, ...]
    detections: tuple[Boxes, ...]
    """By frame ordinal; no identity."""

    @property
    def box_count(self) -> int:
        """Ground-truth boxes."""
        return sum(len(run.truth) for run in self.runs)


DATA_SETS = ("kitti", "mot17-strong", "mot17-dpm", "mot15")


def sequences(data: Path, data_set: str) -> list[Sequence]:
    """Read every sequence of one data set below `data`, sorted by name; [] when the folder has none."""
    if data_set == "kitti":
        return [_kitti(data, path) for path in sorted((data / "KITTI_tracking_label_02").glob("[0-9]*.txt"))]
    year = "MOT15" if data_set == "mot15" else "MOT17"
    found = []
    for folder in sorted((data / f"{year}-train").glob("*")):
        if data_set == "mot15":
            detections = data / "MOT15-train_FasterRCNN_det" / folder.name / "det" / "det.txt"
        elif data_set == "mot17-strong":
            detections = data / "MOT17_trackeval_reference" / "data" / f"{folder.name}.txt"
        else:
            detections = data / "MOT17Det_DPM_det" / f"{folder.name.rsplit('-', 1)[0]}.txt"
        truth = folder / "gt" / "gt.txt"
        if truth.exists() and detections.exists():
            found.append(_mot(data_set, folder.name, truth, detections))
    return found


def _mot(data_set: str, name: str, truth: Path, detections: Path) -> Sequence:
    rows = np.atleast_2d(np.loadtxt(truth, delimiter=","))
    keep = rows[:, 6] != 0
    if data_set != "mot15":
        keep &= rows[:, 7] == 1
    rows = rows[keep]
    found = np.atleast_2d(np.loadtxt(detections, delimiter=",", usecols=range(7)))
    found = found[(found[:, 4] > 0) & (found[:, 5] > 0)]
    xyxy = np.concatenate([found[:, 2:4], found[:, 2:4] + found[:, 4:6]], axis=1)
    frame = found[:, 0].astype(np.int64) - 1
    return Sequence(
        data_set,
        name,
        ("Pedestrian",),
        _runs(
            rows[:, 0].astype(np.int64) - 1,
            rows[:, 1].astype(np.int64),
            np.zeros(len(rows), np.int64),
            np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1),
        ),
        _by_frame(frame, xyxy, _unit_score(found[:, 6]), np.zeros(len(found), np.int64), int(rows[:, 0].max())),
    )


def _kitti(data: Path, truth: Path) -> Sequence:
    lines = [line.split() for line in truth.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if line and line[2] in KITTI_CLASSES]
    numbers = np.array([[float(line[column]) for column in (0, 1, 6, 7, 8, 9)] for line in lines]).reshape(-1, 6)
    class_id = np.array([KITTI_CLASSES.index(line[2]) for line in lines], np.int64)
    parts = [
        np.atleast_2d(np.loadtxt(path, delimiter=",", usecols=range(7)))
        for path in sorted((data / "KITTI_pointrcnn_det_val").glob(f"*/{truth.name}"))
        if path.stat().st_size
    ]
    found = np.concatenate(parts) if parts else np.zeros((0, 7))
    found = found[(found[:, 4] > found[:, 2]) & (found[:, 5] > found[:, 3])]
    detector_class = np.array([KITTI_DETECTOR_CLASS[int(number)] for number in found[:, 1]], np.int64)
    frame_count = int(max(numbers[:, 0].max(initial=0), found[:, 0].max(initial=0))) + 1
    return Sequence(
        "kitti",
        truth.stem,
        KITTI_CLASSES,
        _runs(numbers[:, 0].astype(np.int64), numbers[:, 1].astype(np.int64), class_id, numbers[:, 2:6]),
        _by_frame(found[:, 0].astype(np.int64), found[:, 2:6], _unit_score(found[:, 6]), detector_class, frame_count),
    )


def _unit_score(raw: Floats) -> Floats:
    """Map a detector's raw scores to [0, 1] by their rank; one constant score stays 1."""
    if len(raw) == 0 or raw.min() == raw.max():
        return np.ones(len(raw))
    ordered = np.sort(raw)
    return np.asarray(np.searchsorted(ordered, raw, side="right") / len(raw), dtype=np.float64)


def _by_frame(
    frame: NDArray[np.int64], xyxy: Floats, score: Floats, class_id: NDArray[np.int64], frame_count: int
) -> tuple[Boxes, ...]:
    order = np.argsort(frame, kind="stable")
    bounds = np.searchsorted(frame[order], np.arange(frame_count + 1))
    parts = [order[bounds[index] : bounds[index + 1]] for index in range(frame_count)]
    return tuple(Boxes.of(xyxy[rows], score[rows], class_id[rows]) for rows in parts)


def _runs(
    frame: NDArray[np.int64], track: NDArray[np.int64], class_id: NDArray[np.int64], xyxy: Floats
) -> tuple[Run, ...]:
    found = []
    for identity in np.unique(track):
        rows = np.flatnonzero(track == identity)
        rows = rows[np.argsort(frame[rows], kind="stable")]
        found += [
            Run(int(identity), int(class_id[part[0]]), int(frame[part[0]]), xyxy[part])
            for part in np.split(rows, np.flatnonzero(np.diff(frame[rows]) != 1) + 1)
        ]
    return tuple(found)
