"""Model masks to run-length masks of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.shapes import Mask
from framelabel.inference.preprocess import Placement

Floats = NDArray[np.float64]


def run_lengths(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return COCO run lengths of an (H, W) mask: column-major, runs of 0 and 1 in turn, starting with 0.

    >>> run_lengths(np.array([[True, False], [True, True]])).tolist()
    [0, 2, 1, 1]
    """
    flat = np.asarray(inside, np.bool_).T.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = np.concatenate([[0], changes, [len(flat)]])
    runs = np.diff(edges).astype(np.int64)
    return np.concatenate([[0], runs]).astype(np.int64) if len(flat) and flat[0] else runs


def mask_in_picture(
    values: NDArray[Any], level: float, input_size: tuple[int, int], placement: Placement, xyxy: Floats
) -> Mask:
    """Return the picture mask of (h, w) `values` >= `level` that cover the whole model input, cut at the box.

    Args:
        values: scores of any resolution, laid over the model input.
        level: from where a pixel is inside.
        input_size: (width, height) of the model input.
        placement: where the picture lies in the input.
        xyxy: (4,) the object's box in input pixels.
    """
    width, height = placement.size
    left, top, right, bottom = _window(placement.to_picture(xyxy[None])[0], placement.size)
    inside = np.zeros((height, width), np.bool_)
    if right > left and bottom > top:
        fine_x, fine_y = values.shape[1] / input_size[0], values.shape[0] / input_size[1]
        columns = ((np.arange(left, right) + 0.5) * placement.scale[0] + placement.offset[0]) * fine_x - 0.5
        rows = ((np.arange(top, bottom) + 0.5) * placement.scale[1] + placement.offset[1]) * fine_y - 0.5
        inside[top:bottom, left:right] = _sample(values, columns, rows) >= level
    return Mask(placement.size, run_lengths(inside))


def box_mask_in_picture(values: NDArray[Any], level: float, placement: Placement, xyxy: Floats) -> Mask:
    """Return the picture mask of (h, w) `values` >= `level` that cover just the (4,) box, in picture pixels."""
    width, height = placement.size
    left, top, right, bottom = _window(xyxy, placement.size)
    inside = np.zeros((height, width), np.bool_)
    if right > left and bottom > top:
        across, down = max(xyxy[2] - xyxy[0], 1e-9), max(xyxy[3] - xyxy[1], 1e-9)
        columns = (np.arange(left, right) + 0.5 - xyxy[0]) / across * values.shape[1] - 0.5
        rows = (np.arange(top, bottom) + 0.5 - xyxy[1]) / down * values.shape[0] - 0.5
        inside[top:bottom, left:right] = _sample(values, columns, rows) >= level
    return Mask(placement.size, run_lengths(inside))


def _window(xyxy: Floats, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the whole pixels whose centres a box can hold, inside the picture."""
    left, top = max(0, int(np.floor(xyxy[0]))), max(0, int(np.floor(xyxy[1])))
    return left, top, min(size[0], int(np.ceil(xyxy[2]))), min(size[1], int(np.ceil(xyxy[3])))


def _sample(values: NDArray[Any], columns: Floats, rows: Floats) -> NDArray[np.float32]:
    """Return values at fractional columns and rows, bilinear, edges repeated."""
    map_x = np.broadcast_to(columns.astype(np.float32)[None, :], (len(rows), len(columns)))
    map_y = np.broadcast_to(rows.astype(np.float32)[:, None], (len(rows), len(columns)))
    grid = np.ascontiguousarray(values, np.float32)
    sampled = cv2.remap(
        grid,
        np.ascontiguousarray(map_x),
        np.ascontiguousarray(map_y),
        interpolation=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(sampled, dtype=np.float32)


def pixels(mask: Mask) -> NDArray[np.bool_]:
    """Return the (H, W) pixels of a run-length mask."""
    width, height = mask.size
    values = np.arange(len(mask.counts)) % 2 == 1
    return np.repeat(values, mask.counts).reshape(width, height).T


def union(masks: Sequence[Mask]) -> Mask:
    """Return the mask of every pixel that any of these masks of one picture holds."""
    inside = pixels(masks[0]).copy()
    for mask in masks[1:]:
        inside |= pixels(mask)
    return Mask(masks[0].size, run_lengths(inside))
