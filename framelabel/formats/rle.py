"""Run-length masks: COCO's compressed text, uncompressed counts, and polygons as masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Mask, Polygon


def decode_counts(text: str | bytes) -> NDArray[np.int64]:
    """Return the run lengths of COCO's compressed text (6 bits a character from "0", each from the third on a delta).

    Raises:
        ValueError: the text ends inside a number or holds a character outside the alphabet.
    """
    data = text.encode("ascii", "replace") if isinstance(text, str) else bytes(text)
    counts: list[int] = []
    value = shift = 0
    for byte in data:
        code = byte - 48
        if not 0 <= code < 64:
            msg = f"run-length text holds the character {chr(byte)!r}"
            raise ValueError(msg)
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            if shift > 60:
                raise ValueError("run-length text holds a number that is too large")
            continue
        if code & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError("run-length text ends inside a number")
    return np.array(counts, dtype=np.int64)


def encode_counts(counts: NDArray[np.int64]) -> str:
    """Return run lengths as COCO's compressed text."""
    out = bytearray()
    values = counts.tolist()
    for position, count in enumerate(values):
        value = count - values[position - 2] if position > 2 else count
        while True:
            code = value & 0x1F
            value >>= 5
            more = value != -1 if code & 0x10 else value != 0
            out.append((code | 0x20 if more else code) + 48)
            if not more:
                break
    return out.decode("ascii")


def mask_of(record: Any) -> Mask:
    """Return the mask of a COCO or Scalabel record {"size": [h, w], "counts": text or list}.

    Raises:
        ValueError: the runs do not cover the picture; KeyError or TypeError: not such a record.
    """
    height, width = (int(side) for side in record["size"])
    counts = record["counts"]
    runs = decode_counts(counts) if isinstance(counts, (str, bytes)) else np.array(counts, dtype=np.int64).reshape(-1)
    if width <= 0 or height <= 0 or bool((runs < 0).any()) or int(runs.sum()) != width * height:
        msg = f"mask runs add up to {int(runs.sum())}, the picture {width}x{height} has {width * height} pixels"
        raise ValueError(msg)
    return Mask((width, height), runs)


def record_of(mask: Mask) -> dict[str, Any]:
    """Return {"size": [h, w], "counts": compressed text}."""
    return {"size": [mask.size[1], mask.size[0]], "counts": encode_counts(mask.counts)}


def area_of(mask: Mask) -> int:
    """Return the covered pixels."""
    return int(mask.counts[1::2].sum())


def pixels_of(mask: Mask) -> NDArray[np.bool_]:
    """Return the (H, W) pixels."""
    values = np.arange(len(mask.counts)) % 2 == 1
    flat = np.repeat(values, mask.counts)
    return np.asarray(flat.reshape(mask.size[::-1], order="F"), dtype=np.bool_)


def mask_of_pixels(pixels: NDArray[Any]) -> Mask:
    """Return the mask of (H, W) pixels; anything but zero is covered."""
    height, width = pixels.shape
    flat = (pixels != 0).ravel(order="F")
    changes = np.flatnonzero(np.diff(flat)) + 1
    edges = np.concatenate([[0], changes, [len(flat)]]).astype(np.int64)
    counts = np.diff(edges)
    if len(flat) and flat[0]:
        counts = np.concatenate([[0], counts])
    return Mask((width, height), counts.astype(np.int64))


def polygon_mask(polygon: Polygon, size: tuple[int, int]) -> Mask:
    """Return a polygon's pixels by the even-odd rule over its rings (a ring inside another is a hole)."""
    from pycocotools import mask as coco

    width, height = size
    covered = np.zeros((height, width), np.bool_)
    for ring in polygon.rings:
        if len(ring) < 3:
            continue
        encoded = coco.frPyObjects([ring.ravel().tolist()], height, width)
        covered ^= pixels_of(mask_of(encoded[0]))
    return mask_of_pixels(covered)


def polygon_area(rings: Sequence[NDArray[np.float64]]) -> float:
    """Return the area of rings by the shoelace formula; a ring inside the first one is a hole."""
    total = 0.0
    for position, ring in enumerate(rings):
        x, y = ring[:, 0], ring[:, 1]
        area = abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
        is_hole = position > 0 and _contains(rings[0], ring)
        total += -area if is_hole else area
    return max(total, 0.0)


def _contains(outer: NDArray[np.float64], inner: NDArray[np.float64]) -> bool:
    """Return whether the first point of `inner` lies in `outer` (even-odd)."""
    if len(outer) < 3 or not len(inner):
        return False
    px, py = inner[0]
    x1, y1 = outer[:, 0], outer[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    crosses = (y1 > py) != (y2 > py)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x1 + (py - y1) * (x2 - x1) / (y2 - y1)
    return bool(np.count_nonzero(crosses & (px < at)) % 2)
