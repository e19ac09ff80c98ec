"""`framelabel export`: labels of a project as files of any format, with the pictures when asked."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import setting
from framelabel.core.errors import FramelabelError, UsageError
from framelabel.core.events import Event
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.labels import Flag, FrameTable, Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.formats.protocol import Format, write_losses
from framelabel.formats.report import LossReport
from framelabel.media import open_video
from framelabel.media.picture_files import encode
from framelabel.store.project import Project
from framelabel.workflows.concealment import Concealment, check_flags
from framelabel.workflows.format_choice import make_format
from framelabel.workflows.frame_source import stored_index
from framelabel.workflows.picture_tags import untagged


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig:
    """What to write where."""

    project: Path = setting(help="Project file.", argument=True)
    destination: Path = setting(help="File or folder to write.", argument=True)
    to: str = setting(help="Format to write; `framelabel convert --help` lists them.", metavar="FORMAT")
    task: str = setting("", help="The format's sub-task, such as det or box_track for bdd100k, obb for yolo.")
    option: tuple[str, ...] = setting((), help="An option of the format; repeatable.", metavar="KEY=VALUE")
    video: tuple[str, ...] = setting((), help="Only this video; repeatable.", metavar="NAME")
    images: bool = setting(False, help="Also write exactly the decoded pictures, where the format expects them.")
    blur_faces: bool = setting(
        False, help="Blur every face in the pictures (with --images); an audit is written beside."
    )
    blur: tuple[str, ...] = setting(
        (), help="Blur the boxes of this class in the pictures (with --images); repeatable.", metavar="CLASS"
    )
    keyframes_only: bool = setting(False, help="Only labels that a person drew or confirmed.")
    tracked_only: bool = setting(False, help="Leave out detections that belong to no track.")
    split: str = setting(
        "", help="Shares such as train=0.8,val=0.2; whole videos, or pictures by name.", metavar="NAME=SHARE,..."
    )


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was written."""

    parts: tuple[tuple[Path, LossReport], ...]
    """Each target with what its format could not hold."""
    pictures: int = 0
    audits: tuple[str, ...] = ()
    """What was blurred, a line for each target."""


def run(config: ExportConfig, report: Reporter = SILENT) -> ExportSummary:
    """Write the project's current labels.

    Raises:
        ProjectError, UnknownNameError: no such project, video or format.
        UnsupportedLabelsError: the format cannot hold this at all.
        UsageError: flags that contradict each other.
        MissingModelError: faces are to be blurred and the face detector is not here; no picture was written.
    """
    check_flags(images=config.images, faces=config.blur_faces, classes=config.blur)
    kind = make_format(config.to, config.option, config.task)
    with Project(config.project) as project:
        chosen = [project.video(name).id for name in config.video] or None
        everything = labels = untagged(project.labels(chosen))
        indices = {video.id: stored_index(project, video) for video in labels.videos} if config.images else {}
    if config.keyframes_only:
        labels = labels.select((labels.flags & np.uint16(Flag.KEYFRAME)) != 0)
    if config.tracked_only:
        labels = labels.select(labels.track_id != NO_TRACK)
    parts, audits = [], []
    pictures = 0
    shares = parse_shares(config.split)
    for (name, part), (_, shown) in zip(split_labels(labels, shares), split_labels(everything, shares), strict=True):
        target, writer = placed(kind, config.destination, name)
        parts.append((target, writer.write(part, target)))
        if config.images:
            conceal = None
            if config.blur_faces or config.blur:
                # What stands in the pictures is blurred, whichever of its labels are exported.
                conceal = Concealment(shown, config.blur, faces=config.blur_faces, reporter=report)
            pictures += write_pictures(part, writer, target, indices, report, conceal)
            if conceal is not None:
                audits.append(f"{conceal.line()} (audit: {conceal.write(target)})")
    write_losses_of_splits(parts)
    return ExportSummary(tuple(parts), pictures, tuple(audits))


def write_losses_of_splits(parts: Sequence[tuple[Path, LossReport]]) -> None:
    """Write one loss report for splits that share a folder, where each would replace that of the one before."""
    for place in {target for target, _ in parts}:
        write_losses(place, [loss for target, loss in parts if target == place])


def placed(kind: Format[Any], destination: Path, split: str) -> tuple[Path, Format[Any]]:
    """Return where a split goes and the format that writes it: formats with splits keep one folder."""
    if not split:
        return destination, kind
    if any(field.name == "split" for field in dataclasses.fields(kind.options)):
        return destination, type(kind)(dataclasses.replace(kind.options, split=split))
    if destination.suffix:
        return destination.with_name(f"{destination.stem}_{split}{destination.suffix}"), kind
    return destination / split, kind


def parse_shares(text: str) -> dict[str, float]:
    """Read "train=0.8,val=0.2"; shares are scaled to a sum of 1.

    Raises:
        UsageError: a share is not a positive number.
    """
    shares: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        name, _, value = item.partition("=")
        try:
            shares[name.strip()] = float(value)
        except ValueError:
            shares[name.strip()] = -1.0
    if any(not 0 < share < np.inf for share in shares.values()):
        raise UsageError(f"--split {text}: write names with positive shares, for example train=0.8,val=0.2")
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def split_labels(labels: Labels, shares: dict[str, float]) -> list[tuple[str, Labels]]:
    """Return (name, labels) for every share that gets anything.

    A clip goes as a whole, by the hash of its name, so that neighbouring frames never meet in two splits and a new
    clip moves no old one; single pictures go by the hash of theirs.
    """
    if not shares:
        return [("", labels)]
    table = labels.frames
    is_clip = [video.fps > 0 or not table.name for video in labels.videos]
    keys = [labels.videos[row].name if is_clip[row] else table.name[at] for at, row in enumerate(table.video.tolist())]
    split = np.array([_bucket(key, shares) for key in keys] or [0], np.int64)
    result = []
    for number, name in enumerate(shares):
        rows = np.flatnonzero(split[: len(table)] == number)
        if len(rows):
            result.append((name, of_frames(labels, rows)))
    return result


def _bucket(key: str, shares: dict[str, float]) -> int:
    place = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    edges = np.cumsum(list(shares.values()))
    return min(int(np.searchsorted(edges, place, side="right")), len(edges) - 1)


def of_frames(labels: Labels, rows: NDArray[np.int64], *, keep_videos: bool = False) -> Labels:
    """Return the labels of some frames (ascending rows of the frame table), with the videos that have any, or all."""
    table = labels.frames
    used = np.arange(len(labels.videos)) if keep_videos else np.unique(table.video[rows]).astype(np.int64)
    video = np.searchsorted(used, table.video[rows])
    names = tuple(table.name[row] for row in rows) if table.name else ()
    size = None if table.size is None else table.size[rows]
    frames = FrameTable(video.astype(np.int32), table.index[rows], names, size)
    rank = np.full(len(table), -1, np.int64)
    rank[rows] = np.arange(len(rows))
    kept = labels.select(rank[labels.frame] >= 0)
    tags = {int(rank[row]): values for row, values in labels.frame_attributes.items() if rank[row] >= 0}
    return dataclasses.replace(
        kept,
        videos=tuple(labels.videos[row] for row in used),
        frames=frames,
        frame=rank[kept.frame],
        frame_attributes=tags,
        events=_of_videos(labels.events, used),
    )


def _of_videos(events: Sequence[Event], used: NDArray[np.int64]) -> tuple[Event, ...]:
    """Return the events of the videos at these (ascending) rows, which are then numbered from 0."""
    rank = {int(row): number for number, row in enumerate(used)}
    return tuple(
        dataclasses.replace(event, video_id=VideoId(rank[int(event.video_id)]))
        for event in events
        if int(event.video_id) in rank
    )


def write_pictures(
    labels: Labels,
    kind: Format[Any],
    target: Path,
    indices: Mapping[VideoId, FrameIndex | None],
    report: Reporter = SILENT,
    conceal: Concealment | None = None,
) -> int:
    """Decode every frame that the labels list and write it where the format expects it; return how many.

    With `conceal`, no picture is written that did not go through it.
    """
    paths = kind.picture_paths(labels, target)
    table = labels.frames
    report.start("pictures", len(table))
    count = 0
    for row, video in enumerate(labels.videos):
        rows = np.flatnonzero(table.video == row)
        if not video.path or not Path(video.path).exists():
            report.note(f"{video.name}: no footage at {video.path or 'any known place'}; its pictures are not written")
            continue
        try:
            with closing(open_video(video, indices.get(video.id))) as reader:
                for at, frame in zip(rows.tolist(), reader.read(table.index[rows].tolist()), strict=True):
                    image = frame.image if conceal is None else conceal(frame.image, at, paths[at].name)
                    count += _write_picture(paths[at], image, video.path, frame.ref.index, frame.ref.pts)
                    report.advance()
        except (FramelabelError, OSError) as error:
            report.note(f"{video.name}: {error}; its pictures are not complete")
    return count


def _write_picture(path: Path, image: NDArray[np.uint8], source: str, index: int, pts: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    format_name = "png" if path.suffix.lower() == ".png" else "jpg"
    beside = path.with_name(f".{path.name}.partial")
    beside.write_bytes(encode(image, format_name, comment=f"{Path(source).name} frame {index} pts {pts}", quality=95))
    beside.replace(path)
    return 1


def export_labels(
    labels: Labels, destination: Path, to: str, options: Sequence[str] = (), task: str = ""
) -> LossReport:
    """Write labels in the format named `to`; return what it could not hold."""
    return make_format(to, tuple(options), task).write(labels, destination)
