"""`framelabel bench`."""

from __future__ import annotations

from fractions import Fraction

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import bench


def _run(config: bench.BenchConfig) -> int:
    with ConsoleReporter() as reporter:
        speeds = bench.run(config, reporter)
    table = Table("workers", "batch", "device", "pictures a second", "one hour at 25 fps")
    for speed in speeds:
        minutes = bench.seconds_for(speed, 1.0, Fraction(25)) / 60
        table.add_row(
            str(speed.workers), str(speed.batch), speed.device, f"{speed.frames_a_second:.1f}", f"{minutes:.0f} min"
        )
    Console().print(table)
    return 0


command = flags.command("bench", bench.BenchConfig, _run, help="Measure how fast this machine labels.")
