"""Choosing frames, without any video."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from framelabel.core.errors import FrameNotFoundError, UsageError
from framelabel.core.frames import FrameIndex, Span
from framelabel.media.sampling import at_rate, distinct, every_nth, exact_rate, parse_list, scene_starts, sync_frames


def index_of(pts: list[int], time_base: Fraction = Fraction(1, 1000)) -> FrameIndex:
    """Return an index with these times, every third frame a sync frame."""
    count = len(pts)
    return FrameIndex(time_base, np.array(pts), np.arange(count) % 3 == 0, np.zeros(count, np.uint64))


@pytest.mark.parametrize(
    ("pts", "fps", "expected"),
    [
        pytest.param(list(range(0, 1000, 40)), 5, [0, 5, 10, 15, 20], id="25-to-5"),
        pytest.param(list(range(0, 1000, 40)), 25, list(range(25)), id="same-rate"),
        pytest.param(list(range(0, 1000, 40)), 100, list(range(25)), id="faster-than-footage-never-repeats"),
        pytest.param(list(range(0, 1000, 100)), 4, [0, 3, 5, 8], id="not-a-divisor"),
        pytest.param([0, 40, 80, 2000, 2040, 3000], 1, [0, 3, 5], id="gap-in-time"),
        pytest.param([7000, 7040, 8000], 1, [0, 2], id="starts-late"),
    ],
)
def test_target_rate_follows_the_clock_not_the_count(pts: list[int], fps: float, expected: list[int]) -> None:
    """The first frame at or after each tick is taken; gaps and variable rates do not shift the clock."""
    index = index_of(pts)
    assert at_rate(index, Span(0, len(index)), fps) == expected


def test_rates_are_exact_over_hours() -> None:
    """29.97 from 29.97 footage takes every frame of three hours: no drift by binary fractions."""
    count = 3 * 3600 * 30
    index = index_of(list(range(0, count * 100, 100)), Fraction(1, 2997))
    assert len(at_rate(index, Span(0, count), 29.97)) == count
    assert exact_rate(29.97) == Fraction(2997, 100)


def test_spans_lists_and_sync_frames() -> None:
    """Ordinals come out as the video's own, also inside a span."""
    index = index_of(list(range(0, 400, 40)))
    assert list(every_nth(Span(2, 9), 3)) == [2, 5, 8]
    assert sync_frames(index, Span(2, 10)) == [3, 6, 9]
    assert at_rate(index, Span(4, 10), 12.5) == [4, 6, 8]
    assert parse_list("9, 3,", 10) == [9, 3]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("3,x", UsageError, "'3,x' is not a list of frames"),
        ("3,10", FrameNotFoundError, "frame 10 does not exist; the video has frames 0 to 9"),
        ("-1", FrameNotFoundError, "frame -1 does not exist"),
    ],
)
def test_bad_lists_are_explained(text: str, error: type[Exception], message: str) -> None:
    """A list of frames is whole numbers of frames that exist."""
    with pytest.raises(error, match=message):
        parse_list(text, 10)


def test_scenes_start_at_cuts_and_not_in_movement() -> None:
    """A cut from dark to bright starts a scene; a steady pan, with large but even differences, does not."""
    dark, bright = np.full((8, 8), 20, np.uint8), np.full((8, 8), 200, np.uint8)
    assert list(scene_starts(enumerate([dark] * 5 + [bright] * 5 + [dark] * 3))) == [0, 5, 10]
    pan = [np.full((8, 8), 15 * step, np.uint8) for step in range(15)]
    assert list(scene_starts(enumerate(pan)))[2:] == []


def test_a_small_moving_object_is_news() -> None:
    """Still frames are dropped, noise of a few levels too, but one changed spot keeps the frame."""
    still = np.full((8, 8), 100, np.uint8)
    noisy = still + np.uint8(4)
    moved = still.copy()
    moved[3, 3] = 160
    assert list(distinct(enumerate([still, still, noisy, moved, moved, still]))) == [0, 3, 5]
