"""`framelabel report PROJECT`."""

from __future__ import annotations

from rich.console import Console

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import report


def _run(config: report.ReportConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = report.run(config, reporter)
    Console(highlight=False, soft_wrap=True).print(f"wrote {summary.path}", markup=False)
    return 0


command = flags.command(
    "report", report.ReportConfig, _run, help="Write one page on what was labelled, by whom, and how good it is."
)
