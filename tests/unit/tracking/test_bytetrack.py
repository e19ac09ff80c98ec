"""What is particular to ByteTrack."""

from __future__ import annotations

import numpy as np

from framelabel.core.boxes import NO_TRACK, Boxes
from framelabel.core.frames import FrameRef, VideoId
from framelabel.tracking.bytetrack import ByteTrack, ByteTrackOptions


def _ids(scores: list[float], options: ByteTrackOptions | None = None) -> list[int]:
    tracker = ByteTrack(options, fps=25.0, frame_size=(640, 480))
    out = []
    for index, score in enumerate(scores):
        box = [[100.0 + index, 100.0, 150.0 + index, 250.0]]
        out.append(int(tracker.update(Boxes.of(box, [score]), FrameRef(VideoId(0), index, index)).track_id[0]))
    return out


def test_weak_boxes_continue_a_track_but_never_start_one() -> None:
    """The second pass keeps an identity through weak boxes; weak boxes alone get none."""
    assert _ids([0.9, 0.9, 0.3, 0.3, 0.9]) == [1, 1, 1, 1, 1]
    assert set(_ids([0.3] * 5)) == {NO_TRACK}


def test_a_track_is_confirmed_by_its_second_box() -> None:
    """After the first frame a new track has no id until it is seen again; the very first frame is trusted."""
    assert _ids([0.05, 0.9, 0.9]) == [NO_TRACK, NO_TRACK, 1]
    assert _ids([0.9, 0.9]) == [1, 1]


def test_a_lost_track_waits_as_long_as_asked() -> None:
    """A gap of up to `lost_after_s` keeps the id; a longer one gives a new id."""
    assert _ids([0.9, 0.9, *[0.0] * 10, 0.9])[-1] == 1
    assert _ids([0.9, 0.9, *[0.0] * 10, 0.9, 0.9], ByteTrackOptions(lost_after_s=0.2))[-1] == 2


def test_the_better_match_is_not_given_up_for_two_poor_ones() -> None:
    """Assignment maximises the overlap above the gate: an exact match wins over a pairing of more, worse matches."""
    tracker = ByteTrack(fps=25.0, frame_size=(640, 480))
    first = Boxes.of([[0, 0, 100, 100], [70, 0, 170, 100]], [1.0, 1.0])
    tracker.update(first, FrameRef(VideoId(0), 0, 0))
    second = Boxes.of([[70, 0, 170, 100], [125, 0, 225, 100]], [1.0, 1.0])
    assert tracker.update(second, FrameRef(VideoId(0), 1, 1)).track_id.tolist()[0] == 2
    assert np.all(tracker.update(first, FrameRef(VideoId(0), 2, 2)).track_id[:2] != NO_TRACK)
