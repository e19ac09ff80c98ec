"""Calibrate and route the trained plugins on pictures that nobody trained on.

    python tests/benchmarks/routing_plugins.py [PLUGIN ...] [--data PATH] [--max-error E] [--json FILE] [--write]

Each plugin looks at the held-out part of its data set at its own score threshold; what it finds is put into a project
and `framelabel route` takes it from there, a simulated person who sees the truth answering its audit (so the promise is
one about these very boxes). The calibration error is cross-validated by picture group (series, clip, board source;
single pictures where the groups are fewer than five): every box is judged by a calibrator that saw no box of its group.
It has a 95 % interval from drawing groups again, and stands beside what probabilities without fault would show in as
few groups ("by chance"). Bins hold 100 boxes each, at least two bins. Goal:
at most 0.03 after calibration for ppe, crop_ripeness and defects. `--write` renews table and curves in the docs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from framelabel import plugins  # noqa: E402 - run as a script, from any folder
from framelabel.core.annotations import Origin, Provenance  # noqa: E402
from framelabel.core.boxes import Boxes  # noqa: E402
from framelabel.core.errors import UsageError  # noqa: E402
from framelabel.core.frames import VideoId  # noqa: E402
from framelabel.core.labels import FrameTable, Labels  # noqa: E402
from framelabel.core.ontology import Ontology  # noqa: E402
from framelabel.core.reliability import ece_by_chance, reliability  # noqa: E402
from framelabel.core.tasks import Answer  # noqa: E402
from framelabel.core.videos import Video  # noqa: E402
from framelabel.metrics.detection import truth_of  # noqa: E402
from framelabel.metrics.observations import Observations  # noqa: E402
from framelabel.review import calibration  # noqa: E402
from framelabel.store import tasks as task_table  # noqa: E402
from framelabel.store.documents import names as document_names  # noqa: E402
from framelabel.store.project import Project  # noqa: E402
from framelabel.training.samples import Sample  # noqa: E402
from framelabel.workflows import plots, route  # noqa: E402
from framelabel.workflows.audit import AuditLog  # noqa: E402
from framelabel.workflows.population import Population  # noqa: E402
from framelabel.workflows.route_summary import RouteSummary, curve_plot  # noqa: E402
from tests.benchmarks.documented import DOCS, put  # noqa: E402
from tests.benchmarks.plugins import GOALS, Goal, held_out  # noqa: E402

WANTED = ("ppe", "crop_ripeness", "defects")
GOAL_ECE, CONFIDENCE, AUDIT, PER_BIN, DRAWS = 0.03, 0.95, 800, 100, 400


@dataclass(frozen=True, eq=False)
class Held:
    """What a plugin found in its held-out pictures."""

    found: list[Boxes]
    right: list[NDArray[np.bool_]]
    groups: list[str]
    sizes: list[tuple[int, int]]
    names: tuple[str, ...]


def look(goal: Goal, data: Path | None) -> Held:
    """Run a plugin over its held-out pictures."""
    samples: list[Sample] = held_out(goal, data, "auto")
    manifest = plugins.load(goal.plugin)
    detector = plugins.build(manifest, device="cpu", workers=1).detector
    found, right, sizes = [], [], []
    for sample in samples:
        image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
        if image is None:
            msg = f"{sample.path}: not a picture that can be read"
            raise UsageError(msg)
        boxes = detector([np.ascontiguousarray(image[:, :, ::-1])])[0]
        truth, seen = _observed(sample.boxes, None), _observed(boxes, boxes.score)
        found.append(boxes)
        right.append(truth_of(truth, seen, threshold=goal.overlap) >= 0)
        sizes.append((image.shape[1], image.shape[0]))
    groups = [sample.group for sample in samples]
    if len(set(groups)) < 5:
        groups = [str(sample.path) for sample in samples]
    return Held(found, right, groups, sizes, tuple(entry.name for entry in manifest.classes))


def _observed(boxes: Boxes, score: NDArray[np.float64] | None) -> Observations:
    number = np.arange(len(boxes))
    return Observations.of(np.zeros(len(boxes), np.int64), number, boxes.xyxy, boxes.class_id, score)


def store(path: Path, held: Held) -> dict[tuple[int, int, float], bool]:
    """Put every picture into a project as a video of one frame; return (video, class, left side) -> right."""
    truth: dict[tuple[int, int, float], bool] = {}
    with Project(path, create=True) as project:
        for number, (boxes, right, size) in enumerate(zip(held.found, held.right, held.sizes, strict=True)):
            video = project.add_video(
                Video(VideoId(0), f"picture {number}", "", *size, 1, Fraction(1, 25), Fraction(25))
            )
            labels = Labels.of(
                Ontology.of(held.names),
                (video,),
                FrameTable(np.zeros(1, np.int32), np.zeros(1, np.int64)),
                np.zeros(len(boxes), np.int64),
                boxes.xyxy,
                score=boxes.score,
                class_id=boxes.class_id,
            )
            project.append_labels(labels, [video.id], Provenance(Origin.MODEL, "plugin"))
            for kind, left, is_right in zip(boxes.class_id.tolist(), boxes.xyxy[:, 0].tolist(), right, strict=True):
                truth[int(video.id), kind, float(np.float32(left))] = bool(is_right)
    return truth


def routed(path: Path, truth: dict[tuple[int, int, float], bool], max_error: float) -> tuple[RouteSummary, Population]:
    """Route to a decision, a person who sees the truth answering."""
    config = route.RouteConfig(path, max_error=max_error, confidence=CONFIDENCE, audit=AUDIT)
    summary = route.run(config)
    while summary.state != "decided":
        with Project(path, write=True) as project:
            population = Population.load(project)
            if population is None:
                raise RuntimeError("the route kept no population")
            draws = {draw.task_id: draw for draw in AuditLog.load(project).draws}
            waiting = [task for task in project.tasks() if task.id in draws]

            def all_at_once(connection: Any, population: Population, draws: Any, waiting: Any) -> None:
                for task in waiting:
                    is_right = truth[_key(population, draws[task.id].unit)]
                    answer = Answer(task.id, "simulated", "right" if is_right else "wrong", 2.0)
                    task_table.add_answer(connection, answer)

            project.write(all_at_once, population, draws, waiting)
        summary = route.run(config)
    with Project(path) as project:
        kept = Population.load(project)
        if kept is None or not project.read(document_names, "curve"):
            raise RuntimeError("the route kept no population or no curve")
    return summary, kept


def _key(population: Population, unit: int) -> tuple[int, int, float]:
    return int(population.video_id[unit]), int(population.class_id[unit]), float(population.xyxy[unit, 0])


def measure(goal: Goal, data: Path | None, max_error: float, folder: Path) -> dict[str, Any]:
    """Calibrate and route one plugin; with figures and drawings."""
    held = look(goal, data)
    path = folder / f"{goal.plugin}.framelabel"
    truth = store(path, held)
    summary, population = routed(path, truth, max_error)
    right = np.array([truth[_key(population, unit)] for unit in range(len(population))])
    group_of_video = np.unique(held.groups, return_inverse=True)[1].reshape(-1)
    first = int(population.video_id.min())
    group = group_of_video[population.video_id - first].astype(np.int64)
    features = route.design(population)
    stated = calibration.out_of_fold(features, right, group)
    bins = max(len(right) // PER_BIN, 2)
    raw = features[:, 0]
    random = np.random.default_rng(20261125)
    again = [_drawn_again(stated, right, group, bins, random) for _ in range(DRAWS)]
    assert summary.routing is not None
    accepted = summary.routing.band == 0
    diagrams = {
        "raw score": reliability(raw, right, bins=bins, equal_mass=True),
        "calibrated": reliability(stated, right, bins=bins, equal_mass=True),
    }
    return {
        "plugin": goal.plugin,
        "pictures": len(held.found),
        "boxes": len(right),
        "wrong": float(1 - right.mean()),
        "method": summary.method,
        "ece_before": diagrams["raw score"].ece,
        "ece_after": diagrams["calibrated"].ece,
        "interval": [float(value) for value in np.quantile(again, [0.025, 0.975])],
        "by_chance": ece_by_chance(stated, right, group, bins=bins, equal_mass=True, draws=DRAWS),
        "max_error": max_error,
        "accepted": summary.promises[0].accepted_share,
        "true_error": float(1 - right[accepted].mean()) if accepted.any() else 0.0,
        "message": summary.message,
        "curve": curve_plot(summary.curves),
        "reliability": plots.reliability_diagram(diagrams, title=f"{goal.plugin}: are the probabilities believable?"),
        "operating_point": summary.operating_point,
    }


def _drawn_again(
    stated: NDArray[np.float64],
    right: NDArray[np.bool_],
    group: NDArray[np.int64],
    bins: int,
    random: np.random.Generator,
) -> float:
    """Return the calibration error of groups drawn again with replacement."""
    kinds = np.unique(group)
    rows = np.concatenate([np.flatnonzero(group == one) for one in random.choice(kinds, len(kinds))])
    return reliability(stated[rows], right[rows], bins=bins, equal_mass=True).ece


def main() -> int:
    """Measure and print; return 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("plugin", nargs="*", help="plugins; all trained ones when not given")
    parser.add_argument("--data", type=Path, help="folder that holds the data sets by name")
    parser.add_argument("--max-error", type=float, default=0.1, help="error budget")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update table and curves in docs")
    given = parser.parse_args()
    known = plugins.known_plugins()
    rows, missed = [], []
    lines = [
        "| plugin | pictures | boxes | wrong | ECE | after (95 % interval) | by chance | accepted | true error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for goal in GOALS:
            if goal.plugin not in known or (given.plugin and goal.plugin not in given.plugin):
                continue
            try:
                row = measure(goal, given.data, given.max_error, Path(folder))
            except UsageError as error:
                print(f"{goal.plugin}: skipped: {error}")
                continue
            rows.append(row)
            low, high = row["interval"]
            if goal.plugin in WANTED and row["ece_after"] > GOAL_ECE:
                missed.append(goal.plugin)
            lines.append(
                f"| {goal.plugin} | {row['pictures']} | {row['boxes']} | {row['wrong']:.1%} | "
                f"{row['ece_before']:.3f} | {row['ece_after']:.3f} ({low:.3f} to {high:.3f}) | "
                f"{row['by_chance']:.3f} | {row['accepted']:.1%} | "
                f"{row['true_error']:.1%} |"
            )
            print(lines[-1], f"\n  {row['message']}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    if given.write:
        put("routing", "plugins", lines)
        for row in rows:
            for name in ("curve", "reliability"):
                (DOCS / "routing").mkdir(exist_ok=True)
                (DOCS / "routing" / f"{row['plugin']}-{name}.svg").write_text(row[name])
    print(f"routing plugins: {len(rows)} calibrated; error above {GOAL_ECE}: {missed or 'none'} of {', '.join(WANTED)}")
    return 1 if missed or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
