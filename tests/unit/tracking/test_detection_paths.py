"""Paths through detections: which detections are taken, what the path is, and where it stops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.frames import Span
from framelabel.core.geometry import paired_iou
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation import linear, perspective
from framelabel.tracking.propagation.association import ClipDetections, associate, departed, departure
from framelabel.tracking.propagation.clip_paths import ClipPaths
from framelabel.tracking.propagation.detections import Detections
from framelabel.tracking.propagation.dynamics import measure
from framelabel.tracking.propagation.evidence import Evidence
from framelabel.tracking.propagation.trust import Trials

Floats = NDArray[np.float64]
COUNT = 61


def swerving(count: int = COUNT, *, left: float = 200.0) -> Floats:
    """Return a box that swings far off the straight line."""
    time = np.arange(count)
    centre = np.stack([left + 4.0 * time, 200 + 90 * np.sin(time / count * 2 * np.pi)], axis=1)
    return np.concatenate([centre - np.array([20, 40]), centre + np.array([20, 40])], axis=1)


def seen(paths: list[Floats], *, missing: tuple[int, int] = (0, 0), jitter: float = 0.5) -> dict[int, Boxes]:
    """Return detections of all objects in a shuffled order; the first object is missed in a range of frames."""
    random = np.random.default_rng(3)
    found = {}
    for frame in range(max(len(path) for path in paths)):
        rows = [
            path[frame] + random.normal(0, jitter, 4)
            for number, path in enumerate(paths)
            if frame < len(path) and not (number == 0 and missing[0] <= frame < missing[1])
        ]
        found[frame] = Boxes.of(np.array(rows).reshape(-1, 4)[random.permutation(len(rows))], np.full(len(rows), 0.9))
    return found


def keys_of(path: Floats, frames: list[int], track_id: int = 1) -> Track:
    """Return human boxes at these frames of a path."""
    return Track.of(track_id, np.array(frames), path[frames], is_keyframe=np.ones(len(frames), np.bool_))


def propagator(detections: dict[int, Boxes], size: tuple[int, int] = (1000, 400)) -> Detections:
    """Build the method over detections by frame."""
    return Detections(Detections.Options(), Evidence(size, 25.0, 200, detections=detections))


def test_departure_and_departed_are_inverse() -> None:
    """Taking a box apart against a base and putting it together again changes nothing."""
    path = swerving()
    np.testing.assert_allclose(departed(departure(path, path[::-1]), path[::-1]), path)


def test_follows_the_swing_that_interpolation_misses() -> None:
    """Two human boxes and detections are enough where a straight line fails on most frames."""
    truth = swerving()
    found = propagator(seen([truth])).propagate(keys_of(truth, [0, COUNT - 1]), Span(0, COUNT))
    straight = linear.interpolate(np.arange(COUNT), np.array([0, COUNT - 1]), truth[[0, -1]])
    assert (paired_iou(straight, truth) >= 0.7).mean() < 0.3
    assert (paired_iou(found.xyxy, truth) >= 0.7).mean() > 0.95
    assert (found.visibility == Visibility.VISIBLE).all()


def test_a_crossing_object_is_not_taken() -> None:
    """Detections of another object that crosses the path are left to it."""
    truth, other = swerving(), swerving(left=440.0)[::-1]
    clip = ClipDetections.of(seen([truth, other], jitter=0.0))
    base = perspective.interpolate(np.arange(COUNT), np.array([0, COUNT - 1]), truth[[0, -1]])
    chosen = associate(clip, 0, base)
    right = [np.allclose(clip.xyxy[row], truth[frame]) for frame, row in enumerate(chosen) if row >= 0]
    assert len(right) > 50
    assert np.mean(right) > 0.95


def test_a_hole_in_the_detections_is_crossed_and_costs_certainty() -> None:
    """Where the detector saw nothing the path goes on, and says that it is less sure."""
    truth = swerving()
    found = propagator(seen([truth], missing=(20, 30))).propagate(keys_of(truth, [0, COUNT - 1]), Span(0, COUNT))
    assert (paired_iou(found.xyxy, truth) >= 0.7).mean() > 0.9
    assert found.uncertainty[22:28].mean() > found.uncertainty[35:45].mean()
    assert not found.score[21:29].any()


def test_without_detections_it_is_an_interpolation() -> None:
    """No evidence, no invention: one of the two interpolations, unchanged."""
    truth = swerving()
    keys = keys_of(truth, [0, 30, COUNT - 1])
    found = propagator({}).propagate(keys, Span(0, COUNT))
    options = [method.interpolate(found.frame, keys.frame, keys.xyxy) for method in (linear, perspective)]
    for gap in (slice(0, 31), slice(30, COUNT)):
        assert min(np.abs(found.xyxy[gap] - option[gap]).max() for option in options) < 1e-6


def test_detector_that_draws_small_boxes_is_corrected_at_the_keys() -> None:
    """The person's idea of the box wins over the detector's, all along the path."""
    truth = swerving()
    shrunk = truth + np.array([6.0, 12.0, -6.0, -12.0])
    found = propagator(seen([shrunk])).propagate(keys_of(truth, [0, COUNT - 1]), Span(0, COUNT))
    assert paired_iou(shrunk, truth).mean() < 0.5
    assert paired_iou(found.xyxy, truth).mean() > paired_iou(shrunk, truth).mean() + 0.15


@pytest.mark.parametrize(
    ("size", "state"),
    [
        pytest.param((1000, 400), Visibility.LOST, id="vanishes-in-the-picture"),
        pytest.param((470, 400), Visibility.ABSENT, id="leaves-at-the-edge"),
    ],
)
def test_stops_by_itself_after_the_last_detection(size: tuple[int, int], state: Visibility) -> None:
    """Beyond the last human box the object is followed while it is seen; no ghost is dragged on."""
    truth = swerving()
    found = propagator(seen([truth]), size).propagate(keys_of(truth, [0, 30]), Span(0, 120))
    followed = found.is_present[31:COUNT]
    assert followed.mean() > 0.9
    assert (paired_iou(found.xyxy[31:COUNT], truth[31:]) >= 0.7)[followed].mean() > 0.9
    assert not found.is_present[COUNT + 6 :].any()
    assert found.visibility[100] == state


def test_an_absent_keyframe_cuts_the_path() -> None:
    """Where a person says that the object is gone it has no box, and it comes back at the next human box."""
    truth = swerving()
    rows = keys_of(truth, [0, 20, 30, 40, 60])
    state = np.array([0, 0, Visibility.ABSENT, 0, 0], np.int8)
    keys = Track.of(1, rows.frame, rows.xyxy, is_keyframe=rows.is_keyframe, visibility=state)
    found = propagator(seen([truth], missing=(21, 40))).propagate(keys, Span(0, COUNT))
    assert not found.is_present[27:34].any()
    assert found.visibility[30] == Visibility.ABSENT
    assert found.is_present[:21].all()
    assert found.is_present[40:].all()


def test_one_more_human_box_leaves_other_gaps_as_they_are() -> None:
    """A gap depends on its own two human boxes: paths elsewhere do not move when a box is added."""
    truth = swerving()
    paths = ClipPaths(ClipDetections.of(seen([truth])), [keys_of(truth, [0, COUNT - 1])])
    before = np.array([0, 20, 60])
    after = np.array([0, 20, 40, 60])
    first = paths.stretches(before, truth[before], Trials.none())[0].gap
    assert paths.stretches(after, truth[after], Trials.none())[0].gap is first


def test_same_question_same_answer() -> None:
    """Two propagators over the same evidence agree bit for bit."""
    truth = swerving()
    keys = keys_of(truth, [0, 25, COUNT - 1])
    one, two = (propagator(seen([truth])).propagate(keys, Span(0, 80)) for _ in range(2))
    np.testing.assert_array_equal(one.xyxy, two.xyxy)
    np.testing.assert_array_equal(one.uncertainty, two.uncertainty)


def test_dynamics_measure_push_and_bias() -> None:
    """The clip's own motion noise and the detector's bias are found within a factor of two."""
    random = np.random.default_rng(0)
    push, size = 0.01, 50.0
    boxes = {}
    centre = np.stack([np.arange(12) * 300.0 + 100, np.full(12, 300.0)], axis=1)
    velocity = np.zeros((12, 2))
    for frame in range(300):
        velocity += random.normal(0, push * size, (12, 2))
        velocity *= 0.995
        centre = centre + velocity
        boxes[frame] = Boxes.of(np.concatenate([centre - size / 2, centre + size / 2], axis=1))
    clip = ClipDetections.of(boxes)
    found = measure(clip, np.tile([0.05, 0.0, 0.0, 0.0], (200, 1)))
    assert push / 2 < found.push[0] < push * 2
    assert found.bias[0] == pytest.approx(0.05, rel=0.15)
