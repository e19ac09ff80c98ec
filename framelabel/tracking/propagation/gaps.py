"""All methods' paths between two neighbouring keyframes, and what can be said about each before anyone looks.

A gap knows nothing of other gaps: its paths depend on its two human boxes and the clip's detections only. A new human
box therefore costs two new gaps and leaves all others as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.geometry import area
from framelabel.tracking.propagation import linear, perspective
from framelabel.tracking.propagation.association import ClipDetections, associate, departed, departure
from framelabel.tracking.propagation.camera_steps import unevenness
from framelabel.tracking.propagation.dynamics import Dynamics, residual
from framelabel.tracking.propagation.smoothing import smooth

Floats = NDArray[np.float64]

METHODS = ("linear", "perspective", "steadied", "stiff", "firm", "even", "loose")
"""Three interpolations (`steadied` is linear plus the camera's uneven motion), and four paths through the detections
that trust these ever more against smooth motion."""
_PUSHES = (("stiff", "linear", 0.3), ("firm", "steadied", 0.3), ("even", "perspective", 1.2), ("loose", "linear", 5.0))
"""Name, base path, and factor on the clip's own push."""
KEY_RESIDUAL_WEIGHT = 0.5
"""Share of the residual seen at a keyframe (beyond the clip's bias) that is carried into the gap."""
DEVIATION_FLOOR = 0.02
WINDOW = 7
"""Frames over which support and crowding are averaged."""

FEATURES = (
    "log_length",
    "log_distance",
    "log_bridge",
    "log_support_bridge",
    *(f"deviation_{name}" for name in METHODS),
    "support",
    "gap_support",
    "misfit",
    "overlap_here",
    "overlap_near",
    "crowding",
    "displacement",
    "scale_change",
    "log_size",
    "log_aspect",
    "log_noise",
)


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """The frames strictly between two keyframes."""

    start: int
    """Frame ordinal of the first keyframe."""
    stop: int
    """Frame ordinal of the second."""
    paths: Floats
    """(P, M, 4) box of each method in each frame between."""
    features: Floats
    """(P, M, F) values of `FEATURES`."""
    support: Floats
    """(M,) weight in [0, 1] of the detection that the paths follow; 0 where there is none."""
    bridge: Floats
    """(M,) typical error, in units of 1 - IoU, of an interpolation that far from both keyframes."""
    push: float
    """Typical change of velocity from frame to frame, in the same units."""

    def __len__(self) -> int:
        return self.stop - self.start - 1


def solve(clip: ClipDetections, dynamics: Dynamics, start: int, stop: int, first: Floats, last: Floats) -> Gap:
    """Return the gap between human boxes `first` and `last`, (4,) each, at frames `start` < `stop`."""
    length = stop - start
    frame, ends = np.arange(start, stop + 1), np.array([start, stop])
    keys = np.stack([first, last])
    bases = {
        "linear": linear.interpolate(frame, ends, keys),
        "perspective": perspective.interpolate(frame, ends, keys),
    }
    bases["steadied"] = bases["linear"] + np.tile(unevenness(dynamics.camera, start, stop), 2)
    inner = {name: base[1:-1] for name, base in bases.items()}
    chosen = associate(clip, start, bases["perspective"])[1:-1]
    found = chosen >= 0
    share = (np.arange(1, length) / length)[:, None]
    correction = (1 - share) * _correction(clip, dynamics, start, first)
    correction = correction + share * _correction(clip, dynamics, stop, last)
    paths, weight = [inner["linear"], inner["perspective"], inner["steadied"]], np.zeros(length - 1)
    misfit = np.zeros(length - 1)
    size_scale = _size_scale(inner["linear"])
    for _, base_name, factor in _PUSHES:
        base = inner[base_name]
        if not found.any():
            paths.append(base)
            continue
        observed = np.zeros((length - 1, 4))
        observed[found] = departure(clip.xyxy[chosen[found]], base[found]) + correction[found]
        push = dynamics.push * factor * np.append(size_scale, [1.0, 1.0])
        value, weight = smooth(observed, found, dynamics.noise, push)
        misfit = np.where(found, np.sqrt(np.mean(((value - observed) / dynamics.noise) ** 2, axis=1)), 0.0)
        paths.append(departed(value, base))
    stacked = np.stack(paths)
    bridge, push_, features = _features(clip, dynamics, start, stacked, keys, chosen, misfit, size_scale)
    return Gap(start, stop, stacked, features, weight, bridge, push_)


def _correction(clip: ClipDetections, dynamics: Dynamics, frame: int, box: Floats) -> Floats:
    seen = residual(clip, frame, box)
    if seen is None:
        return dynamics.bias
    return np.asarray(dynamics.bias + KEY_RESIDUAL_WEIGHT * (seen - dynamics.bias), dtype=np.float64)


def _size_scale(base: Floats) -> Floats:
    """Return (2,) object sizes per box width and height, middle of the path."""
    middle = base[len(base) // 2]
    extent = np.maximum(middle[2:] - middle[:2], 1e-3)
    return np.asarray(np.sqrt(extent.prod()) / extent, dtype=np.float64)


def _features(
    clip: ClipDetections,
    dynamics: Dynamics,
    start: int,
    paths: Floats,
    keys: Floats,
    chosen: NDArray[np.int64],
    misfit: Floats,
    size_scale: Floats,
) -> tuple[Floats, float, Floats]:
    methods, count = paths.shape[:2]
    before = np.arange(1, count + 1, dtype=np.float64)
    after = before[::-1]
    push = dynamics.push * np.append(size_scale, [1.0, 1.0])
    spread = float(np.sqrt(push[0] ** 2 + push[1] ** 2 + (push[2] ** 2 + push[3] ** 2) / 4))
    noise = dynamics.noise
    jitter = float(np.sqrt(noise[0] ** 2 + noise[1] ** 2 + (noise[2] ** 2 + noise[3] ** 2) / 4))
    bridge = spread * (before * after / (before + after)) ** 1.5
    found = chosen >= 0
    left = _distance(found)
    right = _distance(found[::-1])[::-1]
    support_bridge = spread * (left * right / np.maximum(left + right, 1.0)) ** 1.5 + jitter / 2
    rows = clip.rows(start + 1, start + 1 + count)
    offset = clip.frame[rows] - start - 1
    boxes = clip.xyxy[rows]
    overlap = paired(paths[:, offset], boxes[None])
    is_chosen = np.zeros(len(boxes), np.bool_)
    is_chosen[chosen[found] - rows.start] = True
    best = _largest(overlap, offset, count)
    rival = _largest(np.where(is_chosen, 0.0, overlap), offset, count)
    deviation = np.stack([1 - paired(paths, other[None]) for other in paths], axis=-1)
    first, last = keys
    extent = np.maximum(keys[:, 2:] - keys[:, :2], 1e-3)
    size = np.sqrt(extent.prod(axis=1))
    moved = np.hypot(*((last[:2] + last[2:] - first[:2] - first[2:]) / 2)) / size.min()
    column = np.broadcast_to
    shape = (methods, count)
    features = np.stack(
        [
            column(np.log2(count + 1.0), shape),
            column(np.log2(np.minimum(before, after)), shape),
            column(np.log(bridge + DEVIATION_FLOOR), shape),
            column(np.log(support_bridge + DEVIATION_FLOOR), shape),
            *np.moveaxis(np.log(deviation + DEVIATION_FLOOR), -1, 0),
            column(_averaged(found.astype(np.float64)), shape),
            column(found.mean(), shape),
            column(_averaged(misfit), shape),
            best,
            _averaged(best),
            _averaged(rival),
            column(np.log1p(moved), shape),
            column(abs(np.log(size[1] / size[0])), shape),
            column(np.log(size.min()), shape),
            column(np.log(extent[:, 0] / extent[:, 1]).mean(), shape),
            column(np.log(jitter), shape),
        ],
        axis=-1,
    )
    return bridge, spread, features


def _largest(overlap: Floats, offset: NDArray[np.int64], count: int) -> Floats:
    """Return the (P, M) largest of the (P, D) overlaps by frame; `offset` (D,) is non-decreasing."""
    largest = np.zeros((len(overlap), count))
    if len(offset):
        frames, starts = np.unique(offset, return_index=True)
        largest[:, frames] = np.maximum.reduceat(overlap, starts, axis=1)
    return largest


def _distance(found: NDArray[np.bool_]) -> Floats:
    """Return the (M,) frames since the last support before or at each frame; the keyframe before the first counts."""
    place = np.arange(1, len(found) + 1)
    last = np.maximum.accumulate(np.where(found, place, 0))
    return np.asarray(place - last, dtype=np.float64)


def _averaged(values: Floats) -> Floats:
    """Return the (..., M) mean over `WINDOW` frames around each, cut at the ends."""
    half = WINDOW // 2
    total = np.cumsum(np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1), axis=-1)
    count = values.shape[-1]
    low, high = np.maximum(np.arange(count) - half, 0), np.minimum(np.arange(count) + half + 1, count)
    return np.asarray((total[..., high] - total[..., low]) / (high - low), dtype=np.float64)


def paired(a: Floats, b: Floats) -> Floats:
    """Return the (...,) overlap of boxes of equal (broadcast) shape (..., 4)."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    common = np.maximum(high - low, 0.0).prod(axis=-1)
    return np.asarray(common / np.maximum(area(a) + area(b) - common, 1e-9), dtype=np.float64)
