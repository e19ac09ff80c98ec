"""Merging people's answers: outvoting errors of every kind."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.core.errors import MissingExtraError
from framelabel.core.shapes import Mask
from framelabel.core.tracks import Track
from framelabel.review.consensus.boxes import merge_boxes, weighted_median
from framelabel.review.consensus.catalog import CONSENSUS
from framelabel.review.consensus.majority import majority, needs_another, posterior
from framelabel.review.consensus.pixels import merge_masks
from framelabel.review.consensus.tracks import merge_tracks
from framelabel.review.consensus.votes import Votes


def test_majority_counts_votes_and_judges_annotators() -> None:
    """Two of three decide; the third is right half the time."""
    votes = Votes.of([0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], [1, 1, 0, 0, 0, 0], label_count=3)
    merged = majority(votes)
    assert merged.label.tolist() == [1, 0]
    assert merged.probability[0].tolist() == pytest.approx([1 / 3, 2 / 3, 0])
    assert merged.skill.tolist() == [1.0, 1.0, 0.5]


def test_known_skill_outvotes_numbers() -> None:
    """One annotator who is right 99 times in 100 beats two who are right 6 times in 10."""
    votes = Votes.of([0, 0, 0], [0, 1, 2], [0, 1, 1])
    merged = posterior(votes, np.array([0.99, 0.6, 0.6]))
    assert merged.label[0] == 0
    assert merged.certainty[0] == pytest.approx(0.99 * 0.16 / (0.99 * 0.16 + 0.01 * 0.36))


def test_one_more_person_is_asked_only_while_unsure() -> None:
    """Dynamic overlap: split votes ask on, clear ones and exhausted ones stop."""
    votes = Votes.of([0, 0, 1, 1, 2, 2, 2, 2, 2], [0, 1, 0, 1, 0, 1, 2, 3, 4], [0, 1, 1, 1, 0, 1, 0, 1, 0])
    merged = posterior(votes, np.full(5, 0.9))
    answers = np.bincount(votes.task)
    assert needs_another(merged, answers).tolist() == [True, False, False]


def test_tasks_without_a_vote_stay_open() -> None:
    """No vote, no label, equal chances."""
    merged = majority(Votes.of([1], [0], [1]))
    assert merged.label.tolist() == [-1, 1]
    assert merged.probability[0].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("name", sorted(set(CONSENSUS) - {"majority"}))
def test_crowd_methods_find_the_truth_and_the_spammer(name: str) -> None:
    """With four good annotators and a spammer, 97 % of labels are right and the spammer is trusted least."""
    pytest.importorskip("crowdkit")
    random = np.random.default_rng(3)
    truth = np.repeat(random.integers(0, 3, 200), 5)
    annotator = np.tile(np.arange(5), 200)
    is_right = random.random(1000) < np.array([0.9, 0.85, 0.9, 0.85, 0.34])[annotator]
    said = np.where(is_right, truth, (truth + random.integers(1, 3, 1000)) % 3)
    votes = Votes.of(np.repeat(np.arange(200), 5), annotator, said)
    merged = CONSENSUS.load(name)(votes)
    assert np.mean(merged.label == truth[::5]) >= 0.97
    assert int(np.argmin(merged.skill)) == 4
    assert merged.probability.sum(axis=1) == pytest.approx(np.ones(200))


@pytest.mark.parametrize(
    ("name", "theirs", "options"),
    [
        ("dawid_skene", "DawidSkene", {"n_iter": 100}),
        ("one_coin", "OneCoinDawidSkene", {"n_iter": 100}),
        ("glad", "GLAD", {"n_iter": 100}),
        ("mace", "MACE", {"n_iter": 50, "n_restarts": 10, "random_state": 0}),
    ],
)
def test_class_consensus_is_crowd_kits(name: str, theirs: str, options: dict[str, int]) -> None:
    """The labels are those that crowd-kit itself gives."""
    aggregation = pytest.importorskip("crowdkit.aggregation")
    import pandas as pd

    random = np.random.default_rng(1)
    task, annotator, label = np.repeat(np.arange(60), 4), np.tile(np.arange(4), 60), random.integers(0, 3, 240)
    answers = pd.DataFrame({"task": task, "worker": annotator, "label": label})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(aggregation, theirs)(**options).fit_predict(answers).sort_index()
    assert CONSENSUS.load(name)(Votes.of(task, annotator, label)).label.tolist() == expected.tolist()


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without crowd-kit the majority works, and the others name the command that helps."""
    monkeypatch.setitem(sys.modules, "crowdkit", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'framelabel\[consensus\]'"):
        CONSENSUS.load("mace")(Votes.of([0], [0], [0]))


BOX = np.array([10.0, 10.0, 50.0, 90.0])


def test_boxes_merge_by_median_and_vote() -> None:
    """A careless outline, a phantom and a miss of single annotators vanish."""
    given = [
        Boxes.of([BOX, BOX + 200], class_id=[0, 1]),
        Boxes.of([BOX + 1, BOX + 201, BOX + 500], class_id=[0, 1, 0]),
        Boxes.of([[10.0, 10.0, 70.0, 100.0]], class_id=[0]),
    ]
    merged = merge_boxes(given)
    assert merged.boxes.xyxy.tolist() == [[10.0, 10.0, 51.0, 91.0], (BOX + 200.5).tolist()]
    assert merged.boxes.score.tolist() == pytest.approx([1.0, 2 / 3])
    assert merged.boxes.class_id.tolist() == [0, 1]
    assert merged.member.tolist() == [[0, 0, 0], [1, 1, -1]]


def test_two_annotators_must_agree_and_none_is_no_error() -> None:
    """Half is no majority; no boxes give no boxes."""
    assert len(merge_boxes([Boxes.of([BOX]), Boxes.empty()]).boxes) == 0
    assert len(merge_boxes([Boxes.empty(), Boxes.empty()]).boxes) == 0
    assert len(merge_boxes([]).boxes) == 0


def test_trust_decides_where_numbers_tie() -> None:
    """A trusted annotator alone outweighs one who is not."""
    merged = merge_boxes([Boxes.of([BOX]), Boxes.empty()], np.array([0.9, 0.2]))
    assert merged.boxes.score.tolist() == pytest.approx([0.9 / 1.1])


def test_weighted_median_by_hand() -> None:
    """The value where half of the weight is reached; the middle when exactly half is."""
    values = np.array([[1.0], [2.0], [10.0]])
    assert weighted_median(values, np.ones(3)).tolist() == [2.0]
    assert weighted_median(values, np.array([1.0, 1.0, 5.0])).tolist() == [10.0]
    assert weighted_median(values[:2], np.ones(2)).tolist() == [1.5]


def _track(number: int, start: int, stop: int, left: float, speed: float = 2.0) -> Track:
    frame = np.arange(start, stop)
    x = left + speed * frame
    return Track.of(number, frame, np.stack([x, np.full(len(x), 20.0), x + 30, np.full(len(x), 90.0)], axis=1))


def test_tracks_start_and_end_by_vote() -> None:
    """Starts 0, 2, 4 and ends 50, 48, 60 give a track from 2 to 50."""
    merged = merge_tracks([[_track(7, 0, 50, 10)], [_track(1, 2, 48, 10)], [_track(3, 4, 60, 10)]])
    assert [(int(track.frame[0]), int(track.frame[-1])) for track in merged.tracks] == [(2, 49)]
    assert merged.parents == {1: [{7}, {1}, {3}]}


def test_one_persons_identity_swap_is_outvoted() -> None:
    """Two objects stay two tracks although one annotator swaps them half way, and that annotator counts for less."""
    right = [_track(1, 0, 40, 10), _track(2, 0, 40, 200)]
    first, second = right
    swapped = [
        Track.of(1, first.frame, np.concatenate([first.xyxy[:20], second.xyxy[20:]])),
        Track.of(2, first.frame, np.concatenate([second.xyxy[:20], first.xyxy[20:]])),
    ]
    merged = merge_tracks([right, swapped, right])
    assert len(merged.tracks) == 2
    for track, truth in zip(merged.tracks, right, strict=True):
        assert track.frame.tolist() == truth.frame.tolist()
        assert track.xyxy == pytest.approx(truth.xyxy)


def test_a_spammer_changes_nothing_and_is_found_out() -> None:
    """Random boxes of one annotator are dropped, and their skill is near nothing."""
    random = np.random.default_rng(2)
    corner = random.uniform(0, 300, (40, 2))
    spam = Track.of(5, np.arange(40), np.hstack([corner, corner + 25]))
    merged = merge_tracks([[_track(1, 0, 40, 10)], [_track(9, 0, 40, 11)], [spam]])
    assert len(merged.tracks) == 1
    assert len(merged.tracks[0]) == 40
    assert merged.skill[2] < 0.2
    assert merged.skill[0] > 0.9


def test_no_tracks_merge_to_none() -> None:
    """Nobody drew anything."""
    assert merge_tracks([[], []]).tracks == []


def test_masks_merge_pixel_by_pixel() -> None:
    """The run-length vote equals the vote on decoded pixels."""
    random = np.random.default_rng(5)
    width, height = 13, 11
    pixels = random.random((5, width * height)) < 0.45

    def encoded(flat: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Mask:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], flat])))
        return Mask((width, height), np.diff(np.concatenate([[0], edges, [len(flat)]])))

    weight = np.array([1.0, 1.0, 2.0, 0.5, 1.0])
    merged = merge_masks([encoded(flat) for flat in pixels], weight)
    decoded = np.repeat(np.arange(len(merged.counts)) % 2 == 1, merged.counts)
    assert decoded.tolist() == (weight @ pixels > weight.sum() / 2).tolist()
    with pytest.raises(ValueError, match="one size"):
        merge_masks([encoded(pixels[0]), Mask((1, 1), np.array([1]))])
