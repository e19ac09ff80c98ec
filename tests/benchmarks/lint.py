"""How many planted label errors the label-error finder finds, and how much it asks about clean ground truth.

    python tests/benchmarks/lint.py [--data PATH] [--json FILE] [--write]

Errors of every kind are planted at random places of MOT17's ground truth, 12 of each kind and sequence, always in
boxes that were not touched before. Two figures count: the share found at all, and the share found among as many top
ranked findings as twice the errors planted. Goal: 90 % and 75 %.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video
from framelabel.metrics.challenges import PEDESTRIAN, mot_observations
from framelabel.metrics.observations import Observations
from framelabel.review.findings.catalog import find
from framelabel.review.findings.rows import LabelRows

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
PLANTED = 12
GOAL_FOUND, GOAL_TOP = 0.90, 0.75


def read(folder: Path) -> tuple[Observations, Video]:
    """Read the pedestrians of one sequence and what its video is."""
    facts = dict(
        line.strip().split("=", 1) for line in (folder / "seqinfo.ini").read_text().splitlines() if "=" in line
    )
    rows = mot_observations(np.loadtxt(folder / "gt/gt.txt", delimiter=",", ndmin=2), has_classes=True)
    width, height, count = int(facts["imWidth"]), int(facts["imHeight"]), int(facts["seqLength"])
    fps = Fraction(int(facts["frameRate"]))
    video = Video(VideoId(1), folder.name, "", width, height, count, 1 / fps, fps)
    return rows.select((rows.class_id == PEDESTRIAN) & (rows.score > 0)), video


def to_labels(rows: Observations, video: Video) -> Labels:
    """Return observations (frames from 1) as labels of one video."""
    frames = FrameTable(np.zeros(video.frame_count, np.int32), np.arange(video.frame_count))
    ontology = Ontology.of(["pedestrian", "cyclist"])
    return Labels.of(
        ontology, (video,), frames, rows.frame - 1, rows.xyxy, class_id=rows.class_id, track_id=rows.track_id
    )


class Spoiler:
    """Plants errors in a copy of one sequence, each where nothing was touched before."""

    def __init__(self, rows: Observations, random: np.random.Generator) -> None:
        self.random = random
        self.frame, self.track, self.box = rows.frame.copy(), rows.track_id.copy(), rows.xyxy.copy()
        self.kind = np.zeros(len(rows), np.int32)
        self.alive, self.used = np.ones(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
        self.extra: list[tuple[int, int, NDArray[np.float64]]] = []
        self.next_id = int(self.track.max()) + 1
        self._planted: list[tuple[str, int, int | None]] = []

    def planted(self) -> list[tuple[str, int, int]]:
        """Return kind, frame (from 0) and track of every error; later errors may have renamed the track."""
        return [
            (kind, int(self.frame[row]) - 1, int(self.track[row]) if track is None else track)
            for kind, row, track in self._planted
        ]

    def result(self) -> Observations:
        """Return the spoiled rows."""
        kept = self.alive
        return Observations.of(
            np.concatenate([self.frame[kept], np.array([item[0] for item in self.extra], np.int64)]),
            np.concatenate([self.track[kept], np.array([item[1] for item in self.extra], np.int64)]),
            np.concatenate([self.box[kept], np.array([item[2] for item in self.extra]).reshape(-1, 4)]),
            np.concatenate([self.kind[kept], np.zeros(len(self.extra), np.int32)]),
        )

    def note(self, kind: str, row: int, track: int | None = None) -> None:
        """Remember what was planted."""
        self._planted.append((kind, row, track))

    def stretch(self, length: int) -> NDArray[np.int64]:
        """Return the rows of an untouched stretch of one track, in order of frames."""
        for _ in range(2000):
            row = int(self.random.integers(len(self.frame)))
            own = np.flatnonzero((self.track == self.track[row]) & self.alive)
            at = int(np.searchsorted(own, row))
            found, around = own[at : at + length], own[max(at - 8, 0) : at + length + 8]
            if len(found) == length and at >= 8 and len(own) > at + length + 8 and not self.used[around].any():
                self.used[around] = True
                return found
        raise RuntimeError("no untouched stretch left; plant fewer errors")

    def jump(self) -> None:
        """Move one box 0.6 to 1.5 box sizes away."""
        row = self.stretch(1)[0]
        size = np.sqrt(np.prod(self.box[row, 2:] - self.box[row, :2]))
        angle = self.random.uniform(0, 2 * np.pi)
        self.box[row] += np.tile([np.cos(angle), np.sin(angle)], 2) * size * self.random.uniform(0.6, 1.5)
        self.note("jump", row)

    def size(self) -> None:
        """Shrink or grow one box about its centre."""
        row = self.stretch(1)[0]
        centre = (self.box[row, :2] + self.box[row, 2:]) / 2
        half = (self.box[row, 2:] - self.box[row, :2]) / 2 * self.random.choice([0.5, 0.6, 1.6, 2.0])
        self.box[row] = np.concatenate([centre - half, centre + half])
        self.note("size", row)

    def duplicate(self) -> None:
        """Copy 10 to 30 boxes of a track, slightly off, to a new track."""
        part = self.stretch(int(self.random.integers(10, 30)))
        for row in part:
            self.extra.append((int(self.frame[row]), self.next_id, self.box[row] + self.random.normal(0, 1.0, 4)))
        self.note("duplicate", part[0])
        self.next_id += 1

    def class_flip(self) -> None:
        """Give three boxes another class."""
        part = self.stretch(3)
        self.kind[part] = 1
        self.note("class-flip", part[0])

    def flicker(self) -> None:
        """Add a track of one to three frames."""
        row = self.stretch(1)[0]
        place = self.random.uniform(300, 400, 2)
        for step in range(int(self.random.integers(1, 4))):
            box = np.concatenate([place, place + np.array([40, 110])])
            self.extra.append((int(self.frame[row]) + step, self.next_id, box))
        self.note("flicker", row, self.next_id)
        self.next_id += 1

    def gap(self) -> None:
        """Remove 43 boxes from the middle of a track."""
        part = self.stretch(45)
        self.alive[part[1:-1]] = False
        self.note("gap", part[1])

    def identity_break(self) -> None:
        """Give the rest of a track a new identity."""
        row = self.stretch(1)[0]
        self.track[(self.track == self.track[row]) & (self.frame >= self.frame[row])] = self.next_id
        self.note("break", row)
        self.next_id += 1

    def switch(self) -> None:
        """Swap two identities that are near one another, from a frame on."""
        free = np.flatnonzero(self.alive & ~self.used)
        for _ in range(500):
            row = int(self.random.choice(free))
            others = free[(self.frame[free] == self.frame[row]) & (self.track[free] != self.track[row])]
            distance = np.abs((self.box[others] - self.box[row])[:, :2]).sum(axis=1)
            width = self.box[row, 2] - self.box[row, 0]
            for other in others[(distance > 0.5 * width) & (distance < 3 * width)].tolist():
                spans = [set(self.frame[self.track == self.track[item]].tolist()) for item in (row, other)]
                if all({int(self.frame[row]) + step for step in (-4, -1, 1, 4)} <= span for span in spans):
                    pair = [int(self.track[row]), int(self.track[other])]
                    self.used[(np.abs(self.frame - self.frame[row]) < 9) & np.isin(self.track, pair)] = True
                    later = self.frame >= self.frame[row]
                    one, two = (self.track == pair[0]) & later, (self.track == pair[1]) & later
                    self.note("switch", row)
                    self.track[one], self.track[two] = pair[1], pair[0]
                    return


def main() -> int:
    """Measure and print; return 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=SHARED / "data/mot/MOT17-train", help="folder of MOT sequences")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the table in docs/metrics.md")
    given = parser.parse_args()
    random = np.random.default_rng(20261125)
    planted, found, top, clean = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    boxes = 0
    for folder in sorted(path.parent for path in given.data.glob("*/seqinfo.ini")):
        rows, video = read(folder)
        boxes += len(rows)
        pristine = Observations.of(rows.frame, rows.track_id, rows.xyxy)
        clean.update(item.kind for item in find(LabelRows.of(to_labels(pristine, video))))
        spoiler = Spoiler(pristine, random)
        for _ in range(PLANTED):
            for spoil in (
                spoiler.jump,
                spoiler.size,
                spoiler.duplicate,
                spoiler.class_flip,
                spoiler.flicker,
                spoiler.gap,
                spoiler.switch,
                spoiler.identity_break,
            ):
                spoil()
        ranked = find(LabelRows.of(to_labels(spoiler.result(), video)))
        for kind, frame, track in spoiler.planted():
            planted[kind] += 1
            for counter, findings in ((found, ranked), (top, ranked[: 2 * len(spoiler.planted())])):
                counter[kind] += any(
                    track in (item.track_id, item.other_track)
                    and item.frame - 3 <= frame <= max(item.frame + 3, item.stop)
                    for item in findings
                )
    lines = [
        "| planted error | planted | found | found in the top 2n | asked per 1,000 clean boxes |",
        "|---|---|---|---|---|",
    ]
    for kind in sorted(set(planted) | set(clean)):
        shares = [f"{counter[kind] / planted[kind]:.0%}" if planted[kind] else "-" for counter in (found, top)]
        count = planted[kind] or "-"
        lines.append(f"| {kind} | {count} | {shares[0]} | {shares[1]} | {1000 * clean[kind] / boxes:.2f} |")
    total = planted.total()
    share, top_share = found.total() / total, top.total() / total
    lines.append(f"| all | {total} | {share:.0%} | {top_share:.0%} | {1000 * clean.total() / boxes:.2f} |")
    print("\n".join(lines))
    if given.json:
        given.json.write_text(json.dumps({"planted": planted, "found": found, "top": top, "clean": clean}))
    if given.write:
        put("metrics", "lint", lines)
    print(
        f"lint: {share:.1%} of {total} planted errors found (goal {GOAL_FOUND:.0%}), "
        f"{top_share:.1%} in the top 2n (goal {GOAL_TOP:.0%})"
    )
    return 0 if share >= GOAL_FOUND and top_share >= GOAL_TOP else 1


if __name__ == "__main__":
    sys.exit(main())
