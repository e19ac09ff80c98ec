"""`framelabel convert SOURCE DESTINATION --to FORMAT`."""

from __future__ import annotations

from framelabel.cli import flags
from framelabel.cli.losses import show_losses, show_report
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import convert


def _run(config: convert.ConvertConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = convert.run(config, reporter)
    show_report(summary.report)
    for path, loss in summary.parts:
        show_losses(path, loss)
    return 0


command = flags.command("convert", convert.ConvertConfig, _run, help="Convert labels from one format to another.")
