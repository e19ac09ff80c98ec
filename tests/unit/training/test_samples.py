"""A split never puts one source on both sides."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.golden_pair import beside
from framelabel.training.duplicates import with_joined_groups
from framelabel.training.samples import PictureStore, Sample, letterboxed, split


def _samples(sizes: dict[str, int]) -> list[Sample]:
    return [Sample(Path(f"{g}_{k}.png"), Boxes.empty(), g) for g, count in sizes.items() for k in range(count)]


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_whole(seed: int) -> None:
    """Training and held-out part share no group, lose no sample, and the held-out share is reached."""
    samples = _samples({f"clip{k}": 3 + k % 4 for k in range(30)})
    kept, held = split(samples, 0.1, seed)
    assert {sample.group for sample in kept}.isdisjoint({sample.group for sample in held})
    assert len(kept) + len(held) == len(samples)
    assert 0.1 * len(samples) <= len(held) < 0.1 * len(samples) + 6


def test_split_does_not_depend_on_order() -> None:
    """The same files in another order are divided the same way."""
    samples = _samples({f"clip{k}": 2 for k in range(20)})
    held = {sample.path for sample in split(samples, 0.2, 3)[1]}
    assert {sample.path for sample in split(samples[::-1], 0.2, 3)[1]} == held


def test_one_group_cannot_be_split() -> None:
    """All pictures of one clip: an error that says what to give."""
    with pytest.raises(UsageError, match="group rule"):
        split(_samples({"clip": 9}), 0.1, 0)


def test_near_duplicates_join_their_groups(tmp_path: Path) -> None:
    """A recompressed, slightly brighter, mirrored copy in another group joins the groups; other pictures do not."""
    rng = np.random.default_rng(1)
    paths = []
    for number in range(3):
        image = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (160, 120), interpolation=cv2.INTER_CUBIC)
        paths.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(paths[-1]), image)
    twin = tmp_path / "twin.jpg"
    first = np.asarray(cv2.imread(str(paths[0])))
    cv2.imwrite(str(twin), np.clip(first[:, ::-1] * 1.05, 0, 255).astype(np.uint8))
    samples = [Sample(path, Boxes.empty(), f"g{k}") for k, path in enumerate([*paths, twin])]
    joined = with_joined_groups(samples, PictureStore(320))
    assert [sample.group for sample in joined] == ["g0", "g1", "g2", "g0"]


def test_letterbox_puts_the_picture_in_the_corner() -> None:
    """A wide picture fills the width; below it is grey 114, and the map scales by 1/2."""
    canvas, fit = letterboxed(np.full((50, 200, 3), 7, np.uint8), (100, 100))
    assert fit.scale == 0.5
    assert (canvas[:25] == 7).all()
    assert (canvas[25:] == 114).all()


def test_an_undecodable_picture_is_named(tmp_path: Path) -> None:
    """A text file called .png is refused by its path."""
    path = tmp_path / "fake.png"
    path.write_text("no picture", "utf-8")
    with pytest.raises(UsageError, match=r"fake\.png"):
        PictureStore(64).load(Sample(path, Boxes.empty(), "g"))


def test_a_pair_is_fed_difference_first(tmp_path: Path) -> None:
    """A sample is laid beside its template by what the store was given: blue is the difference, red the picture."""
    for name, grey in (("board.png", 90), ("golden.png", 60)):
        cv2.imwrite(str(tmp_path / name), np.full((20, 30, 3), grey, np.uint8))
    sample = Sample(tmp_path / "board.png", Boxes.empty(), "g", tmp_path / "golden.png")

    def compare(picture: NDArray[np.uint8], template: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return beside(np.ascontiguousarray(picture[:, :, 0]), np.ascontiguousarray(template[:, :, 0]))

    pair = PictureStore(64, compare=compare).load(sample).image
    assert pair[0, 0].tolist() == [30, 60, 90]
    assert PictureStore(64).load(sample).image[0, 0].tolist() == [90, 90, 90]
