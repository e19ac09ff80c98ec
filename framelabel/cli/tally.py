"""`framelabel tally PROJECT`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import tally

_SHOWN = 20


def _run(config: tally.TallyConfig) -> int:
    with ConsoleReporter() as reporter:
        found = tally.run(config, reporter)
    table = Table(*found.columns)
    for row in (*found.rows[:_SHOWN], found.totals):
        table.add_row(*(str(cell) for cell in row))
    console = Console(highlight=False)
    console.print(table)
    if len(found.rows) > _SHOWN:
        console.print(f"{len(found.rows) - _SHOWN} further rows; --out FILE.csv has them all")
    return 0


command = flags.command(
    "tally", tally.TallyConfig, _run, help="Count what each picture shows, or what lies on which part."
)
