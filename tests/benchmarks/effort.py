"""How many boxes does a person draw? A simulated annotator, on pixels and on detections.

    python tests/benchmarks/effort.py [--data PATH] [--network FOLDER] [--frames N] [--json FILE] [--write]

`--data` is a folder in the layout of `sot` (pixels; see `effort_footage`) or of `mot` (text), or one that holds both
as `sot/` and `mot/`. Cost: boxes drawn per 100 ground-truth boxes until 95 % of them have IoU >= 0.7, starting from
the first and last box of each visible run.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import cv2  # noqa: E402 - run as a script, from any folder

from framelabel.inference.siamese import NanoTrack  # noqa: E402 - run as a script, from any folder
from tests.benchmarks import effort_absence, effort_footage, effort_pixels, effort_text  # noqa: E402 - see above
from tests.benchmarks.documented import put  # noqa: E402 - run as a script, from any folder
from tests.benchmarks.effort_goals import Part  # noqa: E402 - run as a script, from any folder

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))


def main() -> int:
    """Run what the folder has data for, print tables and goals, return the exit code."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, default=SHARED / "data")
    flags.add_argument("--network", type=Path, default=SHARED / "models" / "nanotrack" / "nanotrackv3")
    flags.add_argument("--frames", type=int, default=0, help="use at most this many frames of each clip (0: all)")
    flags.add_argument("--json", type=Path)
    flags.add_argument("--write", action="store_true", help="put the tables into docs/propagation.md")
    asked = flags.parse_args()
    cv2.setNumThreads(1)
    parts: list[Part] = []
    footage = asked.data / "sot" if (asked.data / "sot").is_dir() else asked.data
    clips = effort_footage.sequences(footage, limit=asked.frames)
    if clips:
        network = NanoTrack(asked.network)
        parts.append(effort_pixels.run(clips, network, lambda line: print(line, flush=True)))
        absence = effort_absence.run(clips, network)
        parts += [absence] if absence is not None else []
    text = asked.data / "mot" if (asked.data / "mot").is_dir() else asked.data
    on_text = effort_text.run(text, lambda line: print(line, flush=True))
    parts += [on_text] if on_text is not None else []
    if not parts:
        print(f"{asked.data}: nothing in a layout that this benchmark reads", file=sys.stderr)
        return 2
    for part in parts:
        print("", *part.table, sep="\n")
        for goal in part.goals:
            print(goal.line())
        if asked.write and part.title != "detections":
            put("propagation", f"effort-{part.title}", [*part.table, "", *(f"- {goal.line()}" for goal in part.goals)])
    if asked.json:
        asked.json.write_text(json.dumps({part.title: _numbers(part) for part in parts}, indent=1), "utf-8")
    missed = [goal for part in parts for goal in part.goals if not goal.is_met]
    total = sum(len(part.goals) for part in parts)
    print(f"effort: {total - len(missed)} of {total} goals met")
    return 1 if missed else 0


def _numbers(part: Part) -> dict[str, object]:
    return {**part.numbers, "goals": {goal.name: [goal.value, goal.target, goal.is_met] for goal in part.goals}}


if __name__ == "__main__":
    sys.exit(main())
