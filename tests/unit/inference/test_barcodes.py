"""Codes that the test draws itself are read, and their corners lie where they were drawn."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.ontology import Ontology
from framelabel.core.shapes import Polygon
from framelabel.inference.recognisers.barcodes import Barcodes, BarcodesOptions

SIZE = (640, 480)
ONTOLOGY = Ontology.of(["product", "barcode"])


def drawn(kind: str, text: str, place: tuple[int, int] = (80, 100)) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a grey picture with one code and the (4, 2) corners of its dark modules, clockwise from the top left."""
    code = zxingcpp.create_barcode(text, zxingcpp.barcode_format_from_str(kind))
    picture = np.array(zxingcpp.write_barcode_to_image(code, scale=3), np.uint8)
    canvas = np.full((SIZE[1], SIZE[0]), 150, np.uint8)
    left, top = place
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    rows, columns = np.nonzero(picture < 128)
    x1, y1, x2, y2 = columns.min() + left, rows.min() + top, columns.max() + 1 + left, rows.max() + 1 + top
    return canvas, np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], np.float64)


def turned(
    picture: NDArray[np.uint8], corners: NDArray[np.float64], degrees: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the picture and corners turned about the middle."""
    matrix = cv2.getRotationMatrix2D((SIZE[0] / 2 - 0.5, SIZE[1] / 2 - 0.5), degrees, 1.0)
    moved = cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_CUBIC, borderValue=(150.0,))
    # OpenCV's pixel k lies at k, ours covers [k, k + 1).
    return np.asarray(moved, np.uint8), (corners - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5


def reader(**options: object) -> Barcodes:
    """Return a recogniser."""
    return Barcodes(BarcodesOptions(**options), ontology=ONTOLOGY, size=SIZE)  # type: ignore[arg-type]


def rgb(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey picture in colour."""
    return np.repeat(grey[:, :, None], 3, axis=2)


KINDS = [
    pytest.param("Code128", "ABC-1234", "Code 128", 2.5, id="code-128"),
    pytest.param("ITF", "12345670", "ITF", 2.5, id="interleaved-2-of-5"),
    pytest.param("QRCode", "hello world", "QR Code", 2.6, id="qr"),
    pytest.param("DataMatrix", "X1", "Data Matrix", 1.0, id="data-matrix"),
]


@pytest.mark.parametrize("degrees", [0.0, 5.0, 12.0, 90.0, 180.0])
@pytest.mark.parametrize(("kind", "text", "name", "near"), KINDS)
def test_text_and_corners(kind: str, text: str, name: str, near: float, degrees: float) -> None:
    """Upright codes have their corners to half a pixel, turned ones to under three (a module is three pixels)."""
    picture, corners = turned(*drawn(kind, text), degrees)
    [(found, form, places)] = reader().read(rgb(picture))
    assert (found, form) == (text, name)
    assert np.abs(places - corners).max() <= (0.5 if degrees in (0.0, 90.0, 180.0) else near)


def test_ean_bars() -> None:
    """A product's EAN-13: the box is that of the bars; the guards that reach between the digits lie below it."""
    picture, corners = drawn("EAN13", "4006381333931")
    [(found, form, places)] = reader().read(rgb(picture))
    assert (found, form) == ("4006381333931", "EAN-13")
    assert np.abs(places[:2] - corners[:2]).max() <= 0.5
    assert np.abs(places[2:, 0] - corners[2:, 0]).max() <= 0.5
    assert -15.0 <= places[2, 1] - corners[2, 1] <= 0.0


def test_two_equal_codes_are_two_objects_over_time() -> None:
    """Two packs of one product keep their own tracks while the camera drifts; each label has text and corners."""
    code = reader()
    one, _ = drawn("Code128", "ABC", (30, 60))
    two, _ = drawn("Code128", "ABC", (330, 260))
    shelf = np.where(two != 150, two, one)
    for frame in range(5):
        code.look(rgb(np.roll(shelf, 4 * frame, axis=1)), frame * 3, Boxes.empty())
    known = code.conclude(7)
    assert [(track.id, track.class_id, len(track)) for track in known.tracks] == [(7, 1, 5), (8, 1, 5)]
    assert known.of_tracks[7] == {"code": "ABC", "format": "Code 128"}
    shape = known.shapes[7, 12]
    assert isinstance(shape, Polygon)
    assert known.tracks[0].xyxy[4] == pytest.approx([*shape.rings[0].min(axis=0), *shape.rings[0].max(axis=0)])
    assert np.diff(known.tracks[0].xyxy[:, 0]) == pytest.approx([4.0] * 4)


def test_only_the_kinds_asked_for() -> None:
    """A reader for EAN-13 does not see a QR code; an unknown kind is named."""
    picture, _ = drawn("QRCode", "hello")
    assert reader(formats=("EAN13",)).read(rgb(picture)) == []
    with pytest.raises(UsageError, match="EAN13"):
        reader(formats=("EAN14",))
