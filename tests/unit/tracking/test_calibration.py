"""What the network always sees differently is carried through a gap; the chance of one picture is not."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.geometry import iou
from framelabel.tracking.propagation.calibration import CONSTANT, NOISE, SLOW, SLOW_FRAMES, offsets
from framelabel.tracking.propagation.candidates import CARRIED_FIRST, WALK_FIRST, WALK_LAST, gather
from framelabel.tracking.propagation.correlation import Correlation
from framelabel.tracking.propagation.keys import Key, split
from framelabel.tracking.propagation.passes import Passes, Residual
from tests.drawn_clip import DrawnClip

BOX = (0.0, 0.0, 10.0, 10.0)


class Told(Passes):
    """Passes whose residuals are told, not measured: the same for every template."""

    def __init__(self, offset: dict[int, float]) -> None:
        self._told = offset

    def residual(self, key: Key, model: Key) -> Residual:
        """Return the offset told for the key's frame, on all four coordinates."""
        found = self._told[key.frame]
        return Residual(np.full(4, found), float(model.box == BOX))


def carried(told: dict[int, float], frame: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the (4,) offset in one picture from what was told at the human boxes."""
    keys = [Key(at, BOX) for at in told]
    return np.asarray(offsets(Told(told), keys[0], keys, np.array([frame]))[0])


def test_one_box_is_believed_in_part() -> None:
    """A single residual is shrunk by its own noise: the closed form of one-point kriging."""
    reach = CONSTANT + SLOW * np.exp(-30 / SLOW_FRAMES)
    assert carried({0: 0.2}, 30) == pytest.approx(0.2 * reach / (CONSTANT + SLOW + NOISE))


def test_what_all_boxes_say_is_believed() -> None:
    """Eight boxes that agree are believed nearly as they are."""
    assert carried(dict.fromkeys(range(0, 160, 20), 0.2), 70) == pytest.approx(np.full(4, 0.2), abs=0.04)


def test_the_chance_of_one_picture_is_not_carried() -> None:
    """One box that differs from six others moves its own neighbourhood by less than a third of the difference."""
    told = dict.fromkeys(range(0, 140, 20), 0.0) | {60: 0.3}
    assert (np.abs(carried(told, 65)) < 0.1).all()


def test_candidates_of_a_walk_do_not_repeat_one_another() -> None:
    """At most five boxes a walk, no two with IoU of 0.85 or more, best first."""
    clip = DrawnClip()
    passes = clip.evidence().passes(Correlation())
    first, last = split(clip.keys(0, 30))[0]
    gap = gather(passes, first, last, last.frame, (first, last))
    for row in range(1, 30):
        for kind in (WALK_FIRST, WALK_LAST):
            rows = gap.source[row] == kind
            overlap = iou(gap.boxes[row][rows], gap.boxes[row][rows])
            assert 1 <= rows.sum() <= 5
            assert (overlap[~np.eye(len(overlap), dtype=bool)] < 0.85).all()
            assert (np.diff(gap.score[row][rows]) <= 0).all()


def test_a_passing_walk_takes_over() -> None:
    """A walk that held the object at the new box relieves that box's own walk near the gap's far end."""
    clip = DrawnClip()
    passes = clip.evidence().passes(Correlation())
    outer, first, last = split(clip.keys(0, 12, 36))[0]
    gap = gather(passes, first, last, last.frame, (outer, first, last), outer)
    alone = gather(passes, first, last, last.frame, (outer, first, last))
    counts = [[(part.source[row] == WALK_FIRST).sum() for row in range(1, 24)] for part in (gap, alone)]
    assert min(counts[0]) >= 1
    assert max(counts[0][18:]) <= 3 < max(counts[0][:12])
    assert [(source == CARRIED_FIRST).sum() for source in gap.source[1:-1]] == [1] * 23
