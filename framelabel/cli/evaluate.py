"""`framelabel evaluate PRED GT`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.metrics.tracking import TrackingScore
from framelabel.workflows import evaluate

_COLUMNS = {
    "hota": ("HOTA", "DetA", "AssA"),
    "clear": ("MOTA", "IDSW", "Frag"),
    "identity": ("IDF1",),
}
_COUNTS = {"IDSW", "Frag"}


def _run(config: evaluate.EvaluateConfig) -> int:
    with ConsoleReporter() as report:
        result = evaluate.run(config, report)
    console = Console()
    if not console.is_terminal:
        console.width = 160
    for note in result.notes:
        console.print(f"note: {note}", highlight=False, markup=False)
    console.print(f"rules: {result.comparison.rules}", highlight=False)
    columns = [name for family, names in _COLUMNS.items() if family in result.families for name in names]
    if columns:
        console.print(_tracking_table(result, columns))
    if result.detection is not None:
        _print_detection(console, result, result.detection)
    for path in filter(None, (config.json, config.html)):
        console.print(f"wrote {path}", highlight=False)
    return 0


def _tracking_table(result: evaluate.Evaluation, columns: list[str]) -> Table:
    table = Table("video", "class", title="tracking, in percent (counts as they are); --json has every figure")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for score in result.scores:
        table.add_row(score.pair.video.name, score.pair.class_name, *_cells(score.tracking, columns))
    names = result.comparison.class_names
    if len(result.scores) > len(names):
        for name in names:
            table.add_row("all videos", name, *_cells(result.combined(name), columns), style="bold")
    if len(names) > 1:
        table.add_row("all videos", "all classes", *_cells(result.combined(), columns), style="bold")
    return table


def _cells(score: TrackingScore, columns: list[str]) -> list[str]:
    figures = score.figures()
    return [f"{figures[name]:.0f}" if name in _COUNTS else f"{100 * figures[name]:.3f}" for name in columns]


def _print_detection(console: Console, result: evaluate.Evaluation, score: evaluate.DetectionScore) -> None:
    names = result.comparison.class_names
    table = Table("class", "truths", "predictions", "precision", "recall", "F1", "AP", "AP50", title="boxes")
    for item in score.classes:
        values = (item.precision, item.recall, item.f1)
        found = score.average_precision
        precision = (found.per_class[item.class_id], found.per_class_50[item.class_id])
        table.add_row(
            names[item.class_id],
            str(item.truths),
            str(item.predictions),
            *(f"{100 * value:.2f}" for value in values),
            *("-" if value < 0 else f"{100 * value:.2f}" for value in precision),
        )
    console.print(table)
    if score.reliability is not None and "calibration" in result.families:
        console.print(f"expected calibration error of the scores: {score.reliability.ece:.3f}", highlight=False)


command = flags.command(
    "evaluate",
    evaluate.EvaluateConfig,
    _run,
    help="Score PRED against GT: HOTA, CLEAR-MOT, identity, average precision, calibration.",
)
