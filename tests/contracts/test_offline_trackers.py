"""What every whole-clip tracker of the catalog promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.catalog import OFFLINE_TRACKERS

every_tracker = pytest.mark.parametrize("name", sorted(OFFLINE_TRACKERS))


def _build(name: str) -> Any:
    return OFFLINE_TRACKERS.load(name)(fps=25.0, frame_size=(640, 480))


def _clip(count: int = 60, seed: int = 3) -> list[Boxes]:
    """Three people on straight lines with a pixel of jitter."""
    random = np.random.default_rng(seed)
    out = []
    for k in range(count):
        xyxy = np.array(
            [[3.0 * k, 40, 3.0 * k + 40, 140], [560 - 3.0 * k, 300, 600 - 3.0 * k, 420], [300, 20, 330, 110]]
        )
        out.append(Boxes.of(xyxy + random.normal(0, 1, xyxy.shape), score=[0.9, 0.95, 0.85]))
    return out


def _same(a: list[Track], b: list[Track]) -> bool:
    return len(a) == len(b) and all(
        x.id == y.id and np.array_equal(x.frame, y.frame) and np.allclose(x.xyxy, y.xyxy)
        for x, y in zip(a, b, strict=True)
    )


@every_tracker
def test_each_person_is_one_track(name: str) -> None:
    """Objects in plain sight become one track each, over all their frames, numbered from 1."""
    tracks = _build(name).link(range(60), _clip(), 25.0)
    assert [track.id for track in tracks] == [1, 2, 3]
    assert all(np.array_equal(track.frame, np.arange(60)) for track in tracks)
    centre = [track.xyxy[30, 0] for track in tracks]
    assert sorted(round(x / 10) for x in centre) == [9, 30, 47]


@every_tracker
def test_a_gap_is_bridged_and_says_so(name: str) -> None:
    """Missing detections are filled in, marked occluded, score 0, and most doubtful in the middle."""
    clip = _clip()
    for k in range(20, 30):
        clip[k] = clip[k].select(np.array([1, 2]))
    track = next(t for t in _build(name).link(range(60), clip, 25.0) if t.xyxy[0, 0] < 20 and t.frame[0] == 0)
    assert np.array_equal(track.frame, np.arange(60))
    filled = track.visibility == Visibility.OCCLUDED
    assert np.array_equal(np.flatnonzero(filled), np.arange(20, 30))
    assert np.all(track.score[filled] == 0)
    assert track.uncertainty[25] > track.uncertainty[20] > track.uncertainty[10]
    assert np.abs(track.xyxy[20:30, 0] - 3.0 * np.arange(20, 30)).max() < 4


@every_tracker
def test_the_answer_does_not_hang_on_order_or_repetition(name: str) -> None:
    """Frames and rows in any order, and rows given twice, give the same tracks; so does running it again."""
    clip = _clip()
    tracks = _build(name).link(range(60), clip, 25.0)
    random = np.random.default_rng(0)
    order = random.permutation(60)
    mixed = [clip[k].select(random.permutation(np.repeat(np.arange(3), 2))) for k in order]
    assert _same(tracks, _build(name).link([int(k) for k in order], mixed, 25.0))
    assert _same(tracks, _build(name).link(range(60), clip, 25.0))


@every_tracker
@pytest.mark.parametrize("stride", [3, 7], ids=["every-third", "every-seventh"])
def test_a_share_of_the_pictures_is_enough(name: str, stride: int) -> None:
    """Where only every Nth picture was looked at, tracks run through those frames, at their ordinals."""
    frames = list(range(0, 60 * stride, stride))
    tracks = _build(name).link(frames, _clip(), 25.0 * stride)
    assert [track.frame.tolist() for track in tracks] == [frames] * 3


@every_tracker
def test_pictures_that_could_not_be_read_are_bridged(name: str) -> None:
    """A stretch of frames that was never given leaves the tracks whole, without rows there."""
    frames = [k for k in range(60) if not 25 <= k < 32]
    tracks = _build(name).link(frames, [_clip()[k] for k in frames], 25.0)
    assert [track.frame.tolist() for track in tracks] == [frames] * 3


@every_tracker
def test_frame_ordinals_are_kept(name: str) -> None:
    """A span that starts late is numbered as given."""
    tracks = _build(name).link(range(1000, 1060), _clip(), 25.0)
    assert tracks[0].frame[0] == 1000


@every_tracker
@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [Boxes.empty()] * 9,
        [Boxes.of(np.array([[np.nan, 0, 5, 5], [9, 9, 9, 20], [30, 30, 10, 10], [0, 0, np.inf, 9]]))] * 9,
        [Boxes.of([[10, 10, 60, 160]], [np.nan])] * 9,
    ],
    ids=["no-frames", "empty-frames", "boxes-without-area", "no-score"],
)
def test_nothing_to_track_gives_no_tracks(name: str, boxes: list[Boxes]) -> None:
    """Without a usable box there is no track and no error."""
    assert _build(name).link(range(len(boxes)), boxes, 25.0) == []


@every_tracker
def test_a_clip_of_one_frame(name: str) -> None:
    """Sure boxes of a single frame are tracks of one row each."""
    tracks = _build(name).link([7], [Boxes.of([[0, 0, 40, 90], [100, 0, 140, 90]], [0.99, 0.98])], 25.0)
    assert all(track.frame.tolist() == [7] for track in tracks)


@every_tracker
def test_a_thousand_boxes_in_a_frame(name: str) -> None:
    """A crowd of a thousand boxes per frame ends, and no track has two boxes in a frame."""
    random = np.random.default_rng(5)
    corner = random.uniform(0, 4000, (1000, 2))
    xyxy = np.concatenate([corner, corner + random.uniform(20, 60, (1000, 2))], axis=1)
    clip = [Boxes.of(xyxy + k, random.uniform(0.3, 1, 1000)) for k in range(5)]
    assert len(_build(name).link(range(5), clip, 25.0)) > 500


@every_tracker
@pytest.mark.parametrize(
    ("frames", "fps", "message"),
    [
        ([0, 1, 1], 25.0, "frame 1 comes 2 times; join its boxes first"),
        ([0, 1], 25.0, "2 frames but boxes of 3; give one Boxes per frame"),
        ([0, 1, 2], -1.0, "fps must be positive, got -1.0"),
    ],
    ids=["frame-twice", "too-few-frames", "no-rate"],
)
def test_wrong_requests_are_refused(name: str, frames: list[int], fps: float, message: str) -> None:
    """What cannot be meant is an error that says what to do."""
    with pytest.raises(UsageError, match=message):
        _build(name).link(frames, _clip(3), fps)
