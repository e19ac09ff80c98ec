"""The rendered conveyor is what its truth says, and follows from its seed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.workflows.demo import load_generator

conveyor = load_generator()


def _frames(seed: int, count: int, every: int = 1) -> list[Any]:
    return list(conveyor.render(conveyor.Clip(seed, frame_count=count, every=every)))


def test_one_seed_one_clip() -> None:
    """The same seed renders the same pixels and truth; another seed does not."""
    first, again, other = (_frames(seed, 3) for seed in (7, 7, 8))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.xyxy, b.xyxy)
    assert not np.array_equal(first[0].image, other[0].image)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_truth_is_consistent(seed: int) -> None:
    """Boxes lie inside the frame, ids are unique in a frame and keep their class, defects lie on their board."""
    kinds: dict[int, int] = {}
    for picture in _frames(seed, 120, every=10):
        assert picture.image.shape == (480, 640, 3)
        assert (picture.xyxy >= 0).all()
        assert (picture.xyxy <= [640, 480, 640, 480]).all()
        assert len(set(picture.track_id.tolist())) == len(picture.track_id)
        board: NDArray[np.float64] | None = None
        for box, kind, track in zip(picture.xyxy, picture.class_id, picture.track_id, strict=True):
            assert kinds.setdefault(int(track), int(kind)) == kind
            if kind == conveyor.BOARD:  # its defects follow it
                board = box
            elif board is not None and board[0] - 1 <= box[0] <= board[2]:
                assert (board[:2] <= box[:2] + 1).all()
                assert (board[2:] >= box[2:] - 1).all()


def test_boards_move_at_one_speed() -> None:
    """A board travels left by the belt's speed; shake stays below three pixels a frame."""
    positions: dict[int, list[float]] = {}
    for picture in _frames(4, 40):
        for box, kind, track in zip(picture.xyxy, picture.class_id, picture.track_id, strict=True):
            if kind == conveyor.BOARD and box[2] < 640 and box[0] > 0:
                positions.setdefault(int(track), []).append(float(box[0]))
    steps = np.concatenate([np.diff(xs) for xs in positions.values() if len(xs) > 5])
    assert np.median(steps) < -3
    assert np.abs(steps - np.median(steps)).max() < 3


def test_a_defect_changes_the_copper_in_its_box_and_nowhere_else() -> None:
    """Against the sound board of the same layout, every change lies in a defect's box, and each box holds one."""
    size = (380, 320)
    for seed in range(6):
        style = conveyor._Style.draw(np.random.default_rng(0))
        sound = conveyor.make_board(size, style, np.random.default_rng(seed), count=0)
        board = conveyor.make_board(size, style, np.random.default_rng(seed), count=5)
        assert len(board.defect_xyxy) >= 3
        grey = [cv2.GaussianBlur(cv2.cvtColor(b.image, cv2.COLOR_RGB2GRAY), (0, 0), 1.0) for b in (sound, board)]
        changed = cv2.absdiff(grey[0], grey[1]) > 40
        outside = changed.copy()
        for x1, y1, x2, y2 in board.defect_xyxy.astype(int):
            assert changed[max(y1, 0) : y2, max(x1, 0) : x2].any()
            outside[max(y1, 0) : y2, max(x1, 0) : x2] = False
        assert not outside.any()


def test_a_good_clip_has_no_defect() -> None:
    """With all boards good there are boards and nothing else."""
    clip = conveyor.Clip(5, frame_count=60, every=20, good_share=1.0)
    kinds = np.concatenate([picture.class_id for picture in conveyor.render(clip)])
    assert set(kinds.tolist()) == {conveyor.BOARD}
