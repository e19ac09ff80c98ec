"""`framelabel frames`: pictures out of a video."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows.frames import FramesConfig, run


def _run(config: FramesConfig) -> int:
    with ConsoleReporter() as report:
        summary = run(config, report)
    click.echo(f"{len(summary.paths)} of {summary.frame_count} frames written to {config.out}")
    return 0


command = flags.command("frames", FramesConfig, _run, help="Write frames as pictures, named by frame number.")
