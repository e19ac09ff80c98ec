"""`framelabel verify PROJECT`."""

from __future__ import annotations

import click

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import verify


def _run(config: verify.VerifyConfig) -> int:
    with ConsoleReporter() as reporter:
        verdicts = verify.run(config, reporter)
    for verdict in verdicts:
        if verdict.problem:
            click.echo(f"{verdict.name}: not proven: {verdict.problem}")
        elif verdict.different:
            shown = ", ".join(str(index) for index in verdict.different[:10])
            more = " ..." if len(verdict.different) > 10 else ""
            click.echo(
                f"{verdict.name}: {len(verdict.different)} of {verdict.frame_count} frames differ: {shown}{more}"
            )
        else:
            click.echo(f"{verdict.name}: all {verdict.frame_count} frames are the stored ones")
    return 0 if all(verdict.is_proven for verdict in verdicts) else 1


command = flags.command(
    "verify", verify.VerifyConfig, _run, help="Decode again and prove that every stored frame hash still matches."
)
