"""Average precision of the trained plugins on pictures that nobody trained on.

`python tests/benchmarks/plugins.py` scores every plugin that was trained here on its data set's held-out part;
`--data PATH --plugin NAME` scores one plugin on all pictures of any labelled folder instead. The last line is the
summary; the exit code is 1 where a stated goal is missed. `--write` renews the table in docs/plugins-measured.md.
`--views mirror` (repeatable, or `none`) measures what other views than the plugin's own would bring.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from framelabel import plugins
from framelabel.core.errors import UsageError
from framelabel.core.golden_pair import PAIR
from framelabel.core.protocols import SILENT, Detector
from framelabel.inference.thorough import VIEWS
from framelabel.training.duplicates import with_joined_groups
from framelabel.training.samples import PictureStore, Sample, split
from framelabel.workflows.look import PLAIN
from framelabel.workflows.plugin_scores import LOWEST_SCORE, Evaluation, evaluate
from framelabel.workflows.training_data import DataSheet, read_samples, sheet_for

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository must be on the path first


@dataclass(frozen=True)
class Goal:
    """What a plugin must reach on its data set."""

    plugin: str
    data: str
    overlap: float
    mean: float
    only: str = ""
    """Class that the goal is about; "" for the mean over classes."""


GOALS = (
    Goal("defects", "pcb_deeppcb", 0.33, 0.97),
    Goal("defects_template", "pcb_deeppcb", 0.33, 0.97),
    Goal("ppe", "ppe_hardhat", 0.5, 0.70),
    Goal("steel_defects", "steel_neu_det", 0.5, 0.70),
    Goal("crop_ripeness", "crop_oilpalm", 0.5, 0.60),
    Goal("sports", "sports_football", 0.5, 0.80, "player"),
    Goal("retail_products", "retail_products", 0.5, 0.90),
)


def main() -> int:
    """Score, print one line per plugin and class, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="labelled folder or dataset.yaml; default: each plugin's own data set"
    )
    parser.add_argument("--plugin", help="only this plugin")
    parser.add_argument("--format", default="auto", help="format of --data")
    parser.add_argument("--overlap", type=float, help="overlap from which a box counts as found")
    parser.add_argument("--views", action="append", choices=(PLAIN, *VIEWS), help="instead of the plugin's own views")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", action="store_true", help="renew the table in docs")
    given = parser.parse_args()
    known = plugins.known_plugins()
    goals = [goal for goal in GOALS if goal.plugin in known and given.plugin in (None, goal.plugin)]
    if given.data is not None and given.plugin is None and not _holds_sets(given.data):
        parser.error("--data with one labelled folder needs --plugin")
    results, missed = [], []
    for goal in goals:
        try:
            samples = held_out(goal, given.data, given.format)
        except UsageError as error:
            print(f"{goal.plugin}: skipped: {error}")
            continue
        score = evaluate(
            _detector(goal.plugin, given.views), samples, _names(goal.plugin), overlap=given.overlap or goal.overlap
        )
        value = float(score.per_class[score.names.index(goal.only)]) if goal.only else score.mean
        results.append((goal, score, value))
        if value < goal.mean:
            missed.append(goal.plugin)
        for name, count, precision in zip(score.names, score.objects, score.per_class, strict=True):
            print(
                f"  {goal.plugin:16} {name:16} {count:6} objects  AP {precision:.3f}"
                if count
                else f"  {name}: no truth"
            )
        print(f"{goal.plugin}: {score.pictures} pictures, AP at {score.overlap:g}: {value:.3f} (goal {goal.mean:.2f})")
    if given.json is not None:
        given.json.write_text(json.dumps([_figures(*result) for result in results], indent=1), "utf-8")
    if given.write:
        _write(results)
    print(f"{len(results)} plugins scored, {len(results) - len(missed)} reach their goal; missed: {missed or 'none'}")
    return 1 if missed or not results else 0


def _holds_sets(path: Path) -> bool:
    """Tell whether a folder holds the data sets by name (as shared/data/images does)."""
    return any((path / goal.data).is_dir() for goal in GOALS)


def held_out(goal: Goal, data: Path | None, source_format: str) -> list[Sample]:
    """Return the held-out part of the plugin's own data set, or all pictures of the folder that was named."""
    names = _names(goal.plugin)
    pairs = plugins.load(goal.plugin).model.input.colour == PAIR
    if data is not None and not _holds_sets(data):
        sheet, place = sheet_for(data, source_format=source_format)
        return read_samples(sheet, place, names, Path(os.devnull), SILENT, pairs=pairs)
    folder = REPOSITORY / "datasets" / goal.data
    sheet = DataSheet.read(folder / "dataset.yaml")
    place = data / goal.data if data is not None else sheet.place(folder)
    samples = read_samples(sheet, place, names, Path(os.devnull), SILENT, pairs=pairs)
    if sheet.join_duplicates:
        samples = with_joined_groups(samples, PictureStore(plugins.load(goal.plugin).model.input.size[0]))
    return split(samples, sheet.held_out, sheet.seed)[1]


def _names(plugin: str) -> list[str]:
    return [entry.name for entry in plugins.load(plugin).classes]


def _detector(plugin: str, views: list[str] | None) -> Detector:
    manifest = plugins.load(plugin)
    chosen = manifest.model.views if views is None else tuple(view for view in views if view != PLAIN)
    changes = {"score_threshold": LOWEST_SCORE, "class_thresholds": {}, "views": chosen}
    model = manifest.model.model_copy(update=changes)
    return plugins.build(manifest.model_copy(update={"model": model}).placed(manifest.folder), device="cpu").detector


def _figures(goal: Goal, score: Evaluation, value: float) -> dict[str, object]:
    per_class = dict(zip(score.names, score.per_class.tolist(), strict=True))
    return {"plugin": goal.plugin, "overlap": score.overlap, "value": value, "goal": goal.mean, "per_class": per_class}


def _write(results: list[tuple[Goal, Evaluation, float]]) -> None:
    rows = [
        f"| {goal.plugin} | {goal.data} | {score.pictures} | {', '.join(plugins.load(goal.plugin).model.views)} "
        f"| {goal.only or 'mean'} at {score.overlap:g} "
        f"| {value:.3f} | {goal.mean:.2f} |"
        for goal, score, value in results
    ]
    head = [
        "| plugin | data set | pictures | views | figure | reached | goal |",
        "|---|---|---|---|---|---|---|",
    ]
    put("plugins-measured", "plugins", [*head, *rows])


if __name__ == "__main__":
    sys.exit(main())
