"""`framelabel demo [--out DIR]`."""

from __future__ import annotations

from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import demo


def _run(config: demo.DemoConfig) -> int:
    with ConsoleReporter() as reporter:
        summary = demo.run(config, reporter)
    table = Table("class", "true boxes", f"AP at overlap {demo.OVERLAP:g}")
    for name, count, precision in summary.per_class:
        table.add_row(name, str(count), f"{precision:.3f}" if count else "none in this clip")
    reporter.console.print(table)
    reporter.note(
        f"defects: {summary.defects_found} of {summary.defects} found, mean AP {summary.precision:.3f}; "
        f"boards: {summary.board_tracks} tracks for {summary.boards} boards, HOTA {summary.board_hota:.3f}"
    )
    reporter.note(f"questions for people: {summary.questions.count} ({summary.questions.message})")
    for name, path in summary.files:
        reporter.note(f"{name}: {path}")
    return 0


command = flags.command(
    "demo", demo.DemoConfig, _run, help="Do the whole job on a clip that framelabel renders itself; no download."
)
