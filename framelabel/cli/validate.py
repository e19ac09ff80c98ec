"""`framelabel validate SOURCE`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.formats.report import Severity
from framelabel.workflows import validate


def _run(config: validate.ValidateConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = validate.run(config, reporter)
    for line in summary.report.lines():
        click.echo(line)
    counts = summary.report.counts
    found = f"{summary.labels} labels, {summary.tracks} tracks, {summary.frames} frames, {summary.videos} videos"
    states = ", ".join(f"{counts[severity]} {severity.value}" for severity in Severity)
    click.echo(f"{config.source}: {summary.format}: {found}; {states}")
    return 1 if len(summary.report) else 0


command = flags.command("validate", validate.ValidateConfig, _run, help="Explain every fault of a label file.")
