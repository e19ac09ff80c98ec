"""`framelabel propagate PROJECT`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.workflows import propagate

_SHOWN = 12
"""Suggestions listed for each video."""


def _run(config: propagate.PropagateConfig) -> int:
    with ConsoleReporter() as report:
        summary = propagate.run(config, report)
    console = Console(highlight=False)
    table = Table("video", "tracks", "human boxes", "predicted boxes", "seconds")
    for video in summary.videos:
        row = (str(video.track_count), str(video.keyframe_count), str(video.filled_count), f"{video.seconds:.1f}")
        table.add_row(video.name, *row)
    console.print(table)
    for video in summary.videos:
        console.print(f"{video.name}: {video.queue.sentence()}", soft_wrap=True)
        for item in video.queue.suggestions[:_SHOWN]:
            console.print(f"  track {item.track_id}, frame {item.frame}: puts about {item.gain:.1f} boxes right")
        if len(video.queue.suggestions) > _SHOWN:
            console.print(f"  and {len(video.queue.suggestions) - _SHOWN} more")
        if video.without_keyframes:
            console.print(f"  {video.without_keyframes} tracks without human boxes were left as they are")
    return 0


command = flags.command(
    "propagate", propagate.PropagateConfig, _run, help="Carry human boxes through every frame; say which to label next."
)
