"""From detections to a data set: what quality a model, routing and people reach together, for how much of their work.

    python tests/benchmarks/routing_people.py [--data PATH] [--json FILE] [--write]

The detections of tests/benchmarks/routing.py (KITTI's cars by PointRCNN, MOT17's people by DPM, linked by ByteTrack)
are routed at 5 % and 10 % with 95 % certainty. A simulated person, right in 97 of 100 answers, works through
everything that is not accepted: every box of a track sent to people is looked at; what is called right stays, what is
called wrong goes, and in a full review a wrong box that overlaps an unlabelled object by 0.3 is drawn right instead.
Boxes of the band "drop" go unseen. Then boxes are compared with the truth (IoU 0.5). Objects that no detection
touches stay missing: nobody is shown them. Goals: the share of right boxes afterwards is at least one minus the
budget, with fewer than all boxes looked at.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from framelabel.metrics.detection import truth_of  # noqa: E402 - run as a script, from any folder
from framelabel.metrics.observations import Observations  # noqa: E402
from framelabel.review.routing import Band  # noqa: E402
from framelabel.workflows.population import Population  # noqa: E402
from tests.benchmarks.documented import put  # noqa: E402
from tests.benchmarks.routing import SHARED, decided, kitti, mot17, stored  # noqa: E402

SKILL = 0.97
NEAR = 0.3
"""Overlap from which a wrong box shows a person which object is meant."""


def _box(population: Population, score: NDArray[np.float64], rows: NDArray[np.int64]) -> Observations:
    """Return rows of the population in order of frames; the row number is their identity."""
    order = rows[np.argsort(population.frame[rows], kind="stable")]
    return Observations.of(
        population.frame[order], order, population.xyxy[order].astype(np.float64), None, score[order]
    )


def reviewed(
    population: Population, right: NDArray[np.bool_], band: NDArray[np.int8], truths: dict[int, Observations]
) -> tuple[int, int, int]:
    """Let the person work; return (right boxes, boxes, true objects) of the data set that results."""
    random = np.random.default_rng(20261125)
    unit = np.repeat(np.arange(len(population)), population.size)
    said_right = np.where(random.random(len(right)) < SKILL, right, ~right)
    score = population.features[unit, 0].astype(np.float64)
    of_box = band[unit]
    kept = (of_box == Band.ACCEPT) | (np.isin(of_box, (Band.QUICK, Band.FULL)) & said_right)
    to_mend = (of_box == Band.FULL) & ~said_right
    found = total = objects = 0
    for number, truth in truths.items():
        own = population.video_id[unit] == number
        labelled = _box(population, score, np.flatnonzero(own & kept))
        matched = truth_of(truth, labelled)
        free = truth.select(np.setdiff1d(np.arange(len(truth)), matched[matched >= 0]))
        drawn = truth_of(free, _box(population, score, np.flatnonzero(own & to_mend)), threshold=NEAR)
        mended = int(np.count_nonzero(drawn >= 0))
        found += int(np.count_nonzero(matched >= 0)) + mended
        total += len(labelled) + mended
        objects += len(truth)
    return found, total, objects


def main() -> int:
    """Measure and print; return 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=SHARED / "data/mot", help="folder with MOT17 and KITTI")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the table in docs/routing.md")
    given = parser.parse_args()
    sets = {"KITTI cars, PointRCNN": list(kitti(given.data)), "MOT17 people, DPM": list(mot17(given.data))}
    head = "detections|budget|boxes|right before|found before|to people|right after|found after"
    lines = [f"| {head.replace('|', ' | ')} |", "|---" * 8 + "|"]
    rows: list[dict[str, Any]] = []
    for name, clips in sets.items():
        for budget in (0.05, 0.10):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "set.framelabel"
                truths = stored(path, clips)
                summary, population, right, log = decided(path, truths, budget)
            if summary.routing is None:
                raise RuntimeError("nothing was decided")
            band = summary.routing.band
            seen = np.isin(np.repeat(band, population.size), (Band.QUICK, Band.FULL))
            starts = population.starts()
            for draw in log.draws:
                own = slice(int(starts[draw.unit]), int(starts[draw.unit] + population.size[draw.unit]))
                seen[own] |= population.frame[own] == draw.frame
            found, total, objects = reviewed(population, right, band, truths)
            rows.append(
                {
                    "set": name,
                    "budget": budget,
                    "boxes": len(right),
                    "right_before": float(right.mean()),
                    "found_before": float(right.sum() / objects),
                    "to_people": float(seen.mean()),
                    "right_after": found / total,
                    "found_after": found / objects,
                }
            )
            row = rows[-1]
            lines.append(
                f"| {name} | {budget:.0%} | {row['boxes']} | {row['right_before']:.1%} | {row['found_before']:.1%} | "
                f"{row['to_people']:.1%} | {row['right_after']:.1%} | {row['found_after']:.1%} |"
            )
            print(lines[-1], flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    if given.write:
        put("routing", "people", lines)
    missed = [row["set"] for row in rows if row["right_after"] < 1 - row["budget"] or row["to_people"] >= 1]
    least = min(row["right_after"] for row in rows)
    print(f"routing with people: {least:.1%} right or better afterwards; budgets missed: {missed or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
