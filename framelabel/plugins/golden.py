"""Learn a golden template from good pictures of one fixed camera: median, spread, and the threshold that they pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.alignment import aligned
from framelabel.inference.golden_template import GoldenTemplate, build_graph
from framelabel.inference.session import Session

Picture = NDArray[np.uint8]

NOISE = 4.0
"""Grey levels that a good pixel strays at least: sensor noise and compression."""
UNRESOLVED = 0.5
"""Pixels of shift that whole-pixel alignment leaves; a pixel on an edge strays by that share of its gradient."""
POOLED = 5
"""Side of the square whose pixels share one spread, because few pictures say little about one pixel."""
MARGIN = 1.1
"""The threshold lies this much above what good pictures reach."""
LEAST_THRESHOLD = 3.0
FEW = 3
"""Below this many good pictures, disturbed copies stand in for the pictures left out."""
MOST_FOLDS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was learnt."""

    golden: GoldenTemplate
    reached: tuple[float, ...]
    """The largest spread in each good picture that was left out of its own template."""
    is_made_up: bool
    """There were too few pictures to leave one out: disturbed copies of them were measured."""


def fit_golden(pictures: Sequence[Picture], *, seed: int = 0, reporter: Reporter = SILENT) -> Fit:
    """Learn from good (H, W, 3) RGB pictures of one size.

    The threshold is `MARGIN` times the larger of the worst good picture and median + 4 deviations (by the median
    absolute deviation) of all, each measured by the very graph that will label, against a template made without it.

    Raises:
        UsageError: no pictures, or their sizes differ.
    """
    sizes = {picture.shape for picture in pictures}
    if len(sizes) != 1:
        found = ", ".join(sorted(f"{shape[1]}x{shape[0]}" for shape in sizes)) or "none"
        msg = f"good pictures of one fixed camera have one size; found {found}"
        raise UsageError(msg)
    laid = np.stack([aligned(picture, pictures[0]) for picture in pictures])
    golden = learn(laid)
    is_made_up = len(pictures) < FEW
    if is_made_up:
        tried = [(golden, copy) for copy in disturbed(pictures[0], MOST_FOLDS, seed)]
    else:
        folds = np.unique(np.linspace(0, len(pictures) - 1, MOST_FOLDS).astype(int))
        tried = [(learn(np.delete(laid, fold, axis=0)), pictures[fold]) for fold in folds]
    reporter.start("measuring good pictures", len(tried))
    reached = []
    for template, picture in tried:
        reached.append(largest(template, picture))
        reporter.advance()
    middle = float(np.median(reached))
    deviation = 1.4826 * float(np.median(np.abs(np.array(reached) - middle)))
    threshold = max(LEAST_THRESHOLD, MARGIN * max(reached), MARGIN * (middle + 4 * deviation))
    return Fit(replace(golden, threshold=threshold), tuple(reached), is_made_up)


def spread_map(golden: GoldenTemplate, picture: Picture) -> NDArray[np.float64]:
    """Return (H, W) how many good spreads each pixel is away, by the graph that labels."""
    session = Session(Path("golden_template.onnx"), device="cpu", model=build_graph(replace(golden, threshold=1.0)))
    fed = np.ascontiguousarray(picture.transpose(2, 0, 1)[None].astype(np.float32))
    good, bad = session.run(fed)[0][0].astype(np.float64)
    return np.asarray(bad / np.maximum(good, 1e-6) * (good > 0))


def largest(golden: GoldenTemplate, picture: Picture) -> float:
    """Return the largest spread of a picture: how anomalous it is as a whole."""
    return float(spread_map(golden, picture).max())


def disturbed(picture: Picture, count: int, seed: int) -> list[Picture]:
    """Return copies as a fixed camera would take them again: shifted by up to 2 pixels, other light, noise."""
    random = np.random.default_rng(seed)
    copies = []
    for _ in range(count):
        shift = random.uniform(-2, 2, 2)
        moved = cv2.warpAffine(
            picture,
            np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64),
            (picture.shape[1], picture.shape[0]),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        lit = moved * random.uniform(0.85, 1.0) + random.uniform(0, 12) + random.normal(0, 3, picture.shape)
        copies.append(np.clip(lit, 0, 255).astype(np.uint8))
    return copies


def learn(aligned: Picture) -> GoldenTemplate:
    """Return the template of (N, H, W, 3) aligned pictures, with a threshold of 1."""
    middle = np.median(aligned, axis=0).astype(np.uint8)
    usual = middle.astype(np.float32)
    mean, deviation = usual.mean(axis=(0, 1)), usual.std(axis=(0, 1)) + 1.0
    variance = np.zeros_like(usual)
    for picture in aligned.astype(np.float32):
        matched = (picture - picture.mean(axis=(0, 1))) / (picture.std(axis=(0, 1)) + 1.0) * deviation + mean
        variance += (matched - usual) ** 2
    variance = cv2.blur(variance / max(len(aligned) - 1, 1), (POOLED, POOLED))
    across = cv2.Sobel(usual, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(usual, cv2.CV_32F, 0, 1, scale=0.125)
    edges = UNRESOLVED**2 * cv2.blur(across**2 + down**2, (3, 3))
    return GoldenTemplate(middle, np.sqrt(variance + edges + NOISE**2).astype(np.float32), 1.0)
