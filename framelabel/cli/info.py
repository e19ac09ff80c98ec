"""`framelabel info PROJECT`."""

from __future__ import annotations

import json

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.workflows import info


def _run(config: info.InfoConfig) -> int:
    summary = info.run(config)
    if config.json:
        print(json.dumps(summary, indent=2))  # noqa: T201 - the command's output
        return 0
    console = Console()
    table = Table("video", "size", "frames", "fps", "labels", "tracks", "keyframes", "events", title=summary["project"])
    for video in summary["videos"]:
        size = "x".join(str(side) for side in video["size"])
        counts = [str(video[name]) for name in ("labels", "tracks", "keyframes", "events")]
        table.add_row(video["name"], size, str(video["frames"]), f"{video['fps']:.3g}", *counts)
    console.print(table)
    classes = "  ".join(f"{name} {count}" for name, count in summary["classes"].items())
    console.print(f"labels by class: {classes or 'none'}", highlight=False)
    for item in summary["runs"]:
        state = f"finished {item['finished_at']}" if item["finished_at"] else f"stopped at frame {item['done']}"
        console.print(
            f"run: {item['kind']} {item['plugin']} on video {item['video']}, {state} {item['device']}", highlight=False
        )
    console.print(f"open tasks: {summary['open_tasks']}, answers: {summary['answers']}", highlight=False)
    return 0


command = flags.command("info", info.InfoConfig, _run, help="Summarise what a project holds.")
