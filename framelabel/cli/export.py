"""`framelabel export PROJECT DESTINATION --to FORMAT`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.losses import show_losses
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import export


def _run(config: export.ExportConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = export.run(config, reporter)
    for path, loss in summary.parts:
        show_losses(path, loss)
    if config.images:
        click.echo(f"{summary.pictures} pictures written")
    for line in summary.audits:
        click.echo(line)
    return 0


command = flags.command("export", export.ExportConfig, _run, help="Write a project's labels in any format.")
