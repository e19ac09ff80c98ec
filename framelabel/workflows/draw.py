"""`framelabel draw`: look at labels, as a video, one picture, or a sheet of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.colours import colour_of, parse_colour
from framelabel.core.config import setting
from framelabel.core.errors import FrameNotFoundError, UsageError
from framelabel.core.frames import Frame
from framelabel.core.labels import Flag, Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.videos import Video
from framelabel.media import open_video, overlay
from framelabel.media.encoder import write_video
from framelabel.store.project import Project
from framelabel.streaming.prefetch import prefetch

_PICTURES = {".png", ".jpg", ".jpeg", ".webp"}


@dataclass(frozen=True, slots=True)
class DrawConfig:
    """What to draw and where."""

    project: Path = setting(help="Project file.", argument=True)
    out: Path = setting(help="Target: .mp4 for a video, .png or .jpg for one picture or a contact sheet.")
    frame: int | None = setting(None, help="Draw this frame only.")
    video: str = setting("", help="Which video, by name; the first one when not given.")
    columns: int = setting(4, help="Columns of a contact sheet.")
    count: int = setting(12, help="Pictures on a contact sheet, evenly spaced.")
    scores: bool = setting(True, help="Write scores beside names.")


def run(config: DrawConfig, report: Reporter = SILENT) -> int:
    """Draw and return how many pictures were drawn.

    Raises:
        UsageError: the target's ending is neither a picture's nor a video's.
        FrameNotFoundError: the video has no such frame.
    """
    with Project(config.project) as project:
        known = project.videos()
        if not known:
            raise FrameNotFoundError(f"{config.project}: holds no video; label or import one first")
        video = project.video(config.video) if config.video else known[0]
        labels = project.labels([video.id])
        is_picture = config.out.suffix.lower() in _PICTURES
        if not is_picture and config.out.suffix.lower() not in {".mp4", ".mkv", ".mov", ".webm"}:
            raise UsageError(f"{config.out}: give a target ending in .mp4, .mkv, .mov, .png or .jpg")
        wanted = _wanted(config, labels, is_picture=is_picture)
        config.out.parent.mkdir(parents=True, exist_ok=True)
        report.start("draw", len(wanted))
        reader = open_video(video, project.frame_index(video.id))
        try:
            frames = prefetch(reader.read(wanted), depth=4, name="draw-decode")
            pictures = _drawn(frames, labels, video, report, scores=config.scores)
            if is_picture:
                _write_pictures(config, [picture for _, picture in pictures])
                return len(wanted)
            return write_video(config.out, pictures, video.time_base, video.fps)
        finally:
            reader.close()


def _wanted(config: DrawConfig, labels: Labels, *, is_picture: bool) -> Sequence[int]:
    known = labels.frames.index
    if config.frame is not None:
        return [config.frame]
    if is_picture:
        return [
            int(known[row]) for row in np.linspace(0, len(known) - 1, min(config.count, len(known))).round().astype(int)
        ]
    return [int(index) for index in known]


def _drawn(
    frames: Iterator[Frame], labels: Labels, video: Video, report: Reporter, *, scores: bool
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    for frame in frames:
        row = int(np.searchsorted(labels.frames.index, frame.ref.index))
        is_known = row < len(labels.frames) and int(labels.frames.index[row]) == frame.ref.index
        drawn = _labels_of(labels, row, scores=scores) if is_known else []
        report.advance()
        tags = "".join(f"  {name}: {value}" for name, value in labels.frame_attributes.get(row, {}).items())
        caption = f"{video.name}  frame {frame.ref.index}{tags if is_known else ''}"
        yield frame.ref.pts, overlay.draw(frame.image, drawn, caption=caption)


def _labels_of(labels: Labels, frame_row: int, *, scores: bool) -> list[overlay.Drawn]:
    drawn = []
    rows = labels.rows_of_frame(frame_row)
    for row in range(rows.start, rows.stop):
        spec, track_id = labels.ontology.classes[labels.class_id[row]], int(labels.track_id[row])
        parts = [spec.name]
        if track_id != NO_TRACK:
            parts.append(str(track_id))
        if scores and 0 < labels.score[row] < 1:
            parts.append(f"{labels.score[row]:.2f}")
        colour = colour_of(track_id) if track_id != NO_TRACK else colour_of(spec.name)
        drawn.append(
            overlay.Drawn(
                labels.xyxy[row],
                " ".join(parts),
                parse_colour(spec.colour) if spec.colour and track_id == NO_TRACK else colour,
                bool(labels.flags[row] & Flag.PREDICTED),
                labels.shapes.get(row),
            )
        )
    return drawn


def _write_pictures(config: DrawConfig, pictures: list[NDArray[np.uint8]]) -> None:
    if len(pictures) == 1:
        picture = pictures[0]
    else:
        picture = overlay.contact_sheet(pictures, config.columns, min(pictures[0].shape[1], 640))
    done, encoded = cv2.imencode(config.out.suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not done:
        raise UsageError(f"{config.out}: cannot be written as {config.out.suffix}")
    config.out.write_bytes(encoded.tobytes())
