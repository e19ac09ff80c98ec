"""How long a million labels take to route, and in how much memory.

    python tests/benchmarks/routing_speed.py [--boxes N] [--json FILE] [--write]

Two projects of N model-made boxes, ten to a frame: single boxes, and tracks of 50 boxes. Each of the three calls of
`framelabel route` (draw the first audit; calibrate and draw the second; decide) is timed in a process of its own, from
opening the file to closing it. Goals: no call takes 30 s, none needs 1 GB.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from framelabel.core.annotations import Origin, Provenance
from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.tasks import Answer
from framelabel.core.videos import Video
from framelabel.store import tasks as task_table
from framelabel.store.project import Project
from framelabel.workflows import route

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository is on the path only now

GOAL_S, GOAL_MB = 30.0, 1000
_PER_FRAME, _LENGTH = 10, 50
_STEPS = ("first audit", "second audit", "decision")


def make(path: Path, count: int, *, tracks: bool) -> None:
    """Store a project of `count` boxes that a model made."""
    random = np.random.default_rng(0)
    frame_count = count // _PER_FRAME
    frame = np.repeat(np.arange(frame_count), _PER_FRAME)
    number = np.arange(len(frame))
    unit = number % _PER_FRAME + _PER_FRAME * (frame // _LENGTH) if tracks else number
    units = int(unit.max()) + 1
    corner = random.uniform(50, [1600, 900], (units, 2))[unit]
    if tracks:
        corner += random.normal(0, 2, (units, 2))[unit] * (frame % _LENGTH)[:, None] + random.normal(0, 0.5, (1, 2))
    size = random.uniform(20, 90, (units, 2))[unit]
    video = Video(VideoId(0), "made", "", 1920, 1080, frame_count, Fraction(1, 25), Fraction(25))
    labels = Labels.of(
        Ontology.of(["car", "van"]),
        (video,),
        FrameTable(np.zeros(frame_count, np.int32), np.arange(frame_count)),
        frame,
        np.hstack([corner, corner + size]),
        score=random.beta(5, 1, units)[unit],
        track_id=unit + 1 if tracks else None,
        class_id=unit % 10 == 0,
    )
    with Project(path, create=True) as project:
        stored = project.add_video(video)
        project.append_labels(labels, [stored.id], Provenance(Origin.TRACKER, "made"))


def answer(path: Path) -> None:
    """Let a person answer what the audit asks; one answer in a hundred is "wrong"."""
    random = np.random.default_rng(1)
    with Project(path, write=True) as project:
        waiting = [task for task in project.tasks() if task.reason.startswith("audit")]

        def all_at_once(connection: Any) -> None:
            for task in waiting:
                verdict = "right" if random.random() < 0.99 else "wrong"
                task_table.add_answer(connection, Answer(task.id, "simulated", verdict, 2.0))

        project.write(all_at_once)


def call(path: Path) -> dict[str, float | str]:
    """Call route once; meant for a process of its own."""
    started, used = time.perf_counter(), time.process_time()
    summary = route.run(route.RouteConfig(path, audit=2000))
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - used,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "state": summary.state,
    }


def main() -> int:
    """Measure and print; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, help="not used: the labels are made")
    parser.add_argument("--boxes", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the table in docs/routing.md")
    parser.add_argument("--one-call", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_call:
        print(json.dumps(call(given.one_call)))
        return 0
    rows: list[dict[str, Any]] = []
    lines = ["| boxes | call | seconds | of processor time | memory |", "|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for name in ("single boxes", "tracks of 50"):
            path = Path(folder) / f"{name}.framelabel"
            make(path, given.boxes, tracks=name != "single boxes")
            for step in _STEPS:
                command = [sys.executable, __file__, "--one-call", str(path)]
                found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                rows.append({"boxes": name, "step": step, **found})
                lines.append(
                    f"| {given.boxes:,} {name} | {step} | {found['seconds']:.1f} | {found['processor_seconds']:.1f} | "
                    f"{found['megabytes']:.0f} MB |"
                )
                print(lines[-1], flush=True)
                answer(path)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    if given.write:
        put("routing", "speed", lines)
    slowest, largest = max(row["seconds"] for row in rows), max(row["megabytes"] for row in rows)
    print(
        f"routing speed: {given.boxes} labels, slowest call {slowest:.1f} s (goal {GOAL_S:g}), most memory "
        f"{largest:.0f} MB (goal {GOAL_MB})"
    )
    return 0 if slowest < GOAL_S and largest < GOAL_MB else 1


if __name__ == "__main__":
    sys.exit(main())
