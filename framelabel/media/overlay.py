"""Labels drawn into pictures: boxes, ids, classes, scores, shapes and zones, readable at any resolution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.colours import text_colour_on
from framelabel.core.shapes import Keypoints, Mask, Polygon, Polyline, Shape

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One label to draw."""

    xyxy: NDArray[np.float64]
    """(4,) pixels, x2/y2 exclusive."""
    text: str
    colour: Colour
    is_predicted: bool = False
    """Drawn with gaps in its outline: nobody and no model saw it in this frame."""
    shape: Shape | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DrawnZone:
    """One zone or line to draw under the labels."""

    points: NDArray[np.float64]
    """(K, 2) pixels."""
    text: str
    colour: Colour
    is_closed: bool = True


def draw(image: Picture, labels: Sequence[Drawn], zones: Sequence[DrawnZone] = (), caption: str = "") -> Picture:
    """Return a copy of an (H, W, 3) RGB picture with labels drawn; line and text sizes follow the picture's size."""
    canvas = image.copy()
    unit = max(1, round(min(image.shape[:2]) / 360))
    for zone in zones:
        _draw_zone(canvas, zone, unit)
    for label in labels:
        if label.shape is not None:
            _draw_shape(canvas, label.shape, label.colour, unit)
    for label in labels:
        _draw_box(canvas, label, unit)
    taken: list[tuple[int, int, int, int]] = []
    for label in labels:
        _draw_text(canvas, label.text, (int(label.xyxy[0]), int(label.xyxy[1])), label.colour, unit, taken)
    if caption:
        _draw_text(canvas, caption, (0, image.shape[0]), (32, 32, 32), unit, taken)
    return canvas


def contact_sheet(pictures: Sequence[Picture], columns: int, width: int) -> Picture:
    """Return pictures as one sheet of `columns` columns, each `width` pixels wide, in reading order."""
    height = max(round(width * picture.shape[0] / picture.shape[1]) for picture in pictures)
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + 4) + 4, columns * (width + 4) + 4, 3), 24, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + 4) + 4, number % columns * (width + 4) + 4
        scaled_height = round(width * picture.shape[0] / picture.shape[1])
        sheet[top : top + scaled_height, left : left + width] = cv2.resize(
            picture, (width, scaled_height), interpolation=cv2.INTER_AREA
        )
    return sheet


def _draw_box(canvas: Picture, label: Drawn, unit: int) -> None:
    x1, y1 = (round(float(side)) for side in label.xyxy[:2])
    x2, y2 = (round(float(side)) - 1 for side in label.xyxy[2:])
    if not label.is_predicted:
        cv2.rectangle(canvas, (x1, y1), (x2, y2), (0, 0, 0), unit + 2, cv2.LINE_AA)
        cv2.rectangle(canvas, (x1, y1), (x2, y2), label.colour, unit, cv2.LINE_AA)
        return
    corners = [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        length = max(abs(bx - ax), abs(by - ay))
        dash = 6 * unit
        for start in range(0, max(length, 1), 2 * dash):
            first, last = start / max(length, 1), min((start + dash) / max(length, 1), 1.0)
            one = (round(ax + (bx - ax) * first), round(ay + (by - ay) * first))
            two = (round(ax + (bx - ax) * last), round(ay + (by - ay) * last))
            cv2.line(canvas, one, two, label.colour, unit, cv2.LINE_AA)


def _draw_text(
    canvas: Picture,
    text: str,
    corner: tuple[int, int],
    colour: Colour,
    unit: int,
    taken: list[tuple[int, int, int, int]],
) -> None:
    """Write text on a plate above `corner`, moved down where another plate is already."""
    if not text:
        return
    scale, weight = 0.36 * unit + 0.08, max(1, unit)
    (width, height), base = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, weight)
    plate_height = height + base + unit
    left = min(max(corner[0], 0), max(canvas.shape[1] - width - 2 * unit, 0))
    top = max(corner[1] - plate_height, 0)
    while (
        any(
            left < right and left + width > other_left and top < bottom and top + plate_height > other_top
            for other_left, other_top, right, bottom in taken
        )
        and top + 2 * plate_height < canvas.shape[0]
    ):
        top += plate_height
    taken.append((left, top, left + width, top + plate_height))
    cv2.rectangle(canvas, (left, top), (left + width + unit, top + plate_height), colour, cv2.FILLED)
    origin = (left + unit // 2, top + height + unit // 2)
    cv2.putText(canvas, text, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, text_colour_on(colour), weight, cv2.LINE_AA)


def _draw_zone(canvas: Picture, zone: DrawnZone, unit: int) -> None:
    points = np.round(zone.points).astype(np.int32)
    if zone.is_closed:
        shade = canvas.copy()
        cv2.fillPoly(shade, [points], zone.colour)
        cv2.addWeighted(shade, 0.18, canvas, 0.82, 0, dst=canvas)
    cv2.polylines(canvas, [points], zone.is_closed, zone.colour, unit, cv2.LINE_AA)
    _draw_text(canvas, zone.text, (int(points[0, 0]), int(points[0, 1])), zone.colour, unit, [])


def _draw_shape(canvas: Picture, shape: Shape, colour: Colour, unit: int) -> None:
    if isinstance(shape, Polyline):
        cv2.polylines(canvas, [np.round(shape.points).astype(np.int32)], False, colour, 2 * unit, cv2.LINE_AA)
        return
    if isinstance(shape, Keypoints):
        for (x, y), visibility in zip(shape.points, shape.visibility, strict=True):
            if visibility > 0:
                fill = cv2.FILLED if visibility > 1 else unit
                cv2.circle(canvas, (round(float(x)), round(float(y))), 3 * unit, colour, fill, cv2.LINE_AA)
        return
    covered: Picture = np.zeros((canvas.shape[0], canvas.shape[1]), np.uint8)
    if isinstance(shape, Polygon):
        rings = [np.round(ring).astype(np.int32) for ring in shape.rings]
        cv2.fillPoly(covered, rings, 1)
        cv2.polylines(canvas, rings, True, colour, unit, cv2.LINE_AA)
    elif isinstance(shape, Mask):
        bits = np.repeat(np.arange(len(shape.counts)) % 2, shape.counts).astype(np.uint8)
        covered = bits.reshape(shape.size[0], shape.size[1]).T
    inside = covered.astype(np.bool_)
    canvas[inside] = (0.6 * canvas[inside] + 0.4 * np.array(colour)).astype(np.uint8)
