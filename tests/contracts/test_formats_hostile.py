"""Files that are broken or made to harm: one clear line each, never a crash, never a hang."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from framelabel.core.errors import FramelabelError, InvalidLabelsError
from framelabel.core.labels import Labels
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.formats.report import Report

NAMES = sorted(FORMATS)
_COCO = {
    "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 2, 2], "area": 4, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "x"}],
}


def _read(name: str, path: Path) -> tuple[Labels, Report]:
    return FORMATS.load(name)().read(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"   \n", "is empty", id="blank"),
        pytest.param(b'{"images": [{"id": 1}, {"id"', "cut off", id="truncated"),
        pytest.param(b'{"images": [1, 2,', "cut off", id="truncated-in-array"),
        pytest.param(b"[" * 100_000, "nested deeper than 64", id="deep-arrays"),
        pytest.param(b'{"a":' * 100_000, "nested deeper than 64", id="deep-objects"),
        pytest.param('{"images": []}'.encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(
            b'{"images": [{"id": 1, "file_name": "\xff\xfe"}], "annotations": []}', "not valid JSON", id="not-utf-8"
        ),
        pytest.param(b'{"images": [}]}', "not valid JSON", id="crossed-brackets"),
        pytest.param(b"]", "closing bracket", id="only-a-closing-bracket"),
        pytest.param(b"hello", "not a JSON object", id="text"),
    ],
)
def test_broken_json_is_one_clear_line(content: bytes, message: str, tmp_path: Path) -> None:
    """The message names the file and what is wrong."""
    path = tmp_path / "labels.json"
    path.write_bytes(content)
    with pytest.raises(InvalidLabelsError) as caught:
        _read("coco", path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_gigabytes_of_nesting_are_refused_at_once() -> None:
    """Nesting is found while streaming: two gigabytes of brackets cost one block of memory and no time."""
    from framelabel.formats.jsonstream import stream

    started = time.monotonic()
    with pytest.raises(InvalidLabelsError, match="nested deeper"):
        list(stream((b"[" * (1 << 20) for _ in range(2048)), "bomb.json"))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("name", ["cvat_video", "cvat_images", "voc"])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>', id="file"),
        pytest.param(
            '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><annotations>&b;</annotations>',
            id="billion-laughs",
        ),
        pytest.param("<annotations><track", id="truncated"),
        pytest.param("<annotations><a></annotations>", id="crossed"),
        pytest.param("<annotation>" * 5000, id="deep"),
        pytest.param("", id="empty"),
        pytest.param("<annotations>\0</annotations>", id="nul"),
    ],
)
def test_hostile_xml_is_one_clear_line(name: str, content: str, tmp_path: Path) -> None:
    """No entity is expanded, no file or address is opened, no tree grows without bound."""
    path = tmp_path / "labels.xml"
    path.write_text(content)
    with pytest.raises(InvalidLabelsError) as caught:
        _read(name, path)
    assert "\n" not in str(caught.value)
    assert "root:" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        pytest.param({"bbox": [1, 1, float("nan"), 2]}, "not a finite number", id="nan"),
        pytest.param({"bbox": [1, 1, float("inf"), 2]}, "not a finite number", id="inf"),
        pytest.param({"bbox": [1, 1, -5, 2]}, "is negative", id="negative-width"),
        pytest.param({"bbox": [1e300, 1, 5, 2]}, "pixels out", id="huge"),
        pytest.param({"bbox": [1, 1, 2]}, "is not four numbers", id="three-numbers"),
        pytest.param({"bbox": "abc"}, "is not four numbers", id="text"),
        pytest.param({"bbox": None}, "is not four numbers", id="null"),
        pytest.param({"image_id": 9}, "image_id 9 is not in the file's lists", id="unknown-image"),
        pytest.param({"category_id": "z"}, "category_id 'z' is not in the file's lists", id="unknown-category"),
        pytest.param({"image_id": [1]}, "an id is a list", id="list-as-id"),
        pytest.param({"segmentation": {"size": [10, 10], "counts": "xx~~"}}, "run-length text", id="bad-rle"),
        pytest.param({"segmentation": [[1, 2]]}, "at least three", id="short-polygon"),
    ],
)
def test_one_bad_object_never_aborts_the_rest(change: dict[str, object], line: str, tmp_path: Path) -> None:
    """The good objects are read; the bad one is named by its place."""
    bad = {**_COCO["annotations"][0], "id": 2, **change}
    content = {**_COCO, "annotations": [*_COCO["annotations"], bad, {**_COCO["annotations"][0], "id": 3}]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    labels, report = _read("coco", path)
    assert len(labels) in (2, 3)
    assert any(line in shown and "annotations[1]" in shown for shown in report.lines()), list(report.lines())


def test_duplicate_ids_are_named(tmp_path: Path) -> None:
    """A second picture or category with the same id is left out, not silently merged."""
    content = {**_COCO, "images": _COCO["images"] * 2, "categories": _COCO["categories"] * 2}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    labels, report = _read("coco", path)
    assert len(labels) == 1
    assert [issue.where for issue in report.issues] == ["categories[1]", "images[1]"]


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "C:\\evil", "a/../../evil", "a\0b", "x" * 300])
def test_names_never_leave_the_target(name: str, tmp_path: Path) -> None:
    """File and video names from labels become paths inside the target only."""
    content = {**_COCO, "images": [{**_COCO["images"][0], "file_name": name}]}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps(content))
    labels, _ = _read("coco", tmp_path / "in" / "a.json")
    for kind in ("yolo", "voc", "labelme", "kitti_detection", "mot"):
        FORMATS.load(kind)().write(labels, tmp_path / "out" / kind / "data")
        for path in FORMATS.load(kind)().picture_paths(labels, tmp_path / "out" / kind / "data"):
            assert (tmp_path / "out") in Path(path).resolve().parents
    written = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert all((tmp_path / "out") in path.parents or (tmp_path / "in") in path.parents for path in written)
    assert any(path.is_file() for path in (tmp_path / "out").rglob("*"))


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets are written beside and renamed: an error in the middle changes nothing and leaves no litter."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(_COCO))
    labels, _ = _read("coco", path)
    before = path.read_bytes()
    kind = FORMATS.load("coco")()

    def broken(_: Labels) -> object:
        yield "", b"half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kind, "render", broken)
    with pytest.raises(OSError, match="No space"):
        kind.write(labels, path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that names a place in a fresh folder of its own."""
    root = tmp_path_factory.mktemp("fuzz")
    counter = iter(range(10**9))

    def fresh() -> Path:
        folder = root / str(next(counter))
        folder.mkdir()
        return folder / "labels"

    return fresh


_WORDS = [
    "images",
    "annotations",
    "categories",
    "videos",
    "id",
    "image_id",
    "category_id",
    "bbox",
    "name",
    "labels",
    "box2d",
    "x1",
    "x2",
    "y1",
    "y2",
    "category",
    "frames",
    "videoName",
    "frameIndex",
    "items",
    "label",
    "type",
    "points",
    "shapes",
    "imagePath",
    "data",
    "result",
    "value",
    "sequence",
    "frame",
    "x",
    "y",
    "width",
    "height",
    "enabled",
    "openlabel",
    "objects",
    "object_data",
    "segmentation",
    "attributes",
    "track_id",
    "bboxes",
    "file_names",
    "video_id",
    "poly2d",
    "rle",
    "size",
    "counts",
    "shape_type",
    "group_id",
    "score",
    "attr",
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=6),
    max_leaves=25,
)
_LINES = st.lists(
    st.lists(
        st.one_of(st.integers(-3, 9).map(str), st.floats().map(str), st.sampled_from(["Car", "nan", "-1", "1e999"])),
        max_size=19,
    ),
    max_size=5,
)
_SETTINGS = settings(
    max_examples=25, deadline=2000, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def _survives(name: str, path: Path) -> None:
    """Reading ends with labels and a report, or with one clear line; detection never raises anything else."""
    for act in (lambda: detect_format(path), lambda: _read(name, path)):
        try:
            act()
        except FramelabelError as error:
            assert "\n" not in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("name", NAMES)
@_SETTINGS
@given(content=_JSON)
def test_any_json_is_survived(name: str, content: object, place: Callable[[], Path]) -> None:
    """No JSON value makes a reader raise anything but a clear line."""
    path = place()
    path.write_text(json.dumps(content))
    _survives(name, path)


@pytest.mark.parametrize("name", ["mot", "mots", "kitti", "kitti_detection", "yolo", "csv"])
@_SETTINGS
@given(lines=_LINES, separator=st.sampled_from([",", " "]))
def test_any_lines_are_survived(name: str, lines: list[list[str]], separator: str, place: Callable[[], Path]) -> None:
    """No text of numbers and words makes a line reader raise anything but a clear line."""
    path = place()
    header = "frame,class,x1,y1,x2,y2\n" if name == "csv" else ""
    path.write_text(header + "\n".join(separator.join(fields) for fields in lines))
    _survives(name, path)


@pytest.mark.parametrize("name", NAMES)
@_SETTINGS
@given(content=st.binary(max_size=200))
def test_any_bytes_are_survived(name: str, content: bytes, place: Callable[[], Path]) -> None:
    """No bytes make a reader raise anything but a clear line."""
    path = place()
    path.write_bytes(content)
    _survives(name, path)


@pytest.mark.parametrize("name", NAMES)
@_SETTINGS
@given(cut=st.integers(0, 4000), flip=st.integers(0, 4000), value=st.integers(0, 255))
def test_damaged_exports_are_survived(
    name: str, cut: int, flip: int, value: int, clips: Labels, place: Callable[[], Path]
) -> None:
    """One of our own files, cut off and with one byte changed, is read in part or refused in one line."""
    folder = place()
    FORMATS.load(name)().write(clips, folder)
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        content = bytearray(path.read_bytes())
        if content:
            content[flip % len(content)] = value
            path.write_bytes(bytes(content[: max(len(content) - cut % len(content), 1)]))
    _survives(name, folder)
