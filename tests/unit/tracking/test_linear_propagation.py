"""Linear interpolation answers as CVAT does, frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.frames import Span
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation import perspective
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.linear import Linear, interpolate

A, B, C = [10.0, 10.0, 20.0, 30.0], [20.0, 30.0, 40.0, 50.0], [0.0, 0.0, 8.0, 8.0]
V, GONE = int(Visibility.VISIBLE), int(Visibility.ABSENT)


def keyframes(*rows: tuple[int, list[float], int]) -> Track:
    """Make human boxes from (frame, box, visibility)."""
    frames, boxes, states = zip(*rows, strict=True)
    return Track.of(
        5,
        np.array(frames),
        np.array(boxes),
        class_id=2,
        is_keyframe=np.ones(len(rows), np.bool_),
        visibility=np.array(states, np.int8),
    )


def carry(track: Track, span: Span) -> Track:
    """Carry them linearly."""
    return Linear(Linear.Options(), Evidence((100, 100), 25.0, 100)).propagate(track, span)


# Expected values by CVAT's rule (cvat/apps/dataset_manager/annotation.py, TrackManager.get_interpolated_shapes):
# sides move linearly between keyframes, a track starts at its first keyframe, holds after its last, "outside" ends it.
@pytest.mark.parametrize(
    ("rows", "frame", "box", "state"),
    [
        pytest.param([(0, A, V), (10, B, V)], 5, [15, 20, 30, 40], V, id="middle"),
        pytest.param([(0, A, V), (10, B, V)], 1, [11, 12, 22, 32], V, id="one-tenth"),
        pytest.param([(2, A, V), (10, B, V)], 1, None, GONE, id="before-the-first"),
        pytest.param([(0, A, V), (10, B, V)], 15, B, V, id="held-after-the-last"),
        pytest.param([(0, A, V), (10, C, GONE)], 9, A, V, id="held-up-to-outside"),
        pytest.param([(0, A, V), (10, C, GONE)], 10, None, GONE, id="outside"),
        pytest.param([(0, A, V), (10, C, GONE)], 15, None, GONE, id="stays-outside"),
        pytest.param([(0, A, V), (4, C, GONE), (10, B, V)], 7, None, GONE, id="outside-until-it-returns"),
        pytest.param([(0, A, V), (4, C, GONE), (10, B, V)], 12, B, V, id="returned"),
    ],
)
def test_box_and_state_follow_cvat(
    rows: list[tuple[int, list[float], int]], frame: int, box: list[float] | None, state: int
) -> None:
    """A track made here looks in CVAT as it looks here."""
    track = carry(keyframes(*rows), Span(0, 20))
    assert track.visibility[frame] == state
    if box is not None:
        np.testing.assert_allclose(track.xyxy[frame], box)


def test_keyframes_are_repeated_exactly_and_certain() -> None:
    """The human's box comes back digit for digit, and nothing else claims to be human."""
    odd = [0.1 + 0.2, 1 / 3, 7.7, 9.9]
    track = carry(keyframes((3, odd, V), (9, B, V)), Span(2, 12))
    assert track.xyxy[1].tolist() == odd
    assert track.frame[track.is_keyframe].tolist() == [3, 9]
    assert track.uncertainty[track.is_keyframe].tolist() == [0, 0]
    assert (track.uncertainty[(track.visibility == V) & ~track.is_keyframe] > 0).all()


def test_span_may_lie_between_keyframes() -> None:
    """A part of the clip gets the answer that the whole would give."""
    rows = keyframes((0, A, V), (10, B, V))
    whole, part = carry(rows, Span(0, 11)), carry(rows, Span(4, 7))
    np.testing.assert_array_equal(part.xyxy, whole.xyxy[4:7])
    assert part.frame.tolist() == [4, 5, 6]


def test_perspective_is_exact_for_a_box_at_constant_speed_in_space() -> None:
    """A fronto-parallel board approaching at constant speed is met exactly, which linear interpolation misses."""
    frame = np.arange(21)
    depth = 30.0 - frame
    centre = np.stack([800 * (2 + 0.05 * frame) / depth, 800 * 0.5 / depth], axis=1)
    half = np.stack([800 * 0.9 / depth, 800 * 0.7 / depth], axis=1)
    truth = np.concatenate([centre - half, centre + half], axis=1)
    keys = np.array([0, 20])
    np.testing.assert_allclose(perspective.interpolate(frame, keys, truth[keys]), truth, rtol=1e-9)
    assert np.abs(interpolate(frame, keys, truth[keys]) - truth).max() > 10
