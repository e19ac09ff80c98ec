from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.formats.builder import make_video
from framelabel.formats.yolo import Yolo, YoloOptions


def _one_picture() -> Labels:
    frames = FrameTable(np.zeros(1, np.int32), np.zeros(1, np.int64), ("a.jpg",))
    return Labels.of(
        Ontology.of(["car"]),
        (make_video("set", (64, 48), 1),),
        frames,
        np.zeros(1, np.int64),
        np.array([[1.0, 2, 9, 9]]),
    )


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_data_yaml_is_found_from_any_working_directory(
    split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ultralytics' rule (`check_det_dataset`): a split lies below `path` as seen from here, else beside data.yaml."""
    labels = _one_picture()
    file = tmp_path / "set" / "data.yaml"
    kind = Yolo(YoloOptions(split=split))
    kind.write(labels, file.parent)
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load(file.read_text())
    place = (Path(content.get("path") or file.parent) / content[split]).resolve()
    assert [place / "a.jpg"] == kind.picture_paths(labels, file.parent)


def test_one_split_alone_can_be_trained_on(tmp_path: Path) -> None:
    """Ultralytics refuses a set without its val folder: val is then the split that is there, and said so."""
    kind = Yolo(YoloOptions(split="train"))
    kind.write(_one_picture(), tmp_path / "set")
    text = (tmp_path / "set" / "data.yaml").read_text()
    assert yaml.safe_load(text)["val"] == "images/train"
    assert text.startswith("# There is no split val here")


@pytest.mark.parametrize("order", [("train", "val"), ("val", "train")])
def test_splits_of_one_folder_know_each_other(order: tuple[str, str], tmp_path: Path) -> None:
    """Whichever split is exported last, data.yaml names the pictures of both."""
    for split in order:
        Yolo(YoloOptions(split=split)).write(_one_picture(), tmp_path / "set")
    content = yaml.safe_load((tmp_path / "set" / "data.yaml").read_text())
    assert (content["train"], content["val"], content["test"]) == ("images/train", "images/val", None)
