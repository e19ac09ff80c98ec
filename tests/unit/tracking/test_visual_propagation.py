"""Carrying human boxes by pixels, on a drawn clip whose truth is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.errors import MissingModelError
from framelabel.core.frames import Span
from framelabel.core.geometry import paired_iou
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation.correlation import FlowPropagator
from framelabel.tracking.propagation.footage import Footage, MissingFootageError
from framelabel.tracking.propagation.fusion import FusionOptions, chain
from framelabel.tracking.propagation.keys import from_log, to_log
from framelabel.tracking.propagation.suggestion import next_of
from framelabel.tracking.propagation.visual import VisualPropagator
from tests.drawn_clip import COUNT, DrawnClip


def test_two_boxes_carry_a_curved_path() -> None:
    """Between two human boxes the path follows the pixels, where interpolation misses by the whole curve."""
    clip = DrawnClip()
    track = FlowPropagator(FusionOptions(), clip.evidence()).propagate(clip.keys(0, 36), Span(0, 37))
    overlap = paired_iou(track.xyxy, clip.truth[:37])
    assert overlap.min() > 0.7
    straight = np.stack([np.interp(np.arange(37), [0, 36], clip.truth[[0, 36], side]) for side in range(4)], axis=1)
    assert (paired_iou(straight, clip.truth[:37]) > 0.7).mean() < 0.5


def test_human_boxes_are_kept_exactly() -> None:
    """A keyframe comes back as drawn: the same digits, certain, marked as the human's."""
    clip = DrawnClip()
    track = FlowPropagator(FusionOptions(), clip.evidence()).propagate(clip.keys(0, 17, 36), Span(5, 30))
    assert track.frame.tolist() == list(range(5, 30))
    assert track.is_keyframe.nonzero()[0].tolist() == [12]
    assert track.xyxy[12].tolist() == clip.truth[17].tolist()
    assert track.uncertainty[12] == 0.0
    assert (track.uncertainty[:12] > 0).all()


def test_extrapolates_both_ways() -> None:
    """One box in the middle is carried to both ends of the span."""
    clip = DrawnClip()
    track = FlowPropagator(FusionOptions(), clip.evidence()).propagate(clip.keys(20), Span(10, 31))
    assert paired_iou(track.xyxy, clip.truth[10:31]).min() > 0.6


def test_no_ghost_while_the_object_is_away() -> None:
    """Where the object is not in the picture no box is drawn, and it is found again when it returns."""
    clip = DrawnClip(away=range(12, 26))
    track = FlowPropagator(FusionOptions(), clip.evidence()).propagate(clip.keys(0, 38), Span(0, 39))
    absent = track.visibility == Visibility.ABSENT
    assert absent[12:26].mean() > 0.9
    assert not absent[:11].any()
    assert not absent[28:].any()


def test_a_human_absence_is_kept() -> None:
    """A keyframe that says "not here" ends the path on both sides of it."""
    clip = DrawnClip(away=range(20, 22))
    keys = clip.keys(0, 20, 38)
    said = Track.of(
        1,
        keys.frame,
        keys.xyxy,
        is_keyframe=keys.is_keyframe,
        visibility=np.array([Visibility.VISIBLE, Visibility.ABSENT, Visibility.VISIBLE], np.int8),
    )
    track = FlowPropagator(FusionOptions(), clip.evidence()).propagate(said, Span(0, 39))
    assert track.visibility[20] == Visibility.ABSENT
    assert track.is_keyframe[20]
    assert paired_iou(track.xyxy[1:15], clip.truth[1:15]).min() > 0.6
    assert paired_iou(track.xyxy[27:38], clip.truth[27:38]).min() > 0.6


def test_same_question_same_answer() -> None:
    """Results do not depend on what was asked before: a warm propagator answers as a fresh one, to the digit."""
    clip = DrawnClip()
    warm = FlowPropagator(FusionOptions(), clip.evidence())
    for frames in ((0, 36), (0, 18, 36), (5, 30)):
        warm.propagate(clip.keys(*frames), Span(0, 37))
    fresh = FlowPropagator(FusionOptions(), clip.evidence()).propagate(clip.keys(0, 18, 36), Span(0, 37))
    again = warm.propagate(clip.keys(0, 18, 36), Span(0, 37))
    assert np.array_equal(fresh.xyxy, again.xyxy)
    assert np.array_equal(fresh.uncertainty, again.uncertainty)


def test_objects_share_one_decode() -> None:
    """Ten objects in both directions read each picture once."""
    clip = DrawnClip()
    tool = FlowPropagator(FusionOptions(), clip.evidence())
    for number in range(10):
        tool.propagate(clip.keys(number, 30), Span(number, 31))
    assert clip.reads <= COUNT


def test_suggests_inside_a_gap() -> None:
    """The suggested frame is one that no human has labelled, and labelling promises a gain."""
    clip = DrawnClip()
    found = next_of(FlowPropagator(FusionOptions(), clip.evidence()).propagate(clip.keys(0, 36), Span(0, 37)))
    assert found is not None
    assert 0 < found.frame < 36
    assert found.gain > 0


def test_errors_say_what_to_do() -> None:
    """Without weights or footage the message names a method that works."""
    with pytest.raises(MissingModelError, match="--method flow"):
        VisualPropagator(FusionOptions(), DrawnClip().evidence())
    with pytest.raises(MissingFootageError, match="detections or linear"):
        Footage(None)


def test_chain_is_the_exact_minimum() -> None:
    """The tridiagonal solution equals a dense least-squares solve of the same terms."""
    noise = np.random.default_rng(3)
    value, weight, step, stiffness = noise.normal(size=6), noise.random(6), noise.normal(size=5), noise.random(5)
    rows = [np.sqrt(weight[n]) * np.eye(6)[n] for n in range(6)]
    right = [np.sqrt(weight[n]) * value[n] for n in range(6)]
    for n in range(5):
        rows.append(np.sqrt(stiffness[n]) * (np.eye(6)[n + 1] - np.eye(6)[n]))
        right.append(np.sqrt(stiffness[n]) * step[n])
    expected = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    assert chain(value, weight, step, stiffness) == pytest.approx(expected, abs=1e-6)


def test_log_boxes_round_trip() -> None:
    """Box to log space and back is the identity for boxes of at least one pixel."""
    box = np.array([[3.0, 4.0, 13.0, 9.0]])
    assert from_log(to_log(box)) == pytest.approx(box)
