"""Repairs of tracks keep public ids stable and lose no box."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.errors import UsageError
from framelabel.core.frames import Span
from framelabel.core.tracks import Track
from framelabel.tracking import repairs


def _track(number: int, start: int, stop: int, *, x: float = 0.0, speed: float = 2.0, class_id: int = 0) -> Track:
    frame = np.arange(start, stop)
    left = x + speed * frame
    return Track.of(number, frame, np.stack([left, 0 * left + 10, left + 30, 0 * left + 90], axis=1), class_id=class_id)


def test_split_leaves_the_first_half_its_id() -> None:
    """The two halves hold all rows, the earlier one under the old id."""
    first, second = repairs.split(_track(4, 0, 10), 6, 99)
    assert (first.id, first.frame.tolist()) == (4, list(range(6)))
    assert (second.id, second.frame.tolist()) == (99, list(range(6, 10)))


@pytest.mark.parametrize(
    ("at", "new_id", "message"),
    [
        (0, 9, "track 4 cannot be split at frame 0; choose a frame after 0 and up to 9"),
        (10, 9, "choose a frame after 0 and up to 9"),
        (5, 4, "4 is not a new id for a part of track 4"),
    ],
    ids=["before-start", "after-end", "old-id"],
)
def test_split_refuses_empty_halves(at: int, new_id: int, message: str) -> None:
    """Nothing is split into nothing."""
    with pytest.raises(UsageError, match=message):
        repairs.split(_track(4, 0, 10), at, new_id)


def test_merge_shows_conflicts_and_keeps_the_earlier_id() -> None:
    """Frames that both have with different boxes are named; the earlier track's id and class stay."""
    early, late = _track(7, 0, 12, class_id=1), _track(3, 10, 20, x=5.0, class_id=2)
    result = repairs.merge(late, early)
    assert (result.track.id, result.track.class_id, result.removed_id) == (7, 1, 3)
    assert result.track.frame.tolist() == list(range(20))
    assert [conflict.frame for conflict in result.conflicts] == [10, 11]
    assert all(0 < conflict.iou < 1 for conflict in result.conflicts)
    assert result.track.xyxy[10, 0] == early.xyxy[10, 0]


def test_merge_prefers_what_a_person_drew() -> None:
    """In a shared frame a keyframe wins, whichever track it belongs to."""
    early, late = _track(1, 0, 5), _track(2, 4, 8, x=5.0)
    drawn = Track.of(2, late.frame, late.xyxy, is_keyframe=np.array([True, False, False, False]))
    result = repairs.merge(early, drawn)
    assert result.track.xyxy[4, 0] == late.xyxy[0, 0]
    assert result.track.is_keyframe[4]


def test_merge_of_equal_boxes_has_no_conflict() -> None:
    """Doubles of one object agree."""
    assert repairs.merge(_track(1, 0, 10), _track(2, 5, 15)).conflicts == ()


def test_swapping_twice_changes_nothing() -> None:
    """A swap exchanges futures only, and is its own undoing."""
    a, b = _track(1, 0, 10), _track(2, 3, 15, x=200.0)
    c, d = repairs.swap(a, b, 6)
    assert (c.id, d.id) == (1, 2)
    assert c.frame.tolist() == list(range(15))
    assert d.frame.tolist() == list(range(3, 10))
    assert np.array_equal(c.xyxy[6:], b.xyxy[3:])
    for old, new in zip((a, b), repairs.swap(c, d, 6), strict=True):
        assert np.array_equal(old.frame, new.frame)
        assert np.array_equal(old.xyxy, new.xyxy)


@pytest.mark.parametrize(
    ("a", "b", "start", "message"),
    [
        (_track(1, 0, 5), _track(1, 0, 5), 2, "track 1 cannot be swapped with itself"),
        (_track(1, 0, 5), _track(2, 0, 5), 5, "have no box from frame 5 on; choose an earlier frame"),
    ],
    ids=["itself", "too-late"],
)
def test_swap_refuses_what_does_nothing(a: Track, b: Track, start: int, message: str) -> None:
    """A swap without effect is an error that says so."""
    with pytest.raises(UsageError, match=message):
        repairs.swap(a, b, start)


def test_flicker_goes_and_keyframes_stay() -> None:
    """Tracks shorter than asked are removed by id, but never one that a person touched."""
    short, long = _track(1, 0, 3), _track(2, 0, 50)
    drawn = Track.of(3, short.frame, short.xyxy, is_keyframe=np.array([False, True, False]))
    kept, removed = repairs.without_flicker([short, long, drawn], 25.0)
    assert [track.id for track in kept] == [2, 3]
    assert removed == [1]


def test_a_class_changes_over_a_range() -> None:
    """The part inside becomes a track of its own; the rest keeps its id and class."""
    rest, part = repairs.change_class(_track(1, 0, 10), 6, Span(3, 5), 50)
    assert (rest.id, rest.class_id, rest.frame.tolist()) == (1, 0, [0, 1, 2, 5, 6, 7, 8, 9])
    assert (part.id, part.class_id, part.frame.tolist()) == (50, 6, [3, 4])
    assert [(t.id, t.class_id) for t in repairs.change_class(_track(1, 0, 10), 6, None, 50)] == [(1, 6)]
    assert [(t.id, t.class_id) for t in repairs.change_class(_track(1, 0, 10), 6, Span(0, 90), 50)] == [(1, 6)]
    with pytest.raises(UsageError, match="track 1 has no box in frames 20:30"):
        repairs.change_class(_track(1, 0, 10), 6, Span(20, 30), 50)
