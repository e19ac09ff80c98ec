"""Single-object sequences with pixels and a box per frame, for the effort benchmark.

Layouts read, each a folder below one folder: `groundtruth_rect.txt` with `img/` (OTB: x, y, w, h; commas, tabs or
spaces), `groundtruth.txt` with pictures beside it (VOT: 8-number polygons, of which the hull is taken, or x, y, w, h),
`gt.txt` with one video file (TLD: x1, y1, x2, y2; NaN where the object is absent), and `JPEGImages/<name>/` with
`<name>_boxes.csv` (file, x, y, w, h).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.frames import Frame, FrameIndex, VideoId
from framelabel.media import open_reader

Floats = NDArray[np.float64]

TUNING_SET = frozenset(f"OTB_{name}" for name in ("Crossing", "MotorRolling", "DragonBaby")) | frozenset(
    ("VOT_bag", "TLD_david", "TLD_jumping", "TLD_pedestrian3", "TLD_car")
)
"""The sequences on which the prototype and this engine were tuned; all others count as held out."""
_VIDEO = (".mpg", ".mp4", ".avi", ".mkv", ".webm")


@dataclass(frozen=True)
class Sequence:
    """One object in one clip."""

    name: str
    source: Path
    """Video file or folder of pictures."""
    truth: Floats
    """(N, 4) xyxy by frame ordinal; NaN where the object is absent."""

    @property
    def is_tuning(self) -> bool:
        """Whether parameters were chosen on it."""
        return self.name in TUNING_SET

    @cached_property
    def is_present(self) -> NDArray[np.bool_]:
        """(N,) true where the object is in the picture."""
        return np.asarray(np.isfinite(self.truth).all(axis=1), dtype=np.bool_)

    def runs(self) -> list[tuple[int, int]]:
        """Return first and last frame of every visible run."""
        edges = np.flatnonzero(np.diff(np.concatenate([[0], self.is_present.astype(np.int8), [0]])))
        return [(int(start), int(stop) - 1) for start, stop in edges.reshape(-1, 2)]

    def open(self) -> Decoded:
        """Decode the whole clip into memory."""
        reader = open_reader(self.source)
        try:
            frames = list(reader.read(range(min(len(self.truth), len(reader.index)))))
        finally:
            reader.close()
        return Decoded(frames)


class Decoded:
    """A clip in memory behind the `FrameReader` protocol, so that decoding is not part of what is timed."""

    def __init__(self, frames: list[Frame]) -> None:
        self._frames = frames
        count = len(frames)
        pts = np.arange(count, dtype=np.int64)
        self._index = FrameIndex(Fraction(1, 25), pts, np.ones(count, np.bool_), np.zeros(count, np.uint64))

    @property
    def index(self) -> FrameIndex:
        """The identity of every picture."""
        return self._index

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self._frames[0].image.shape[:2]
        return width, height

    def read(self, frames: Iterable[int]) -> Iterator[Frame]:
        """Yield these pictures."""
        for index in frames:
            yield self.frame(index)

    def frame(self, index: int) -> Frame:
        """Return one picture."""
        return Frame(self._index.ref(VideoId(0), index), self._frames[index].image)

    def close(self) -> None:
        """Do nothing."""


def sequences(data: Path, *, limit: int = 0) -> list[Sequence]:
    """Return the sequences below `data`, sorted by name, cut after `limit` frames (0: not)."""
    found: list[Sequence] = []
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        if (folder / "groundtruth_rect.txt").is_file():
            found.append(Sequence(folder.name, folder / "img", _corners(_numbers(folder / "groundtruth_rect.txt"))))
        elif (folder / "groundtruth.txt").is_file():
            rows = _numbers(folder / "groundtruth.txt")
            found.append(Sequence(folder.name, folder, _hull(rows) if rows.shape[1] == 8 else _corners(rows)))
        elif (folder / "gt.txt").is_file():
            videos = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in _VIDEO]
            if videos:
                found.append(Sequence(folder.name, videos[0], _numbers(folder / "gt.txt")))
        elif (folder / "JPEGImages").is_dir():
            for boxes in sorted(folder.glob("*_boxes.csv")):
                name = boxes.name.removesuffix("_boxes.csv")
                lines = boxes.read_text("utf-8").splitlines()[1:]
                rows = np.array([[float(value) for value in line.split(",")[1:5]] for line in lines if line.strip()])
                found.append(Sequence(f"{folder.name}_{name}", folder / "JPEGImages" / name, _corners(rows)))
    if limit:
        found = [Sequence(item.name, item.source, item.truth[:limit]) for item in found]
    return found


def _numbers(path: Path) -> Floats:
    lines = [re.split(r"[,\s]+", line.strip()) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return np.array([[float(value) for value in line if value] for line in lines])


def _corners(xywh: Floats) -> Floats:
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:4]], axis=1)


def _hull(polygon: Floats) -> Floats:
    points = polygon.reshape(len(polygon), 4, 2)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
