"""Footage linked in windows gives what linking it at once gives, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track
from framelabel.tracking import windows
from framelabel.tracking.offline.linker import OfflineLinker

FRAMES = 3000


def _street() -> list[Boxes]:
    """Return people who walk through at times and speeds of their own, some detections missing."""
    random = np.random.default_rng(6)
    rows: list[list[list[float]]] = [[] for _ in range(FRAMES)]
    for lane in range(5):
        begin = int(random.integers(0, 60))
        while begin < FRAMES:
            speed = random.uniform(2, 4)
            for step in range(int(640 / speed)):
                if begin + step < FRAMES and random.uniform() > 0.1:
                    box = np.array([speed * step, 100.0 * lane, speed * step + 30, 100.0 * lane + 80])
                    rows[begin + step].append((box + random.normal(0, 0.7, 4)).tolist())
            begin += int(640 / speed) + int(random.integers(150, 300))
    return [Boxes.of(np.array(part).reshape(-1, 4), np.full(len(part), 0.8)) for part in rows]


class _Clip:
    """Links parts of a clip and remembers the longest."""

    def __init__(self, boxes: list[Boxes]) -> None:
        self.boxes = boxes
        self.longest = 0
        self.asked = 0

    def __call__(self, frames: Sequence[int]) -> list[Track]:
        """Return the tracks through some frames."""
        self.longest, self.asked = max(self.longest, len(frames)), self.asked + 1
        return OfflineLinker(fps=25.0).link(frames, [self.boxes[frame] for frame in frames])


def _by_start(tracks: Sequence[Track]) -> list[Track]:
    return sorted(tracks, key=lambda track: (int(track.frame[0]), float(track.xyxy[0, 1])))


@pytest.mark.parametrize("window", [450, 700, 1400], ids=str)
def test_seams_leave_no_trace(window: int) -> None:
    """Every track has the frames that it has when the clip is linked at once, and nearly its boxes."""
    clip = _Clip(_street())
    whole, parts = (
        _by_start(clip(range(FRAMES))),
        _by_start(list(windows.link(clip, range(FRAMES), window=window, overlap=220))),
    )
    assert len(whole) > 25
    assert [track.frame.tolist() for track in parts] == [track.frame.tolist() for track in whole]
    for mine, theirs in zip(parts, whole, strict=True):
        assert np.array_equal(mine.visibility, theirs.visibility)
        assert np.array_equal(mine.score, theirs.score)
        # the detector's noise is 0.7 pixels; how much of it is smoothed away is measured per window
        assert np.sqrt(np.mean(np.square(mine.xyxy - theirs.xyxy))) < 0.3
        assert np.abs(mine.xyxy - theirs.xyxy).max() < 2.0
    assert len({track.id for track in parts}) == len(parts)


def test_memory_is_one_window() -> None:
    """No part is longer than a window and an overlap, and tracks come out while later footage is unread."""
    clip = _Clip(_street())
    stream = windows.link(clip, range(FRAMES), window=450, overlap=220)
    first = next(stream)
    assert clip.asked == 1
    assert first.frame[-1] < 450
    assert len(list(stream)) > 20
    assert clip.longest <= 450 + 220


def test_a_short_clip_is_linked_at_once() -> None:
    """A clip that a window holds gives the tracker's own answer."""
    clip = _Clip(_street()[:600])
    parts = list(windows.link(clip, range(600), window=450, overlap=220))
    assert clip.asked == 1
    assert [track.frame.tolist() for track in parts] == [track.frame.tolist() for track in clip(range(600))]
    assert list(windows.link(clip, [], window=450, overlap=220)) == []


def test_a_window_needs_room() -> None:
    """A window that its overlaps fill is refused."""
    with pytest.raises(UsageError, match="a window of 400 frames is too short for an overlap of 200"):
        next(windows.link(lambda _: [], range(9), window=400, overlap=200))


def test_a_crowd_survives_seams(shared: Callable[[str], Path]) -> None:
    """On a real crowd nearly every box has the same company of boxes as when it is linked at once."""
    table = np.loadtxt(shared("data/mot/MOT17Det_DPM_det") / "MOT17-11.txt", delimiter=",")
    corners = np.c_[table[:, 2:4], table[:, 2:4] + table[:, 4:6]]
    score = 1 / (1 + np.exp(-table[:, 6]))
    boxes = [Boxes.of(corners[table[:, 0] == k + 1], score[table[:, 0] == k + 1]) for k in range(900)]
    clip = _Clip(boxes)
    whole, parts = clip(range(900)), list(windows.link(clip, range(900), window=400, overlap=180))
    owner = {
        (int(f), float(s)): track.id for track in whole for f, s in zip(track.frame, track.score, strict=True) if s
    }
    same, total = 0, 0
    for track in parts:
        mine = [owner.get((int(f), float(s)), -track.id) for f, s in zip(track.frame, track.score, strict=True) if s]
        same, total = same + int(np.unique(mine, return_counts=True)[1].max()), total + len(mine)
    assert same > 0.95 * total
    assert abs(len(parts) - len(whole)) <= 0.1 * len(whole)
