"""Barcodes and matrix codes, read by zxing-cpp: each becomes an object with its text, its kind and exact corners."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.geometry import iou
from framelabel.core.ontology import AttributeValue, Ontology
from framelabel.core.recognition import Place, Recognition
from framelabel.core.shapes import Polygon, Shape, hull
from framelabel.core.tracks import Track

Floats = NDArray[np.float64]

_ALIKE = 0.6
"""Correlation with the scanned profile down to which a line still crosses the same bars."""
_MISSES = 2
"""Lines in a row that may fail (a reflection, a scratch) before the bars are taken to end."""
_LINEAR = frozenset(zxingcpp.barcode_formats_list(zxingcpp.BarcodeFormat.AllLinear))
_SAMPLES = 256
_SAME_PLACE = 0.1
"""Overlap from which an equal code in the next picture is the same printed code."""


@dataclass(frozen=True, slots=True)
class BarcodesOptions:
    """Which codes are read."""

    label: str = setting("barcode", help="Class that the codes get.")
    formats: tuple[str, ...] = setting((), help="Kinds such as EAN13, Code128, QRCode; all when not given.")
    enlarge: float = setting(1.0, help="Enlarge pictures by this factor first, for codes of few pixels.")
    lost_after: int = setting(30, help="A code unseen for this many looked-at pictures gets a new track.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name that is mentioned."""
        return (self.label,)


@dataclass(slots=True)
class _Seen:
    """One printed code over time."""

    text: str
    kind: str
    last_look: int
    frames: list[int] = field(default_factory=list)
    corners: list[Floats] = field(default_factory=list)


class Barcodes:
    """See the module. Attributes: `code` (the text) and `format` (the kind, such as EAN-13)."""

    Options = BarcodesOptions
    needs_pixels: ClassVar[bool] = True

    def __init__(self, options: BarcodesOptions, *, ontology: Ontology, size: tuple[int, int]) -> None:  # noqa: ARG002
        self._options = options
        self._class_id = ontology.id_of(options.label)
        try:
            self._formats = zxingcpp.barcode_formats_from_str(",".join(options.formats))
        except ValueError:
            known = ", ".join(kind.name for kind in zxingcpp.barcode_formats_list())
            raise UsageError(f"barcodes: formats {', '.join(options.formats)}: known are {known}") from None
        self._looks = 0
        self._seen: list[_Seen] = []

    def look(self, image: NDArray[np.uint8], frame: int, boxes: Boxes) -> None:  # noqa: ARG002 - codes need no boxes
        """Read every code of a picture."""
        self._looks += 1
        taken: set[int] = set()
        for text, kind, corners in self.read(image):
            known = self._known(text, kind, corners, taken)
            if known < 0:
                known = len(self._seen)
                self._seen.append(_Seen(text, kind, self._looks))
            taken.add(known)
            seen = self._seen[known]
            seen.last_look = self._looks
            seen.frames.append(frame)
            seen.corners.append(corners)

    def read(self, image: NDArray[np.uint8]) -> list[tuple[str, str, Floats]]:
        """Return text, kind and (4, 2) corners (pixels, clockwise from the code's own top left) of each code."""
        grey = np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
        scale = self._options.enlarge
        if scale != 1.0:
            grey = np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)
        found = []
        for code in zxingcpp.read_barcodes(grey, formats=self._formats):
            at = code.position
            ends = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
            corners = np.array([(point.x, point.y) for point in ends], np.float64)
            is_linear = code.format in _LINEAR
            corners = whole_bars(grey, corners) if is_linear else corners
            found.append((code.text, str(code.format), corners / scale))
        return found

    def _known(self, text: str, kind: str, corners: Floats, taken: set[int]) -> int:
        """Return which code seen lately this is; -1 for none."""
        box = _hull(corners)[None]
        best, found = _SAME_PLACE, -1
        for number, seen in enumerate(self._seen):
            is_same = (seen.text, seen.kind) == (text, kind) and number not in taken
            if is_same and self._looks - seen.last_look <= self._options.lost_after:
                overlap = float(iou(box, _hull(seen.corners[-1])[None])[0, 0])
                if overlap > best:
                    best, found = overlap, number
        return found

    def conclude(self, first_id: int) -> Recognition:
        """Return one track for each printed code."""
        attributes: dict[int, dict[str, AttributeValue]] = {}
        shapes: dict[Place, Shape] = {}
        tracks = []
        for number, seen in enumerate(self._seen, start=first_id):
            xyxy = np.array([_hull(corners) for corners in seen.corners])
            tracks.append(Track.of(number, np.array(seen.frames), xyxy, class_id=self._class_id))
            attributes[number] = {"code": seen.text, "format": seen.kind}
            for frame, corners in zip(seen.frames, seen.corners, strict=True):
                shapes[number, frame] = Polygon((corners,))
        return Recognition(attributes, shapes=shapes, tracks=tuple(tracks))


def whole_bars(grey: NDArray[np.uint8], scanned: Floats) -> Floats:
    """Return the (4, 2) corners of a linear code whose scanned part is known.

    A scanner needs a few lines of a linear code and reports those. The bars go on along their own direction as far as
    lines parallel to the scanned ones show the same profile.

    Args:
        grey: (H, W) picture.
        scanned: (4, 2) pixel numbers of the first and last scanned line's ends: top left, top right, bottom right,
            bottom left, as the code reads.
    """
    top_left, top_right, bottom_right, bottom_left = scanned
    along = (bottom_left - top_left) + (bottom_right - top_right)
    length = float(np.linalg.norm(along))
    if length < 4.0:
        along = np.array([-(top_right - top_left)[1], (top_right - top_left)[0]])
        length = max(float(np.linalg.norm(along)), 1e-9)
    bars = along / length
    across = np.array([bars[1], -bars[0]])
    if across @ (top_right - top_left) < 0:
        # Scanned from below: turned round, so that corners go clockwise from the code's own top left.
        across, bars = -across, -bars
    centre = scanned.mean(axis=0)
    half = float((top_right - top_left + bottom_right - bottom_left) @ across) / 4
    tall = max(float(np.abs((scanned - centre) @ bars).max()), 6.0)
    across, bars = _straightened(grey, centre, across, half, tall)
    left, right = float(centre @ across) - half, float(centre @ across) + half
    middle = float(np.round(centre @ bars))
    places = np.linspace(left, right, _SAMPLES)
    model = np.median([_profile(grey, places, across, bars, middle + step) for step in (-1, 0, 1)], axis=0)
    first = middle - _reach(grey, places, across, bars, middle, model, -1)
    last = middle + _reach(grey, places, across, bars, middle, model, +1)
    # From pixel numbers to continuous places: pixel k covers [k, k + 1).
    ends = ((left - 0.5, first - 0.5), (right + 0.5, first - 0.5), (right + 0.5, last + 0.5), (left - 0.5, last + 0.5))
    return np.array([across * s + bars * t + 0.5 for s, t in ends])


def _straightened(
    grey: NDArray[np.uint8], centre: Floats, across: Floats, half: float, tall: float
) -> tuple[Floats, Floats]:
    """Return the directions across and along the bars, turned so that the bars' average is sharpest.

    A scanner finds the ends of its lines to a few pixels only, which is several degrees on low bars.
    """
    places = np.linspace(-half, half, _SAMPLES)
    rows = np.linspace(-tall, tall, 9)
    best, found = -1.0, 0.0
    for step in (0.5, 0.1):
        for turn in found + step * np.arange(-10, 11):
            one, other = _turned(across, turn)
            at = centre @ other
            mean = np.mean([_profile(grey, places + centre @ one, one, other, float(at + row)) for row in rows], axis=0)
            if mean.std() > best:
                best, found = float(mean.std()), float(turn)
    return _turned(across, found)


def _turned(across: Floats, degrees: float) -> tuple[Floats, Floats]:
    angle = np.radians(degrees)
    x, y = across
    turned = np.array([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y])
    return turned, np.array([-turned[1], turned[0]])


def _profile(grey: NDArray[np.uint8], places: Floats, across: Floats, bars: Floats, at: float) -> Floats:
    """Return the grey values along a line across the bars."""
    points = places[:, None] * across + at * bars
    maps = points.astype(np.float32).reshape(-1, 1, 2)
    values = cv2.remap(grey, maps, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(128.0,))
    return np.asarray(values, np.float64).reshape(-1)


def _reach(
    grey: NDArray[np.uint8], places: Floats, across: Floats, bars: Floats, middle: float, model: Floats, way: int
) -> int:
    """Return how many pixels the same bars go on from the middle."""
    last, misses = 0, 0
    for step in range(1, max(grey.shape)):
        line = _profile(grey, places, across, bars, middle + way * step)
        if _correlation(line, model) >= _ALIKE:
            last, misses = step, 0
        else:
            misses += 1
        if misses > _MISSES:
            break
    return last


def _correlation(one: Floats, two: Floats) -> float:
    a, b = one - one.mean(), two - two.mean()
    return float(a @ b / max(float(np.sqrt((a @ a) * (b @ b))), 1e-9))


def _hull(corners: Floats) -> Floats:
    return hull(Polygon((corners,)))
