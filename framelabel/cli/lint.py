"""`framelabel lint PROJECT`."""

from __future__ import annotations

import json
from collections import Counter

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.core.boxes import NO_TRACK
from framelabel.workflows import lint


def _run(config: lint.LintConfig) -> int:
    with ConsoleReporter(quiet=config.json) as report:
        summary = lint.run(config, report)
    shown = summary.findings[: config.limit or None]
    if config.json:
        rows = [
            {
                "kind": item.kind,
                "video": summary.video_names[item.video],
                "frame": item.frame,
                "stop": max(item.stop, item.frame + 1),
                "track": None if item.track_id == NO_TRACK else item.track_id,
                "other_track": None if item.other_track == NO_TRACK else item.other_track,
                "severity": round(item.severity, 4),
                "message": item.message,
            }
            for item in shown
        ]
        print(json.dumps({"count": len(summary.findings), "queued": summary.queued, "findings": rows}, indent=2))  # noqa: T201 - the command's output
        return 0
    console = Console()
    if not summary.findings:
        console.print("nothing looks wrong")
        return 0
    table = Table("severity", "check", "video", "frame", "track", "what")
    for item in shown:
        track = "" if item.track_id == NO_TRACK else str(item.track_id)
        row = (f"{item.severity:.2f}", item.kind, summary.video_names[item.video], str(item.frame), track, item.message)
        table.add_row(*row)
    console.print(table)
    kinds = ", ".join(
        f"{count} {kind}" for kind, count in Counter(item.kind for item in summary.findings).most_common()
    )
    console.print(f"{len(summary.findings)} findings: {kinds}", highlight=False)
    if len(shown) < len(summary.findings):
        console.print(f"the {len(shown)} most severe are listed; --limit 0 lists all", highlight=False)
    if config.queue:
        console.print(f"{summary.queued} new tasks in the review queue", highlight=False)
    return 0


command = flags.command("lint", lint.LintConfig, _run, help="List labels that look wrong, most severe first.")
