"""Described data sets become samples; the model card and the manifest name what was trained."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.annotations import Annotation, Origin, Provenance
from framelabel.core.boxes import Boxes
from framelabel.core.errors import InvalidLabelsError, UnknownNameError, UsageError
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import SILENT
from framelabel.core.videos import Video
from framelabel.media.encoder import write_video
from framelabel.store.project import Project
from framelabel.training.samples import Sample
from framelabel.workflows import deeppcb, train
from framelabel.workflows.model_card import command_line, with_model
from framelabel.workflows.plugin_scores import evaluate
from framelabel.workflows.train import TrainConfig
from framelabel.workflows.training_data import DataSheet, folder_digest, read_samples, sheet_for

NAMES = ["open", "short", "mousebite", "spur", "copper", "pinhole", "board"]


def _boards(folder: Path, rows: str = "10 12 40 44 1\n100 100 130 120 6\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for stem in ("00041001", "00041002", "13000001"):
        cv2.imwrite(str(folder / f"{stem}_test.png"), np.zeros((640, 640, 3), np.uint8))
        cv2.imwrite(str(folder / f"{stem}_temp.png"), np.zeros((640, 640, 3), np.uint8))
        (folder / f"{stem}.txt").write_text(rows, "utf-8")
    return folder


def test_deeppcb_boxes_and_groups(tmp_path: Path) -> None:
    """Rows `x1 y1 x2 y2 class` become boxes of the plugin's classes; the group rule reads the board's design."""
    folder = _boards(tmp_path / "boards")
    sheet = DataSheet("boards", format="deeppcb", group=r"^(\d{5})")
    samples = read_samples(sheet, folder, NAMES, tmp_path, SILENT)
    assert [sample.group for sample in samples] == ["00041", "00041", "13000"]
    assert samples[0].path.name == "00041001_test.png"
    assert samples[0].boxes.xyxy.tolist() == [[10, 12, 40, 44], [100, 100, 130, 120]]
    assert samples[0].boxes.class_id.tolist() == [0, 5]


@pytest.mark.parametrize("row", ["1 2 3 4", "1 2 3 4 7", "a b c d 1"], ids=["four", "class 7", "letters"])
def test_a_broken_row_is_named(tmp_path: Path, row: str) -> None:
    """One bad row: an error with file and line."""
    with pytest.raises(InvalidLabelsError, match=r"00041001\.txt:1: expected"):
        deeppcb.read(_boards(tmp_path / "boards", row))


def test_classes_are_renamed_and_left_out(tmp_path: Path) -> None:
    """A sheet that maps only `open` teaches only that class, under the plugin's name for it."""
    sheet = DataSheet("boards", format="deeppcb", classes={"open": "cut"})
    samples = read_samples(sheet, _boards(tmp_path / "boards"), ["cut"], tmp_path, SILENT)
    assert [len(sample.boxes) for sample in samples] == [1, 1, 1]


def test_templates_are_found_by_their_endings(tmp_path: Path) -> None:
    """A plugin that compares gets each picture's template; where the sheet names none, the picture is named."""
    place = _boards(tmp_path / "boards")
    for picture in place.rglob("*_test.png"):
        shutil.copyfile(picture, picture.with_name(picture.name.replace("_test", "_temp")))
    sheet = DataSheet("boards", format="deeppcb", templates={"_test.png": "_temp.png"})
    samples = read_samples(sheet, place, list(deeppcb.CLASSES), tmp_path, SILENT, pairs=True)
    expected = [sample.path.with_name(sample.path.name.replace("_test", "_temp")) for sample in samples]
    assert [sample.template for sample in samples] == expected
    plain = read_samples(sheet, place, list(deeppcb.CLASSES), tmp_path, SILENT)
    assert [sample.template for sample in plain] == [None] * len(plain)
    with pytest.raises(UsageError, match=r"_test\.png: no golden template .*'templates' of 'bare' says none"):
        read_samples(DataSheet("bare", format="deeppcb"), place, list(deeppcb.CLASSES), tmp_path, SILENT, pairs=True)


def test_an_unknown_class_is_refused(tmp_path: Path) -> None:
    """A data set's class that the plugin lacks: the nearest one is named."""
    sheet = DataSheet("boards", format="deeppcb", classes={"open": "opne"})
    with pytest.raises(UnknownNameError, match="Did you mean 'open'"):
        read_samples(sheet, _boards(tmp_path / "boards"), NAMES, tmp_path, SILENT)


def test_a_sheet_finds_its_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`root` is looked for beside the sheet, then in $FRAMELABEL_SHARED; else the error says where to get it."""
    _boards(tmp_path / "shared" / "boards")
    home = tmp_path / "datasets" / "boards"
    home.mkdir(parents=True)
    text = "name: boards\nsource: example.org\nroot: boards\nformat: deeppcb\ngroup: '^(\\d{5})'\n"
    (home / "dataset.yaml").write_text(text, "utf-8")
    monkeypatch.setenv("FRAMELABEL_SHARED", str(tmp_path / "shared"))
    sheet, place = sheet_for(home)
    assert (sheet.name, place) == ("boards", tmp_path / "shared" / "boards")
    monkeypatch.setenv("FRAMELABEL_SHARED", str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match=r"example\.org"):
        sheet_for(home)


def test_a_project_teaches_its_reviewed_frames(tmp_path: Path) -> None:
    """Only frames in which a person confirmed something are taught, with pictures cut from the video, exactly."""
    clip = tmp_path / "clip.mp4"
    pictures = [(k, np.full((64, 96, 3), 20 * k, np.uint8)) for k in range(10)]
    write_video(clip, pictures, Fraction(1, 25), Fraction(25), quality=1)
    video = Video(VideoId(0), "clip", str(clip), 96, 64, 10, Fraction(1, 25), Fraction(25))
    person, model = Provenance(Origin.HUMAN, "ann"), Provenance(Origin.MODEL, "m")
    with Project(tmp_path / "p.framelabel", create=True) as project:
        index = FrameIndex(Fraction(1, 25), np.arange(10), np.ones(10, np.bool_), np.zeros(10, np.uint64))
        known = project.add_video(video, index)
        project.extend_ontology(Ontology.of(["dog", "open"]))
        box = (4.0, 4.0, 30.0, 40.0)
        rows = [(2, 1, model), (5, 1, person), (5, 0, model), (8, 1, person)]
        project.append(
            Annotation(known.id, frame, kind, box, who, is_keyframe=who is person) for frame, kind, who in rows
        )
    sheet, place = sheet_for(tmp_path / "p.framelabel")
    samples = read_samples(sheet, place, NAMES, tmp_path / "pictures", SILENT)
    assert [sample.path.name for sample in samples] == ["clip_000005.png", "clip_000008.png"]
    assert [sample.boxes.class_id.tolist() for sample in samples] == [[0], [0]]
    assert abs(int(cv2.imread(str(samples[0].path), cv2.IMREAD_GRAYSCALE).mean()) - 100) <= 3  # type: ignore[union-attr]


def test_an_unknown_key_of_a_sheet_is_named(tmp_path: Path) -> None:
    """A misspelt key is an error with the nearest known one."""
    (tmp_path / "dataset.yaml").write_text("name: a\nlicense: MIT\n", "utf-8")
    with pytest.raises(UsageError, match="Did you mean 'licence'"):
        DataSheet.read(tmp_path / "dataset.yaml")


def test_digest_sees_content_and_names(tmp_path: Path) -> None:
    """Changing a byte or a name changes a data set's digest."""
    folder = _boards(tmp_path / "boards")
    first = folder_digest(folder)
    (folder / "00041001.txt").write_text("1 2 3 4 1\n", "utf-8")
    second = folder_digest(folder)
    (folder / "00041001.txt").rename(folder / "00041009.txt")
    assert len({first, second, folder_digest(folder)}) == 3


def test_manifest_keeps_everything_but_the_model() -> None:
    """File, digest and size are replaced, comments, thresholds and zones stay."""
    old = (
        'name: x\nmodel:\n  file: models/old.onnx  # mine\n  digest: ""\n  input: {size: [352, 352], colour: bgr}\n'
        "  score_threshold: 0.2\nzones: [{name: a, line: [[0, 0], [1, 1]]}]\n"
    )
    new = with_model(old, "models/new.onnx", "sha256:ab", 416)
    assert "file: models/new.onnx" in new
    assert 'digest: "sha256:ab"' in new
    assert "size: [416, 416], colour: bgr" in new
    assert new.endswith(old[old.index("  score_threshold") :])


def test_the_card_repeats_the_command() -> None:
    """Every setting that is not a default is in the command, flags without value as such."""
    config = TrainConfig(plugin=Path("plugins/defects"), data=(Path("a"), Path("b")), epochs=8, turn=True, frozen=2)
    assert command_line(config) == "framelabel train plugins/defects --data a --data b --epochs 8 --frozen 2 --turn"


def test_the_card_names_no_place_of_the_machine(tmp_path: Path) -> None:
    """Paths from the root are private to the machine that trained: their names are enough."""
    config = TrainConfig(tmp_path / "ppe", data=(tmp_path / "set",), start=str(tmp_path / "first.onnx"))
    assert command_line(config) == "framelabel train ppe --data set --start first.onnx"


class _Oracle:
    """A detector that says what it was told, in order."""

    def __init__(self, answers: list[Boxes]) -> None:
        self._answers = iter(answers)

    def __call__(self, images: Sequence[NDArray[np.uint8]]) -> list[Boxes]:
        return [next(self._answers) for _ in images]


def test_scores_of_a_perfect_and_a_half_blind_detector(tmp_path: Path) -> None:
    """Saying the truth scores 1; missing one of two objects in every picture scores a recall of one half."""
    path = tmp_path / "p.png"
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    truth = Boxes.of([[2, 2, 20, 20], [30, 30, 60, 60]], class_id=[0, 0])
    samples = [Sample(path, truth, str(k)) for k in range(3)]
    assert evaluate(_Oracle([truth] * 3), samples, ["a", "b"]).mean == pytest.approx(1.0)
    first: NDArray[np.bool_] = np.array([True, False])
    half = evaluate(_Oracle([truth.select(first)] * 3), samples, ["a", "b"])
    assert half.mean == pytest.approx(51 / 101)
    assert half.objects.tolist() == [6, 0]
    moved = Boxes.of(truth.xyxy + 5.0, class_id=[0, 0])
    assert evaluate(_Oracle([moved] * 3), samples, ["a", "b"], overlap=0.33).mean == pytest.approx(1.0)
    assert evaluate(_Oracle([moved] * 3), samples, ["a", "b"], overlap=0.7).mean == pytest.approx(0.0)


def test_training_without_torch_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without PyTorch the command ends with the install line, before any data is read."""
    import sys

    from framelabel.core.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "torch", None)
    config = replace(TrainConfig(plugin=tmp_path, data=(tmp_path,)), epochs=1)
    with pytest.raises(MissingExtraError, match=r"pip install 'framelabel\[train\]'"):
        train.run(config)


@pytest.mark.parametrize("rows", ["0,0", "1", "a,b"], ids=["twice", "too few", "letters"])
def test_start_rows_must_name_each_class_once(rows: str) -> None:
    """`--start-rows 3,1` begins class 0 from row 3 and class 1 from row 1; anything else is refused in one line."""
    config = TrainConfig(plugin=Path("p"), data=(Path("d"),), start_rows="3,1")
    assert train._start_rows(config, 2) == {3: 0, 1: 1}
    with pytest.raises(UsageError, match="give 2 different row numbers"):
        train._start_rows(replace(config, start_rows=rows), 2)
