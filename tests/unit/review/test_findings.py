"""The label-error finder on tracks with one error each."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.errors import UnknownNameError
from framelabel.core.frames import VideoId
from framelabel.core.geometry import iou
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.review.findings.catalog import CHECKS, find
from framelabel.review.findings.rows import LabelRows

FRAMES = 60
VIDEO = Video(VideoId(1), "street", "", 640, 480, FRAMES, Fraction(1, 25), Fraction(25))


def _walk(start: float, top: float, speed: float = 3.0, count: int = FRAMES) -> NDArray[np.float64]:
    """Return a 40x80 box that moves right."""
    left = start + speed * np.arange(count)
    return np.stack([left, np.full(count, top), left + 40, np.full(count, top + 80)], axis=1)


class _Scene:
    """Two quiet tracks whose columns a case may spoil."""

    def __init__(self) -> None:
        self.frame = np.tile(np.arange(FRAMES), 2)
        self.track = np.repeat([1, 2], FRAMES)
        self.box = np.concatenate([_walk(20, 100), _walk(400, 300, -3.0)])
        self.kind = np.zeros(2 * FRAMES, np.int32)
        self.flags = np.zeros(2 * FRAMES, np.uint16)
        self.keep = np.ones(2 * FRAMES, np.bool_)
        self.detections: Labels | None = None

    def labels(self) -> Labels:
        table = FrameTable(np.zeros(FRAMES, np.int32), np.arange(FRAMES))
        kept = self.keep
        return Labels.of(
            Ontology.of(["person", "rider"]),
            (VIDEO,),
            table,
            self.frame[kept],
            self.box[kept],
            class_id=self.kind[kept],
            track_id=self.track[kept],
            flags=self.flags[kept],
        )

    def add(self, frame: NDArray[np.int64], box: NDArray[np.float64], track: int) -> None:
        count = len(frame)
        self.frame, self.box = np.concatenate([self.frame, frame]), np.concatenate([self.box, box])
        self.track = np.concatenate([self.track, np.full(count, track)])
        self.kind = np.concatenate([self.kind, np.zeros(count, np.int32)])
        self.flags = np.concatenate([self.flags, np.zeros(count, np.uint16)])
        self.keep = np.concatenate([self.keep, np.ones(count, np.bool_)])


def _jump(scene: _Scene) -> None:
    scene.box[30] += 70


def _teleport(scene: _Scene) -> None:
    scene.box[30:FRAMES] += 90


def _size(scene: _Scene) -> None:
    scene.box[30, 2:] += [40, 80]


def _switch(scene: _Scene) -> None:
    scene.box[FRAMES:] = _walk(80, 100)
    scene.track[30:FRAMES], scene.track[FRAMES + 30 :] = 2, 1


def _break(scene: _Scene) -> None:
    scene.track[30:FRAMES] = 3


def _gap(scene: _Scene) -> None:
    scene.keep[10:50] = False


def _flicker(scene: _Scene) -> None:
    scene.add(np.array([30, 31]), _walk(300, 20, count=2), 9)


def _duplicate(scene: _Scene) -> None:
    scene.add(np.arange(20, 40), scene.box[20:40] + 1, 9)


def _duplicate_detection(scene: _Scene) -> None:
    scene.track[:] = NO_TRACK
    scene.add(np.array([30]), scene.box[30:31] + 1, NO_TRACK)


def _class_flip(scene: _Scene) -> None:
    scene.kind[30] = 1


def _outside(scene: _Scene) -> None:
    scene.box[:FRAMES, [1, 3]] -= 150


def _no_area(scene: _Scene) -> None:
    scene.box[30, 2] = scene.box[30, 0]


def _not_a_number(scene: _Scene) -> None:
    scene.box[30, 1] = np.inf


def _two_boxes(scene: _Scene) -> None:
    scene.add(np.array([30]), _walk(500, 20, count=1), 1)


def _unsupported(scene: _Scene) -> None:
    scene.detections = scene.labels()
    scene.box[30:45] += [0, 150, 0, 150]


def _missed(scene: _Scene) -> None:
    scene.add(np.array([30]), _walk(500, 20, count=1), NO_TRACK)
    scene.detections = scene.labels()
    scene.keep[-1] = False


CASES = {
    "jump": (_jump, "jump", 30, 1),
    "teleport": (_teleport, "jump", 30, 1),
    "size": (_size, "size", 30, 1),
    "switch": (_switch, "switch", 30, 1),
    "break": (_break, "break", 30, 1),
    "gap": (_gap, "gap", 10, 1),
    "flicker": (_flicker, "flicker", 30, 9),
    "duplicate": (_duplicate, "duplicate", 20, 1),
    "duplicate-detection": (_duplicate_detection, "duplicate", 30, NO_TRACK),
    "class-flip": (_class_flip, "class-flip", 30, 1),
    "outside": (_outside, "outside", 0, 1),
    "no-area": (_no_area, "invalid", 30, 1),
    "not-a-number": (_not_a_number, "invalid", 30, 1),
    "two-boxes-in-a-frame": (_two_boxes, "invalid", 30, 1),
    "unsupported": (_unsupported, "unsupported", 30, 1),
    "missed": (_missed, "missed", 30, NO_TRACK),
}


@pytest.mark.parametrize("case", CASES)
def test_each_error_is_found_where_it_is(case: str) -> None:
    """The planted error is found by its check, in its frame, on its track, and says so in one line."""
    spoil, kind, frame, track = CASES[case]
    scene = _Scene()
    spoil(scene)
    found = [item for item in find(LabelRows.of(scene.labels(), scene.detections)) if item.kind == kind]
    assert [(item.frame, item.track_id) for item in found[:1]] == [(frame, track)]
    assert 0 < found[0].severity <= 1
    assert found[0].message
    assert "\n" not in found[0].message


def test_nothing_is_found_in_quiet_tracks() -> None:
    """Steady tracks raise no question, and neither does an empty project."""
    scene = _Scene()
    assert find(LabelRows.of(scene.labels(), scene.labels())) == []
    scene.keep[:] = False
    assert find(LabelRows.of(scene.labels())) == []


def test_tracks_over_a_cut_are_found() -> None:
    """Each track is named at each cut that it runs over; where people confirmed both sides it matters less."""
    scene = _Scene()
    scene.keep[FRAMES + 30 :] = False
    scene.flags[[5, 25]] = int(Flag.KEYFRAME)
    found = find(LabelRows.of(scene.labels(), cuts=[[0, 20, 30]]), ("cut",))
    assert sorted((item.frame, item.track_id) for item in found) == [(20, 1), (20, 2), (30, 1)]
    (confirmed,) = (item for item in found if item.severity < 0.5)
    assert (confirmed.frame, confirmed.track_id) == (20, 1)
    assert find(LabelRows.of(scene.labels()), ("cut",)) == []


def test_a_shaking_camera_is_not_an_error() -> None:
    """When all tracks move together, it is the camera."""
    scene = _Scene()
    for number in range(3, 7):
        scene.add(np.arange(FRAMES), _walk(60.0 * number, 200, 1.0), number)
    scene.box[scene.frame >= 30] += 30
    assert [item for item in find(LabelRows.of(scene.labels()), ("jump",)) if item.severity > 0.4] == []


def test_ignored_rows_raise_no_question() -> None:
    """Nobody promises anything about rows marked as ignored."""
    scene = _Scene()
    _no_area(scene)
    scene.flags[30] = int(Flag.IGNORED)
    assert find(LabelRows.of(scene.labels()), ("invalid",)) == []


def test_labels_of_every_tenth_frame_have_no_gaps() -> None:
    """A gap is counted in labelled frames, so sampling a video does not look like losing its tracks."""
    scene = _Scene()
    labels = scene.labels()
    sampled = FrameTable(labels.frames.video, labels.frames.index * 10)
    spread = Labels.of(labels.ontology, labels.videos, sampled, labels.frame, labels.xyxy, track_id=labels.track_id)
    assert find(LabelRows.of(spread), ("gap",)) == []


@pytest.mark.parametrize("is_loose", [True, False], ids=["loose pictures", "a film"])
def test_loose_pictures_are_not_taken_for_a_film(is_loose: bool) -> None:
    """Boxes numbered one by one in pictures of any size neither flicker, break nor lie outside; in a film they do."""
    count = 6
    box = np.tile([[700.0, 500.0, 760.0, 580.0]], (count, 1))
    table = FrameTable(
        np.zeros(count, np.int32),
        np.arange(count) + 10,
        name=tuple(f"{number}.jpg" for number in range(count)) if is_loose else (),
        size=np.tile(np.array([[1280, 720]], np.int32), (count, 1)) if is_loose else None,
    )
    labels = Labels.of(Ontology.of(["person"]), (VIDEO,), table, np.arange(count), box, track_id=np.arange(count) + 1)
    kinds = {finding.kind for finding in find(LabelRows.of(labels))}
    assert kinds == (set() if is_loose else {"flicker", "break", "outside"})


def test_an_unknown_check_names_the_nearest() -> None:
    """A mistyped check is answered with the right name."""
    with pytest.raises(UnknownNameError, match=r"unknown check 'jmp'\. Did you mean 'jump'\?"):
        find(LabelRows.of(_Scene().labels()), ("jmp",))


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_loads(name: str) -> None:
    """Each line of the catalog names a function that exists."""
    assert callable(CHECKS.load(name))


def test_overlapping_pairs_are_those_of_every_pair() -> None:
    """The sweep over sorted boxes finds each overlapping pair of a frame once, and no other; also among crowds."""
    random = np.random.default_rng(4)
    count = 400
    frame = random.integers(0, 8, count)
    corner = random.uniform(0, 200, (count, 2))
    xyxy = np.hstack([corner, corner + random.uniform(1, 80, (count, 2))])
    xyxy[5] = np.nan
    frames = FrameTable(np.zeros(8, np.int32), np.arange(8))
    video = Video(VideoId(0), "a", "", 300, 300, 8, Fraction(1, 25), Fraction(25))
    rows = LabelRows.of(Labels.of(Ontology.of(["a"]), (video,), frames, frame, xyxy))
    found = {}
    for one, two, value in rows.overlapping():
        for first, second, overlap in zip(one.tolist(), two.tolist(), value.tolist(), strict=True):
            assert (min(first, second), max(first, second)) not in found
            found[min(first, second), max(first, second)] = overlap
    table = iou(np.nan_to_num(rows.xyxy), np.nan_to_num(rows.xyxy))
    table[rows.frame[:, None] != rows.frame[None, :]] = 0
    expected = {(int(one), int(two)): table[one, two] for one, two in np.argwhere(np.triu(table, 1) > 0)}
    assert len(expected) > 500
    assert found == pytest.approx(expected)
