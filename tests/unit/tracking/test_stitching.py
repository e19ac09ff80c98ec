"""Proposals to merge tracks name the right pieces, and their scores mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track, Visibility
from framelabel.tracking.stitching import stitches


def _track(number: int, start: int, stop: int, *, x: float = 0.0, class_id: int = 0) -> Track:
    frame = np.arange(start, stop)
    left = x + 2.0 * frame
    return Track.of(number, frame, np.stack([left, 0 * left + 10, left + 30, 0 * left + 90], axis=1), class_id=class_id)


def test_pieces_of_one_walk_are_proposed_first() -> None:
    """The continuation of a straight walk scores above a stranger, and other classes are not proposed."""
    walk, rest = _track(1, 0, 30), _track(2, 40, 70)
    stranger, other_class = _track(3, 40, 70, x=60.0), _track(4, 40, 70, class_id=5)
    found = stitches([walk, stranger, other_class, rest], 25.0, least=0.0)
    assert (found[0].early_id, found[0].late_id, found[0].gap) == (1, 2, 11)
    assert found[0].score > 0.5
    assert {(stitch.early_id, stitch.late_id) for stitch in found} <= {(1, 2), (1, 3)}
    assert stitches([walk, _track(5, 40, 70, x=900.0)], 25.0) == []


def test_rivals_share_the_probability() -> None:
    """Of two equal continuations neither is more likely than not, and one alone is nearly certain."""
    walk, rest, twin = _track(1, 0, 30), _track(2, 35, 70), _track(3, 35, 70)
    assert stitches([walk, rest], 25.0)[0].score > 0.9
    both = stitches([walk, rest, twin], 25.0, least=0.0)
    assert [stitch.late_id for stitch in both] == [2, 3]
    assert both[0].score == both[1].score < 0.5


def test_absent_rows_are_no_evidence() -> None:
    """The gap is counted from the last box that is there."""
    walk = _track(1, 0, 40)
    gone = Track.of(
        1, walk.frame, walk.xyxy, visibility=np.where(walk.frame < 30, Visibility.VISIBLE, Visibility.ABSENT)
    )
    assert [stitch.gap for stitch in stitches([gone, _track(2, 40, 70)], 25.0)] == [11]


@pytest.mark.parametrize(
    "tracks", [[], [_track(1, 0, 9)], [_track(1, 0, 9), _track(2, 0, 0)]], ids=["none", "one", "empty"]
)
def test_nothing_to_join(tracks: list[Track]) -> None:
    """Too few tracks give no proposal."""
    assert stitches(tracks, 25.0) == []


def test_a_rate_is_needed() -> None:
    """Without frames per second a gap has no length."""
    with pytest.raises(UsageError, match="fps must be positive"):
        stitches([_track(1, 0, 9), _track(2, 12, 20)], 0.0)


@pytest.mark.parametrize(
    ("name", "fps"), [("MOT15-train/PETS09-S2L1", 7.0), ("MOT17-train/MOT17-11-FRCNN", 30.0)], ids=["7-fps", "30-fps"]
)
def test_scores_mean_what_they_say(shared: Callable[[str], Path], name: str, fps: float) -> None:
    """Of true tracks cut in pieces, sure proposals are right nine times in ten, and most cuts are found."""
    table = np.loadtxt(shared(f"data/mot/{name}") / "gt/gt.txt", delimiter=",")
    table = table[table[:, 6] > 0]
    if table.shape[1] > 8 and "MOT17" in name:
        table = table[table[:, 7] == 1]
    random = np.random.default_rng(5)
    pieces: list[Track] = []
    following: dict[int, int] = {}
    for number in np.unique(table[:, 1]):
        rows = table[table[:, 1] == number]
        rows = rows[np.argsort(rows[:, 0])]
        start, is_first = 0, True
        while start < len(rows) - 1:
            part = rows[start : start + 3 + int(random.exponential(3 * fps))]
            size = np.sqrt(part[:, 4] * part[:, 5])[:, None]
            box = np.c_[part[:, 2:4], part[:, 2:4] + part[:, 4:6]] + 0.03 * size * random.normal(size=(len(part), 4))
            pieces.append(Track.of(len(pieces) + 1, part[:, 0].astype(np.int64), box))
            if not is_first:
                following[len(pieces) - 1] = len(pieces)
            start, is_first = start + len(part) + 1 + int(random.uniform(0, fps)), False
    found = stitches(pieces, fps)
    right = np.array([following.get(item.early_id) == item.late_id for item in found])
    score = np.array([item.score for item in found])
    assert right[score > 0.9].mean() > 0.88
    assert right.sum() > 0.5 * len(following)
