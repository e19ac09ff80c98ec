"""Tiles cover the picture, and an object that a seam cuts comes out once and whole."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from framelabel.inference.tiling import Merged, TileOptions, merge_across_seams, tile_windows

LEFT, RIGHT, WHOLE = [0.0, 0.0, 100.0, 100.0], [80.0, 0.0, 180.0, 100.0], [0.0, 0.0, 180.0, 100.0]


@pytest.mark.parametrize("size", [(640, 640), (641, 300), (1920, 1080), (3000, 64), (100, 100)])
@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5])
def test_every_pixel_is_seen(size: tuple[int, int], overlap: float) -> None:
    """Windows cover the picture, stay inside it, and neighbours share at least the overlap asked for."""
    options = TileOptions(size=640, overlap=overlap, whole=False)
    windows = tile_windows(size, options)
    seen = np.zeros((size[1], size[0]), np.bool_)
    for left, top, right, bottom in windows.astype(int):
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        seen[top:bottom, left:right] = True
    assert seen.all()
    starts = sorted({float(left) for left in windows[:, 0]})
    assert all(after - before <= 640 * (1 - overlap) + 1 for before, after in itertools.pairwise(starts))


def merge(boxes: list[list[float]], window: list[int], windows: list[list[float]], scores: list[float]) -> Merged:
    """Merge boxes of one class in a 180 x 100 picture."""
    return merge_across_seams(
        np.array(boxes, np.float64),
        np.array(scores),
        np.zeros(len(boxes), np.int32),
        window_of=np.array(window),
        windows=np.array(windows, np.float64),
        size=(180, 100),
    )


@pytest.mark.parametrize(
    ("boxes", "window", "expected"),
    [
        pytest.param([[60, 20, 100, 40], [80, 20, 130, 40]], [0, 1], [[60, 20, 130, 40]], id="cut-on-both-sides"),
        pytest.param([[85, 20, 100, 40], [85, 20, 130, 40]], [0, 1], [[85, 20, 130, 40]], id="whole-in-the-right-tile"),
        pytest.param(
            [[60, 20, 100, 40], [80, 60, 130, 80]],
            [0, 1],
            [[60, 20, 100, 40], [80, 60, 130, 80]],
            id="two-objects-at-one-seam",
        ),
        pytest.param(
            [[10, 20, 50, 40], [120, 20, 150, 40]], [0, 1], [[10, 20, 50, 40], [120, 20, 150, 40]], id="far-apart"
        ),
        pytest.param(
            [[86, 10, 94, 30], [86, 10, 94, 30]], [0, 1], [[86, 10, 94, 30]] * 2, id="uncut-twins-left-to-suppression"
        ),
    ],
)
def test_seams(boxes: list[list[float]], window: list[int], expected: list[list[float]]) -> None:
    """Boxes of two tiles that show one object become one box; others stay as they are."""
    merged = merge(boxes, window, [LEFT, RIGHT], [0.5, 0.9])
    assert sorted(merged.xyxy.tolist()) == sorted(expected)


def test_the_whole_picture_repairs_what_tiles_cut() -> None:
    """A box of the whole view, which no seam cuts, wins over the parts, with the best score of all."""
    merged = merge(
        [[60, 20, 100, 40], [80, 20, 130, 40], [61, 20, 129, 41]], [0, 1, 2], [LEFT, RIGHT, WHOLE], [0.9, 0.5, 0.4]
    )
    assert merged.xyxy.tolist() == [[61, 20, 129, 41]]
    assert merged.score.tolist() == [0.9]
    assert [rows.tolist() for rows in merged.members] == [[2]]
