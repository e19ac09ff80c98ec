"""How many boxes a person draws until a clip is right, with detections as the only evidence.

A simulated annotator draws the first and last box of every visible run, then one box at a time, until at least 95 % of
the run's boxes overlap the true ones by 0.7. Only the truth decides when to stop; which frame is drawn next is

- bisect: the middle of the longest gap;
- suggestion: the tool's own choice, from its own doubt, never from the truth;
- oracle: the middle of the longest stretch that is really wrong (what a perfect suggestion of that kind could do).

    python tests/benchmarks/effort_text.py [--data PATH] [--sets kitti,mot15] [--only NAMES] [--network FILE]
        [--json FILE]

Cost is boxes drawn per 100 ground-truth boxes, pooled over sequences. `PATH` holds the layouts of
`effort_layouts.py`. Exit code 1 where a stated goal is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from framelabel.core.geometry import paired_iou
from framelabel.core.tracks import Track
from framelabel.tracking.propagation import linear, trust
from framelabel.tracking.propagation.association import ClipDetections
from framelabel.tracking.propagation.clip_paths import ClipPaths
from tests.benchmarks.effort_goals import Goal, Part
from tests.benchmarks.effort_layouts import DATA_SETS, Run, Sequence, sequences

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIGHT_FROM, SHARE = 0.7, 0.95
GOAL = {"kitti": 12.0 / 22.03, "mot17-strong": 2.5 / 5.41, "mot17-dpm": 4.5 / 5.41, "mot15": 9.0 / 12.26}
"""Goals as the share of linear + bisect's boxes: they were stated for other sequences of the same data sets."""
COLUMNS = ("linear + bisect", "ours + bisect", "ours + suggestion", "ours + oracle")


@dataclass
class Clip:
    """One sequence as the tool sees it: detections, and the human boxes drawn so far."""

    sequence: Sequence
    network: trust.Network | None = None
    paths: ClipPaths = field(init=False)

    def __post_init__(self) -> None:
        ends = []
        for run in self.sequence.runs:
            rows = np.unique([0, len(run.truth) - 1])
            ends.append(Track.of(run.track, run.start + rows, run.truth[rows]))
        detections = ClipDetections.of(enumerate(self.sequence.detections))
        self.paths = ClipPaths(detections, ends, network=self.network)


@dataclass(frozen=True)
class State:
    """What is known after some boxes: where the path is right, and what each rule would ask next."""

    is_right: Bools
    keys: list[int]
    asked: int
    """The tool's own suggestion, an offset in the run."""


def middle_of_longest_gap(keys: list[int]) -> int:
    """Return the frame that bisecting asks for."""
    widths = np.diff(keys)
    gap = int(widths.argmax())
    return (keys[gap] + keys[gap + 1]) // 2


def middle_of_longest_error(is_right: Bools) -> int:
    """Return the middle of the longest stretch that is wrong; the earliest of equals."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], ~is_right, [0]]).astype(np.int64)))
    starts, stops = edges[::2], edges[1::2]
    longest = int((stops - starts).argmax())
    return int(starts[longest] + stops[longest] - 1) // 2


def annotate(run: Run, solve: Callable[[list[int]], State], order: str) -> Iterator[State]:
    """Yield the state after each human box of one run, until enough boxes are right."""
    keys = sorted({0, len(run.truth) - 1})
    while True:
        state = solve(keys)
        yield state
        if state.is_right.mean() >= SHARE:
            return
        if order == "bisect":
            asked = middle_of_longest_gap(keys)
        elif order == "suggestion":
            asked = state.asked
        else:
            asked = middle_of_longest_error(state.is_right)
        keys = sorted([*keys, asked])


def linear_state(run: Run, keys: list[int]) -> State:
    """Solve by linear interpolation."""
    rows = np.array(keys)
    boxes = linear.interpolate(np.arange(len(run.truth)), rows, run.truth[rows])
    is_right = paired_iou(boxes, run.truth) >= RIGHT_FROM
    is_right[rows] = True
    return State(is_right, keys, -1)


def our_state(clip: Clip, run: Run, others: trust.Trials, keys: list[int]) -> State:
    """Solve by the product."""
    rows = np.array(keys)
    is_right = np.ones(len(run.truth), np.bool_)
    best_gain, asked = -1.0, -1
    for stretch in clip.paths.stretches(run.start + rows, run.truth[rows], others):
        inside = slice(stretch.gap.start + 1 - run.start, stretch.gap.stop - run.start)
        is_right[inside] = paired_iou(stretch.xyxy, run.truth[inside]) >= RIGHT_FROM
        label = stretch.best_label()
        if label.gain > best_gain:
            best_gain, asked = label.gain, label.frame - run.start
    return State(is_right, keys, asked)


def drawn(clip: Clip, column: str) -> dict[int, int]:
    """Return the boxes drawn in a clip by class id."""
    counts: dict[int, int] = defaultdict(int)
    method, _, order = column.partition(" + ")
    others = trust.Trials.none()
    for run in clip.sequence.runs:
        solve = partial(linear_state, run) if method == "linear" else partial(our_state, clip, run, others)
        *_, last = annotate(run, solve, order)
        counts[run.class_id] += len(last.keys)
        if method != "linear":
            rows = np.array(last.keys)
            others = others.joined(clip.paths.trials(run.start + rows, run.truth[rows]))
    return counts


def measure(
    data: Path,
    data_set: str,
    report: Callable[[str], None] = print,
    *,
    network: trust.Network | None = None,
    only: frozenset[str] = frozenset(),
) -> dict[str, dict[str, list[int]]]:
    """Return boxes drawn and true boxes: {row: {column: [drawn, true]}}, rows are sequences and `class ...`."""
    table: dict[str, dict[str, list[int]]] = {}
    for sequence in sequences(data, data_set):
        if only and sequence.name not in only:
            continue
        clip = Clip(sequence, network)
        totals: dict[int, int] = defaultdict(int)
        for run in sequence.runs:
            totals[run.class_id] += len(run.truth)
        for column in COLUMNS:
            for class_id, count in drawn(clip, column).items():
                for row in (sequence.name, f"class {sequence.classes[class_id]}"):
                    cell = table.setdefault(row, {}).setdefault(column, [0, 0])
                    cell[0] += count
                    cell[1] += totals[class_id]
        report(f"  {data_set} {sequence.name}: {_cells(table[sequence.name])}")
    return table


def pooled(table: dict[str, dict[str, list[int]]]) -> dict[str, float]:
    """Return boxes per 100 by column over all sequences."""
    rows = [cells for name, cells in table.items() if not name.startswith("class ")]
    return {
        column: 100 * sum(cells[column][0] for cells in rows) / sum(cells[column][1] for cells in rows)
        for column in COLUMNS
    }


def _cells(cells: dict[str, list[int]]) -> str:
    return " | ".join(f"{100 * cells[column][0] / cells[column][1]:.2f}" for column in COLUMNS)


def render(results: dict[str, dict[str, dict[str, list[int]]]]) -> str:
    """Return the Markdown table."""
    lines = ["| data, detections | " + " | ".join(COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for data_set, table in results.items():
        every = pooled(table)
        lines.append(f"| **{data_set}, all** | " + " | ".join(f"**{every[column]:.2f}**" for column in COLUMNS) + " |")
        lines += [f"| {data_set} {row} | {_cells(cells)} |" for row, cells in table.items()]
    return "\n".join(lines)


def goals(results: dict[str, dict[str, dict[str, list[int]]]]) -> list[Goal]:
    """Return the goals of all data sets: the share of linear's boxes, and no sequence or class worse than linear."""
    found = []
    for data_set, table in results.items():
        every = pooled(table)
        share = every["ours + suggestion"] / every["linear + bisect"]
        found.append(Goal(f"{data_set}: boxes drawn, share of linear + bisect's", share, GOAL[data_set]))
        worse = [row for row, cells in table.items() if cells["ours + suggestion"][0] > cells["linear + bisect"][0]]
        name = f"{data_set}: sequences and classes with more boxes than linear ({', '.join(worse) or 'none'})"
        found.append(Goal(name, len(worse), 0))
    return found


def run(
    data: Path,
    report: Callable[[str], None],
    data_sets: tuple[str, ...] = DATA_SETS,
    *,
    network: trust.Network | None = None,
    only: frozenset[str] = frozenset(),
) -> Part | None:
    """Run every data set that lies below `data`; None when there is none."""
    results = {}
    for data_set in data_sets:
        table = measure(data, data_set, report, network=network, only=only)
        if table:
            results[data_set] = table
    if not results:
        return None
    return Part("detections", tuple(render(results).splitlines()), tuple(goals(results)), dict(results))


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mot"), help="folder with the layouts")
    parser.add_argument("--sets", default=",".join(DATA_SETS), help="data sets, separated by commas")
    parser.add_argument("--only", default="", help="sequences, separated by commas; all by default")
    parser.add_argument("--network", type=Path, help="a file that fit_trust.py wrote, for sequences it has not seen")
    parser.add_argument("--json", type=Path, help="write the counts here")
    arguments = parser.parse_args()
    network = None
    if arguments.network:
        network = trust.parse(json.loads(arguments.network.read_text(encoding="utf-8")))
    part = run(
        arguments.data,
        lambda line: print(line, flush=True),
        tuple(arguments.sets.split(",")),
        network=network,
        only=frozenset(filter(None, arguments.only.split(","))),
    )
    if part is None:
        print(f"{arguments.data}: nothing in a layout that this benchmark reads", file=sys.stderr)
        return 2
    print(*part.table, sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(part.numbers, indent=1), encoding="utf-8")
    for goal in part.goals:
        print(goal.line())
    missed = [goal for goal in part.goals if not goal.is_met]
    print(f"effort on detections: {len(part.goals) - len(missed)} of {len(part.goals)} goals met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
