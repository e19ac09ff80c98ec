"""Labels of single pictures meet their pictures, whatever order a file lists them in."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from framelabel.store.project import Project
from framelabel.workflows import export, import_labels

ORDERS = [pytest.param([3, 1, 2], id="mixed"), pytest.param([1, 2, 3], id="as-in-the-folder")]


def _coco(names: list[str]) -> dict[str, object]:
    """Return a COCO file in which picture N has one box N pixels wide."""
    return {
        "images": [{"id": 10 + at, "file_name": name, "width": 64, "height": 48} for at, name in enumerate(names)],
        "annotations": [
            {
                "id": at + 1,
                "image_id": 10 + at,
                "category_id": 1,
                "bbox": [0, 0, int(Path(name).stem[1:]), 5],
                "area": 5,
            }
            for at, name in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "thing"}],
    }


@pytest.mark.parametrize("order", ORDERS)
def test_labels_go_by_the_picture_s_name(order: list[int], tmp_path: Path) -> None:
    """A folder sorts p2 before p10, a file lists them as it likes; the box of p10 belongs to p10."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    numbers = [2, 9, 10]
    for number in numbers:
        cv2.imwrite(str(folder / f"p{number}.png"), np.zeros((48, 64, 3), np.uint8))
    names = [f"p{numbers[at - 1]}.png" for at in order] + ["p99.png"]
    source = tmp_path / "labels.json"
    source.write_text(json.dumps(_coco(names)), "utf-8")
    project = tmp_path / "p.framelabel"
    config = import_labels.ImportConfig(project=project, source=source, footage=(folder,))
    summary = import_labels.run(config)
    assert [issue.problem for issue in summary.report.issues] == ["no such picture in the footage"]
    with Project(project) as opened:
        labels = opened.labels()
    assert labels.frames.index[labels.frame].tolist() == [0, 1, 2]
    assert labels.xyxy[:, 2].tolist() == [2, 9, 10]
    export.run(export.ExportConfig(project=project, destination=tmp_path / "out.json", to="coco"))
    written = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [image["file_name"] for image in written["images"]] == ["p2.png", "p9.png", "p10.png"]
