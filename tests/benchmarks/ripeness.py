"""How often the grade of a clip and of a bunch is right after the track's vote, on clips that nobody trained on.

`python tests/benchmarks/ripeness.py` takes the held-out clips of crop_oilpalm (rule and seed in datasets/crop_oilpalm);
`--data PATH` takes all clips of another labelled folder with the same classes and naming. For each clip the plugin's
detector looks at every frame, the plugin's tracker links, and each track votes by the scores of its detections. The
grade of a clip is the one with most votes of its tracks, against that of most of its labelled bunches. The last line is
the summary; the exit code is 1 where the goal is missed. `--write` renews the table in docs/ripeness.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from framelabel import plugins
from framelabel.core.assignment import assign
from framelabel.core.boxes import Boxes
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.geometry import iou
from framelabel.core.protocols import SILENT
from framelabel.core.tracks import Track
from framelabel.core.videos import Video
from framelabel.plugins.building import Plugin
from framelabel.training.duplicates import with_joined_groups
from framelabel.training.samples import PictureStore, Sample, split
from framelabel.workflows.associate import TrackerChoice
from framelabel.workflows.training_data import DataSheet, read_samples, sheet_for

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

SHEET = REPOSITORY / "datasets" / "crop_oilpalm" / "dataset.yaml"
GOAL = 0.90
_FRAMES_A_SECOND = 2.0
"""The clips are a few stills of a walk around bunches; what rate they stand for matters little to so few frames."""


@dataclass(slots=True)
class Tally:
    """How many were right, of how many."""

    right: int = 0
    all: int = 0

    def add(self, *, is_right: bool) -> None:
        """Count one."""
        self.right += is_right
        self.all += 1

    @property
    def share(self) -> float:
        """The share that was right; 0 of none."""
        return self.right / self.all if self.all else 0.0


def main() -> int:
    """Score, print a line per clip that is wrong, then the table and the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="labelled folder; default: the held-out part of crop_oilpalm")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", action="store_true", help="renew the table in docs")
    given = parser.parse_args()
    plugin = plugins.build(plugins.load("crop_ripeness"), device="cpu", workers=1)
    names = plugin.ontology.names
    clips = _clips(given.data, names)
    by_frame, by_track, by_clip = Tally(), Tally(), Tally()
    confused: Counter[tuple[str, str]] = Counter()
    for name, samples in sorted(clips.items()):
        boxes, tracks = _tracked(plugin, samples)
        truth = Counter(int(number) for sample in samples for number in sample.boxes.class_id)
        votes = np.zeros(len(names))
        for track in tracks:
            votes[track.class_id] += track.score.sum()
        said = int(np.argmax(votes)) if votes.any() else -1
        by_clip.add(is_right=said == truth.most_common(1)[0][0])
        if said != truth.most_common(1)[0][0]:
            labelled = {names[number]: count for number, count in truth.items()}
            print(f"  {name}: {names[said] if said >= 0 else 'nothing found'}, labelled {labelled}")
        for frame, sample in enumerate(samples):
            _compare(sample.boxes, boxes[frame], by_frame)
            _compare(sample.boxes, _at(tracks, frame), by_track, names, confused)
    rows = [
        ("grade of a bunch, one frame (of those found)", by_frame, ""),
        ("grade of a bunch, its track's vote (of those tracked)", by_track, ""),
        ("grade of a clip, its tracks' votes", by_clip, f"{GOAL:.2f}"),
    ]
    for text, tally, goal in rows:
        print(f"{text}: {tally.right} of {tally.all} = {tally.share:.3f} {goal and f'(goal {goal})'}")
    for (true, said_name), count in confused.most_common(5):
        print(f"  {count} x {true} called {said_name}")
    if given.json is not None:
        figures = {"frame": by_frame.share, "track": by_track.share, "clip": by_clip.share, "clips": by_clip.all}
        given.json.write_text(json.dumps(figures, indent=1), "utf-8")
    if given.write:
        _write(rows)
    is_met = by_clip.share >= GOAL
    print(
        f"{by_clip.all} clips, grade right in {by_clip.share:.3f}; goal {GOAL:.2f} {'reached' if is_met else 'missed'}"
    )
    return 0 if is_met else 1


def _clips(data: Path | None, names: tuple[str, ...]) -> dict[str, list[Sample]]:
    """Return the samples of each clip, in the order of their names."""
    sheet = DataSheet.read(SHEET)
    if data is not None and not (data / "crop_oilpalm").is_dir():
        bare, place = sheet_for(data)
        samples = read_samples(
            replace(bare, classes=sheet.classes, group=sheet.group), place, names, Path(os.devnull), SILENT
        )
        chosen = {sample.path for sample in samples}
    else:
        place = data / "crop_oilpalm" if data is not None else sheet.place(SHEET.parent)
        samples = read_samples(sheet, place, names, Path(os.devnull), SILENT)
        joined = with_joined_groups(samples, PictureStore(plugins.load("crop_ripeness").model.input.size[0]))
        chosen = {sample.path for sample in split(joined, sheet.held_out, sheet.seed)[1]}
    clips: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.path.name):
        if sample.path in chosen and len(sample.boxes):
            clips.setdefault(sample.group, []).append(sample)
    return clips


def _tracked(plugin: Plugin, samples: list[Sample]) -> tuple[list[Boxes], list[Track]]:
    """Return the detections of each frame of a clip, and the tracks that the plugin's tracker makes of them."""
    images = [
        np.ascontiguousarray(np.asarray(cv2.imread(str(sample.path)), np.uint8)[:, :, ::-1]) for sample in samples
    ]
    boxes = [plugin.hook(plugin.detector([image])[0], _index(len(images)).ref(VideoId(0), 0)) for image in images]
    height, width = images[0].shape[:2]
    rate = Fraction(_FRAMES_A_SECOND)
    video = Video(VideoId(0), "clip", "", width, height, len(images), 1 / rate, rate)
    choice = TrackerChoice.of(plugin.tracker, plugin.tracker_options, plugin.name)
    return boxes, choice.link(range(len(images)), lambda some: [boxes[k] for k in some], video, _index(len(images)))


def _index(count: int) -> FrameIndex:
    pts = np.arange(count, dtype=np.int64)
    return FrameIndex(1 / Fraction(_FRAMES_A_SECOND), pts, np.ones(count, np.bool_), np.zeros(count, np.uint64))


def _at(tracks: list[Track], frame: int) -> Boxes:
    """Return the tracks' boxes in a frame, with the tracks' classes."""
    here = [(track, row) for track in tracks for row in np.flatnonzero((track.frame == frame) & (track.score > 0))]
    return Boxes.of(
        [track.xyxy[row] for track, row in here],
        [track.score[row] for track, row in here],
        [track.class_id for track, _ in here],
    )


def _compare(
    truth: Boxes,
    found: Boxes,
    tally: Tally,
    names: tuple[str, ...] = (),
    confused: Counter[tuple[str, str]] | None = None,
) -> None:
    """Count for every labelled bunch that was found whether its grade is right."""
    kept = found.select(found.score >= 0.25)
    for row, other in assign(1.0 - iou(truth.xyxy, kept.xyxy), 0.5).tolist():
        is_right = bool(truth.class_id[row] == kept.class_id[other])
        tally.add(is_right=is_right)
        if confused is not None and not is_right:
            confused[names[truth.class_id[row]], names[kept.class_id[other]]] += 1


def _write(rows: list[tuple[str, Tally, str]]) -> None:
    table = ["| figure | right | of | share | goal |", "|---|---|---|---|---|"]
    table += [f"| {name} | {tally.right} | {tally.all} | {tally.share:.3f} | {goal} |" for name, tally, goal in rows]
    put("ripeness", "grades", table)


if __name__ == "__main__":
    sys.exit(main())
