"""Real data sets through every format and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.labels import Labels
from framelabel.formats.builder import LabelsBuilder, make_video
from framelabel.formats.catalog import FORMATS
from framelabel.formats.comparison import differences
from framelabel.formats.report import LossReport, Report

_MOST = 2000
"""Labels taken of each set; the first ones, so that a run over all formats stays short."""
_PCB = ("open", "short", "mousebite", "spur", "copper", "pin-hole")


def _pcb(path: Path) -> Labels:
    """Read DeepPCB's own text rows: x1 y1 x2 y2 class."""
    builder = LabelsBuilder(Report(str(path)))
    video = builder.video(make_video("pcb"))
    for index, file in enumerate(sorted(path.glob("*.txt"))):
        if file.name == "SOURCE.txt":
            continue
        frame = builder.frame(video, index, f"{file.stem}_test.png", (640, 640))
        for line in file.read_text().splitlines():
            *box, kind = (int(field) for field in line.split())
            builder.add(frame, box, builder.class_id(_PCB[kind - 1]), file.name)
    return builder.build()


def load_set(name: str, shared: Callable[[str], Path]) -> Labels:
    """Return the labels of one real data set, read from its own format without a fault."""
    if name == "images/pcb_deeppcb":
        return _pcb(shared(f"data/{name}"))
    kind = {"mot/MOT17-train": "mot", "mot/MOT15-train": "mot", "mot/KITTI_tracking_label_02": "kitti",
            "images/steel_neu_det": "voc", "images/blood_bccd": "voc", "images/crop_oilpalm": "yolo"}  # fmt: skip
    path = shared(f"data/{name}")
    labels, report = FORMATS.load(kind.get(name, "coco"))().read(path)
    assert report.skipped == 0, list(report.lines())[:5]
    return labels


SETS = (
    "mot/MOT17-train",
    "mot/MOT15-train",
    "mot/KITTI_tracking_label_02",
    "images/pcb_deeppcb",
    "images/steel_neu_det",
    "images/blood_bccd",
    "images/crop_oilpalm",
    "images/car_damage/train/COCO_train_annos.json",
)


@pytest.mark.parametrize("source", SETS)
def test_real_labels_go_through_every_format_and_back(
    source: str, shared: Callable[[str], Path], tmp_path: Path
) -> None:
    """Every format gives back exactly what it says it holds."""
    labels = load_set(source, shared)
    assert len(labels) > 50
    labels = labels.select(np.arange(min(len(labels), _MOST)))
    for name in FORMATS:
        kind = FORMATS.load(name)()
        expected = kind.fit(labels, LossReport(name))
        kind.write(labels, tmp_path / name)
        if not len(expected):
            continue
        found, report = kind.read(tmp_path / name)
        assert report.skipped == 0, (name, list(report.lines())[:3])
        assert differences(expected, found) == [], name
