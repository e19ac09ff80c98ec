"""Every shared clip gives the pictures and times that the ffmpeg command gives, in every order of access."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framelabel.media import open_reader
from framelabel.media.sampling import wanted_in

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", Path(__file__).resolve().parents[4] / "shared"))
SUFFIXES = {".mp4", ".avi", ".mkv", ".webm", ".mpg"}
CHECKED_PER_FILE = 16
LONG = {"bottle-detection.mp4", "one-by-one-person-detection.mp4", "car.mpg", "david.mpg", "jumping.mpg"}
"""Left to the benchmark, which checks every picture of every file."""


def _clips() -> list[str]:
    found = [*(SHARED / "data/clips").rglob("*"), *(SHARED / "data/sot").rglob("*.mpg")]
    return sorted(str(path.relative_to(SHARED)) for path in found if path.suffix in SUFFIXES and path.name not in LONG)


@pytest.mark.parametrize("clip", _clips())
def test_pictures_and_times_equal_ffmpeg(
    clip: str, shared: Callable[[str], Path], decode_with_ffmpeg: Callable[..., Any]
) -> None:
    """Sequential, sparse and shuffled reads return ffmpeg's picture, bit for bit, with ffmpeg's pts."""
    path = shared(clip)
    indexing = open_reader(path)
    step = max(1, (indexing.header.frame_count_from_header or 200) // CHECKED_PER_FILE)
    truth = decode_with_ffmpeg(path, step)
    assert truth.wrong(indexing.read_all(wanted_in(list(truth.pts)))) == []
    index = indexing.index
    assert truth.time_base == index.time_base
    assert list(truth.pts) == list(range(0, len(index), step))
    reader = open_reader(path, index=index)
    assert truth.wrong(reader.read(truth.pts)) == []
    shuffled = random.Random(0).sample(list(truth.pts), min(6, len(truth.pts)))
    assert truth.wrong(map(reader.frame, shuffled)) == []
    reader.close()
    indexing.close()
