"""Reading in bulk gives what reading record by record gives, reports included, whatever the file looks like."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framelabel.core.errors import InvalidLabelsError
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.formats import bdd100k, bdd_reading, coco, coco_reading, cvat_video, files, jsonstream, tables
from framelabel.formats.builder import make_video
from framelabel.formats.catalog import FORMATS
from framelabel.formats.comparison import differences
from framelabel.formats.report import Report

_SETTINGS = settings(
    max_examples=60, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
_NUMBER = st.one_of(
    st.integers(-50, 2000),
    st.floats(-1e4, 1e4, allow_nan=False),
    st.decimals(0, 2000, places=2).map(float),
    st.sampled_from([0.0, -0.0, 1e-7, 1e22, 5e-324, 0.1 + 0.2, 1 / 3, 2.0**53, 1e300, 123456789.123456789]),
)
_COUNT = st.one_of(st.integers(0, 3), st.integers(-2, 40), st.just(True), st.just(1.0), st.just("7"), st.none())
_WORD = st.sampled_from(["car", "traffic light", "e-bike", "class 1", "a.b", "行人", 'q"uote', "back\\slash", ""])
_STYLES: tuple[dict[str, Any], ...] = ({"separators": (",", ":")}, {}, {"indent": 1})


def _with_and_without(read: Callable[[], tuple[Labels, Report]], monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    """Return what is read in bulk and what is read record by record; the text of the error where reading fails."""

    def outcome() -> tuple[Labels, list[str]] | str:
        try:
            labels, report = read()
        except InvalidLabelsError as error:
            return str(error)
        return labels, list(report.lines())

    with monkeypatch.context() as slow:
        original = jsonstream.stream
        slow.setattr(jsonstream, "stream", lambda blocks, where, *_: original(blocks, where))
        slow.setattr(cvat_video, "plain_tracks", lambda _: None)
        slow.setattr(tables, "_fast", lambda *_: None)
        expected = outcome()
    with monkeypatch.context() as small:
        small.setattr(files, "_FIRST_BLOCK", 64)
        small.setattr(files, "BLOCK", 512)
        return outcome(), expected


def _check(read: Callable[[], tuple[Labels, Report]], monkeypatch: pytest.MonkeyPatch) -> None:
    found, expected = _with_and_without(read, monkeypatch)
    if isinstance(expected, str):
        return  # a file that is refused as a whole; that nothing worse happens is tested with hostile files
    assert not isinstance(found, str), found
    assert differences(expected[0], found[0]) == []
    assert found[0].ontology.names == expected[0].ontology.names
    assert np.array_equal(np.signbit(expected[0].xyxy), np.signbit(found[0].xyxy))
    assert sorted(found[1]) == sorted(expected[1])


_ODD_ANNOTATIONS: list[dict[str, Any]] = [
    {"attributes": {"a": 1}},
    {"bbox": [1, 2]},
    {"image_id": 9},
    {"track_id": "x"},
]


@st.composite
def _annotations(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(st.sampled_from(["area", "iscrowd", "track_id", "score", "segmentation", "id"]), unique=True))
    values = {"area": _NUMBER, "iscrowd": st.sampled_from([0, 1, False, True]), "track_id": _COUNT, "score": _NUMBER,
              "segmentation": st.just([]), "id": st.integers(0, 9)}  # fmt: skip
    odd = draw(st.integers(0, 3)) == 0
    records = []
    for _ in range(draw(st.integers(1, 25))):
        record = {"image_id": draw(st.integers(1, 3)), "category_id": draw(st.integers(1, 2)),
                  "bbox": [draw(_NUMBER) for _ in range(4)]}  # fmt: skip
        record |= {name: draw(values[name]) for name in names}
        if odd and draw(st.booleans()):
            record |= draw(
                st.sampled_from([{"attributes": {"a": 1}}, {"bbox": [1, 2]}, {"image_id": 9}, {"track_id": "x"}])
            )
        records.append(record)
    return records


@_SETTINGS
@given(records=_annotations(), style=st.sampled_from(_STYLES), first=st.booleans())
def test_coco_annotations(
    records: list[dict[str, Any]], style: dict[str, Any], first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Numbers keep their last digit, odd records their report, in minified, spaced and indented files."""
    lists = {
        "images": [{"id": row, "file_name": f"{row}.jpg", "width": 10, "height": 10} for row in (1, 2, 3)],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }
    content = {"annotations": records, **lists} if first else {**lists, "annotations": records}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content, **style))
    _check(lambda: coco.Coco().read(path), monkeypatch)


_ODD_FRAMES: list[dict[str, Any]] = [{"attributes": {"labels": []}}, {"frameIndex": 0}, {"url": None}, {"labels": None}]
_ODD_LABELS: list[dict[str, Any]] = [
    {"score": 0.5},
    {"attributes": {"speed": 3}},
    {"box2d": None},
    {"category": 4},
    {"poly2d": [{"vertices": [[1, 2], [3, 4]], "types": "LL", "closed": False}]},
]


@st.composite
def _scalabel(draw: st.DrawFn) -> list[dict[str, Any]]:
    with_clip, order = draw(st.booleans()), draw(st.sampled_from([("x1", "y1", "x2", "y2"), ("x2", "x1", "y2", "y1")]))
    odd = draw(st.integers(0, 3)) == 0
    frames = []
    for index in range(draw(st.integers(1, 8))):
        labels = []
        for _ in range(draw(st.integers(0, 4))):
            label: dict[str, Any] = {
                "id": draw(st.one_of(st.integers(0, 99).map(str), st.integers(-1, 5), st.sampled_from(["-1", "a7"]))
                           if odd else st.integers(0, 99).map(str)),
                "category": draw(_WORD if odd else st.sampled_from(["car", "traffic light", "行人"])),
                "attributes": draw(st.sampled_from([{}, {"occluded": True}, {"crowd": False, "light": "red"}])),
                "manualShape": draw(st.booleans()),
                "box2d": {name: draw(_NUMBER) for name in (draw(st.permutations(order)) if odd else order)},
                "box3d": None, "poly2d": None, "rle": None, "graph": None,
            }  # fmt: skip
            if odd and draw(st.booleans()):
                label |= draw(st.sampled_from(_ODD_LABELS))
            labels.append(label)
        frame: dict[str, Any] = {"name": f"v-{index}.jpg", "labels": labels, "videoName": "v" if with_clip else None,
                                 "frameIndex": index, "size": {"width": 1280, "height": 720}}  # fmt: skip
        if odd and draw(st.integers(0, 3)) == 0:
            frame |= draw(
                st.sampled_from([{"attributes": {"labels": []}}, {"frameIndex": 0}, {"url": None}, {"labels": None}])
            )
        frames.append(frame)
    return frames


@_SETTINGS
@given(frames=_scalabel(), style=st.sampled_from(_STYLES), in_object=st.booleans())
def test_scalabel_frames(
    frames: list[dict[str, Any]],
    style: dict[str, Any],
    in_object: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ids, categories with digits in them, flags, key orders and faults come out alike."""
    path = tmp_path / "a.json"
    content = {"frames": frames, "config": {"categories": [{"name": "car"}]}} if in_object else frames
    path.write_text(json.dumps(content, **style))
    _check(lambda: bdd100k.Bdd100k().read(path), monkeypatch)


_ATTRIBUTES = (
    "",
    '<attribute name="lit">true</attribute>',
    '<attribute name="lit">false</attribute>',
    '<attribute name="colour">red</attribute>',
    '<attribute name="doors">4</attribute>',
)
_ODD_SIDES = (
    'xtl="5" ytl="5" xbr="1" ybr="9"',
    'xtl="nan" ytl="1" xbr="2" ybr="3"',
    'xtl="1"',
    'xtl="1e1" ytl="1" xbr="20" ybr="30"',
)
_SIZES = (
    "<size>12</size><start_frame>0</start_frame><stop_frame>11</stop_frame>",
    "<size>6</size><start_frame>0</start_frame><stop_frame>11</stop_frame><frame_filter>step=2</frame_filter>",
    "<size>0</size>",
)
_LABELS = (
    "<labels><label><name>car</name><attributes><attribute><name>lit</name><input_type>checkbox</input_type>"
    "</attribute></attributes></label></labels>"
)


@st.composite
def _cvat(draw: st.DrawFn) -> str:
    odd = draw(st.integers(0, 3)) == 0
    space = draw(st.sampled_from(["", "\n", "\n    "]))
    attribute = draw(st.sampled_from(_ATTRIBUTES))
    tracks = []
    for number in range(draw(st.integers(0, 4))):
        frames = sorted(draw(st.sets(st.integers(0, 11), min_size=0 if odd else 1, max_size=5)))
        boxes = []
        for frame in frames:
            x, y, width, height = (abs(float(draw(_NUMBER))) % 500 for _ in range(4))
            sides = f'xtl="{x}" ytl="{y}" xbr="{x + width}" ybr="{y + height}"'
            if odd and draw(st.integers(0, 4)) == 0:
                sides = draw(st.sampled_from(_ODD_SIDES))
            outside, hidden, key = (draw(st.integers(0, 1)) for _ in range(3))
            state = f'outside="{outside}" occluded="{hidden}" keyframe="{key}"'
            inside = draw(st.sampled_from(["", attribute])) + (draw(st.sampled_from(["", "<!-- x -->"])) if odd else "")
            boxes.append(f'<box frame="{frame}" {state} {sides} z_order="0">{space}{inside}</box>')
        if odd and boxes and draw(st.booleans()):
            boxes = draw(
                st.permutations([*boxes, '<polygon frame="3" outside="0" occluded="0" points="1,1;5,1;5,5" />'])
            )
        label = draw(st.sampled_from(["car", "e-bike 2", "a &amp; b", "行人"]))
        tracks.append(f'<track id="{draw(st.sampled_from([number, "x", 7])) if odd else number}" label="{label}">'
                      f"{space}{space.join(boxes)}{space}</track>")  # fmt: skip
    meta = f"<meta><task><name>t</name>{draw(st.sampled_from(_SIZES))}{_LABELS}</task></meta>"
    inside = f"<version>1.1</version>{meta}{space.join(tracks)}{space}"
    return f'<?xml version="1.0" encoding="utf-8"?>{space}<annotations>{space}{inside}</annotations>{space}'


@_SETTINGS
@given(content=_cvat())
def test_cvat_tracks(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, lines between them, states, attributes and warnings come out alike."""
    path = tmp_path / "a.xml"
    path.write_text(content)
    _check(lambda: cvat_video.CvatVideo().read(path), monkeypatch)


def test_that_regular_files_are_read_in_bulk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shortcuts are taken: of 6000 boxes only those of the first and last block are read one by one."""
    count = 6000
    labels = Labels.of(
        Ontology.of(["car", "pedestrian"]),
        (make_video("clip", (1280, 720), count // 4, Fraction(25)),),
        FrameTable(np.zeros(count // 4, np.int32), np.arange(count // 4)),
        np.arange(count) // 4,
        np.round(np.random.default_rng(3).uniform((0, 0, 400, 400), (300, 300, 700, 700), (count, 4)), 2),
        class_id=np.arange(count) % 4 // 2,
        track_id=np.arange(count) % 4 + 1,
    )
    monkeypatch.setattr(files, "_FIRST_BLOCK", 1 << 12)
    monkeypatch.setattr(files, "BLOCK", 1 << 15)
    seen = dict.fromkeys(("coco", "bdd100k", "cvat_video", "mot"), 0)

    def counted(kind: Any, name: str, of: str, size: Callable[[Any], int]) -> None:
        original = getattr(kind, name)

        def count_and_go_on(*given: Any, **named: Any) -> Any:
            seen[of] += size(given)
            return original(*given, **named)

        monkeypatch.setattr(kind, name, count_and_go_on)

    counted(coco_reading.CocoReader, "_take_annotations", "coco", lambda given: len(given[1]))
    counted(bdd_reading.ScalabelReader, "_take_labels", "bdd100k", lambda given: len(given[1]))
    counted(cvat_video, "read_track", "cvat_video", lambda given: len(given[0]))
    counted(tables, "_slow", "mot", lambda given: len(given[0].split()))
    for name in seen:
        FORMATS.load(name)().write(labels, tmp_path / name / "data")
        found, _ = FORMATS.load(name)().read(tmp_path / name / "data")
        assert len(found) == count
    assert seen["cvat_video"] == seen["mot"] == 0
    assert seen["coco"] < count / 10
    assert seen["bdd100k"] < count / 10
