"""Walking a single-object tracking network from a human box through neighbouring pictures (NanoTrack).

A `Walk` starts at one keyframe and goes one way with that keyframe's template alone, so what it has seen stays valid
whatever other keyframes come and go. Asking the template of the gap's other key about the same views as well was tried:
it costs as much again and finds no more.

Window geometry, scale and ratio penalty, cosine window and size update follow SiamRPN (Li et al., CVPR 2018) as
NanoTrack uses them (SiamTrackers, Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.footage import Footage
from framelabel.tracking.propagation.protocol import SiameseNetwork

Floats = NDArray[np.float64]
Features = NDArray[np.float32]

TEMPLATE_SIZE = 127
SEARCH_SIZE = 255
STRIDE = 16
PENALTY = 0.15
WINDOW = 0.39
SIZE_RATE = 0.39


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """What the object looks like in one human box."""

    frame: int
    xyxy: Floats
    """(4,) the human's box in picture pixels."""
    features: Features
    """(C, 8, 8)."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One search window of one picture, embedded."""

    frame: int
    centre: Floats
    """(2,) of the window in picture pixels."""
    scale: float
    """Picture pixels per window pixel."""
    features: NDArray[np.float16]
    """(C, h, w)."""


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """What one template finds in one view; K x K cells flattened."""

    score: Floats
    """(K*K,) probability that the cell is the object's centre."""
    xyxy: Floats
    """(K*K, 4) the box regressed at each cell, picture pixels."""


def context_side(width: float, height: float) -> float:
    """Return the side of the square template window of a box: half its perimeter's mean side is added as context."""
    margin = (width + height) / 2
    return float(np.sqrt((width + margin) * (height + margin)))


def crop(footage: Footage, frame: int, centre: Floats, side: float, size: int) -> NDArray[np.uint8]:
    """Cut the square of `side` picture pixels around `centre` of a picture, resized to (size, size, 3).

    Outside the picture stands the picture's mean colour.
    """
    image = footage.image(frame)
    scale = side / size
    matrix = np.array([[scale, 0.0, centre[0] - side / 2], [0.0, scale, centre[1] - side / 2]])
    cut = cv2.warpAffine(
        image,
        matrix,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=footage.mean_colour(frame),
    )
    return np.asarray(cut, dtype=np.uint8)


def template(network: SiameseNetwork, footage: Footage, frame: int, xyxy: Floats) -> Template:
    """Embed the object as the human drew it."""
    side = context_side(xyxy[2] - xyxy[0], xyxy[3] - xyxy[1])
    patch = crop(footage, frame, (xyxy[:2] + xyxy[2:]) / 2, side, TEMPLATE_SIZE)
    return Template(frame, xyxy, network.embed(patch[None])[0])


def view(network: SiameseNetwork, footage: Footage, frame: int, centre: Floats, side: float) -> View:
    """Embed the search window around `centre` whose template window would have `side` picture pixels."""
    search = side * SEARCH_SIZE / TEMPLATE_SIZE
    patch = crop(footage, frame, centre, search, SEARCH_SIZE)
    return View(frame, centre, search / SEARCH_SIZE, network.embed(patch[None])[0].astype(np.float16))


def respond(network: SiameseNetwork, model: Template, seen: View) -> Response:
    """Compare a template with a view."""
    score, ltrb = network.match(model.features, seen.features.astype(np.float32))
    cells = score.shape[0]
    offset = (np.arange(cells) - (cells - 1) / 2) * STRIDE
    x, y = np.meshgrid(offset, offset)
    corners = np.stack([x - ltrb[0], y - ltrb[1], x + ltrb[2], y + ltrb[3]], axis=-1).reshape(-1, 4)
    xyxy = corners * seen.scale + np.tile(seen.centre, 2)
    return Response(score.reshape(-1).astype(np.float64), xyxy.astype(np.float64))


def _larger_ratio(a: Floats, b: Floats | float) -> Floats:
    ratio = np.maximum(a, 1e-6) / b
    return np.maximum(ratio, 1 / ratio)


class Walk:
    """The network's walk from one human box, one way; goes on as far as it is asked to and remembers every answer."""

    def __init__(self, network: SiameseNetwork, footage: Footage, model: Template, step: int) -> None:
        """Start at the template's box; `step` is +1 (towards later pictures) or -1."""
        self._network = network
        self._footage = footage
        self.template = model
        self.step = step
        self._centre = (model.xyxy[:2] + model.xyxy[2:]) / 2
        self._extent = model.xyxy[2:] - model.xyxy[:2]
        self.responses: list[Response] = []
        """What the template finds, by distance from the keyframe; the first is the neighbouring picture."""

    def response(self, frame: int) -> Response:
        """Return what the walk's own template finds in picture `frame`."""
        self._advance(abs(frame - self.template.frame))
        return self.responses[abs(frame - self.template.frame) - 1]

    def _advance(self, distance: int) -> None:
        while len(self.responses) < distance:
            frame = self.template.frame + self.step * (len(self.responses) + 1)
            side = context_side(*self._extent)
            seen = view(self._network, self._footage, frame, self._centre, side)
            found = respond(self._network, self.template, seen)
            self.responses.append(found)
            self._follow(seen, found)

    def _follow(self, seen: View, found: Response) -> None:
        extent = np.maximum(found.xyxy[:, 2:] - found.xyxy[:, :2], 1.0)
        margin = extent.sum(axis=1) / 2
        side = np.sqrt((extent[:, 0] + margin) * (extent[:, 1] + margin))
        change = _larger_ratio(side, context_side(*self._extent))
        shape = _larger_ratio(extent[:, 0] / extent[:, 1], float(self._extent[0] / self._extent[1]))
        penalty = np.exp((1 - change * shape) * PENALTY)
        cells = round(len(found.score) ** 0.5)
        window = np.outer(np.hanning(cells), np.hanning(cells)).reshape(-1)
        rank = found.score * penalty * (1 - WINDOW) + window * WINDOW
        best = int(np.argmax(rank))
        rate = penalty[best] * found.score[best] * SIZE_RATE
        self._extent = self._extent * (1 - rate) + extent[best] * rate
        centre = (found.xyxy[best, :2] + found.xyxy[best, 2:]) / 2
        height, width = self._footage.image(seen.frame).shape[:2]
        self._centre = np.clip(centre, 0.0, [width, height])
        self._extent = np.clip(self._extent, 10.0, [width, height])
