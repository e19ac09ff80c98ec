"""How quick the review page is, in a real browser: `python tests/benchmarks/page.py [--minutes 5] [--steps 10000]`.

A project with 100,000 labels on two hours of 1080p (made once, kept under the temporary folder), served by
`framelabel review` as a person starts it, driven in headless Chromium without a graphics card. Parts, chosen with
`--only`: usable, steps, seeks, boxes, memory, crowd. `--write` puts the table into docs/review.md.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks import page_crowd, page_measures  # noqa: E402 - run as a script
from tests.benchmarks.documented import put, table  # noqa: E402
from tests.benchmarks.effort_goals import Goal  # noqa: E402
from tests.benchmarks.page_footage import long_clip, long_index, project_of  # noqa: E402
from tests.benchmarks.page_measures import NO_GOAL  # noqa: E402


def main() -> int:
    """Run the chosen parts, print the table, and return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=Path(tempfile.gettempdir()) / "framelabel-page", help="cache folder"
    )
    parser.add_argument("--only", default="usable,steps,seeks,boxes,memory,crowd", help="parts, separated by commas")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long the twenty annotators work")
    parser.add_argument("--annotators", type=int, default=20)
    parser.add_argument("--steps", type=int, default=10_000, help="steps of the memory part")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--write", action="store_true", help="put the table into docs/review.md")
    given = parser.parse_args()
    clip = long_clip(given.data)
    index = long_index(given.data)
    parts: dict[str, Callable[[Path], list[Goal]]] = {
        "usable": page_measures.usable,
        "steps": page_measures.steps,
        "seeks": page_measures.seeks,
        "boxes": page_measures.boxes,
        "memory": lambda project: page_measures.memory(project, given.steps),
        "crowd": lambda project: page_crowd.crowd(project, given.annotators, given.minutes),
    }
    goals: list[Goal] = []
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "two_hours.framelabel"
        project_of(clip, index, fresh, tasks=40_000)
        for name in given.only.split(","):
            project = Path(folder) / name / "two_hours.framelabel"
            project.parent.mkdir()
            shutil.copyfile(fresh, project)
            for goal in parts[name](project):
                goals.append(goal)
                print(goal.line() if goal.target < NO_GOAL else f"       {goal.name}: {goal.value:.3g}", flush=True)
    goals_set = [goal for goal in goals if goal.target < NO_GOAL]
    met = sum(goal.is_met for goal in goals_set)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"load of the machine at the end: {load} on {os.cpu_count()} cores")
    if given.json:
        given.json.write_text(json.dumps(_facts(goals), indent=1))
    if given.write:
        _write(goals)
    print(f"page: {met} of {len(goals_set)} goals met")
    return int(met < len(goals_set))


def _facts(goals: list[Goal]) -> list[dict[str, Any]]:
    return [
        {"name": goal.name, "value": goal.value, "goal": goal.target if goal.target < NO_GOAL else None}
        for goal in goals
    ]


def _write(goals: list[Goal]) -> None:
    """Replace the rows of the table in docs/review.md that were measured; the others stay."""
    rows = {line.split(" | ")[0].removeprefix("| "): line for line in table("review", "page")[2:]}
    for goal in goals:
        target = f"<= {goal.target:g}" if goal.target < NO_GOAL else ""
        verdict = "" if not target else "met" if goal.is_met else "missed"
        rows[goal.name] = f"| {goal.name} | {goal.value:.3g} | {target} | {verdict} |"
    put("review", "page", ["| what | measured | goal | |", "|---|---|---|---|", *rows.values()])


if __name__ == "__main__":
    sys.exit(main())
