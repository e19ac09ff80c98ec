"""How well plugins made from good pictures alone find faults: DeepPCB's boards and magnetic tiles.

    python tests/benchmarks/anomaly.py [--data FOLDER] [--part boards|tiles] [--every N] [--method NAME]...
                                       [--json FILE] [--write]

`--data` is a folder with `pcb_deeppcb` and `tile_magnetic`. `--write` puts the tables into docs/anomaly.md. What is
asked of which pictures is written in anomaly_boards.py and anomaly_tiles.py.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks import anomaly_boards, anomaly_tiles  # noqa: E402 - run as a script, from any folder
from tests.benchmarks.documented import put  # noqa: E402

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared")) / "data" / "images"
GOAL = 0.95


def table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """Return one row a method as Markdown."""
    columns = list(next(iter(figures.values())))
    lines = ["| method | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
    for name, values in figures.items():
        shown = [f"{values[key]:.0f}" if key == "pairs" else f"{values[key]:.3f}" for key in columns]
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print the tables, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--part", choices=("boards", "tiles"), help="only this one")
    parser.add_argument("--every", type=int, default=20, help="use every N-th pair of boards")
    parser.add_argument("--method", action="append", default=[], help="only this method on tiles; repeatable")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update docs/anomaly.md")
    given = parser.parse_args()
    found: dict[str, dict[str, dict[str, float]]] = {}
    if given.part != "tiles":
        is_boards = any(given.data.glob("*_temp.png"))
        found["boards"] = anomaly_boards.measure(given.data if is_boards else given.data / "pcb_deeppcb", given.every)
    if given.part != "boards":
        found["tiles"] = anomaly_tiles.measure(given.data / "tile_magnetic", given.method)
    for part, figures in found.items():
        print(f"{part}\n{table(figures)}\n")
        if given.write:
            put("anomaly", part, [table(figures)])
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), "utf-8")
    no_figures: dict[str, float] = {}
    boards = found.get("boards", {}).get("golden template", no_figures)
    reached = boards.get("image AUROC, simulated", 1.0)
    parts = [f"boards: image AUROC {reached:.4f} (goal {GOAL})"] if boards else []
    for name, values in found.get("tiles", {}).items():
        parts.append(f"tiles, {name}: window {values['window AUROC']:.3f}, pixel {values['pixel AUROC']:.3f}")
    print("; ".join(parts))
    return 0 if reached >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
