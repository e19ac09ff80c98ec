"""`framelabel import`: labels of any format into a project, tied to its videos by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np

from framelabel.core.config import setting
from framelabel.core.errors import InvalidLabelsError
from framelabel.core.frames import VideoId
from framelabel.core.labels import Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.videos import Video
from framelabel.formats.catalog import detect_format
from framelabel.formats.report import Report
from framelabel.store import imports
from framelabel.store.project import Project
from framelabel.workflows.format_choice import make_format
from framelabel.workflows.frame_source import video_of
from framelabel.workflows.picture_order import in_footage_order
from framelabel.workflows.picture_tags import tagged


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportConfig:
    """What to read into which project."""

    project: Path = setting(help="Project file; created when it does not exist.", argument=True)
    source: Path = setting(help="File or folder of labels.", argument=True)
    source_format: str = setting("", help="Its format; found from the content when not given.", flag="--from")
    option: tuple[str, ...] = setting((), help="An option of the format; repeatable.", metavar="KEY=VALUE")
    footage: tuple[Path, ...] = setting((), help="Video that the labels belong to, matched by name; repeatable.")
    author: str = setting("", help="Who made the labels; default: the file's name.")


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What was stored."""

    format: str
    labels: int
    frames: int
    videos: tuple[str, ...]
    """Names of the project's videos that got labels."""
    report: Report
    is_new: bool = True
    """False when the same labels were imported before; nothing was stored then."""


def run(config: ImportConfig, reporter: Reporter = SILENT) -> ImportSummary:
    """Read labels and store them in one transaction; importing the same content again stores nothing.

    Raises:
        InvalidLabelsError: not readable as the format, or made at another picture rate than the footage has.
        ProjectError: the project cannot be written.
    """
    name = config.source_format or detect_format(config.source)
    reporter.start(f"read {config.source.name}", None)
    labels, report = make_format(name, config.option).read(config.source)
    reporter.start("store", len(labels))
    with Project(config.project, create=True) as project:
        for footage in config.footage:
            video_of(project, footage)
        matched = [_match(video, project.videos()) for video in labels.videos]
        if len(labels.videos) == 1 and len(config.footage) == 1 and matched[0] is None:
            matched = [video_of(project, config.footage[0])]
        known = {row: video for row, video in enumerate(matched) if video is not None}
        labels = _within(in_footage_order(labels, known, report), matched, name, report)
        key = _digest(labels)
        author = config.author or str(config.source)
        done = project.write(imports.append, tagged(labels), matched, key, author)
    return ImportSummary(name, len(labels), len(labels.frames), tuple(done[0]), report, done[1])


def _match(video: Video, known: Sequence[Video]) -> Video | None:
    """Return the project's video with the same name, or with the same file name up to the suffix."""
    stem = _stem(video.name)
    same = [other for other in known if other.name == video.name]
    same += [other for other in known if stem and stem in (_stem(other.name), _stem(other.path))]
    return same[0] if same else None


def _stem(name: str) -> str:
    return PurePath(name.replace("\\", "/")).stem


def _within(labels: Labels, matched: Sequence[Video | None], name: str, report: Report) -> Labels:
    """Check labels against the footage: rate, size, and that every frame exists."""
    outside = np.zeros(len(labels.frames), np.bool_)
    for row, (given, found) in enumerate(zip(labels.videos, matched, strict=True)):
        if found is None:
            continue
        rates = float(given.fps), float(found.fps)
        if name == "label_studio" and all(rates) and abs(rates[0] - rates[1]) > 0.001 * rates[1]:
            raise InvalidLabelsError(
                f"{report.file}: frames are numbered at {rates[0]:g} a second, {found.name} has {rates[1]:g}; "
                f"set frameRate of <Video> to {found.fps} and label again"
            )
        if given.width and found.width and given.size != found.size:
            sizes = f"{given.width}x{given.height}, the footage is {found.width}x{found.height}"
            report.warn(f"video {given.name}", f"labels were made at {sizes}", "boxes are kept as they are")
        if found.path and found.frame_count:
            outside |= (labels.frames.video == row) & (labels.frames.index >= found.frame_count)
    if not bool(outside.any()):
        return labels
    lost = outside[labels.frame]
    report.skip("", f"{int(lost.sum())} labels lie after the footage's last frame", count=max(int(lost.sum()), 1))
    from framelabel.workflows.export import of_frames

    return of_frames(labels, np.flatnonzero(~outside), keep_videos=True)


def _digest(labels: Labels) -> str:
    """Return a digest of everything that the labels say."""
    digest = hashlib.sha256(repr((labels.ontology.names, [replace(v, id=VideoId(0)) for v in labels.videos])).encode())
    for array in (
        labels.frames.video,
        labels.frames.index,
        labels.frame,
        labels.xyxy,
        labels.class_id,
        labels.track_id,
        labels.score,
        labels.flags,
        labels.visible,
    ):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr((labels.frames.name, sorted(labels.attributes.items(), key=lambda item: item[0]))).encode())
    if labels.events:
        digest.update(repr(labels.events).encode())
    digest.update(repr(sorted(labels.frame_attributes.items(), key=lambda item: item[0])).encode())
    return digest.hexdigest()
