from __future__ import annotations

import numpy as np
import pytest

from framelabel.formats.keyframes import choose_keyframes, interpolate
from framelabel.formats.numbers import addend, restored, shortest_fraction


def _track(values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    frame = np.arange(len(values))
    x = np.array(values, np.float64)
    return frame, np.stack([x, x * 0, x + 10, x * 0 + 10], axis=1)


def _fewest_by_hand(frame: np.ndarray, xyxy: np.ndarray, tolerance: float) -> int:
    """Return the fewest keys by trying every pair: the textbook shortest path."""
    count = len(frame)
    best = [0] + [count] * (count - 1)
    for stop in range(1, count):
        for start in range(stop):
            share = ((frame[start : stop + 1] - frame[start]) / (frame[stop] - frame[start]))[:, None]
            line = xyxy[start] + (xyxy[stop] - xyxy[start]) * share
            if np.abs(line - xyxy[start : stop + 1]).max() <= tolerance + 1e-9:
                best[stop] = min(best[stop], best[start] + 1)
    return best[-1] + 1


@pytest.mark.parametrize(
    ("values", "tolerance", "count"),
    [
        pytest.param([0, 1, 2, 3, 4, 5], 0.0, 2, id="straight"),
        pytest.param([0, 1, 2, 3, 2, 1, 0], 0.0, 3, id="one-bend"),
        pytest.param([0, 0.9, -0.9, 0], 1.0, 2, id="within-tolerance"),
        pytest.param([0, 5, 0, 5, 0], 1.0, 5, id="zigzag"),
        pytest.param([3], 1.0, 1, id="one-frame"),
        pytest.param([3, 9], 1.0, 2, id="two-frames"),
    ],
)
def test_known_tracks_need_known_keys(values: list[float], tolerance: float, count: int) -> None:
    """A line needs its ends, a bend one key more."""
    frame, xyxy = _track(values)
    start = frame == 0
    assert choose_keyframes(frame, xyxy, start, np.zeros(len(frame), bool), tolerance).sum() == count


@pytest.mark.parametrize("seed", range(12))
def test_no_fewer_keys_are_possible_and_all_boxes_stay_within_tolerance(seed: int) -> None:
    """Equal to the exhaustive search on random walks, and every box is reproduced within the tolerance."""
    rng = np.random.default_rng(seed)
    frame, xyxy = _track(np.cumsum(rng.normal(0, 1.2, 40)).tolist())
    keys = choose_keyframes(frame, xyxy, frame == 0, np.zeros(40, bool), 1.0)
    assert keys.sum() == _fewest_by_hand(frame, xyxy, 1.0)
    assert np.abs(interpolate(frame, xyxy, keys) - xyxy).max() <= 1.0 + 1e-6


def test_spans_and_forced_rows_are_kept() -> None:
    """Every span has its own ends as keys; a row drawn by a person is a key even on a line."""
    frame, xyxy = _track(list(range(10)))
    start = np.isin(frame, [0, 6])
    keys = choose_keyframes(frame, xyxy, start, frame == 2, 1.0)
    assert np.flatnonzero(keys).tolist() == [0, 2, 5, 6, 9]


@pytest.mark.parametrize("seed", range(3))
def test_widths_bring_corners_back(seed: int) -> None:
    """X + w is x2 again to the last bit wherever float64 allows it, with no more digits than needed."""
    rng = np.random.default_rng(seed)
    start = np.round(rng.uniform(0, 2000, 5000), 2)
    width = np.round(rng.uniform(0, 500, 5000), 2)
    found = addend(start, start + width)
    assert np.array_equal(start + found, start + width)
    assert max(len(repr(value)) for value in found.tolist()) <= 6
    wild = rng.uniform(0, 2000, 5000)
    end = wild + rng.uniform(0, 500, 5000)
    assert np.array_equal(restored(wild, end), wild + addend(wild, end))


def test_fractions_read_back_to_the_same_pixels() -> None:
    """Percents and fractions of a picture come back to a millionth of a pixel."""
    values = np.round(np.random.default_rng(0).uniform(0, 1920, 1000), 2)
    assert np.array_equal(np.round(shortest_fraction(values, 1920, 6) * 1920, 6), values)
