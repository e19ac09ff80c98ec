"""`framelabel watch SOURCE --plugin NAME --project FILE`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import watch


def _run(config: watch.WatchConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = watch.run(config, reporter)
    click.echo(
        f"{config.project}: {summary.frames} frames labelled, {summary.dropped} dropped, {summary.tracks} tracks, "
        f"{summary.events} events"
    )
    return 0


command = flags.command("watch", watch.WatchConfig, _run, help="Label a camera as it goes, until Ctrl-C.")
