"""Footage linked in windows gives, to the last digit, what linking it at once gives, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.tracks import Track
from framelabel.tracking.appearance import Looks
from framelabel.tracking.offline import survey
from framelabel.tracking.offline.chains import NONE, Chains
from framelabel.tracking.offline.linker import OfflineLinker
from framelabel.tracking.offline.windows import Window, windows

FRAMES = 3000
COLUMNS = ("id", "class_id", "frame", "xyxy", "score", "uncertainty", "visibility")


def _street(shake: float = 0.0) -> list[Boxes]:
    """Return people who walk through at times and speeds of their own; detections are weak or missing at times."""
    random = np.random.default_rng(6)
    rows: list[list[list[float]]] = [[] for _ in range(FRAMES)]
    camera = np.cumsum(random.normal(0, shake, (FRAMES, 2)), axis=0)
    for lane in range(5):
        begin = int(random.integers(0, 60))
        while begin < FRAMES:
            speed = random.uniform(2, 4)
            for step in range(int(640 / speed)):
                if begin + step < FRAMES and random.uniform() > 0.1:
                    box = np.array([speed * step, 100.0 * lane, speed * step + 30, 100.0 * lane + 80])
                    box += random.normal(0, 0.7, 4) + np.tile(camera[begin + step], 2)
                    rows[begin + step].append([*box.tolist(), random.uniform(0.3, 1.0)])
            begin += int(640 / speed) + int(random.integers(20, 150))
    tables = [np.array(part).reshape(-1, 5) for part in rows]
    return [Boxes.of(table[:, :4], table[:, 4]) for table in tables]


class _Clip:
    """A clip that is read part by part and remembers the longest."""

    def __init__(self, boxes: list[Boxes]) -> None:
        self.boxes = boxes
        self.longest = 0

    def read(self, frames: Sequence[int]) -> list[Boxes]:
        """Return the boxes of some frames."""
        self.longest = max(self.longest, len(frames))
        return [self.boxes[frame] for frame in frames]

    def whole(self, looks: Looks | None = None, cuts: Sequence[int] = ()) -> list[Track]:
        """Return the tracks of all frames at once."""
        return OfflineLinker(fps=25.0, frame_size=(640, 500)).link(
            range(len(self.boxes)), self.boxes, looks=looks, cuts=cuts
        )

    def parted(
        self, window: int, overlap: int = 220, looks: Looks | None = None, cuts: Sequence[int] = ()
    ) -> list[Track]:
        """Return the tracks by way of windows."""
        linker = OfflineLinker(fps=25.0, frame_size=(640, 500))
        frames = range(len(self.boxes))
        return linker.link_windows(frames, self.read, window=window, overlap=overlap, looks=looks, cuts=cuts)


def _assert_equal(parts: Sequence[Track], whole: Sequence[Track]) -> None:
    assert len(parts) == len(whole)
    for mine, theirs in zip(parts, whole, strict=True):
        for column in COLUMNS:
            assert np.array_equal(getattr(mine, column), getattr(theirs, column)), (mine.id, column)


@pytest.mark.parametrize("shake", [0.0, 3.0], ids=["still", "shaking"])
@pytest.mark.parametrize("window", [450, 700, 1400], ids=str)
def test_seams_leave_no_trace(window: int, shake: float) -> None:
    """Every number of every track is the one it is when the clip is linked at once."""
    clip = _Clip(_street(shake))
    whole = clip.whole()
    assert len(whole) > 40
    assert sum(bool(np.any(track.score == 0)) for track in whole) > 20
    _assert_equal(clip.parted(window), whole)


def test_footage_that_is_only_sampled_shows_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where motion and trust are measured on a sample, windows and the whole are linked by the same measures."""
    monkeypatch.setattr(survey, "_BLOCK", 256)
    monkeypatch.setattr(survey, "_SAMPLE", 4)
    clip = _Clip(_street(2.0))
    whole = clip.whole()
    _assert_equal(clip.parted(700), whole)
    assert np.mean([len(track) for track in whole]) > 150


@pytest.mark.parametrize("window", [450, 1400], ids=str)
def test_cuts_show_no_seams(window: int) -> None:
    """Of a film with shots of a second, of half a minute, and a cut in a seam, windows give the tracks of the whole."""
    clip, cuts = _Clip(_street(3.0)), [0, 25, 50, 340, 341, 900]
    whole = clip.whole(cuts=cuts)
    _assert_equal(clip.parted(window, cuts=cuts), whole)
    assert not any(track.frame[0] < cut <= track.frame[-1] for track in whole for cut in cuts)
    over = [track for track in clip.whole() if any(track.frame[0] < cut <= track.frame[-1] for cut in cuts)]
    assert len(over) > 5


def test_memory_is_one_window() -> None:
    """No more is read at a time than a window and an overlap, or a block of the survey."""
    clip = _Clip(_street())
    clip.parted(1200)
    assert clip.longest <= 1200 + 220


def test_looks_are_found_by_their_rows_in_every_window() -> None:
    """Looks that show each walker unmistakably lead to the same tracks in windows as at once."""
    boxes = _street()
    lane = np.concatenate([np.rint(part.xyxy[:, 1] / 100).astype(int) for part in boxes])
    looks = Looks(np.arange(0, len(lane), 5), np.eye(5, dtype=np.float32)[np.clip(lane[::5], 0, 4)])
    clip = _Clip(boxes)
    _assert_equal(clip.parted(700, looks=looks), clip.whole(looks))


def test_a_crowd_survives_seams(shared: Callable[[str], Path]) -> None:
    """On a real crowd, windows of 16 seconds give the tracks of the whole to the last digit."""
    table = np.loadtxt(shared("data/mot/MOT17Det_DPM_det") / "MOT17-11.txt", delimiter=",")
    corners = np.c_[table[:, 2:4], table[:, 2:4] + table[:, 4:6]]
    score = 1 / (1 + np.exp(-table[:, 6]))
    clip = _Clip([Boxes.of(corners[table[:, 0] == k + 1], score[table[:, 0] == k + 1]) for k in range(900)])
    _assert_equal(clip.parted(400, 180), clip.whole())


@pytest.mark.parametrize("frames", [0, 1, 7], ids=["none", "one", "few"])
def test_short_clips(frames: int) -> None:
    """Clips shorter than any window, and empty ones, are linked as they are."""
    clip = _Clip(_street()[:frames])
    _assert_equal(clip.parted(450), clip.whole())
    assert _Clip([Boxes.empty()] * 40).parted(10, 4) == []


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        (600, [(0, 600, 0, 600)]),
        (1000, [(0, 450, 0, 350), (250, 700, 350, 600), (500, 1000, 600, 1000)]),
    ],
    ids=["one", "three"],
)
def test_every_position_is_kept_once(positions: int, expected: list[tuple[int, int, int, int]]) -> None:
    """What is kept of the windows covers the clip without gap or repetition."""
    assert list(windows(positions, 450, 200)) == [Window(*row) for row in expected]


def test_a_window_needs_room() -> None:
    """A window that its overlaps fill is refused."""
    with pytest.raises(UsageError, match="a window of 400 frames is too short for an overlap of 200"):
        next(windows(9, 400, 200))


def test_sums_over_what_lies_near() -> None:
    """Sums over a chain reach over the 32 detections behind each, no farther."""
    chains = Chains(50)
    chains.link(np.arange(48), np.arange(1, 49))
    total, count = chains.near(np.arange(50.0), chains.before)
    assert count.tolist() == [*range(1, 33), *[32] * 17, 1]
    assert total[[0, 2, 40, 49]].tolist() == [0.0, 3.0, float(sum(range(9, 41))), 49.0]
    assert chains.near(np.ones(50), chains.after)[1][[0, 48]].tolist() == [32, 1]


def test_parts_of_chains() -> None:
    """Links that leave a part are cut; parts laid end to end keep theirs."""
    chains = Chains(6)
    chains.link(np.array([0, 2, 3]), np.array([2, 3, 5]))
    part = chains.part(slice(2, 5))
    assert part.after.tolist() == [1, NONE, NONE]
    assert Chains.concatenate([part, part]).after.tolist() == [1, NONE, NONE, 4, NONE, NONE]
