"""Render a conveyor with printed boards under a camera, with every defect known.

Pure numpy and OpenCV. A clip follows from its seed alone: the boards' layout and colours, the defects, the belt's
speed, the camera's shake, the drift of the light and the sensor's noise. Classes are DeepPCB's six defects and board.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CLASSES = ("open", "short", "mousebite", "spur", "copper", "pinhole", "board")
BOARD = CLASSES.index("board")

_MARGIN = 4
"""Pixels around the changed copper that belong to a defect's box, as DeepPCB's annotators drew it."""
_LEAST_VISIBLE = 0.3
"""Share of a box that must be in the picture to count as truth."""
_EDGE = 26
"""Pixels at a board's rim without copper."""
_SMALLEST_PIECE, _LARGEST_HOLE = 900, 260
"""Square pixels."""


@dataclass(frozen=True, slots=True)
class Clip:
    """What to render."""

    seed: int
    frame_count: int = 250
    size: tuple[int, int] = (640, 480)
    """(width, height) in pixels."""
    fps: int = 25
    good_share: float = 0.2
    """Share of the boards without any defect."""
    every: int = 1
    """Render only every n-th frame (for training pictures, which gain nothing from neighbours)."""


@dataclass(frozen=True, slots=True, eq=False)
class Board:
    """One printed board."""

    image: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    defect_xyxy: NDArray[np.float64]
    """(N, 4) in board pixels."""
    defect_class: NDArray[np.int32]
    """(N,) row of CLASSES."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One frame and its truth."""

    image: NDArray[np.uint8]
    """(H, W, 3) RGB."""
    xyxy: NDArray[np.float64]
    """(N, 4) pixels, cut at the frame."""
    class_id: NDArray[np.int32]
    track_id: NDArray[np.int64]
    """(N,) one number per board and per defect, from 1, the same in all frames."""
    visible: NDArray[np.float64]
    """(N,) share of the box inside the frame."""


def render(clip: Clip) -> Iterator[Picture]:
    """Yield the frames of a clip in order."""
    rng = np.random.default_rng(clip.seed)
    width, height = clip.size
    style = _Style.draw(rng)
    speed = rng.uniform(4.0, 7.0)
    gap = rng.uniform(50.0, 110.0)
    boards, starts, first_ids = [], [], []
    x, next_id = width * rng.uniform(0.15, 0.6), 1
    while x < width + speed * clip.frame_count:
        size = (int(rng.uniform(0.55, 0.68) * width), int(rng.uniform(0.60, 0.76) * height))
        board = make_board(size, style, rng, count=0 if rng.random() < clip.good_share else int(rng.integers(3, 7)))
        boards.append(board)
        starts.append((x, rng.uniform(0.08, 0.92) * (height - size[1] - 20) + 10))
        first_ids.append(next_id)
        next_id += 1 + len(board.defect_xyxy)
        x += size[0] + gap
    belt = _belt(clip.size, style, rng)
    shake = _Shake(rng)
    for number in range(0, clip.frame_count, clip.every):
        travelled = speed * number
        offset = shake.at(number)
        scene = np.roll(belt, -round(travelled), axis=1)[:, :width].astype(np.float32)
        rows: list[tuple[NDArray[np.float64], int, int]] = []
        for board, (left, top), first in zip(boards, starts, first_ids, strict=True):
            at = np.array([left - travelled + offset[0], top + offset[1]])
            if at[0] > width or at[0] + board.image.shape[1] < 0:
                continue
            _lay(scene, board.image, at)
            whole = np.array([0.0, 0.0, board.image.shape[1], board.image.shape[0]]) + np.tile(at, 2)
            rows.append((whole, BOARD, first))
            for k, (box, kind) in enumerate(zip(board.defect_xyxy, board.defect_class, strict=True)):
                rows.append((box + np.tile(at, 2), int(kind), first + 1 + k))
        yield _picture(_exposed(scene, number / clip.fps, style, rng), rows, clip.size)


def make_board(size: tuple[int, int], style: _Style, rng: np.random.Generator, *, count: int) -> Board:
    """Return a board of `size` (width, height) with `count` defects of random kinds."""
    copper = _layout(size, rng)
    boxes, kinds = [], []
    blocked = np.zeros_like(copper)
    for kind in rng.permutation(np.resize(np.arange(BOARD), max(count, BOARD)))[:count].tolist():
        changed = next((c for c in (_MAKERS[kind](copper, blocked, rng) for _ in range(10)) if c is not None), None)
        if changed is None:
            continue
        ys, xs = np.nonzero(changed != copper)
        if len(xs) < 12:
            continue
        box = np.array([xs.min() - _MARGIN, ys.min() - _MARGIN, xs.max() + 1 + _MARGIN, ys.max() + 1 + _MARGIN])
        copper = changed
        x1, y1, x2, y2 = np.clip(box, 0, None)
        blocked[max(y1 - 12, 0) : y2 + 12, max(x1 - 12, 0) : x2 + 12] = 1
        boxes.append(box.astype(np.float64))
        kinds.append(kind)
    image = _painted(copper, style, rng)
    return Board(image, np.array(boxes).reshape(-1, 4), np.array(kinds, np.int32))


@dataclass(frozen=True, slots=True)
class _Style:
    """Colours and light of one clip."""

    substrate: tuple[float, float, float]
    copper: tuple[float, float, float]
    belt: tuple[float, float, float]
    noise: float
    blur: float
    light: tuple[float, float, float, float]
    """Depth and period (s) of the drift, slope across the picture, phase."""

    @staticmethod
    def draw(rng: np.random.Generator) -> _Style:
        """Pick a style: light board, dark copper, grey belt."""
        tint = rng.uniform(-1, 1, 3)
        substrate = np.array([188.0, 214.0, 184.0]) + tint * [26, 14, 26]
        copper = np.array([92.0, 62.0, 34.0]) + rng.uniform(-1, 1, 3) * [34, 26, 22]
        belt = np.full(3, rng.uniform(38, 74)) + rng.uniform(-6, 6, 3)
        light = (rng.uniform(0.05, 0.16), rng.uniform(4.0, 11.0), rng.uniform(-0.18, 0.18), rng.uniform(0, 6.28))
        return _Style(
            tuple(substrate.tolist()), tuple(copper.tolist()), tuple(belt.tolist()),
            float(rng.uniform(2.0, 6.0)), float(rng.uniform(0.45, 0.9)), light,
        )  # fmt: skip


class _Shake:
    """A camera on a vibrating frame: three sine waves per axis, together about two pixels."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._depth = rng.uniform(0.2, 0.9, (2, 3))
        self._rate = rng.uniform(0.05, 1.4, (2, 3))
        self._phase = rng.uniform(0, 6.28, (2, 3))

    def at(self, frame: int) -> NDArray[np.float64]:
        """Return the (2,) shift in pixels."""
        return np.asarray((self._depth * np.sin(self._rate * frame + self._phase)).sum(axis=1), dtype=np.float64)


def _layout(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the (H, W) copper mask of a sound board: buses with bends, pads, and areas of copper."""
    width, height = size
    copper = np.zeros((height, width), np.uint8)
    trace = int(rng.integers(9, 15))
    pitch = trace + int(rng.integers(15, 24))
    y = _EDGE + trace
    while y < height - _EDGE - trace:
        _row(copper, y, trace, pitch, rng)
        y += pitch * int(rng.integers(1, 3))
    for _ in range(int(rng.integers(1, 4))):
        w, h = (int(v) for v in rng.integers(46, 100, 2))
        x0, y0 = int(rng.integers(_EDGE, width - _EDGE - w)), int(rng.integers(_EDGE, height - _EDGE - h))
        cv2.rectangle(copper, (x0 - 14, y0 - 14), (x0 + w + 14, y0 + h + 14), 0, -1)
        if rng.random() < 0.5:
            cv2.rectangle(copper, (x0, y0), (x0 + w, y0 + h), 1, -1)
        else:
            cv2.circle(copper, (x0 + w // 2, y0 + h // 2), min(w, h) // 2, 1, -1)
    copper[: _EDGE // 2], copper[-_EDGE // 2 :] = 0, 0
    copper[:, : _EDGE // 2], copper[:, -_EDGE // 2 :] = 0, 0
    return _tidy(copper)


def _tidy(copper: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Remove slivers and crumbs that clearing left behind: on a sound board nothing may look like a defect."""
    whole = cv2.morphologyEx(_solid(copper), cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9)))
    _, labels, facts, _ = cv2.connectedComponentsWithStats(whole, connectivity=8)
    kept = facts[:, cv2.CC_STAT_AREA] >= _SMALLEST_PIECE
    kept[0] = False
    return np.asarray(kept[labels] & (copper > 0), dtype=np.uint8)


def _solid(copper: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the copper with pads' holes (and pin-holes) filled: what its outer edges enclose."""
    _, labels, facts, _ = cv2.connectedComponentsWithStats(1 - copper, connectivity=4)
    hole = facts[:, cv2.CC_STAT_AREA] < _LARGEST_HOLE
    hole[0] = False
    return np.asarray(hole[labels] | (copper > 0), dtype=np.uint8)


def _row(copper: NDArray[np.uint8], y: int, trace: int, pitch: int, rng: np.random.Generator) -> None:
    """Draw one trace from left to right with bends of 45 degrees and pads at both ends, perhaps in pieces."""
    width = copper.shape[1]
    x = _EDGE + int(rng.integers(0, 60))
    while x < width - _EDGE - 60:
        stop = min(x + int(rng.integers(90, 330)), width - _EDGE - trace)
        bend = int(rng.choice([-1, 0, 0, 1])) * (pitch // 2)
        middle = int(rng.uniform(0.3, 0.7) * (stop - x)) + x
        end_y = int(np.clip(y + bend, _EDGE, copper.shape[0] - _EDGE))
        points = np.array([(x, y), (middle, y), (middle + abs(end_y - y), end_y), (stop, end_y)])
        cv2.polylines(copper, [points.reshape(-1, 1, 2)], False, 1, trace)
        for end in (points[0], points[-1]):
            centre = (int(end[0]), int(end[1]))
            if rng.random() < 0.5:
                cv2.circle(copper, centre, trace, 1, -1)
                cv2.circle(copper, centre, max(trace // 3, 3), 0, -1)
            else:
                cv2.rectangle(
                    copper, (centre[0] - trace, centre[1] - trace), (centre[0] + trace, centre[1] + trace), 1, -1
                )
        x = stop + trace * 2 + int(rng.integers(18, 60))


def _blob(rng: np.random.Generator, centre: NDArray[np.float64], radius: float) -> NDArray[np.int32]:
    """Return an irregular outline of about this radius."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
    reach = radius * rng.uniform(0.65, 1.25, 9)
    return np.round(centre + np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None]).astype(np.int32)


def _pick(mask: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64] | None:
    """Return a random (x, y) where the mask is true."""
    ys, xs = np.nonzero(mask)
    if len(xs) == 0:
        return None
    k = int(rng.integers(len(xs)))
    return np.array([xs[k], ys[k]], dtype=np.float64)


def _inside(copper: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return every copper pixel's distance to the nearest bare one."""
    return np.asarray(cv2.distanceTransform(copper, cv2.DIST_L2, 5), dtype=np.float32)


def _outside(copper: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return every bare pixel's distance to the nearest copper; the rim of the board counts as copper."""
    bare = 1 - copper
    bare[:10], bare[-10:], bare[:, :10], bare[:, -10:] = 0, 0, 0, 0
    return _inside(bare)


def _outward(copper: NDArray[np.uint8], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the unit normal that points away from the copper at a point of its edge."""
    x, y = (int(v) for v in point)
    soft = cv2.GaussianBlur(copper[max(y - 9, 0) : y + 10, max(x - 9, 0) : x + 10].astype(np.float32), (0, 0), 2.5)
    gy, gx = np.gradient(soft)
    row, column = min(y, 9), min(x, 9)
    normal = -np.array([gx[row, column], gy[row, column]], dtype=np.float64)
    return np.asarray(normal / max(float(np.linalg.norm(normal)), 1e-6), dtype=np.float64)


def _edge(copper: NDArray[np.uint8], blocked: NDArray[np.uint8]) -> NDArray[np.bool_]:
    inner = _inside(_solid(copper))
    return np.asarray((inner > 0) & (inner <= 1.5) & (blocked == 0), dtype=np.bool_)


def _across(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator, *, value: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float] | None:
    """Return a point on the copper's edge, a direction, and how far `value` lasts along it (6 to 34 pixels)."""
    copper = _solid(copper)
    edge = _edge(copper, blocked)
    _, pieces = cv2.connectedComponents(copper, connectivity=8)
    for _ in range(12):
        point = _pick(edge, rng)
        if point is None:
            return None
        normal = _outward(copper, point)
        if float(np.abs(normal).max()) < 0.9:  # only straight edges, where the far side runs parallel
            continue
        way = -normal if value else normal
        for reach in range(3, 36):
            x, y = (int(v) for v in np.round(point + way * reach))
            if not (10 <= x < copper.shape[1] - 10 and 10 <= y < copper.shape[0] - 10) or blocked[y, x]:
                break
            if copper[y, x] != value:
                own = pieces[int(point[1]), int(point[0])]
                if reach >= 6 and (value or pieces[y, x] != own):
                    return point, way, float(reach)
                break
    return None


def _make_open(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Cut a trace through."""
    found = _across(copper, blocked, rng, value=1)
    if found is None or found[2] > 22:
        return None
    point, way, reach = found
    return _strip(copper, point - way * 2, point + way * (reach + 2), rng, value=0, thickness=int(rng.integers(5, 9)))


def _make_short(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Join two neighbouring pieces of copper."""
    found = _across(copper, blocked, rng, value=0)
    if found is None:
        return None
    point, way, reach = found
    return _strip(copper, point - way, point + way * (reach + 1), rng, value=1, thickness=int(rng.integers(4, 8)))


def _strip(
    copper: NDArray[np.uint8],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    value: int,
    thickness: int,
) -> NDArray[np.uint8]:
    bend = (start + stop) / 2 + rng.uniform(-3, 3, 2)
    points = np.round(np.array([start, bend, stop])).astype(np.int32).reshape(-1, 1, 2)
    return np.asarray(cv2.polylines(copper.copy(), [points], False, value, thickness), dtype=np.uint8)


def _make_mousebite(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Take a bite out of an edge without cutting through."""
    point = _pick(_edge(copper, blocked), rng)
    if point is None:
        return None
    radius = rng.uniform(4.5, 8.0)
    deep = point - _outward(copper, point) * (radius + 3)
    x, y = (int(v) for v in np.round(deep))
    if not (0 <= y < copper.shape[0] and 0 <= x < copper.shape[1]) or not copper[y, x]:
        return None
    return np.asarray(cv2.fillPoly(copper.copy(), [_blob(rng, point, radius)], 0), dtype=np.uint8)


def _make_spur(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Let a stub of copper stand out from an edge into the open."""
    point = _pick(_edge(copper, blocked), rng)
    if point is None:
        return None
    length = rng.uniform(7.0, 12.0)
    way = _outward(copper, point)
    x, y = (int(v) for v in np.round(point + way * (length + 5)))
    if not (0 <= y < copper.shape[0] and 0 <= x < copper.shape[1]) or _outside(copper)[y, x] < 4:
        return None
    tip = np.round(point + way * length + rng.uniform(-2, 2, 2)).astype(int)
    base = np.round(point - way).astype(int)
    return np.asarray(
        cv2.line(copper.copy(), tuple(base.tolist()), tuple(tip.tolist()), 1, int(rng.integers(4, 8))), dtype=np.uint8
    )


def _make_copper(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Leave a speck of copper where none belongs."""
    radius = rng.uniform(4.0, 7.0)
    point = _pick((_outside(copper) > radius + 5) & (blocked == 0), rng)
    if point is None:
        return None
    return np.asarray(cv2.fillPoly(copper.copy(), [_blob(rng, point, radius)], 1), dtype=np.uint8)


def _make_pinhole(
    copper: NDArray[np.uint8], blocked: NDArray[np.uint8], rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Miss a spot of copper inside an area or a wide trace."""
    radius = rng.uniform(3.0, 5.0)
    point = _pick((_inside(copper) > radius + 3) & (blocked == 0), rng)
    if point is None:
        return None
    return np.asarray(cv2.fillPoly(copper.copy(), [_blob(rng, point, radius)], 0), dtype=np.uint8)


_MAKERS = (_make_open, _make_short, _make_mousebite, _make_spur, _make_copper, _make_pinhole)


def _painted(copper: NDArray[np.uint8], style: _Style, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the board in colour, with a dark rim and uneven surfaces."""
    soft = cv2.GaussianBlur(copper.astype(np.float32), (0, 0), 0.7)[:, :, None]
    image = soft * np.array(style.copper) + (1 - soft) * np.array(style.substrate)
    grain = cv2.resize(rng.normal(0, 1, (copper.shape[0] // 4 + 1, copper.shape[1] // 4 + 1)), copper.shape[::-1])
    image = image * (1 + 0.025 * grain[:, :, None])
    cv2.rectangle(image, (1, 1), (copper.shape[1] - 2, copper.shape[0] - 2), [v * 0.55 for v in style.substrate], 3)
    return np.clip(image, 0, 255).astype(np.uint8)


def _belt(size: tuple[int, int], style: _Style, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a strip of belt, twice as wide as the picture, with ribs and scratches."""
    width, height = size[0] * 2, size[1]
    image = np.ones((height, width, 3)) * np.array(style.belt)
    image += 5.0 * np.sin(np.arange(width) * 2 * np.pi * 20 / width)[None, :, None]
    for _ in range(40):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        end = (x + int(rng.integers(-40, 40)), y + int(rng.integers(-8, 8)))
        cv2.line(image, (x, y), end, [v + float(rng.uniform(-14, 22)) for v in style.belt], 1)
    return np.clip(image + rng.normal(0, 3, (height, width, 1)), 0, 255).astype(np.uint8)


def _lay(scene: NDArray[np.float32], board: NDArray[np.uint8], at: NDArray[np.float64]) -> None:
    """Lay a board with its shadow on the scene, at a position in fractions of a pixel."""
    height, width = scene.shape[:2]
    whole = np.floor(at).astype(int)
    part = at - whole
    shifted = cv2.warpAffine(
        board,
        np.array([[1, 0, part[0]], [0, 1, part[1]]], np.float64),
        (board.shape[1] + 1, board.shape[0] + 1),
        borderMode=cv2.BORDER_REPLICATE,
    )
    x, y = int(whole[0]), int(whole[1])
    x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + shifted.shape[1], width), min(y + shifted.shape[0], height)
    if x2 <= x1 or y2 <= y1:
        return
    scene[y1 + 5 : min(y2 + 7, height), x1 + 4 : min(x2 + 6, width)] *= 0.6
    scene[y1:y2, x1:x2] = shifted[y1 - y : y2 - y, x1 - x : x2 - x]


def _exposed(scene: NDArray[np.float32], seconds: float, style: _Style, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return what the sensor records: light that drifts and falls off to one side, defocus, noise."""
    depth, period, slope, phase = style.light
    gain = 1.0 + depth * np.sin(2 * np.pi * seconds / period + phase)
    across = 1.0 + slope * np.linspace(-0.5, 0.5, scene.shape[1], dtype=np.float32)
    lit = cv2.GaussianBlur(scene * (gain * across[None, :, None]).astype(np.float32), (0, 0), style.blur)
    noise = rng.standard_normal(scene.shape[:2], dtype=np.float32)[:, :, None] * np.float32(style.noise)
    return np.clip(lit + noise, 0, 255).astype(np.uint8)


def _picture(
    image: NDArray[np.uint8], rows: list[tuple[NDArray[np.float64], int, int]], size: tuple[int, int]
) -> Picture:
    whole = np.array([row[0] for row in rows]).reshape(-1, 4)
    cut = np.clip(whole, 0, [size[0], size[1], size[0], size[1]])
    area = np.maximum((whole[:, 2:] - whole[:, :2]).prod(axis=1), 1e-9)
    visible = np.maximum(cut[:, 2:] - cut[:, :2], 0).prod(axis=1) / area
    keep = visible >= _LEAST_VISIBLE
    return Picture(
        image,
        cut[keep],
        np.array([row[1] for row in rows], np.int32)[keep],
        np.array([row[2] for row in rows], np.int64)[keep],
        visible[keep],
    )
