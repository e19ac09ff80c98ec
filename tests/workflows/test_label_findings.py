"""What plugins say beyond boxes, from the model into exports: masks, grades by area and whole-frame tags."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from framelabel.core.shapes import Mask
from framelabel.formats.catalog import FORMATS
from framelabel.store.migrations import APPLICATION_ID, migrations
from framelabel.store.project import Project
from framelabel.workflows import export, label, plugin_new
from framelabel.workflows.edit import Editor
from tests.assets import discs


def run(media: Path, plugin: Path, project: Path, **settings: object) -> label.LabelSummary:
    """Label with one plugin; `settings` win."""
    values: dict[str, object] = {"videos": (media,), "plugin": str(plugin), "project": project, **settings}
    return label.run(label.LabelConfig(**values))  # type: ignore[arg-type]


def pixels(mask: object) -> NDArray[np.bool_]:
    """Return the (H, W) pixels of a stored mask."""
    assert isinstance(mask, Mask)
    return np.repeat(np.arange(len(mask.counts)) % 2 == 1, mask.counts).reshape(mask.size).T


@pytest.fixture
def segmenter(tmp_path: Path) -> Path:
    """Return the plugin that finds the disc's pixels."""
    return discs.write_segmenter(tmp_path / "discs")


@pytest.fixture
def classifier(tmp_path: Path) -> Path:
    """Return the plugin that says day or night."""
    return discs.write_classifier(tmp_path / "daylight")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return a folder of unrelated pictures: a small disc by night, a large one by day, and no disc."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    discs.write_picture(folder / "alpha.png", discs.picture(0, 6))
    discs.write_picture(folder / "beta.png", discs.picture(20, 20, grey=200))
    discs.write_picture(folder / "gamma.png", discs.picture(0, 0, grey=200)[:, ::-1])
    return folder


@pytest.mark.parametrize(("tracker", "effort"), [("bytetrack", "auto"), ("offline", "auto"), ("offline", "full")])
def test_masks_follow_their_tracks(segmenter: Path, tmp_path: Path, tracker: str, effort: str) -> None:
    """Every box of the one track carries the disc's pixels of its own frame, and is their hull."""
    clip = discs.write_clip(tmp_path / "clip.mp4", 30)
    summary = run(clip, segmenter, tmp_path / "p.framelabel", tracker=tracker, effort=effort)
    assert summary.videos[0].tracks == 1
    with Project(tmp_path / "p.framelabel") as project:
        labels = project.labels()
    assert len(labels.shapes) == len(labels) == 30
    for row, shape in labels.shapes.items():
        truth = discs.inside(int(labels.frames.index[labels.frame[row]]))
        found = pixels(shape)
        overlap = (found & truth).sum() / (found | truth).sum()
        assert overlap > 0.88, row  # the clip's colour is stored at half the resolution
        rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
        hull = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
        np.testing.assert_allclose(labels.xyxy[row], hull, atol=1e-9)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # inside pycocotools
def test_unrelated_pictures_keep_every_object_and_their_names(segmenter: Path, pictures: Path, tmp_path: Path) -> None:
    """Objects of pictures that are no sequence are not linked away; exports name the files; areas give grades."""
    run(pictures, segmenter, tmp_path / "p.framelabel", export=(f"coco={tmp_path / 'coco.json'}",))
    content = json.loads((tmp_path / "coco.json").read_text("utf-8"))
    assert [image["file_name"] for image in content["images"]] == ["alpha.png", "beta.png", "gamma.png"]
    found = {item["image_id"]: item for item in content["annotations"]}
    assert sorted(found) == [1, 2]
    for image, (frame, radius) in {1: (0, 6), 2: (20, 20)}.items():
        assert np.array_equal(coco_mask.decode(found[image]["segmentation"]).astype(bool), discs.inside(frame, radius))
        assert found[image]["area"] == discs.inside(frame, radius).sum()
    assert [found[image]["attributes"]["severity"] for image in (1, 2)] == ["small", "large"]


def test_bdd_and_yolo_get_the_masks(segmenter: Path, pictures: Path, tmp_path: Path) -> None:
    """BDD100K's instance masks hold the disc as RLE, YOLO the outline along its pixels."""
    project = tmp_path / "p.framelabel"
    run(pictures, segmenter, project)
    export.run(export.ExportConfig(project=project, destination=tmp_path / "bdd", to="bdd100k", task="ins_seg"))
    bdd = FORMATS.load("bdd100k")().read(tmp_path / "bdd")[0]
    sizes = [discs.inside(0, 6).sum(), discs.inside(20, 20).sum()]
    assert [pixels(shape).sum() for shape in bdd.shapes.values()] == sizes
    export.run(export.ExportConfig(project=project, destination=tmp_path / "yolo", to="yolo", task="segment"))
    [line] = next((tmp_path / "yolo").rglob("alpha.txt")).read_text("utf-8").splitlines()
    corners = np.array(line.split()[1:], np.float64).reshape(-1, 2) * discs.SIZE
    ahead = np.roll(corners, -1, axis=0)
    area = abs(corners[:, 0] @ ahead[:, 1] - ahead[:, 0] @ corners[:, 1]) / 2
    assert abs(area - discs.inside(0, 6).sum()) < 0.1


def test_whole_frame_tags_are_stored_and_exported(classifier: Path, pictures: Path, tmp_path: Path) -> None:
    """A classifier's answer is the frame's attribute: in COCO's images, BDD100K's attributes and the CSV table."""
    project = tmp_path / "p.framelabel"
    run(pictures, classifier, project)
    expected = ["night", "day", "day"]
    with Project(project) as opened:
        assert [spec.name for spec in opened.ontology.frame_attributes] == ["time"]
        facts = [fact for fact in opened.annotations(opened.videos()[0].id) if "time" in fact.attributes]
        assert [fact.attributes["time"] for fact in facts] == expected
        assert all(0.5 < fact.score < 1 and fact.provenance.run_id for fact in facts)
    for name in ("coco", "bdd100k", "csv"):
        target = tmp_path / (f"{name}.csv" if name == "csv" else f"{name}.json")
        export.run(export.ExportConfig(project=project, destination=target, to=name))
    coco = json.loads((tmp_path / "coco.json").read_text("utf-8"))
    assert [image["attributes"]["time"] for image in coco["images"]] == expected
    bdd = FORMATS.load("bdd100k")().read(tmp_path / "bdd100k.json")[0]
    assert [tags["time"] for tags in bdd.frame_attributes.values()] == expected
    with (tmp_path / "csv.csv").open(newline="", encoding="utf-8") as file:
        assert [json.loads(row["frame_attributes"])["time"] for row in csv.DictReader(file)] == expected


def test_a_classifier_s_file_becomes_one_tag(classifier: Path, pictures: Path, tmp_path: Path) -> None:
    """`plugins new` on a bare ONNX classifier declares its classes as one frame attribute, which `label` fills."""
    model = classifier / "model.onnx"
    config = plugin_new.PluginNewConfig(model, name="light", out=tmp_path, classes="night, day", sample=(pictures,))
    made = plugin_new.run(config)
    assert len(yaml.safe_load((made.folder / "plugin.yaml").read_text("utf-8"))["model"]) <= 8
    project = tmp_path / "p.framelabel"
    run(pictures, made.folder, project)
    with Project(project) as opened:
        tags = [values["light"] for values in opened.labels().frame_attributes.values()]
    assert len(tags) == 3
    assert set(tags) <= {"night", "day"}
    # A model that mirrors agree on however it is fed cannot say how it was trained: that is left to a person.
    assert any("do about as well" in doubt for doubt in made.proposal.doubts)


def test_what_a_person_says_of_a_frame_stands(classifier: Path, pictures: Path, tmp_path: Path) -> None:
    """Another run of the plugin replaces its own tags, not a person's; the picture keeps its name."""
    project = tmp_path / "p.framelabel"
    run(pictures, classifier, project)
    with Project(project, write=True) as opened:
        Editor(opened, "ann").tag(opened.videos()[0], 0, {"time": "day"})
    run(pictures, classifier, project, tracker="sort")
    with Project(project) as opened:
        tags = opened.labels().frame_attributes
    assert [tags[row]["time"] for row in range(3)] == ["day", "day", "day"]
    assert tags[0]["picture"] == "alpha.png"


def test_an_older_project_is_brought_up(segmenter: Path, pictures: Path, tmp_path: Path) -> None:
    """A project of the schema before gains the new columns when it is opened; what it held stays."""
    project = tmp_path / "p.framelabel"
    run(pictures, segmenter, project)
    older = as_of(2, project, tmp_path / "older.framelabel")
    with Project(older) as opened:
        assert opened.videos()[0].reader == "auto"
        run_ = next(item for item in opened.runs() if item.kind == "detect")
        found = list(opened.findings(run_, run_.frames.tolist()))
        assert [len(each.boxes) for each in found] == [1, 1, 0]
        assert all(not each.shapes and not each.tags for each in found)


def as_of(schema: int, project: Path, path: Path) -> Path:
    """Write a project as an older framelabel would have: the tables and columns of that schema, with the same rows."""
    connection = sqlite3.connect(path)
    for number, script in migrations()[:schema]:
        connection.executescript(f"{script}; PRAGMA user_version = {number};")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("ATTACH ? AS newer", (str(project),))
    tables = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (table,) in tables.fetchall():
        columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA main.table_info({table})"))
        connection.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")  # noqa: S608 - names from the schema
    connection.commit()
    connection.close()
    return path
