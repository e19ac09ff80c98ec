"""What is particular to whole-clip association."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.tracking.offline import linking
from framelabel.tracking.offline.linker import OfflineLinker, OfflineOptions
from framelabel.tracking.offline.selection import doubles
from framelabel.tracking.offline.time_axis import TimeAxis


def _crowd(frames: int, people: int = 12) -> list[Boxes]:
    """People walking to and fro, now and then missed, with a weak false alarm in every other frame."""
    random = np.random.default_rng(4)
    start, speed = random.uniform(0, 900, (people, 2)), random.uniform(-3, 3, (people, 2))
    out = []
    for k in range(frames):
        corner = start + speed * k + random.normal(0, 1, (people, 2))
        xyxy = np.concatenate([corner, corner + np.array([40, 100])], axis=1)[random.uniform(size=people) > 0.15]
        score = np.full(len(xyxy), 0.9)
        if k % 2:
            stray = random.uniform(0, 900, (1, 2))
            xyxy, score = (
                np.concatenate([xyxy, np.concatenate([stray, stray + np.array([40, 100])], axis=1)]),
                np.append(score, 0.3),
            )
        out.append(Boxes.of(xyxy, score))
    return out


def test_the_answer_does_not_hang_on_the_block_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Long footage is judged in blocks; there are no seams: any block size gives the same tracks."""
    clip = _crowd(120)
    whole = OfflineLinker().link(range(120), clip, 25.0)
    monkeypatch.setattr(linking, "_BLOCK", 50)
    pieces = OfflineLinker().link(range(120), clip, 25.0)
    assert len(whole) == len(pieces)
    assert all(
        np.array_equal(a.frame, b.frame) and np.array_equal(a.xyxy, b.xyxy) for a, b in zip(whole, pieces, strict=True)
    )


def test_strays_are_no_tracks() -> None:
    """False alarms that nothing continues leave no track; every walker leaves one, or a few pieces."""
    tracks = OfflineLinker().link(range(120), _crowd(120), 25.0)
    assert 12 <= len(tracks) <= 18


@pytest.mark.parametrize("fps", [5, 10, 25, 60], ids=str)
def test_one_set_of_options_serves_all_rates(fps: int) -> None:
    """Walkers who pass each other, each out of sight for half a second, keep their ids at 5 to 60 pictures a second."""
    random = np.random.default_rng(8)
    clip = []
    for k in range(12 * fps):
        t = k / fps
        left = np.array([50 + 60 * t, 800 - 55 * t, 100 + 20 * t, 500.0])
        top = np.array([100, 130, 300, 320.0])
        xyxy = np.stack([left, top, left + 40, top + 100], axis=1) + random.normal(0, 1.0, (4, 4))
        is_hidden = np.array([3.0, 5.0, 7.0, 9.0]) <= t
        clip.append(Boxes.of(xyxy, np.full(4, 0.8)).select(~(is_hidden & (t < np.array([3.5, 5.5, 7.5, 9.5])))))
    tracks = OfflineLinker(fps=float(fps)).link(range(len(clip)), clip)
    assert [len(track) for track in tracks] == [len(clip)] * 4
    speeds = [(track.xyxy[-1, 0] - track.xyxy[0, 0]) / (len(clip) - 1) * fps for track in tracks]
    assert np.allclose(sorted(speeds), [-55, 0, 20, 60], atol=1.0)


def test_a_weak_box_does_not_take_a_sure_ones_place() -> None:
    """A false alarm that lies where motion expects an object ends no track: the sure box beside it goes on."""
    random = np.random.default_rng(3)
    clip = []
    for k in range(60):
        left = 10.0 * k
        stray = np.array([left, 50]) if k == 30 else random.uniform([0, 200], [700, 900])
        sure = np.array([left + (12 if k >= 30 else 0), 50])
        corner = np.stack([sure, stray])
        clip.append(Boxes.of(np.concatenate([corner, corner + np.array([50, 70])], axis=1), [0.95, 0.1]))
    (track,) = OfflineLinker(fps=25.0).link(range(60), clip)
    assert len(track) == 60
    assert track.score.min() == 0.95


def test_weak_detections_continue_a_track() -> None:
    """A stretch of weak scores is part of the track, not a gap."""
    boxes = [Boxes.of([[2.0 * k, 0, 2.0 * k + 30, 80]], [0.25 if 20 <= k < 35 else 0.9]) for k in range(60)]
    (track,) = OfflineLinker().link(range(60), boxes, 25.0)
    assert track.score[25] == 0.25
    assert np.all(track.visibility == 0)


def test_classes_are_voted() -> None:
    """An object that a detector calls by another name now and then is one track of the class it is mostly called."""
    boxes = [Boxes.of([[2.0 * k, 0, 2.0 * k + 60, 40]], [0.9], [3 if k % 9 == 4 else 2]) for k in range(60)]
    (track,) = OfflineLinker().link(range(60), boxes, 25.0)
    assert (track.class_id, len(track)) == (2, 60)


def test_a_long_absence_is_linked_but_not_filled() -> None:
    """Beyond `fill_s` the identity is kept and the frames in between are left out."""
    boxes = [
        Boxes.of([[2.0 * k, 0, 2.0 * k + 40, 90]], [0.9]) if not 30 <= k < 60 else Boxes.empty() for k in range(90)
    ]
    (track,) = OfflineLinker(OfflineOptions(fill_s=0.5)).link(range(90), boxes, 25.0)
    assert track.frame.tolist() == [*range(30), *range(60, 90)]


def test_the_weaker_of_two_doubles_goes() -> None:
    """Of two tracks on one object the less worthy is a double; neighbours and near misses are not."""
    box = np.array([0.0, 0, 40, 90])
    frame = np.tile(np.arange(10), 3)
    xyxy = np.concatenate(
        [np.tile(box, (10, 1)), np.tile(box + 2, (10, 1)), np.tile(box + np.array([30, 0, 30, 0]), (10, 1))]
    )
    label = np.repeat([0, 1, 2], 10)
    found = doubles(frame, xyxy, label, np.array([5.0, 9.0, 1.0]), iou=0.7, share=0.6)
    assert found.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("frames", "positions"),
    [
        ([3, 4, 5, 6], [0, 1, 2, 3]),
        ([0, 5, 10, 15], [0, 1, 2, 3]),
        ([0, 2, 5, 7, 10, 12], [0, 1, 2, 3, 4, 5]),
        ([0, 1, 2, 12, 13], [0, 1, 2, 12, 13]),
        ([9], [0]),
        ([], []),
    ],
    ids=["all", "every-fifth", "uneven-sampling", "missing-stretch", "one", "none"],
)
def test_frames_on_an_even_axis(frames: list[int], positions: list[int]) -> None:
    """The usual step is one position; only longer silences skip some."""
    assert TimeAxis.of(frames).position.tolist() == positions


def test_a_picture_alone_keeps_what_scores_well() -> None:
    """A clip of one frame gives no chance of being seen twice: a fair score is enough, a poor one is not."""
    boxes = Boxes.of([[0, 0, 50, 100], [200, 0, 250, 100]], [0.6, 0.1])
    tracks = OfflineLinker(fps=25.0).link([0], [boxes], 25.0)
    assert [float(track.xyxy[0, 0]) for track in tracks] == [0.0]
