"""`framelabel draw PROJECT --out FILE`."""

from __future__ import annotations

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import draw


def _run(config: draw.DrawConfig) -> int:
    with ConsoleReporter() as reporter:
        count = draw.run(config, reporter)
        reporter.note(f"{config.out}: {count} pictures")
    return 0


command = flags.command("draw", draw.DrawConfig, _run, help="Render labels as a video, a picture or a contact sheet.")
