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
