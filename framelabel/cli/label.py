"""`framelabel label VIDEO... --plugin NAME --project FILE`."""

from __future__ import annotations

from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.distributed import crew_for
from framelabel.workflows import label


def _run(config: label.LabelConfig) -> int:
    with ConsoleReporter() as reporter, crew_for(config, reporter) as crew:
        summary = label.run(config, reporter, crew)
    table = Table("video", "frames", "tracks", "events", "device", "")
    for video in summary.videos:
        state = video.problem or ("" if video.is_new else "already done; nothing to do")
        table.add_row(video.path, str(video.frames), str(video.tracks), str(video.events), video.device, state)
    reporter.console.print(table)
    for line in summary.exports:
        reporter.note(f"wrote {line}")
    for line in summary.problems:
        reporter.note(f"failed: {line}")
    return 0 if summary.is_complete else 1


command = flags.command(
    "label", label.LabelConfig, _run, help="Decode, detect and track videos into a project, and export them."
)
