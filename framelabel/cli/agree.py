"""`framelabel agree PROJECT`."""

from __future__ import annotations

import json
import math

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import agree


def _run(config: agree.AgreeConfig) -> int:
    with ConsoleReporter(quiet=config.json) as report:
        summary = agree.run(config, report)
    if config.json:
        print(json.dumps(agree.as_dict(summary), indent=2))  # noqa: T201 - the command's output
        return 0
    console = Console(highlight=False, soft_wrap=True)
    if summary.message:
        console.print(summary.message, markup=False)
    if summary.merged:
        console.print(f"{summary.merged} consensus tracks written; --undo takes them back")
    if summary.tagged:
        console.print(f"{summary.tagged} frames tagged as their answers say; --undo takes them back")
    if summary.hidden:
        console.print(f"{summary.hidden} golden tasks hidden among the open ones")
    if not summary.tasks and not summary.labels and not summary.skills:
        console.print("nothing to compare: no task has two answers, no video two annotators, no golden task an answer")
        return 0
    if summary.tasks:
        value, low, high = summary.alpha
        console.print(f"{summary.tasks} tasks with several answers by {len(summary.annotators)} people")
        console.print(f"Krippendorff's alpha {_figure(value)} ({_figure(low)} to {_figure(high)}, 95 %)")
        if not math.isnan(summary.fleiss):
            console.print(f"Fleiss' kappa {summary.fleiss:.3f}")
        console.print(f"{summary.unsure} tasks leave doubt; --ask-more asks one more person each")
    if summary.kappas:
        table = Table("annotators", "tasks", "Cohen's kappa")
        for item in summary.kappas:
            table.add_row(f"{item.first}, {item.second}", str(item.tasks), _figure(item.kappa))
        console.print(table)
    if summary.skills:
        _print_skills(console, summary)
    if summary.labels:
        table = Table("video", "annotators", "boxes", "F1", "mean overlap", "IDF1")
        for pair in summary.labels:
            figures = (_figure(pair.f1), _figure(pair.mean_overlap), _figure(pair.idf1))
            boxes = f"{pair.boxes[0]}, {pair.boxes[1]}"
            table.add_row(pair.video, f"{pair.first}, {pair.second}", boxes, *figures)
        console.print(table)
    return 0


def _print_skills(console: Console, summary: agree.AgreeSummary) -> None:
    table = Table("annotator", "golden tasks", "right", "95 % interval", "s per answer", "trend")
    for item in summary.skills:
        tired = "falling" if item.trend_p_value < 0.05 else "steady"
        trend = "-" if math.isnan(item.trend) else f"{item.trend:+.2f} ({tired})"
        interval = f"{item.low:.1%} to {item.high:.1%}"
        seconds = _figure(item.seconds_median)
        table.add_row(item.annotator, str(item.count), f"{item.accuracy:.1%}", interval, seconds, trend)
    console.print(table)


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


command = flags.command(
    "agree", agree.AgreeConfig, _run, help="Measure how well annotators agree and how good each is; merge their labels."
)
