"""What a tracker is told beyond boxes: looks and the camera's motion, read off the footage in a pass of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import MissingModelError
from framelabel.core.frames import FrameIndex
from framelabel.core.protocols import Reporter
from framelabel.core.videos import Video
from framelabel.inference.embedder import Embedder
from framelabel.inference.models import sha256
from framelabel.media import open_reader
from framelabel.tracking.appearance import Looks
from framelabel.tracking.camera_motion import CameraMotion

Floats = NDArray[np.float64]

_LOOKS_PER_S = 5.0
"""Pictures a second in which objects are looked at; who is who does not change between them."""
_LEAST_SIDE = 12.0
"""Pixels; what is smaller looks like anything."""
_MOST_COVERED = 0.4
"""Share of a box inside another, above which its pixels may show the other."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelEvidence:
    """What the pixels said; None where they were not asked."""

    looks: Looks | None = None
    camera: Floats | None = None
    """(F, 2) pixels by which the picture has moved at each frame since the first."""

    def told(self) -> dict[str, Any]:
        """Return what there is, as the arguments of `OfflineLinker.link`."""
        return {name: value for name in ("looks", "camera") if (value := getattr(self, name)) is not None}


def facts(options: Any) -> dict[str, str]:
    """Return what identifies the model that a tracker's options ask for, for the run's record.

    Raises:
        MissingModelError: it is not there.
    """
    reid = getattr(options, "reid", "")
    if not reid:
        return {}
    if not Path(reid).is_file():
        msg = f"{reid}: re-identification model not found; give another path, or none to track by motion alone"
        raise MissingModelError(msg)
    return {"reid_digest": sha256(Path(reid))}


def look(
    options: Any,
    video: Video,
    index: FrameIndex,
    frames: Sequence[int],
    read: Callable[[Sequence[int]], Iterable[Boxes]],
    report: Reporter,
) -> PixelEvidence:
    """Read off the footage what a tracker's options ask for: `reid` (a model) and `camera` ("pixels").

    Args:
        options: of any tracker; those without such options ask for nothing, and nothing is decoded.
        video: the footage.
        index: its frames.
        frames: ordinals that were looked at, ascending.
        read: gives the boxes of each of some of these frames.
        report: hears how far the pass is.

    Raises:
        MissingModelError, ModelMismatchError: of the model.
        UnreadableVideoError: the footage cannot be read again.
    """
    reid, by_pixels = getattr(options, "reid", ""), getattr(options, "camera", "") == "pixels"
    if not reid and not by_pixels:
        return PixelEvidence()
    embedder = Embedder(Path(reid), reporter=report) if reid else None
    camera = CameraMotion() if by_pixels else None
    boxes = list(read(frames))
    first_row = np.cumsum([0, *(len(part) for part in boxes)])
    place = {frame: k for k, frame in enumerate(frames)}
    wanted = list(frames) if camera else _sampled(frames, float(video.fps) or 25.0)
    looked_at = set(_sampled(frames, float(video.fps) or 25.0))
    rows: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    vectors: list[NDArray[np.float32]] = []
    path = np.zeros((len(frames), 2))
    report.start(f"look at {video.name}", len(wanted))
    with closing(open_reader(video.path, video_id=video.id, index=index, reader=video.reader)) as reader:
        for frame in reader.read(wanted):
            k = place[frame.ref.index]
            if camera is not None:
                path[k] = path[k - 1] if k else 0.0
                path[k] += _shift(camera(frame.image, boxes[k].xyxy), frame.image.shape[:2])
            if embedder is not None and frame.ref.index in looked_at:
                clear = _clear(boxes[k].xyxy)
                if len(clear):
                    rows.append(first_row[k] + clear)
                    vectors.append(embedder(frame.image, boxes[k].xyxy[clear]))
            report.advance()
    found = [part for part in vectors if part.shape[1]]
    if embedder is None:
        return PixelEvidence(camera=path)
    kept = [rows[0], *(row for row, part in zip(rows[1:], vectors, strict=True) if part.shape[1])]
    vector = np.concatenate(found) if found else np.zeros((0, 1), np.float32)
    return PixelEvidence(Looks(np.concatenate(kept), vector), path if by_pixels else None)


def _sampled(frames: Sequence[int], fps: float) -> list[int]:
    """Return about `_LOOKS_PER_S` of the frames a second."""
    step, last, out = fps / _LOOKS_PER_S, -np.inf, []
    for frame in frames:
        if frame - last >= step - 0.5:
            out.append(frame)
            last = frame
    return out


def _clear(xyxy: Floats) -> NDArray[np.int64]:
    """Return the rows of boxes whose pixels mostly show their own object."""
    if not len(xyxy):
        return np.zeros(0, np.int64)
    low = np.maximum(xyxy[:, None, :2], xyxy[None, :, :2])
    high = np.minimum(xyxy[:, None, 2:], xyxy[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    np.fill_diagonal(shared, 0.0)
    side = xyxy[:, 2:] - xyxy[:, :2]
    # of two boxes that overlap, the one whose lower edge is higher stands behind
    behind = xyxy[:, None, 3] < xyxy[None, :, 3]
    covered = (shared * behind).max(axis=1) / np.maximum(np.prod(side, axis=1), 1e-9)
    return np.flatnonzero((side.min(axis=1) >= _LEAST_SIDE) & (covered <= _MOST_COVERED))


def _shift(step: Floats, size: tuple[int, int]) -> Floats:
    """Return how far a (2, 3) map moves the middle of the picture."""
    middle = np.array([size[1], size[0]]) / 2
    return np.asarray(step[:, :2] @ middle + step[:, 2] - middle, np.float64)
