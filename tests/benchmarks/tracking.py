"""How good and how fast association is: `python tests/benchmarks/tracking.py [--data PATH] [--json FILE] [--write]`.

`--oracle` measures instead what any tracker could reach with these detections, had the truth told it whose each box is;
`--rates` what is reached where only every second, third or sixth frame is looked at.

All trackers get the same detections with the same scores in the same run. Peers (SORT, ByteTrack, OC-SORT, BoT-SORT,
norfair) take part where they are installed (`pip install 'framelabel[peers]'`, then `pip install --no-deps norfair
filterpy`, whose pins clash with the others'); our own versions of the published methods always do. HOTA, IDF1 and MOTA
come from `framelabel.metrics`, which agrees with TrackEval.

Speeds are frames per second of processor time: every tracker here runs in one thread, and on a machine that others use
the clock on the wall measures the others.

Exit code 1 where a goal is missed: the whole-clip tracker, one set of parameters, at least 4 HOTA and 6 IDF1 above the
best peer on every set and 1,500 frames a second on MOT17, cost linear in frames; ByteTrack at least four times as fast
as supervision's with HOTA and IDF1 no lower.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from framelabel.metrics.tracking import TrackingScore  # noqa: E402 - the repository must be on the path first
from framelabel.tracking.catalog import OFFLINE_TRACKERS  # noqa: E402
from tests.benchmarks.documented import put  # noqa: E402
from tests.benchmarks.tracking_contestants import OURS_AT_THEIRS, THEIRS, Contestant, contestants  # noqa: E402
from tests.benchmarks.tracking_oracle import ROWS, oracle  # noqa: E402
from tests.benchmarks.tracking_sets import Sequence, load  # noqa: E402

DATA = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared")) / "data/mot"
OURS = "framelabel offline"
GOAL_HOTA, GOAL_IDF1, GOAL_FPS, GOAL_SPEEDUP, GOAL_LINEAR = 4.0, 6.0, 1500.0, 4.0, 1.5
SPEED_SET = "MOT17 DPM"
ROUNDS = 2
"""Speed is the best of this many runs, on the set whose speed has a goal."""
STEPS = (2, 3, 6)
"""Every how many frames are looked at, for `--rates`."""


def measure(sets: dict[str, list[Sequence]], who: list[Contestant]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return set -> contestant -> figures: combined, per sequence, and frames a second (best of the rounds)."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for name, sequences in sets.items():
        table[name] = {}
        for contestant in who:
            total, each, seconds = TrackingScore(), {}, 0.0
            try:
                for sequence in sequences:
                    rounds = [contestant.run(sequence) for _ in range(ROUNDS if name == SPEED_SET else 1)]
                    seconds += min(answer.seconds for answer in rounds)
                    answer = rounds[0]
                    score = sequence.score(answer.frame, answer.track, answer.xyxy)
                    each[sequence.name] = _figures(score)
                    total += score
            except (AssertionError, ValueError, IndexError) as error:
                print(f"{name}: {contestant.name} failed: {type(error).__name__} {error}")
                continue
            frames = sum(len(sequence.boxes) for sequence in sequences)
            table[name][contestant.name] = {**_figures(total), "fps": frames / seconds, "sequences": each}
        _print_set(name, table[name])
    return table


def scaling(sequences: list[Sequence]) -> dict[int, float]:
    """Return how many times longer the whole-clip tracker takes per frame on clips 1, 4 and 16 times as long."""
    sequence = max(sequences, key=lambda item: sum(len(boxes) for boxes in item.boxes))
    cost = {}
    for times in (1, 4, 16):
        tracker = OFFLINE_TRACKERS.load("offline")(fps=sequence.fps, frame_size=sequence.size)
        long = sequence.boxes * times
        cost[times] = min(_seconds(tracker, long, sequence.fps) for _ in range(2)) / len(long)
    return {times: value / cost[1] for times, value in cost.items()}


def _seconds(tracker: Any, boxes: list[Any], fps: float) -> float:
    import time

    begun = time.process_time()
    tracker.link(range(len(boxes)), boxes, fps)
    return time.process_time() - begun


def _figures(score: TrackingScore) -> dict[str, float]:
    found = score.figures()
    return {
        name: round(100 * float(np.nan_to_num(found[name])), 2) for name in ("HOTA", "IDF1", "MOTA", "DetA", "AssA")
    }


def _print_set(name: str, rows: dict[str, dict[str, Any]]) -> None:
    print(f"\n{name}: HOTA / IDF1 / MOTA, frames a second")
    for who, figures in rows.items():
        print(f"  {who:24} {_triple(figures)}   {figures['fps']:8.0f}")
    for sequence in next(iter(rows.values()))["sequences"]:
        line = "  ".join(f"{_triple(figures['sequences'][sequence])}" for figures in rows.values())
        print(f"    {sequence:16} {line}")


def _triple(figures: dict[str, Any]) -> str:
    return f"{figures['HOTA']:5.1f} / {figures['IDF1']:5.1f} / {figures['MOTA']:6.1f}"


def verdict(table: dict[str, dict[str, dict[str, Any]]], growth: dict[int, float], peers: set[str]) -> list[str]:
    """Return what misses its goal, in words."""
    missed = []
    for name, rows in table.items():
        best = {key: max(rows[peer][key] for peer in rows if peer in peers) for key in ("HOTA", "IDF1")}
        for key, goal in (("HOTA", GOAL_HOTA), ("IDF1", GOAL_IDF1)):
            lead = rows[OURS][key] - best[key]
            if lead < goal:
                missed.append(f"{name}: {key} {lead:+.1f} over the best peer, goal +{goal:.0f}")
    speed = table.get(SPEED_SET, {})
    if speed and speed[OURS]["fps"] < GOAL_FPS:
        missed.append(f"{SPEED_SET}: {speed[OURS]['fps']:.0f} frames a second, goal {GOAL_FPS:.0f}")
    if max(growth.values(), default=1.0) > GOAL_LINEAR:
        missed.append(f"cost per frame grows {max(growth.values()):.2f} times on longer clips, goal {GOAL_LINEAR}")
    theirs, mine = speed.get(THEIRS), speed.get(OURS_AT_THEIRS)
    if theirs and mine:
        if mine["fps"] < GOAL_SPEEDUP * theirs["fps"]:
            missed.append(
                f"ByteTrack: {mine['fps'] / theirs['fps']:.1f} times supervision's speed, goal {GOAL_SPEEDUP}"
            )
        missed += [
            f"ByteTrack: {key} {mine[key]:.1f} below supervision's {theirs[key]:.1f}"
            for key in ("HOTA", "IDF1")
            if mine[key] < theirs[key]
        ]
    return missed


def page(table: dict[str, dict[str, dict[str, Any]]], growth: dict[int, float]) -> str:
    """Return the measured tables as Markdown."""
    names = list(dict.fromkeys(who for rows in table.values() for who in rows))
    lines = [f"| HOTA / IDF1 / MOTA | {' | '.join(table)} | frames/s ({SPEED_SET}) |", "|---" * (len(table) + 2) + "|"]
    for who in names:
        cells = [_triple(rows[who]) if who in rows else "failed" for rows in table.values()]
        fps = table.get(SPEED_SET, {}).get(who, {}).get("fps")
        lines.append(f"| {who} | {' | '.join(cells)} | {'' if fps is None else f'{fps:.0f}'} |")
    costs = ", ".join(f"{times}x: {value:.2f}" for times, value in growth.items())
    return "\n".join([*lines, "", f"Cost per frame on clips of growing length, relative: {costs}."])


def oracle_page(sets: dict[str, list[Sequence]]) -> str:
    """Return as Markdown what the truth would make of the detections."""
    scores = {name: oracle(sequences) for name, sequences in sets.items()}
    lines = [f"| HOTA / IDF1 / MOTA | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    lines += [f"| {row} | {' | '.join(_triple(_figures(scores[name][row])) for name in sets)} |" for row in ROWS]
    return "\n".join(lines)


def rates_page(sets: dict[str, list[Sequence]], who: list[Contestant]) -> str:
    """Return as Markdown HOTA and IDF1 at lower rates: the whole-clip tracker's and, of each, the best peer's."""
    lines = [f"| HOTA / IDF1, best peer's | {' | '.join(sets)} |", "|---" * (len(sets) + 1) + "|"]
    for step in STEPS:
        thinned = {name: [sequence.thinned(step) for sequence in sequences] for name, sequences in sets.items()}
        cells = []
        for rows in measure(thinned, who).values():
            best = [max(row[key] for name, row in rows.items() if name != OURS) for key in ("HOTA", "IDF1")]
            cells.append(f"{rows[OURS]['HOTA']:.1f} / {rows[OURS]['IDF1']:.1f}, {best[0]:.1f} / {best[1]:.1f}")
        lines.append(f"| every {step}. frame | {' | '.join(cells)} |")
    return "\n".join(lines)


def _compared(who: list[Contestant]) -> list[Contestant]:
    """Return the whole-clip tracker and the peers."""
    return [contestant for contestant in who if contestant.is_peer or contestant.name == OURS]


def main() -> int:
    """Measure, print, compare with the goals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder in the layouts of shared/data/mot")
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--write", action="store_true", help="update the tables in docs/tracking.md")
    parser.add_argument("--oracle", action="store_true", help="what the detections allow, given the truth; no peers")
    parser.add_argument("--rates", action="store_true", help="at a half, a third and a sixth of the rate")
    flags = parser.parse_args()
    sets = load(flags.data)
    if not sets:
        print(f"tracking: no sequences below {flags.data}; give --data")
        return 1
    if flags.oracle or flags.rates:
        name = "oracle" if flags.oracle else "rates"
        text = oracle_page(sets) if flags.oracle else rates_page(sets, _compared(contestants(print)))
        print(f"\n{text}")
        if flags.write:
            put("tracking", name, [text])
        print(f"tracking: {name} measured")
        return 0
    who = contestants(print)
    table = measure(sets, who)
    growth = scaling(next(iter(sets.values())) if SPEED_SET not in sets else sets[SPEED_SET])
    print("\ncost per frame on clips 1x, 4x, 16x as long:", ", ".join(f"{value:.2f}" for value in growth.values()))
    if flags.json:
        flags.json.write_text(json.dumps({"sets": table, "scaling": growth}, indent=1), "utf-8")
    if flags.write:
        put("tracking", "benchmark", [page(table, growth)])
    missed = verdict(table, growth, {contestant.name for contestant in who if contestant.is_peer})
    for line in missed:
        print(f"missed: {line}")
    print("tracking: " + (f"{len(missed)} goals missed" if missed else "all goals reached"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
