"""Whole-frame questions, from a folder of arbitrary files to answers, tags and an export."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from framelabel.cli.tag import command
from framelabel.core.errors import UsageError
from framelabel.core.tasks import Answer, TaskKind
from framelabel.store.project import Project
from framelabel.workflows import agree, export, tag, verify
from framelabel.workflows.edit import Editor
from tests.assets import discs

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "binary_images.yaml"
NAMES = ("letter.txt", "packed.bin", "tool.exe", "zeros.dat")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder of four files that no picture reader would open."""
    folder = tmp_path / "samples"
    folder.mkdir()
    random = np.random.default_rng(3)
    contents = (b"Dear Sir or Madam, " * 300, random.bytes(70_000), b"MZ" + random.bytes(11_000), bytes(500))
    for name, content in zip(NAMES, contents, strict=True):
        (folder / name).write_bytes(content)
    return folder


def test_from_files_to_an_export(files: Path, tmp_path: Path) -> None:
    """Files become byte pictures, each a question to two people; answers become tags under the files' names."""
    project = tmp_path / "threats.framelabel"
    arguments = [str(files), "--config", str(CONFIG), "--project", str(project), "--answers", "2"]
    done = CliRunner().invoke(command, arguments)
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "4 frames, 4 new questions, 0 known already")
    with Project(project, write=True) as opened:
        tasks = opened.tasks()
        assert {(task.kind, task.choices, task.question) for task in tasks} == {
            (TaskKind.TAG, ("normal", "abnormal"), "verdict: normal or abnormal?")
        }
        for task in tasks:
            is_odd = NAMES[task.start] in ("packed.bin", "tool.exe")
            opened.add_answer(Answer(task.id, "ann", "abnormal" if is_odd else "normal"))
            opened.add_answer(Answer(task.id, "bob", "normal" if NAMES[task.start] == "zeros.dat" else "abnormal"))
    summary = agree.run(agree.AgreeConfig(project=project, merge=True))
    assert summary.tagged == 3  # about the letter they disagree
    assert agree.run(agree.AgreeConfig(project=project, merge=True)).tagged == 0
    assert [item.is_proven for item in verify.run(verify.VerifyConfig(project))] == [True]
    export.run(export.ExportConfig(project=project, destination=tmp_path / "t.csv", to="csv"))
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["picture"]: json.loads(row["frame_attributes"] or "{}") for row in csv.DictReader(file)}
    assert rows == {
        "letter.txt": {},
        "packed.bin": {"verdict": "abnormal"},
        "tool.exe": {"verdict": "abnormal"},
        "zeros.dat": {"verdict": "normal"},
    }
    export.run(export.ExportConfig(project=project, destination=tmp_path / "set" / "c.json", to="coco", images=True))
    written = json.loads((tmp_path / "set" / "c.json").read_text("utf-8"))["images"]
    assert [(item["width"], item["height"]) for item in written] == [(32, 179), (256, 274), (64, 172), (32, 16)]


def test_asking_again_asks_nothing_twice(files: Path, tmp_path: Path) -> None:
    """Frames with a waiting question or a person's tag are known."""
    config = tag.TagConfig(
        videos=(files,), project=tmp_path / "p.framelabel", tag=("verdict=normal,abnormal",), reader="bytes"
    )
    assert tag.run(config).tasks == 4
    assert (tag.run(config).tasks, tag.run(config).known) == (0, 4)
    other = tag.TagConfig(videos=(files,), project=tmp_path / "p.framelabel", tag=("kind=text,code",), reader="bytes")
    with Project(tmp_path / "p.framelabel", write=True) as project:
        Editor(project, "ann").tag(project.videos()[0], 0, {"kind": "text"})
    assert tag.run(other).tasks == 3


def test_people_are_asked_where_a_classifier_is_least_sure(tmp_path: Path) -> None:
    """With a plugin the queue goes by its doubt, and what it is sure of is not asked; an undo takes tags back."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, grey in (("dusk.png", 98), ("night.png", 0), ("noon.png", 140)):
        discs.write_picture(pictures / name, discs.picture(0, 0, grey))
    plugin = discs.write_classifier(tmp_path / "daylight")
    project = tmp_path / "p.framelabel"
    settings = {"videos": (pictures,), "project": project, "tag": ("time=night,day",), "plugin": str(plugin)}
    assert tag.run(tag.TagConfig(**settings, sure=0.99)).tasks == 2  # type: ignore[arg-type]
    with Project(project, write=True) as opened:
        assert [task.start for task in opened.tasks()] == [0, 2]
        opened.add_answer(Answer(opened.tasks()[0].id, "ann", "day"))
    assert agree.run(agree.AgreeConfig(project=project, merge=True)).tagged == 1
    with Project(project) as opened:
        assert [tags["time"] for tags in opened.labels().frame_attributes.values()] == ["day", "night", "day"]
    agree.run(agree.AgreeConfig(project=project, undo=True))
    with Project(project) as opened:
        assert [tags["time"] for tags in opened.labels().frame_attributes.values()] == ["night", "night", "day"]


@pytest.mark.parametrize("text", ["verdict", "verdict=normal", "=a,b", "verdict=a,a"])
def test_a_question_needs_answers(text: str) -> None:
    """A question without a name or a choice is refused with an example."""
    with pytest.raises(UsageError, match="verdict=normal,abnormal"):
        tag.parse_tag(text)
