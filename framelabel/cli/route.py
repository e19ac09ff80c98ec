"""`framelabel route PROJECT`."""

from __future__ import annotations

import json
import math

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.review.routing import Band, Routing
from framelabel.workflows import route
from framelabel.workflows.route_summary import PLURAL, RouteSummary, as_dict


def _run(config: route.RouteConfig) -> int:
    with ConsoleReporter(quiet=config.json) as report:
        summary = route.run(config, report)
    if config.json:
        print(json.dumps(as_dict(summary), indent=2))  # noqa: T201 - the command's output
        return 0
    console = Console(highlight=False, soft_wrap=True)
    for number, part in enumerate((summary, *summary.also)):
        if summary.also:
            console.print(f"{chr(10) if number else ''}{PLURAL[part.subject].capitalize()}")
        _print_part(console, part)
    return 0


def _print_part(console: Console, summary: RouteSummary) -> None:
    for note in summary.notes:
        console.print(f"note: {note}", markup=False)
    console.print(summary.message, markup=False)
    if summary.subject == "box":
        waiting = f"{summary.boxes} boxes in {summary.units} tracks or single boxes made by a model"
    else:
        waiting = f"{summary.units} {PLURAL[summary.subject]} made by a model"
    console.print(f"{waiting}; people made or judged {summary.human_boxes}")
    if summary.method != "uncalibrated":
        console.print(
            f"calibration: {summary.method}; error of the scores {summary.ece_before:.3f} before, "
            f"{summary.ece_after:.3f} after, {summary.ece_by_chance:.3f} by chance alone "
            f"(audited {PLURAL[summary.subject]}, out of fold)"
        )
    if summary.routing is not None:
        _print_decision(console, summary, summary.routing)


def _print_decision(console: Console, summary: RouteSummary, routing: Routing) -> None:
    names = summary.class_names or ("all",)
    promises = Table("class", "accepted", "audited", "wrong", "interval of the error", "promise")
    for name, item in zip(names, summary.promises, strict=False):
        state = f"at most {item.max_error:.1%}" if item.holds else item.reason
        interval = f"{item.error_low:.2%} to {item.error_high:.2%}"
        promises.add_row(name, f"{item.accepted_share:.1%}", str(item.audited), f"{item.errors:g}", interval, state)
    console.print(promises)
    what = PLURAL[summary.subject]
    units = "tracks or boxes" if summary.subject == "box" else what
    bands = Table("band", units, f"share of {what}", "expected error")
    for band in Band:
        error = routing.expected_error[band]
        count = int((routing.band == band).sum())
        bands.add_row(
            band.name.lower(), str(count), f"{routing.share[band]:.1%}", "-" if math.isnan(error) else f"{error:.1%}"
        )
    console.print(bands)
    point = summary.operating_point
    if point is not None:
        console.print(
            f"cheapest way to that quality: {point['share']:.0%} of the {what} to people, {point['votes']} vote(s), "
            f"{point['hours']:.1f} h; expected {point['quality']:.1%} right, at least {point['low']:.1%}"
        )
    console.print(f"{summary.queued} review tasks in the queue")


command = flags.command(
    "route",
    route.RouteConfig,
    _run,
    help="Accept what an audit proves, send the rest to people, and say what is promised.",
)
