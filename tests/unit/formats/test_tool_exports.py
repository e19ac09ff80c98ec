"""Small files as CVAT and Label Studio export them (by their documented schemas), read for what these tools show."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.labels import Flag, Labels
from framelabel.core.shapes import Mask, Polygon, Polyline
from framelabel.formats import cvat_video
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.formats.comparison import differences
from framelabel.formats.label_studio import LabelStudio, LabelStudioOptions
from framelabel.formats.report import Report

SAMPLES = Path(__file__).parents[2] / "assets" / "formats"
_SIZED = LabelStudio(LabelStudioOptions(size="640x480"))


def _rows(labels: Labels, track: int) -> dict[int, tuple[list[float], int]]:
    """Return box and flags by frame of one track."""
    rows = np.flatnonzero(labels.track_id == track)
    frames = labels.frames.index[labels.frame[rows]].tolist()
    return {frame: (labels.xyxy[row].tolist(), int(labels.flags[row])) for frame, row in zip(frames, rows, strict=True)}


@pytest.mark.parametrize("in_bulk", [True, False])
def test_cvat_video_shows_what_cvat_shows(in_bulk: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Boxes lie on the line between keys, stay until the frame that says outside, and are never made up after it."""
    if not in_bulk:
        monkeypatch.setattr(cvat_video, "plain_tracks", lambda _: None)
    labels, report = FORMATS.load("cvat_video")().read(SAMPLES / "cvat_video.xml")
    assert report.skipped == 0
    assert labels.ontology.names == ("car", "lane marking")
    assert (labels.videos[0].name, labels.videos[0].size, labels.videos[0].frame_count) == (
        "crossing.mp4",
        (1280, 720),
        10,
    )
    car = _rows(labels, 0)
    assert sorted(car) == [0, 1, 2, 3, 4, 5, 8]
    assert car[1] == ([110.0, 202.0, 190.0, 262.0], int(Flag.PREDICTED))
    assert car[4] == ([140.0, 208.0, 220.0, 268.0], int(Flag.KEYFRAME | Flag.OCCLUDED))
    assert car[5] == ([140.0, 208.0, 220.0, 268.0], int(Flag.PREDICTED | Flag.OCCLUDED))
    assert car[8] == ([150.5, 210.25, 231.75, 270.0], int(Flag.KEYFRAME))
    assert [issue.problem for issue in report.issues] == [
        'no closing outside="1": it ends at frame 8, CVAT would show it until frame 9'
    ]
    parked = {int(labels.frames.index[labels.frame[row]]): values for row, values in labels.attributes.items()}
    assert parked[1] == {"parked": False, "model": "van"}
    assert parked[5] == {"parked": True, "model": "van"}
    line = next(shape for shape in labels.shapes.values() if isinstance(shape, Polyline))
    assert line.points.tolist() == [[10, 700], [300, 400.5], [420, 380]]
    assert sorted(_rows(labels, 1)) == [2]


def test_cvat_images_keep_shapes_attributes_and_empty_pictures() -> None:
    """Box, polygon and mask come with their attribute as a number; an ellipse is named, not dropped in silence."""
    labels, report = FORMATS.load("cvat_images")().read(SAMPLES / "cvat_images.xml")
    assert labels.frames.name == ("tray 1/board_01.jpg", "tray 1/board_02.jpg")
    assert labels.xyxy.tolist() == [[12.5, 8, 44.75, 20], [100, 100, 160, 140.5], [200, 50, 204, 53]]
    assert [values["depth"] for values in labels.attributes.values()] == [12, 3, 0]
    assert labels.flags.tolist() == [0, int(Flag.OCCLUDED), 0]
    assert isinstance(labels.shapes[1], Polygon)
    mask = labels.shapes[2]
    assert isinstance(mask, Mask)
    assert mask.counts[1::2].sum() == 2 + 4 + 2
    assert [line for line in report.lines() if "<ellipse> is not supported" in line and "shape 3" in line]


def test_label_studio_video_follows_enabled() -> None:
    """Frames count from 1 and boxes in percent; between a key with enabled=false and the next nothing is shown."""
    labels, report = _SIZED.read(SAMPLES / "label_studio.json")
    assert report.skipped == 0
    person = _rows(labels, int(labels.track_id[0]))
    assert sorted(person) == [*range(21), *range(40, 45)]
    assert person[0][0] == [64, 96, 224, 336]
    assert person[5] == ([96, 96, 256, 336], int(Flag.PREDICTED))
    assert labels.videos[0].fps == 25


@pytest.mark.parametrize("name", ["cvat_video.xml", "cvat_images.xml", "label_studio.json"])
def test_an_archive_reads_as_what_it_holds(name: str, tmp_path: Path) -> None:
    """A zip as the tools give it, pictures beside, is recognised and read like its content, reports included."""
    archive = tmp_path / "task 42.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(SAMPLES / name, "annotations.xml" if name.endswith("xml") else name)
        packed.writestr("images/tray 1/board_01.jpg", b"not looked at")
    kind = detect_format(SAMPLES / name)
    assert detect_format(archive) == kind
    reader = _SIZED if kind == "label_studio" else FORMATS.load(kind)()
    expected, one = reader.read(SAMPLES / name)
    found, two = reader.read(archive)
    assert differences(expected, found) == []
    assert _without_file(one) == _without_file(two)
    assert all(issue.file.startswith(str(archive)) for issue in two.issues)


def _without_file(report: Report) -> list[tuple[str, str]]:
    return [(issue.where, issue.problem) for issue in report.issues]
