"""`framelabel merge A B --out C`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.workflows import merge


def _run(config: merge.MergeConfig) -> int:
    totals = merge.run(config)
    click.echo(f"{config.out}: " + ", ".join(f"{count} {table}" for table, count in totals.items()))
    return 0


command = flags.command("merge", merge.MergeConfig, _run, help="Join projects into a new one; nothing is overwritten.")
