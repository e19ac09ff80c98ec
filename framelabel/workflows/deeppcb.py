"""DeepPCB's own layout, read only: `NAME_test.png` beside `NAME.txt` with rows `x1 y1 x2 y2 class`.

A benchmark's private layout, not a format that tools exchange.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

from framelabel.core.errors import InvalidLabelsError
from framelabel.core.frames import VideoId
from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.core.videos import Video

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pinhole")
"""By number, from 1."""
_SIDE = 640


def read(place: Path) -> Labels:
    """Return the labels of every board below a folder, in order of the files' names.

    Raises:
        InvalidLabelsError: no board there, or a row that is not five whole numbers with a class from 1 to 6.
    """
    names: list[str] = []
    frames: list[int] = []
    rows: list[list[int]] = []
    for file in sorted(place.rglob("*.txt")):
        picture = file.with_name(f"{file.stem}_test.png")
        if not picture.exists():
            continue
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            if line.strip():
                rows.append(_row(line, f"{file}:{number}"))
                frames.append(len(names))
        names.append(picture.relative_to(place).as_posix())
    if not names:
        msg = f"{place}: no DeepPCB board (NAME_test.png beside NAME.txt)"
        raise InvalidLabelsError(msg)
    table = np.array(rows, np.float64).reshape(-1, 5)
    video = Video(VideoId(0), place.name, "", _SIDE, _SIDE, len(names), Fraction(1), Fraction(0))
    index = np.arange(len(names), dtype=np.int64)
    return Labels.of(
        Ontology.of(CLASSES),
        (video,),
        FrameTable(np.zeros(len(names), np.int32), index, tuple(names)),
        np.array(frames, np.int64),
        table[:, :4],
        class_id=table[:, 4].astype(np.int32) - 1,
    )


def _row(line: str, where: str) -> list[int]:
    try:
        values = [int(word) for word in line.replace(",", " ").split()]
    except ValueError:
        values = []
    if len(values) != 5 or not 1 <= values[4] <= len(CLASSES):
        msg = f"{where}: expected `x1 y1 x2 y2 class` with a class from 1 to 6, got '{line.strip()[:60]}'"
        raise InvalidLabelsError(msg)
    return values
