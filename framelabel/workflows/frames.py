"""Extract frames as picture files: exactly the pictures that models see, named by their source frame number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.frames import Frame, FrameIndex, Span
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media import open_reader
from framelabel.media.picture_files import PICTURE_FORMATS, encode
from framelabel.media.reading import Reader
from framelabel.media.sampling import (
    THUMBNAIL,
    at_rate,
    distinct,
    every_nth,
    parse_list,
    scene_starts,
    sync_frames,
)


@dataclass(frozen=True, slots=True)
class FramesConfig:
    """Which pictures, and how they are written."""

    file: Path = setting(help="Video file, folder of pictures, or glob.", argument=True)
    out: Path = setting(help="Folder for the pictures; made when absent.", metavar="DIR")
    frames: str = setting("", help="Only this span of frames, half-open.", metavar="A:B")
    every: int = setting(0, help="Every Nth frame.", metavar="N")
    fps: float = setting(0.0, help="The first frame at or after each tick of this rate.", metavar="F")
    list: str = setting("", help="Exactly these frames.", metavar="3,17,...")
    sync: bool = setting(False, help="Only the codec's sync frames (fast).")
    scenes: bool = setting(False, help="Only the first frame of each scene.")
    dedupe: bool = setting(False, help="Drop frames that look like the one kept before.")
    format: str = setting("png", help="Picture format; png is lossless.", choices=PICTURE_FORMATS)
    quality: int = setting(95, help="JPEG quality, 1 to 100.")
    reader: str = setting("auto", help="Reader to decode with.")


@dataclass(frozen=True, slots=True)
class FramesSummary:
    """What was written."""

    ordinals: list[int]
    paths: list[Path]
    frame_count: int
    """Frames of the whole video."""


def run(config: FramesConfig, report: Reporter = SILENT) -> FramesSummary:
    """Write the chosen pictures; a name is `frame_` and the source frame number.

    Raises:
        UsageError: contradicting choices.
        UnreadableVideoError: the file cannot be decoded.
    """
    chosen = [name for name in ("every", "fps", "list", "sync", "scenes") if getattr(config, name)]
    if len(chosen) > 1:
        msg = f"--{chosen[0]} and --{chosen[1]} both choose frames; give one"
        raise UsageError(msg)
    reader = open_reader(config.file, reader=config.reader)
    try:
        report.start(f"index {config.file.name}", reader.header.frame_count_from_header or None)
        for _ in reader.read_all(lambda _: False, report):
            pass
        damage = reader.content.damage(reader.header.frame_count_from_header)
        if damage:
            report.note(f"{config.file.name}: {damage}")
        ordinals = choose(config, reader, report)
        report.start("frames", len(ordinals))
        config.out.mkdir(parents=True, exist_ok=True)
        paths = []
        for frame in reader.read(ordinals):
            paths.append(_write(frame, reader.index, config))
            report.advance()
        return FramesSummary(list(ordinals), paths, len(reader.index))
    finally:
        reader.close()


def choose(config: FramesConfig, reader: Reader, report: Reporter = SILENT) -> Sequence[int]:
    """Return the ordinals that the config asks for."""
    index = reader.index
    span = Span.parse(config.frames, len(index)) if config.frames else Span(0, len(index))
    ordinals: Sequence[int] = range(span.start, span.stop)
    if config.list:
        ordinals = parse_list(config.list, len(index))
    elif config.every:
        ordinals = every_nth(span, config.every)
    elif config.fps:
        ordinals = at_rate(index, span, config.fps)
    elif config.sync:
        ordinals = sync_frames(index, span)
    elif config.scenes:
        report.start("scenes", None)
        ordinals = list(scene_starts(reader.thumbnails(ordinals, THUMBNAIL)))
    if config.dedupe:
        report.start("duplicates", None)
        ordinals = list(distinct(reader.thumbnails(ordinals, THUMBNAIL)))
    return ordinals


def _write(frame: Frame, index: FrameIndex, config: FramesConfig) -> Path:
    ref = frame.ref
    path = config.out / f"frame_{ref.index:06d}.{config.format}"
    origin = f"{config.file.name} frame {ref.index} pts {ref.pts} time_base {index.time_base}"
    path.write_bytes(encode(frame.image, config.format, comment=origin, quality=config.quality))
    return path
