"""How objects of a clip move and how its detector errs, measured from the clip itself.

Motion: the second differences of detections linked over 2k frames grow with k as 6 r^2 + (2/3) k^3 q^2 for white
detector noise r and a Wiener velocity of push q; two values of k separate them. Detector error against the person:
the residuals at human boxes, shrunk towards typical values while there are few of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import iou
from framelabel.tracking.propagation.association import ClipDetections, departure
from framelabel.tracking.propagation.camera_steps import camera_path

Floats = NDArray[np.float64]

TYPICAL_NOISE = np.array([0.08, 0.05, 0.12, 0.08])
"""Of x, y (in box widths, heights) and log width, log height: what detectors of people and cars show."""
TYPICAL_WEIGHT = 20.0
"""Human boxes that the typical values count for."""
TYPICAL_PUSH = np.array([0.015, 0.009, 0.009, 0.006])
"""Of x, y (in object sizes, sqrt(w h)) and log width, log height, per frame."""
PUSH_LIMITS = (0.002, 0.1)
SHORT, LONG = (1, 4, 8), 60
"""Frames k of the second differences; fewer chains than `LONG` are not trusted."""


@dataclass(frozen=True, slots=True, eq=False)
class Dynamics:
    """Motion and detector error of one clip."""

    push: Floats
    """(4,) standard deviation of the second difference per frame: x, y in object sizes; log w, log h."""
    noise: Floats
    """(4,) standard deviation of a detection's error: x, y in box widths and heights; log w, log h."""
    bias: Floats
    """(4,) median of human box minus detection, same units."""
    camera: Floats
    """(F + 1, 2) place of the picture by frame ordinal (`camera_steps`)."""


def residual(clip: ClipDetections, frame: int, box: Floats) -> Floats | None:
    """Return the (4,) departure of a human (4,) box from the detection that shows it; None where none overlaps half."""
    rows = clip.rows(frame, frame + 1)
    if rows.stop == rows.start:
        return None
    overlap = iou(clip.xyxy[rows], box[None])[:, 0]
    best = int(overlap.argmax())
    if overlap[best] < 0.5:
        return None
    return np.asarray(departure(box[None], clip.xyxy[rows.start + best][None])[0], dtype=np.float64)


def measure(clip: ClipDetections, residuals: Floats) -> Dynamics:
    """Measure a clip from its linked detections and the (K, 4) residuals at its human boxes."""
    count = len(residuals)
    bias, noise = np.zeros(4), TYPICAL_NOISE
    if count:
        middle = np.median(residuals, axis=0)
        spread = 1.4826 * np.median(np.abs(residuals - middle), axis=0)
        bias = middle * count / (count + TYPICAL_WEIGHT)
        noise = np.sqrt((count * spread**2 + TYPICAL_WEIGHT * TYPICAL_NOISE**2) / (count + TYPICAL_WEIGHT))
    return Dynamics(_push(clip), noise, bias, camera_path(clip))


def _push(clip: ClipDetections) -> Floats:
    """Return the (4,) push of the clip's linked detections; the typical one where too few are linked."""
    extent = np.maximum(clip.xyxy[:, 2:] - clip.xyxy[:, :2], 1e-3)
    state = np.concatenate([(clip.xyxy[:, :2] + clip.xyxy[:, 2:]) / 2, np.log(extent)], axis=1)
    size = np.sqrt(extent.prod(axis=1))
    chain = [np.arange(len(clip))]
    for _ in range(2 * SHORT[-1]):
        last = chain[-1]
        chain.append(np.where(last >= 0, clip.successor[np.maximum(last, 0)], -1) if len(clip) else last)
    variance = []
    for step in SHORT:
        rows = np.flatnonzero(chain[2 * step] >= 0)
        if len(rows) < LONG:
            return TYPICAL_PUSH
        middle = chain[step][rows]
        second = state[chain[2 * step][rows]] - 2 * state[middle] + state[rows]
        second[:, :2] /= size[middle, None]
        variance.append((np.median(np.abs(second), axis=0) / 0.6745) ** 2)
    white = variance[0]
    estimates = [
        np.sqrt(np.maximum(now - white, 0.0) / (2 / 3 * step**3))
        for now, step in zip(variance[1:], SHORT[1:], strict=True)
    ]
    return np.asarray(np.clip(np.mean(estimates, axis=0), *PUSH_LIMITS), dtype=np.float64)
