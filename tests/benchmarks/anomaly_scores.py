"""What the anomaly benchmarks share: the area under the ROC curve, and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


def auroc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Return the chance that a positive scores higher than a negative, ties counting half (Mann and Whitney)."""
    high, low = np.ravel(positive), np.ravel(negative)
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def picture_at(path: Path) -> NDArray[np.uint8]:
    """Return an (H, W, 3) RGB picture."""
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: not a readable picture")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def windows(size: tuple[int, int], side: int, step: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of windows over a picture of `size` (width, height)."""
    for top in range(0, max(1, size[1] - side + 1), step):
        for left in range(0, max(1, size[0] - side + 1), step):
            yield slice(top, top + side), slice(left, left + side)
