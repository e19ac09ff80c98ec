"""What every online tracker of the catalog promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.errors import UsageError
from framelabel.core.frames import FrameRef, VideoId
from framelabel.tracking.catalog import ONLINE_TRACKERS

VIDEO = VideoId(3)
every_tracker = pytest.mark.parametrize("name", sorted(ONLINE_TRACKERS))


def _build(name: str) -> Any:
    return ONLINE_TRACKERS.load(name)(fps=25.0, frame_size=(640, 480))


def _ref(index: int) -> FrameRef:
    return FrameRef(VIDEO, index, index * 512)


def _walkers(index: int) -> Boxes:
    """Two people crossing the picture on separate lines."""
    x = 4.0 * index
    return Boxes.of([[x, 40, x + 40, 140], [600 - x, 300, 640 - x, 420]], score=[0.9, 0.95])


@every_tracker
def test_two_people_keep_two_ids(name: str) -> None:
    """Objects that move smoothly keep one id each, from at most a few frames after they appear."""
    tracker = _build(name)
    seen = np.array([tracker.update(_walkers(k), _ref(k)).track_id for k in range(40)])
    assert [len(set(seen[5:, column])) for column in (0, 1)] == [1, 1]
    assert seen[-1, 0] != seen[-1, 1]
    assert NO_TRACK not in seen[5:]


@every_tracker
def test_rows_come_back_untouched(name: str) -> None:
    """The same rows in the same order, whatever they hold; boxes that cannot be tracked have no identity."""
    tracker = _build(name)
    nan, inf = np.nan, np.inf
    odd: list[list[float]] = [
        [nan, 0, 5, 5],
        [9.0, 9, 9, 20],
        [30, 30, 10, 10],
        [0, 0, inf, 10],
        [10, 10, 60, 160],
        [10, 10, 60, 160],
    ]
    for index in range(8):
        boxes = Boxes.of(odd, score=[0.9, 0.9, 0.9, 0.9, 0.05, nan], class_id=[0, 1, 2, 0, 1, 2])
        out = tracker.update(boxes, _ref(index))
        assert np.array_equal(out.xyxy, boxes.xyxy, equal_nan=True)
        assert np.array_equal(out.score, boxes.score, equal_nan=True)
        assert np.array_equal(out.class_id, boxes.class_id)
        assert set(out.track_id[[0, 1, 2, 3, 5]].tolist()) == {NO_TRACK}


@every_tracker
def test_trackers_do_not_know_each_other(name: str) -> None:
    """Two live trackers hand out the ids that each would hand out alone."""
    first, second = _build(name), _build(name)
    both = [
        (first.update(_walkers(k), _ref(k)).track_id, second.update(_walkers(k), _ref(k)).track_id) for k in range(6)
    ]
    assert all(np.array_equal(a, b) for a, b in both)


@every_tracker
def test_ids_are_never_reused(name: str) -> None:
    """An object that comes after a long absence is a new one."""
    tracker = _build(name)
    before = {int(i) for k in range(10) for i in tracker.update(_walkers(k), _ref(k)).track_id}
    for index in range(10, 90):
        assert len(tracker.update(Boxes.empty(), _ref(index))) == 0
    after = {int(i) for k in range(90, 100) for i in tracker.update(_walkers(k - 90), _ref(k)).track_id}
    assert before & after <= {NO_TRACK}
    assert after - {NO_TRACK}


@every_tracker
def test_classes_never_mix(name: str) -> None:
    """A box of another class in the same place does not continue a track."""
    tracker = _build(name)
    box = [[100.0, 100.0, 150.0, 250.0]]
    people = {int(tracker.update(Boxes.of(box, [0.9], [0]), _ref(k)).track_id[0]) for k in range(10)}
    bags = {int(tracker.update(Boxes.of(box, [0.9], [7]), _ref(k)).track_id[0]) for k in range(10, 20)}
    assert people & bags <= {NO_TRACK}
    assert bags - {NO_TRACK}


@every_tracker
def test_a_thousand_boxes_and_doubles(name: str) -> None:
    """A crowd of a thousand, and the same row five times over, are handled; no two rows of a frame share an id."""
    tracker = _build(name)
    random = np.random.default_rng(1)
    corner = random.uniform(0, 600, (1000, 2))
    crowd = np.concatenate([corner, corner + random.uniform(5, 60, (1000, 2))], axis=1)
    crowd[:5] = crowd[0]
    for index in range(3):
        ids = tracker.update(Boxes.of(crowd, random.uniform(0, 1, 1000)), _ref(index)).track_id
        given = ids[ids != NO_TRACK]
        assert len(given) == len(set(given.tolist()))


@every_tracker
@pytest.mark.parametrize(
    ("ref", "message"),
    [
        (FrameRef(VIDEO, 4, 4), "frame 4 came after frame 4; feed frames in ascending order"),
        (FrameRef(VideoId(8), 5, 5), "tracker of video 3 got a frame of video 8; build a new tracker for it"),
    ],
    ids=["same-frame-again", "other-video"],
)
def test_wrong_frames_are_refused(name: str, ref: FrameRef, message: str) -> None:
    """Frames out of order or of another video are an error that says what to do, and the tracker goes on after it."""
    tracker = _build(name)
    tracker.update(_walkers(0), _ref(4))
    with pytest.raises(UsageError, match=message):
        tracker.update(_walkers(1), ref)
    assert len(tracker.update(_walkers(1), _ref(5))) == 2


@every_tracker
def test_frames_may_be_skipped(name: str) -> None:
    """With every third frame only, motion is carried over the skipped ones."""
    tracker = _build(name)
    seen = np.array([tracker.update(_walkers(k), _ref(k)).track_id for k in range(0, 60, 3)])
    assert [len(set(seen[5:, column])) for column in (0, 1)] == [1, 1]
