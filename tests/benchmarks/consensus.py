"""Does merging several people's tracks beat the best of them, and a plain majority?

    python tests/benchmarks/consensus.py [--data PATH] [--json FILE] [--write]

Annotators are simulated on the first 200 frames of each MOT17 sequence: they miss boxes and whole tracks, draw extra
ones, are off by a jitter, swap identities and start or end late; one answers at random. Scored with HOTA and IDF1
against the truth. Goal, in every mix and both figures: the consensus beats the plain majority (unweighted boxes, linked
by overlap) and the best single annotator; where one good annotator stands alone among careless ones, it must not be
worse than that one by more than 0.5.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.geometry import iou
from framelabel.core.tracks import Track
from framelabel.metrics.challenges import PEDESTRIAN, mot_observations
from framelabel.metrics.matching import overlap
from framelabel.metrics.observations import Observations
from framelabel.metrics.tracking import TrackingScore, score_tracks
from framelabel.review.consensus.boxes import merge_boxes
from framelabel.review.consensus.tracks import merge_tracks

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
FRAMES = 200


@dataclass(frozen=True, slots=True)
class Person:
    """How one annotator errs."""

    miss_track: float = 0.05
    miss_box: float = 0.03
    jitter: float = 0.03
    """Standard deviation of each side, as a share of the box's size."""
    swaps: int = 2
    """Identity swaps in the clip."""
    extra: int = 2
    """Tracks of things that are not there."""
    late: int = 5
    """Frames a track begins late and ends early, at most."""
    is_random: bool = False


GOOD = Person()
CARELESS = Person(0.2, 0.15, 0.08, 8, 6, 15)
SPAMMER = Person(is_random=True)
MIXES = {
    "three good": (GOOD, GOOD, GOOD),
    "two good, one careless": (GOOD, GOOD, CARELESS),
    "three good, one careless, one spammer": (GOOD, GOOD, GOOD, CARELESS, SPAMMER),
    "one good, three careless": (GOOD, CARELESS, CARELESS, CARELESS),
    "five careless": (CARELESS,) * 5,
}


def truth_of(folder: Path) -> list[Track]:
    """Return the pedestrians of the first frames as tracks."""
    rows = mot_observations(np.loadtxt(folder / "gt/gt.txt", delimiter=",", ndmin=2), has_classes=True)
    rows = rows.select((rows.class_id == PEDESTRIAN) & (rows.score > 0) & (rows.frame <= FRAMES))
    return [
        Track.of(int(number), rows.frame[rows.track_id == number], rows.xyxy[rows.track_id == number])
        for number in np.unique(rows.track_id)
    ]


def annotate(truth: Sequence[Track], person: Person, random: np.random.Generator) -> list[Track]:
    """Return what one person makes of the truth."""
    made: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    if person.is_random:
        for _ in truth:
            corner = random.uniform(0, [1700, 800], (FRAMES // 2, 2))
            frame = np.sort(random.choice(np.arange(1, FRAMES + 1), FRAMES // 2, replace=False))
            made.append((frame, np.hstack([corner, corner + random.uniform(30, 150, (FRAMES // 2, 2))])))
        return [Track.of(number + 1, *columns) for number, columns in enumerate(made)]
    for track in truth:
        if random.random() < person.miss_track:
            continue
        low, high = random.integers(0, person.late + 1, 2)
        kept = np.zeros(len(track), np.bool_)
        kept[low : max(len(track) - high, low + 1)] = True
        kept &= random.random(len(track)) >= person.miss_box
        if not kept.any():
            continue
        box = track.xyxy[kept]
        size = np.tile(box[:, 2:] - box[:, :2], 2)
        made.append((track.frame[kept], box + random.normal(0, person.jitter, box.shape) * size))
    for _ in range(person.swaps):
        _swap(made, random)
    for _ in range(person.extra):
        start, length = int(random.integers(1, FRAMES - 30)), int(random.integers(5, 30))
        corner = random.uniform(0, [1700, 800]) + np.outer(np.arange(length), random.normal(0, 3, 2))
        made.append((np.arange(start, start + length), np.hstack([corner, corner + np.array([50, 120])])))
    return [Track.of(number + 1, *columns) for number, columns in enumerate(made)]


def _swap(made: list[tuple[NDArray[np.int64], NDArray[np.float64]]], random: np.random.Generator) -> None:
    """Exchange two identities from a frame on."""
    if len(made) < 2:
        return
    one, two = random.choice(len(made), 2, replace=False)
    shared = np.intersect1d(made[one][0], made[two][0])
    if len(shared) == 0:
        return
    at = int(random.choice(shared))
    (frame_a, box_a), (frame_b, box_b) = made[one], made[two]
    early_a, early_b = frame_a < at, frame_b < at
    for place, mine, other in ((one, (frame_a, box_a, early_a), (frame_b, box_b, early_b)),
                               (two, (frame_b, box_b, early_b), (frame_a, box_a, early_a))):  # fmt: skip
        made[place] = (
            np.concatenate([mine[0][mine[2]], other[0][~other[2]]]),
            np.concatenate([mine[1][mine[2]], other[1][~other[2]]]),
        )


def plain_majority(given: Sequence[Sequence[Track]]) -> list[Track]:
    """Merge boxes without weights, and link them to the nearest box of the frame before: what a simple script does."""
    tables = [_observed(tracks) for tracks in given]
    rows: dict[int, list[tuple[int, NDArray[np.float64]]]] = {}
    last: dict[int, tuple[int, NDArray[np.float64]]] = {}
    for frame in range(1, FRAMES + 1):
        boxes = [Boxes.of(side.xyxy[side.frame == frame]) for side in tables]
        merged = merge_boxes(boxes).boxes
        free = {number: place for number, (seen, place) in last.items() if frame - seen <= 5}
        for box in merged.xyxy:
            numbers = list(free)
            near = iou(box[None], np.array([free[number] for number in numbers]).reshape(-1, 4))[0]
            if len(near) and near.max() >= 0.3:
                number = numbers[int(near.argmax())]
                del free[number]
            else:
                number = len(rows) + 1
            rows.setdefault(number, []).append((frame, box))
            last[number] = (frame, box)
    return [
        Track.of(number, np.array([frame for frame, _ in part]), np.array([box for _, box in part]))
        for number, part in rows.items()
    ]


def _observed(tracks: Sequence[Track]) -> Observations:
    return Observations.of(
        np.concatenate([np.zeros(0, np.int64), *(track.frame for track in tracks)]),
        np.concatenate([np.zeros(0, np.int64), *(np.full(len(track), track.id) for track in tracks)]),
        np.concatenate([np.zeros((0, 4)), *(track.xyxy for track in tracks)]),
    )


def score(truth: Sequence[Track], made: Sequence[Track]) -> TrackingScore:
    """Score tracks against the truth."""
    return score_tracks(overlap(_observed(truth), _observed(made), FRAMES))


def main() -> int:
    """Measure and print; return 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=SHARED / "data/mot/MOT17-train", help="folder of MOT sequences")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the table in docs/routing.md")
    given = parser.parse_args()
    folders = sorted(path.parent for path in given.data.glob("*/seqinfo.ini"))
    lines = ["| annotators | best single | plain majority | consensus |", "|---|---|---|---|"]
    results, is_better = {}, True
    for number, (mix, people) in enumerate(MIXES.items()):
        singles = [TrackingScore() for _ in people]
        plain, ours = TrackingScore(), TrackingScore()
        for place, folder in enumerate(folders):
            random = np.random.default_rng([20261125, number, place])
            truth = truth_of(folder)
            labelled = [annotate(truth, person, random) for person in people]
            singles = [total + score(truth, made) for total, made in zip(singles, labelled, strict=True)]
            plain += score(truth, plain_majority(labelled))
            ours += score(truth, merge_tracks(labelled).tracks)
        rows = [_pair(max(singles, key=lambda one: float(one.hota.hota.mean()))), _pair(plain), _pair(ours)]
        results[mix] = rows
        # merging cannot add to one good labelling what careless ones do not have
        slack = 0.5 if sum(person == GOOD for person in people) == 1 else 0.0
        is_better &= all(rows[2][one] > max(rows[0][one] - slack, rows[1][one]) for one in (0, 1))
        lines.append(f"| {mix} | " + " | ".join(f"{hota:.1f} / {idf1:.1f}" for hota, idf1 in rows) + " |")
        print(lines[-1], flush=True)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1))
    if given.write:
        put("routing", "consensus", lines)
    verdict = "goal reached" if is_better else "goal missed"
    print(
        f"consensus: {verdict} in {len(MIXES)} mixes against the best single annotator and the plain majority, "
        "HOTA and IDF1"
    )
    return 0 if is_better else 1


def _pair(total: TrackingScore) -> tuple[float, float]:
    return 100 * float(total.hota.hota.mean()), 100 * total.identity.idf1


if __name__ == "__main__":
    sys.exit(main())
