"""`framelabel import PROJECT SOURCE`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.losses import show_report
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import import_labels


def _run(config: import_labels.ImportConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = import_labels.run(config, reporter)
    show_report(summary.report)
    if not summary.is_new:
        click.echo(f"{config.source}: the same labels were imported before; nothing to do")
        return 0
    videos = ", ".join(summary.videos[:5]) + (", ..." if len(summary.videos) > 5 else "")
    counts = f"{summary.labels} labels in {summary.frames} frames of {len(summary.videos)} videos ({videos})"
    click.echo(f"{config.project}: {counts} imported from {summary.format}; {summary.report.skipped} records skipped")
    return 0


command = flags.command("import", import_labels.ImportConfig, _run, help="Read labels of any format into a project.")
