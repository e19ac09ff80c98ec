"""Several views of a picture become one set of boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.findings import Findings
from framelabel.inference.thorough import FULL, VIEWS, fuse, look


def bright(images: Sequence[NDArray[np.uint8]]) -> list[Findings]:
    """Find the extent of white pixels: a detector whose truth is the picture."""
    found = []
    for image in images:
        rows, columns = np.nonzero(image[:, :, 0] > 200)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else None
        found.append(Findings(Boxes.of([box], [0.9]) if box else Boxes.empty()))
    return found


PLACES = [
    pytest.param((10, 10, 20, 24), id="in-one-quarter"),
    pytest.param((45, 40, 55, 52), id="in-all-quarters"),
    pytest.param((55, 10, 70, 20), id="cut-by-a-seam"),
    pytest.param((5, 5, 95, 95), id="larger-than-a-quarter"),
]


@pytest.mark.parametrize("views", [FULL, ("mirror",), ("flip",), ("mirror", "flip"), VIEWS])
@pytest.mark.parametrize("place", PLACES)
def test_one_object_gives_one_box_where_it_is(place: tuple[int, int, int, int], views: tuple[str, ...]) -> None:
    """Mirrored, flipped and nearer views agree with the plain one to the pixel, also at seams and for large objects."""
    image = np.zeros((100, 100, 3), np.uint8)
    image[place[1] : place[3], place[0] : place[2]] = 255
    boxes = look(bright, image, views).boxes
    np.testing.assert_allclose(boxes.xyxy, [place], atol=1e-9)
    assert boxes.score[0] == pytest.approx(0.9) if "near" not in views else boxes.score[0] >= 0.59


def test_mirrored_views_go_through_the_model_together() -> None:
    """The picture and its mirror images are handed over in one call, so that the session can batch them."""
    calls: list[int] = []

    def counting(images: Sequence[NDArray[np.uint8]]) -> list[Findings]:
        calls.append(len(images))
        return bright(images)

    look(counting, np.full((20, 30, 3), 255, np.uint8), ("mirror", "flip"))
    assert calls == [3]


def test_what_one_view_sees_counts_less() -> None:
    """A box that one of three views finds keeps a third of its score; classes are never fused."""
    view = Boxes.of([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 10.0]], [0.9, 0.6], [0, 1])
    fused = fuse([view, Boxes.empty(), Boxes.empty()], (100, 100))
    assert fused.class_id.tolist() == [0, 1]
    np.testing.assert_allclose(fused.score, [0.3, 0.2])


def test_nothing_gives_nothing() -> None:
    """An empty picture has no boxes."""
    assert len(fuse([Boxes.empty()] * 3, (10, 10))) == 0
