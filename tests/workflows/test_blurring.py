"""Exported pictures show nobody: faces by another author's detector, classes by their pixels; the audit says what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.errors import MissingModelError, UnknownNameError, UsageError
from framelabel.workflows import export, import_labels, label
from tests.assets import squares

_FACES = 5


def faces_by_opencv(model: Path, image: NDArray[np.uint8]) -> int:
    """Return how many faces OpenCV's own YuNet code finds in a BGR picture, from a score of 0.6 on."""
    detector = cv2.FaceDetectorYN.create(str(model), "", (image.shape[1], image.shape[0]), 0.6, 0.3)
    _, found = detector.detect(image)
    return 0 if found is None else len(found)


def test_no_face_is_found_in_what_was_exported(
    shared: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In five frames of a man's face OpenCV finds the face before the export and none after; the rest stays."""
    monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    model = shared("models/yunet/face_detection_yunet_2026may.onnx")
    clip = shared("data/sot/TLD_david/david.mpg")
    rows = ["frame,class,x1,y1,x2,y2", *(f"{300 + 20 * n},person,110,50,190,160" for n in range(_FACES))]
    (tmp_path / "david.csv").write_text("\n".join(rows) + "\n")
    project = tmp_path / "p.framelabel"
    import_labels.run(import_labels.ImportConfig(project=project, source=tmp_path / "david.csv", footage=(clip,)))
    plain = export.ExportConfig(project=project, destination=tmp_path / "plain" / "l.json", to="coco", images=True)
    export.run(plain)
    shown = export.ExportConfig(
        project=project, destination=tmp_path / "blurred" / "l.json", to="coco", images=True, blur_faces=True
    )
    summary = export.run(shown)
    before, after = (sorted((tmp_path / place / "images").rglob("*.png")) for place in ("plain", "blurred"))
    assert len(before) == len(after) == _FACES
    for one, two in zip(before, after, strict=True):
        old, new = (np.asarray(cv2.imread(str(path)), np.uint8) for path in (one, two))
        assert faces_by_opencv(model, old) == 1
        assert faces_by_opencv(model, new) == 0
        assert np.array_equal(old[:, :40], new[:, :40])
    [line] = summary.audits
    assert line.startswith(f"blurred in {_FACES} pictures: ")
    audit = (tmp_path / "blurred" / "l.json.blurring.txt").read_text()
    assert "sha256:ebafce4e" in audit
    assert audit.count(" faces, 0 labels") == _FACES


def test_without_the_detector_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture that should be blurred and cannot be is not exported as it is."""
    project = labelled(tmp_path)
    for name in ("FRAMELABEL_MODELS", "FRAMELABEL_CACHE", "FRAMELABEL_SHARED"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.setenv("FRAMELABEL_OFFLINE", "1")
    destination = tmp_path / "out" / "l.json"
    with pytest.raises(MissingModelError):
        export.run(
            export.ExportConfig(project=project, destination=destination, to="coco", images=True, blur_faces=True)
        )
    assert not (tmp_path / "out" / "images").exists()


def labelled(folder: Path) -> Path:
    """Return a project with the labels of ten frames of the clip of two squares."""
    clip = squares.write_clip(folder / "squares.mp4", 10)
    plugin = squares.write_plugin(folder / "squares")
    project = folder / "p.framelabel"
    label.run(label.LabelConfig(videos=(clip,), plugin=str(plugin), project=project, tracker="bytetrack"))
    return project


def test_boxes_of_a_class_are_blurred(tmp_path: Path) -> None:
    """Only pixels at red squares change, also where none of their labels is exported."""
    project = labelled(tmp_path)
    for place, classes in (("plain", ()), ("blurred", ("red",))):
        target = tmp_path / place / "l.json"
        config = export.ExportConfig(
            project=project, destination=target, to="coco", images=True, blur=classes, keyframes_only=True
        )
        summary = export.run(config)
    assert "10 boxes of red" in summary.audits[0]
    for number in range(10):
        plain, changed = (
            np.asarray(cv2.imread(str(path)), np.int64)
            for path in (next((tmp_path / place).rglob(f"frame_{number:06d}.png")) for place in ("plain", "blurred"))
        )
        x1, y1, x2, y2 = (int(side) for side in squares.truth(number)[0])
        ys, xs = np.nonzero((plain != changed).any(axis=2))
        assert x1 - 3 <= xs.min()
        assert xs.max() < x2 + 3
        assert y1 - 3 <= ys.min()
        assert ys.max() < y2 + 3
        assert len(xs) > 0.1 * (x2 - x1) * (y2 - y1)


def test_blurring_is_about_pictures(tmp_path: Path) -> None:
    """Blurring without pictures, or of an unknown class, is one line before anything is written."""
    project = labelled(tmp_path)
    with pytest.raises(UsageError, match="--images"):
        export.run(export.ExportConfig(project=project, destination=tmp_path / "l.json", to="coco", blur_faces=True))
    config = export.ExportConfig(
        project=project, destination=tmp_path / "l.json", to="coco", images=True, blur=("rad",)
    )
    with pytest.raises(UnknownNameError, match="'red'"):
        export.run(config)
