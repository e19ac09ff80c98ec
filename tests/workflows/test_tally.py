"""Counts per picture, and what lies on which part, against areas known by drawing."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from framelabel.cli.tally import command
from framelabel.core.errors import UnknownNameError
from framelabel.workflows import import_labels, tally

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def _square(left: float, top: float, side: float) -> list[float]:
    return [left, top, left + side, top, left + side, top + side, left, top + side]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project of two pictures: a hood and a door of 100 pixels a side with three dents, and a clean one."""
    rows = [
        ("hood", [_square(0, 0, 100)]),
        ("door", [_square(200, 0, 100)]),
        ("dent", [_square(10, 10, 20)]),
        ("dent", [_square(20, 10, 20)]),  # overlaps the first by half
        ("dent", [_square(290, 90, 20)]),  # a quarter of it on the door
        ("dent", [_square(400, 200, 10)]),
    ]
    names = ["dent", "hood", "door"]
    content = {
        "images": [{"id": at, "file_name": f"{at}.jpg", "width": 500, "height": 300} for at in (1, 2)],
        "annotations": [
            {"id": at, "image_id": 1, "category_id": names.index(name) + 1, "segmentation": rings, "area": 1,
             "bbox": [min(rings[0][::2]), min(rings[0][1::2]), 20, 20]}
            for at, (name, rings) in enumerate(rows, 1)
        ],
        "categories": [{"id": at, "name": name} for at, name in enumerate(names, 1)],
    }  # fmt: skip
    (tmp_path / "labels.json").write_text(json.dumps(content), "utf-8")
    target = tmp_path / "p.framelabel"
    import_labels.run(import_labels.ImportConfig(project=target, source=tmp_path / "labels.json"))
    return target


def test_damage_by_part(project: Path) -> None:
    """Overlapping dents cover their union; a dent half outside counts where it lies; the rest lies elsewhere."""
    found = tally.run(tally.TallyConfig(project=project, of=("dent",), part=("hood", "door")))
    assert found.columns == ("video", "frame", "picture", "part", "objects", "covered_px", "covered_share")
    assert [row[2:] for row in found.rows] == [
        ("1.jpg", "hood", 2, 600.0, 0.06),
        ("1.jpg", "door", 1, 100.0, 0.01),
        ("1.jpg", "elsewhere", 1, 100.0, ""),
    ]


def test_counts_by_picture(project: Path, tmp_path: Path) -> None:
    """A picture without objects has a row of noughts; the CSV holds the same table."""
    found = tally.run(tally.TallyConfig(project=project, of=("dent", "door"), out=tmp_path / "t.csv"))
    assert [row[2:] for row in found.rows] == [("1.jpg", 4, 1), ("2.jpg", 0, 0)]
    assert found.totals[3:] == (4, 1)
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        assert [row["dent"] for row in csv.DictReader(file)] == ["4", "0"]
    with pytest.raises(UnknownNameError, match="Did you mean 'dent'"):
        tally.run(tally.TallyConfig(project=project, of=("dnet",)))


def test_blood_cells(shared: Callable[[str], Path], tmp_path: Path) -> None:
    """The config for medical pictures counts what the data set's own files say, picture by picture."""
    source = shared("data/images/blood_bccd")
    project = tmp_path / "blood.framelabel"
    footage = (source / "JPEGImages",)
    import_labels.run(import_labels.ImportConfig(project=project, source=source / "Annotations", footage=footage))
    arguments = [str(project), "--config", str(CONFIGS / "blood_cells.yaml"), "--out", str(tmp_path / "counts.csv")]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    with (tmp_path / "counts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 160
    for row in rows[::20]:
        text = (source / "Annotations" / f"{Path(row['picture']).stem}.xml").read_text("utf-8")
        truth = Counter({name: text.count(f"<name>{name}</name>") for name in ("RBC", "WBC", "Platelets")})
        assert {name: int(row[name]) for name in truth} == dict(truth), row["picture"]


def test_car_damage(shared: Callable[[str], Path], tmp_path: Path) -> None:
    """The config for insurance joins damage and parts of the same photos from two files, by the photos' names."""
    source = shared("data/images/car_damage/train")
    project = tmp_path / "claims.framelabel"
    for name in ("COCO_train_annos.json", "COCO_mul_train_annos.json"):
        import_labels.run(import_labels.ImportConfig(project=project, source=source / name, footage=(source,)))
    arguments = [str(project), "--config", str(CONFIGS / "car_damage.yaml"), "--out", str(tmp_path / "claims.csv")]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    with (tmp_path / "claims.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["objects"]) for row in rows) == 63
    on_parts = [row for row in rows if row["part"] != "elsewhere"]
    assert {row["part"] for row in on_parts} == {"headlamp", "hood", "door", "front_bumper", "rear_bumper"}
    assert all(0 < float(row["covered_share"]) <= 1 for row in on_parts)
    assert sum(int(row["objects"]) for row in on_parts) > 40
