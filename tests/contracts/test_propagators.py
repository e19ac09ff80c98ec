"""What every propagation method of the catalog must do, whatever it looks at."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.frames import Span
from framelabel.core.tracks import Track
from framelabel.tracking.propagation.catalog import DEFAULT, PROPAGATORS
from framelabel.tracking.propagation.correlation import Correlation
from framelabel.tracking.propagation.protocol import Propagator
from tests.drawn_clip import DrawnClip


def built(name: str, clip: DrawnClip) -> Propagator:
    """Return a method with its default options; plain correlation stands in for the network's weights."""
    entry = PROPAGATORS.load(name)
    return entry(entry.Options(), clip.evidence(Correlation()))


def test_the_default_is_in_the_catalog() -> None:
    """What `propagate` uses without being told exists."""
    assert DEFAULT in PROPAGATORS


@pytest.mark.parametrize("name", sorted(PROPAGATORS))
def test_every_frame_of_the_span_has_a_row(name: str) -> None:
    """A span cut out of the middle of a gap comes back whole, in order, with possible uncertainties."""
    clip = DrawnClip()
    track = built(name, clip).propagate(clip.keys(2, 34), Span(10, 30))
    assert track.frame.tolist() == list(range(10, 30))
    assert not track.is_keyframe.any()
    assert ((track.uncertainty >= 0) & (track.uncertainty <= 1)).all()
    assert (track.xyxy[track.is_present, 2:] > track.xyxy[track.is_present, :2]).all()


@pytest.mark.parametrize("name", sorted(PROPAGATORS))
def test_human_boxes_come_back_as_drawn(name: str) -> None:
    """No method moves a human box or doubts it."""
    clip = DrawnClip()
    track = built(name, clip).propagate(clip.keys(2, 17, 34), Span(2, 35))
    rows = np.array([0, 15, 32])
    assert track.is_keyframe.nonzero()[0].tolist() == rows.tolist()
    assert np.array_equal(track.xyxy[rows], clip.truth[[2, 17, 34]])
    assert (track.uncertainty[rows] == 0).all()


@pytest.mark.parametrize("name", sorted(PROPAGATORS))
def test_answers_do_not_depend_on_earlier_questions(name: str) -> None:
    """A propagator that answered about other boxes and another object answers as a fresh one, to the digit."""
    clip = DrawnClip()
    asked = clip.keys(2, 20, 34)
    warm = built(name, clip)
    warm.propagate(clip.keys(2, 34), Span(0, 36))
    warm.propagate(clip.keys(5, 11), Span(5, 12))
    answers: list[Track] = [tool.propagate(asked, Span(0, 36)) for tool in (warm, built(name, clip))]
    for column in ("xyxy", "uncertainty", "visibility", "score"):
        assert np.array_equal(getattr(answers[0], column), getattr(answers[1], column)), column
