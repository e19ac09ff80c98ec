"""What to label next."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.propagation.suggestion import best_label, queue, wrong_chance


def track_of(track_id: int, doubt: list[float], keys: list[int], *, start: int = 0) -> Track:
    """Make a dense track of this uncertainty with keyframes at these rows."""
    count = len(doubt)
    is_keyframe = np.zeros(count, np.bool_)
    is_keyframe[keys] = True
    uncertainty = np.where(is_keyframe, 0.0, doubt)
    boxes = np.tile([0.0, 0.0, 10.0, 10.0], (count, 1))
    return Track.of(track_id, np.arange(start, start + count), boxes, is_keyframe=is_keyframe, uncertainty=uncertainty)


@pytest.mark.parametrize(
    ("wrong", "low", "high"),
    [
        pytest.param([0.5] * 21, 8, 12, id="even-doubt-is-halved"),
        pytest.param([0.02] * 20 + [0.9] * 10 + [0.02] * 20, 20, 29, id="the-doubtful-stretch"),
        pytest.param([0.9], 0, 0, id="one-frame"),
        pytest.param([0.05] * 5 + [0.9] * 3 + [0.05] * 10 + [0.9] * 12 + [0.05] * 5, 18, 29, id="the-longer-of-two"),
    ],
)
def test_best_label_goes_where_most_boxes_turn_right(wrong: list[float], low: int, high: int) -> None:
    """Doubt alone does not decide; a long doubtful stretch beats a short one of equal doubt."""
    assert low <= best_label(np.array(wrong)).frame <= high


def test_gain_is_at_most_what_is_wrong() -> None:
    """No label promises more boxes than are expected to be wrong."""
    wrong = np.random.default_rng(0).uniform(0, 1, 900)
    label = best_label(wrong)
    assert 0 < label.gain <= wrong.sum()


def test_queue_takes_the_most_useful_labels_over_all_tracks_and_stops_at_the_target() -> None:
    """The list is ranked across tracks, never names a keyframe, and promises what it says."""
    sure = track_of(1, [0.05] * 50, [0, 49])
    doubtful = track_of(2, [0.6] * 50, [0, 49], start=100)
    found = queue([sure, doubtful], target=0.9)
    assert {item.track_id for item in found.suggestions[:3]} == {2}
    assert not {item.frame for item in found.suggestions} & {100, 149}
    assert len({item.frame for item in found.suggestions}) == len(found.suggestions)
    assert found.expected_now < 0.6
    assert found.expected_after >= 0.9
    assert found.suggestions[0].gain == max(item.gain for item in found.suggestions)
    assert found.box_count == 100


def test_nothing_to_label_in_a_clip_that_is_right() -> None:
    """A clip at its target asks for nothing and says so."""
    found = queue([track_of(1, [0.02] * 30, [0, 29])])
    assert found.suggestions == ()
    assert found.sentence() == "nothing to label: an expected 100 % of boxes are right"


def test_absent_frames_do_not_count_and_lost_ones_are_asked() -> None:
    """Where the object is not there is nothing to draw; where it was lost a person should look."""
    base = track_of(1, [0.02] * 40, [0])
    state = np.zeros(40, np.int8)
    state[10:20] = Visibility.LOST
    state[20:] = Visibility.ABSENT
    track = Track.of(
        1, base.frame, base.xyxy, is_keyframe=base.is_keyframe, uncertainty=base.uncertainty, visibility=state
    )
    found = queue([track])
    assert found.box_count == 20
    assert 10 <= found.suggestions[0].frame < 20


def test_chance_of_a_wrong_box_rises_with_uncertainty() -> None:
    """Measured shares of wrong boxes by stated uncertainty, on sequences never fitted on, are met within 0.1."""
    stated = np.array([0.057, 0.145, 0.242, 0.345, 0.447, 0.549, 0.646, 0.750, 0.851, 0.943])
    measured = np.array([0.028, 0.113, 0.237, 0.491, 0.647, 0.803, 0.896, 0.931, 0.968, 0.993])
    np.testing.assert_allclose(wrong_chance(stated), measured, atol=0.1)
    assert (np.diff(wrong_chance(np.linspace(0, 1, 50))) >= 0).all()
