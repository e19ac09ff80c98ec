"""Files as pictures of their bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framelabel.core.errors import UnreadableVideoError
from framelabel.media import open_reader
from framelabel.media.bytes import WIDEST, picture_of, width_of

# Table 1 of Nataraj et al. 2011: file size range in kB, image width.
SIZES = [
    pytest.param(9_999, 32, id="below-10-kB"),
    pytest.param(10_000, 64, id="10-kB"),
    pytest.param(30_000, 128, id="30-kB"),
    pytest.param(60_000, 256, id="60-kB"),
    pytest.param(100_000, 384, id="100-kB"),
    pytest.param(200_000, 512, id="200-kB"),
    pytest.param(500_000, 768, id="500-kB"),
    pytest.param(1_000_000, 1024, id="1-MB"),
    pytest.param(50_000_000, 1024, id="50-MB"),
]


@pytest.mark.parametrize(("size", "width"), SIZES)
def test_the_width_is_the_published_one(size: int, width: int) -> None:
    """Pictures are comparable with those of the literature."""
    assert width_of(size) == width


def test_every_byte_is_its_pixel() -> None:
    """Row by row, grey, the rest of the last row black; an empty file is one black row."""
    content = bytes(np.random.default_rng(0).integers(0, 256, 12_345, np.uint8))
    picture = picture_of(content)
    assert picture.shape == (193, 64, 3)
    assert picture[:, :, 0].tobytes()[:12_345] == content
    assert not picture[:, :, 0].ravel()[12_345:].any()
    assert np.array_equal(picture[:, :, 0], picture[:, :, 2])
    assert picture_of(b"").shape == (1, 32, 3)


def test_a_folder_is_read_in_natural_order(tmp_path: Path) -> None:
    """Files of any name are frames with their own sizes; hidden files and folders are not; one file is one frame."""
    for number in (10, 9, 1):
        (tmp_path / f"part{number}.exe").write_bytes(bytes([number]) * (number * 2_000))
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "folder").mkdir()
    reader = open_reader(tmp_path, reader="bytes")
    frames = list(reader.read_all())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 9, 10]
    assert [frame.image.shape[1] for frame in frames] == [32, 64, 64]
    assert len(set(reader.index.digest.tolist())) == 3
    assert len(open_reader(tmp_path / "part9.exe", reader="bytes").index) == 1
    with pytest.raises(UnreadableVideoError, match="no files there"):
        open_reader(tmp_path / "folder", reader="bytes")


def test_a_huge_file_shows_its_beginning(tmp_path: Path) -> None:
    """A file of gigabytes does not fill memory: its first 16 MiB are drawn."""
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(1 << 31)
    assert open_reader(tmp_path / "huge.bin", reader="bytes").frame(0).image.shape == (16384, WIDEST, 3)
