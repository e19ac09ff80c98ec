from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.formats.builder import make_video
from framelabel.formats.yolo import Yolo, YoloOptions


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_data_yaml_is_found_from_any_working_directory(
    split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ultralytics' rule (`check_det_dataset`): a split lies below `path` as seen from here, else beside data.yaml."""
    frames = FrameTable(np.zeros(1, np.int32), np.zeros(1, np.int64), ("a.jpg",))
    labels = Labels.of(
        Ontology.of(["car"]),
        (make_video("set", (64, 48), 1),),
        frames,
        np.zeros(1, np.int64),
        np.array([[1.0, 2, 9, 9]]),
    )
    file = tmp_path / "set" / "data.yaml"
    kind = Yolo(YoloOptions(split=split))
    kind.write(labels, file.parent)
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load(file.read_text())
    place = (Path(content.get("path") or file.parent) / content[split]).resolve()
    assert [place / "a.jpg"] == kind.picture_paths(labels, file.parent)
