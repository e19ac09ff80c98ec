"""Folders and globs of pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from framelabel.core.errors import UnreadableVideoError
from framelabel.media import open_reader, scan, verify_index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of ten pictures numbered without leading zeros, and a file that is none."""
    for number in range(1, 11):
        cv2.imwrite(str(tmp_path / f"shot {number}.png"), np.full((6, 4, 3), 10 * number, np.uint8))
    (tmp_path / "notes.txt").write_text("not a picture")
    return tmp_path


def test_natural_order_and_globs(folder: Path) -> None:
    """Frame 9 is "shot 10", not "shot 9"; a glob and a folder mean the same pictures."""
    reader = open_reader(folder)
    assert [int(frame.image[0, 0, 0]) for frame in reader.read_all()] == list(range(10, 101, 10))
    assert len(open_reader(f"{folder}/shot ?.png").index) == 9
    assert reader.header.size == (4, 6)


def test_colour_depth_and_alpha(tmp_path: Path) -> None:
    """Pictures come as RGB, 8 bits, without alpha, whatever is stored."""
    cv2.imwrite(str(tmp_path / "1.png"), np.full((2, 2, 4), (10, 20, 30, 128), np.uint8))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((2, 2), 40 * 257, np.uint16))
    images = [frame.image for frame in open_reader(tmp_path).read_all()]
    assert images[0][0, 0].tolist() == [30, 20, 10]
    assert images[1][0, 0].tolist() == [40, 40, 40]


def test_changed_pictures_are_found(folder: Path) -> None:
    """Digests make a swapped picture visible."""
    index = scan(folder)[1].index
    assert verify_index(folder, index) == []
    cv2.imwrite(str(folder / "shot 4.png"), np.full((6, 4, 3), 1, np.uint8))
    assert verify_index(folder, index) == [3]


def test_bad_pictures_and_empty_folders_are_explained(tmp_path: Path) -> None:
    """One line says what is wrong and where."""
    with pytest.raises(UnreadableVideoError, match="no pictures there"):
        open_reader(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(UnreadableVideoError, match=r"broken\.png: not a picture, or a damaged one"):
        open_reader(tmp_path).frame(0)
