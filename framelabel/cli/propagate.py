"""`framelabel propagate PROJECT`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from framelabel.cli import flags
from framelabel.cli.progress import ConsoleReporter
from framelabel.tracking.propagation.suggestion import Queue
from framelabel.workflows import propagate, suggest

_SHOWN = 12
"""Suggestions listed for each video."""


def _run(config: propagate.PropagateConfig) -> int:
    console = Console(highlight=False)
    if config.suggest:
        return _suggest(config, console)
    with ConsoleReporter() as report:
        summary = propagate.run(config, report)
    table = Table("video", "tracks", "human boxes", "predicted boxes", "seconds")
    for video in summary.videos:
        row = (str(video.track_count), str(video.keyframe_count), str(video.filled_count), f"{video.seconds:.1f}")
        table.add_row(video.name, *row)
    console.print(table)
    for video in summary.videos:
        _print_queue(console, video.name, video.queue)
        if video.without_keyframes:
            console.print(f"  {video.without_keyframes} tracks without human boxes were left as they are")
    return 0


def _suggest(config: propagate.PropagateConfig, console: Console) -> int:
    tracks = sorted(propagate.parse_tracks(config.tracks))
    for labels in suggest.run(config.project, video=config.video, track_ids=tracks, target=config.target):
        _print_queue(console, labels.video, labels.queue)
        if labels.by_track:
            nearest = ", ".join(f"{item.track_id} at {item.frame}" for item in labels.by_track[:_SHOWN])
            console.print(f"  next frame of each track: {nearest}", soft_wrap=True)
        if labels.without_keyframes:
            console.print(f"  {labels.without_keyframes} tracks without human boxes are not judged")
    return 0


def _print_queue(console: Console, video: str, queue: Queue) -> None:
    console.print(f"{video}: {queue.sentence()}", soft_wrap=True)
    for item in queue.suggestions[:_SHOWN]:
        console.print(f"  track {item.track_id}, frame {item.frame}: puts about {item.gain:.1f} boxes right")
    if len(queue.suggestions) > _SHOWN:
        console.print(f"  and {len(queue.suggestions) - _SHOWN} more")


command = flags.command(
    "propagate", propagate.PropagateConfig, _run, help="Carry human boxes through every frame; say which to label next."
)
