"""`framelabel tag VIDEO... --project FILE --tag NAME=VALUE,VALUE`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import tag


def _run(config: tag.TagConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = tag.run(config, reporter)
    click.echo(f"{summary.frames} frames, {summary.tasks} new questions, {summary.known} known already")
    if summary.tasks:
        click.echo(f"next: framelabel review {config.project}, then framelabel agree {config.project} --merge")
    return 1 if summary.problems else 0


command = flags.command(
    "tag", tag.TagConfig, _run, help="Ask people about whole frames: --tag verdict=normal,abnormal."
)
