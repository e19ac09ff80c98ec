from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import AttributeSpec, ClassSpec, Ontology
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape
from framelabel.formats.builder import make_video
from framelabel.formats.catalog import FORMATS, detect_format
from framelabel.formats.comparison import differences
from framelabel.formats.report import LossReport
from framelabel.workflows.format_choice import make_format

_OUTLINE = np.array([[10.0, 10.0], [30.5, 12.0], [28.0, 40.25], [9.0, 38.0]])


def _clip(names: list[str], rows: list[tuple[int, str, int]], shapes: dict[int, Shape]) -> Labels:
    """Return a clip of four frames (the last without labels) from rows of frame, class and track."""
    classes = Ontology.of(names)
    boxes = np.array([(5.5 + 10 * at, 6.25, 25.0 + 10 * at, 36.75) for at in range(len(rows))])
    frame, kind, track = zip(*rows, strict=True)
    return Labels.of(
        classes,
        (make_video("b1c66a42", (64, 48), 4, Fraction(5)),),
        FrameTable(np.zeros(4, np.int32), np.arange(4)),
        np.array(frame),
        boxes,
        class_id=[classes.id_of(name) for name in kind],
        track_id=track,
        shapes=shapes,
    )


def _mask(left: int) -> Mask:
    pixels = np.zeros((48, 64), bool)
    pixels[8:20, left : left + 9] = True
    edges = np.flatnonzero(np.diff(pixels.ravel(order="F"))) + 1
    return Mask((64, 48), np.diff(np.concatenate([[0], edges, [pixels.size]])).astype(np.int64))


def _lanes() -> Labels:
    line = Polyline(np.array([[0.0, 47.5], [20.25, 30.0], [31.0, 12.5]]))
    rows = [(0, "single white", -1), (0, "road curb", -1), (2, "crosswalk", -1)]
    labels = _clip(["single white", "road curb", "crosswalk"], rows, {0: line, 1: line, 2: Polygon((_OUTLINE,))})
    return replace(labels, attributes={0: {"laneDirection": "parallel", "laneStyle": "dashed"}})


def _areas() -> Labels:
    rows = [(0, "direct", -1), (1, "alternative", -1)]
    return _clip(["direct", "alternative"], rows, {0: Polygon((_OUTLINE,)), 1: Polygon((_OUTLINE + 3,))})


def _people() -> Labels:
    joints = np.random.default_rng(3).integers(0, 40, (18, 2)).astype(np.float64) + 0.5
    seen = np.array([2, 1, 0] * 6, np.int8)
    rows = [(0, "pedestrian", -1), (2, "pedestrian", -1)]
    return _clip(["pedestrian"], rows, {0: Keypoints(joints, seen), 1: Keypoints(joints + 1, seen)})


def _road_users() -> Labels:
    rows = [(0, "car", 1), (0, "pedestrian", 2), (1, "car", 1), (2, "rider", 3)]
    labels = _clip(["car", "pedestrian", "rider"], rows, {at: _mask(4 + 12 * at) for at in range(4)})
    flags = np.array([Flag.OCCLUDED, Flag.CROWD, Flag.TRUNCATED, 0], np.uint16)
    return replace(labels, flags=flags, xyxy=np.array([(4 + 12 * at, 8, 13 + 12 * at, 20) for at in range(4)], float))


def _turned() -> Labels:
    rows = [(0, "car", -1), (1, "truck", -1)]
    return _clip(["car", "truck"], rows, {0: Polygon((_OUTLINE,))})


def _found() -> Labels:
    rows = [(0, "pedestrian", 1), (1, "pedestrian", 1), (1, "pedestrian", 2)]
    return replace(_clip(["pedestrian"], rows, {}), score=np.array([0.125, 0.5, 1 / 3]))


CASES = [
    pytest.param("bdd100k", ("task=det",), _road_users, 4, 0, id="bdd100k-det"),
    pytest.param("bdd100k", ("task=box_track",), _road_users, 4, 4, id="bdd100k-box_track"),
    pytest.param("bdd100k", ("task=ins_seg",), _road_users, 4, 4, id="bdd100k-ins_seg"),
    pytest.param("bdd100k", ("task=seg_track",), _road_users, 4, 4, id="bdd100k-seg_track"),
    pytest.param("bdd100k", ("task=lane",), _lanes, 3, 3, id="bdd100k-lane"),
    pytest.param("bdd100k", ("task=drivable",), _areas, 2, 2, id="bdd100k-drivable"),
    pytest.param("bdd100k", ("task=pose",), _people, 2, 2, id="bdd100k-pose"),
    pytest.param("yolo", ("task=detect",), _road_users, 4, 0, id="yolo-detect"),
    pytest.param("yolo", ("task=segment",), _turned, 2, 2, id="yolo-segment"),
    pytest.param("yolo", ("task=obb",), _turned, 2, 2, id="yolo-obb"),
    pytest.param("yolo", ("task=pose",), _people, 2, 2, id="yolo-pose"),
    pytest.param("coco_results", (), _found, 3, 0, id="coco_results"),
    pytest.param("mot", ("kind=results",), _found, 3, 0, id="mot-results"),
    pytest.param("mot", ("kind=det",), _found, 3, 0, id="mot-det"),
    pytest.param("mot", ("pixel_origin=1",), _found, 3, 0, id="mot-pixel-origin-1"),
    pytest.param("voc", ("origin=0",), _road_users, 4, 0, id="voc-origin-0"),
    pytest.param("mots", ("first_frame=0",), _road_users, 4, 4, id="mots-first-frame-0"),
    pytest.param("cvat_video", ("tolerance=0",), _found, 3, 0, id="cvat_video-every-bend"),
]
"""Format, options, labels that the task is made for, how many of them it keeps, and how many exact shapes at least."""


@pytest.mark.parametrize(("name", "options", "labels_of", "kept", "shapes"), CASES)
def test_every_task_gives_back_what_it_holds(
    name: str, options: tuple[str, ...], labels_of: object, kept: int, shapes: int, tmp_path: Path
) -> None:
    """A task keeps the labels it is made for to the last digit, is recognised, and exports the same bytes again."""
    assert callable(labels_of)
    labels: Labels = labels_of()
    kind = make_format(name, options)
    expected = kind.fit(labels, LossReport(name))
    assert len(expected) == kept
    assert len(expected.shapes) >= shapes
    kind.write(labels, tmp_path / "once" / "data")
    assert detect_format(tmp_path / "once" / "data") == name
    found, report = kind.read(tmp_path / "once" / "data")
    assert report.skipped == 0, list(report.lines())
    assert differences(expected, found) == []
    again = kind.write(found, tmp_path / "twice" / "data")
    assert again.losses.keys() <= {"pixel base"}  # VOC's note on which base it used, asked for with origin=0
    once, twice = (
        {str(path.relative_to(tmp_path / place)): path.read_bytes() for path in sorted((tmp_path / place).rglob("*.*"))
         if path.is_file() and not path.name.endswith(".losses.txt")}
        for place in ("once", "twice")
    )  # fmt: skip
    assert once == twice


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_attribute_definitions_come_back_or_are_named_as_lost(name: str, tmp_path: Path) -> None:
    """The allowed values and defaults of a class's attributes never vanish without a word."""
    colour = AttributeSpec("colour", ("red", "blue"), "red", mutable=False)
    labels = _found()
    labels = replace(labels, ontology=Ontology((ClassSpec("pedestrian", attributes=(colour,)),)))
    kind = FORMATS.load(name)()
    loss = kind.write(labels, tmp_path / "data")
    if not loss.labels:
        return  # a format of events alone counts the labels themselves as lost
    found, _ = kind.read(tmp_path / "data")
    known = [spec.attributes for spec in found.ontology.classes if spec.attributes]
    assert known == [(colour,)] or "attribute definitions" in loss.losses


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_joints_come_back_in_their_order_or_are_named_as_lost(name: str, tmp_path: Path) -> None:
    """A joint is known by its place in the list: no format may reorder, drop or add one without a word."""
    labels = _people()
    kind = FORMATS.load(name)()
    loss = kind.write(labels, tmp_path / "data")
    if not loss.labels:
        return
    found, _ = kind.read(tmp_path / "data")
    points = {row: shape for row, shape in found.shapes.items() if isinstance(shape, Keypoints)}
    if "keypoints" in loss.losses or "label without mask" in loss.losses:
        assert not points
        return
    assert len(points) == len(labels.shapes)
    for row, shape in points.items():
        given = labels.shapes[row]
        assert isinstance(given, Keypoints)
        assert np.allclose(shape.points, given.points, atol=1e-6)
        assert np.array_equal(shape.visibility, given.visibility)
