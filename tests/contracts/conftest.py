"""Labels that hold one of everything, for suites that run over all formats."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from framelabel.core.events import Event
from framelabel.core.frames import VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import AttributeSpec, ClassSpec, Ontology
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline
from framelabel.core.videos import Video


def _video(row: int, name: str, frame_count: int, fps: Fraction) -> Video:
    return Video(VideoId(row), name, f"/footage/{name}.mp4", 64, 48, frame_count, 1 / fps, fps)


@pytest.fixture
def clips() -> Labels:
    """Two clips with tracks, gaps, every flag, every shape, odd digits, attributes and frames without labels."""
    ontology = Ontology(
        (
            ClassSpec("car", "vehicle", "#ff0000", (AttributeSpec("colour", ("red", "blue"), "red"),)),
            ClassSpec("pedestrian", "human", keypoints=("head", "hip", "linker Fuß"), skeleton=((0, 1), (1, 2))),
            ClassSpec("truck"),
        )
    )
    frames = FrameTable(np.array([0] * 8 + [1] * 3, np.int32), np.array([*range(8), *range(3)], np.int64))
    ring = np.array([[4.0, 4.0], [20.5, 4.0], [20.5, 30.25], [4.0, 30.25]])
    hole = np.array([[8.0, 8.0], [12.0, 8.0], [12.0, 12.0], [8.0, 12.0]])
    rows = [
        # frame, box, class, track, score, flags, visible
        (0, (0.1, 0.2, 10.3, 20.7), 0, 1, np.nan, 0, np.nan),
        (0, (5, 5, 15, 15), 1, 2, 0.875, Flag.OCCLUDED, 0.5),
        (1, (1 / 3, 0.7, 11.111111111, 21.9), 0, 1, np.nan, Flag.KEYFRAME, np.nan),
        (1, (6, 5, 16, 15), 1, 2, 0.1, Flag.PREDICTED, np.nan),
        (2, (2, 2.5, 12, 22), 0, 1, np.nan, Flag.TRUNCATED, np.nan),
        (4, (3, 3, 13, 23), 0, 1, np.nan, Flag.CROWD, np.nan),
        (4, (4, 4, 20.5, 30.25), 0, 3, np.nan, 0, np.nan),
        (5, (1, 1, 9, 9), 1, 4, np.nan, Flag.IGNORED | Flag.DIFFICULT, np.nan),
        (5, (30, 30, 40, 40), 0, -1, 0.25, 0, np.nan),
        (8, (10, 10, 20, 20), 1, 7, np.nan, 0, np.nan),
        (8, (16, 12, 48, 24), 0, 8, np.nan, 0, np.nan),
        (10, (3, 3, 30, 40), 1, 9, np.nan, 0, np.nan),
        (10, (4, 4, 20.5, 30.25), 0, 10, np.nan, 0, np.nan),
    ]
    mask = np.zeros((48, 64), bool)
    mask[12:24, 16:48] = True
    flat = np.flatnonzero(np.diff(mask.ravel(order="F"))) + 1
    counts = np.diff(np.concatenate([[0], flat, [mask.size]]))
    joints = np.array([[3.0, 3.0], [30.0, 40.0], [10.5, 20.25]])
    frame, xyxy, class_id, track_id, score, flags, visible = zip(*rows, strict=True)
    return Labels.of(
        ontology,
        (_video(0, "street", 8, Fraction(30000, 1001)), _video(1, "yard two", 3, Fraction(25))),
        frames,
        np.array(frame),
        np.array(xyxy, np.float64),
        class_id=class_id,
        track_id=track_id,
        score=score,
        flags=[int(flag) for flag in flags],
        visible=visible,
        shapes={
            6: Polygon((ring,)),
            9: Polyline(np.array([[10.0, 10.0], [15.0, 12.5], [20.0, 20.0]])),
            10: Mask((64, 48), counts.astype(np.int64)),
            11: Keypoints(joints, np.array([2, 2, 1], np.int8)),
            12: Polygon((ring, hole)),
        },
        attributes={
            0: {"colour": "red", "doors": 4, "speed": 1.5, "parked": True},
            7: {"note": 'a "quoted" <b>&amp; ünïcode 行人'},
        },
        frame_attributes={0: {"weather": "rainy", "lux": 12.5}},
        events=(
            Event(VideoId(0), "too close", "near", 1, 5, (1, 2), 2, 0.1 + 0.2, needs_review=True),
            Event(VideoId(0), "crowd", "crowd", 3, 4, (), 3, attributes={"mean": 2.5, "most": 3, "at": '"x"; ü'}),
            Event(VideoId(1), "entered", "gate", 0, 2, (9, 7), 1),
        ),
    )


@pytest.fixture
def pictures() -> Labels:
    """Still pictures of two sizes, one without labels, boxes only."""
    names = ("a b.jpg", "sub/ünï.png", "z.jpg")
    return Labels.of(
        Ontology.of(["car", "truck"]),
        (replace(_video(0, "set", 3, Fraction(1)), fps=Fraction(0), time_base=Fraction(1), width=0, height=0),),
        FrameTable(
            np.zeros(3, np.int32), np.arange(3), names, np.array([[640, 480], [1920, 1080], [640, 480]], np.int32)
        ),
        np.array([0, 0, 2]),
        np.array([[1.5, 2.25, 100, 200], [0, 0, 640, 480], [10, 20, 30, 40]], np.float64),
        class_id=[0, 1, 0],
    )


@pytest.fixture
def nothing() -> Labels:
    """No videos, no classes, no labels."""
    return Labels.of(
        Ontology(()),
        (),
        FrameTable(np.zeros(0, np.int32), np.zeros(0, np.int64)),
        np.zeros(0, np.int64),
        np.zeros((0, 4)),
    )
