"""The pictures that training sees, and which of them it must not see."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.errors import UsageError
from framelabel.core.geometry import Letterbox

PADDING = 114
"""Grey of the area that a letterboxed picture does not cover, as YOLOX was trained with."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One labelled picture."""

    path: Path
    boxes: Boxes
    """In picture pixels; `class_id` is a row of the plugin's classes."""
    group: str
    """Clip, board or source; pictures of one group are never split between training and the held-out part."""
    template: Path | None = None
    """The same view without a fault, for models that compare with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded sample."""

    image: NDArray[np.uint8]
    """(H, W, 3) BGR; of a pair: difference, template, picture."""
    xyxy: NDArray[np.float64]
    """(N, 4) pixels of `image`."""
    class_id: NDArray[np.int32]
    """(N,)"""


def split(samples: Sequence[Sample], share: float, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Divide samples into training and held-out ones by whole groups.

    Groups are held out in the order of a hash of their name and the seed until `share` of the samples is reached, so
    that the division does not depend on the order of the files and grows little when pictures are added.

    Raises:
        UsageError: all samples are of one group.
    """
    sizes: dict[str, int] = {}
    for sample in samples:
        sizes[sample.group] = sizes.get(sample.group, 0) + 1
    if len(sizes) < 2:
        msg = (
            f"{len(samples)} pictures of {len(sizes)} group cannot be split; give a group rule that tells sources apart"
        )
        raise UsageError(msg)
    order = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed}:{group}".encode()).digest())
    held: set[str] = set()
    count = 0
    for group in order[:-1]:
        if count >= share * len(samples):
            break
        held.add(group)
        count += sizes[group]
    kept = [sample for sample in samples if sample.group not in held]
    return kept, [sample for sample in samples if sample.group in held]


Compare = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]
"""Lays an (H, W, 3) RGB picture beside its golden template, as one picture of three channels."""


class PictureStore:
    """Decodes samples once, at most `limit` pixels a side, and keeps them while they fit the memory budget."""

    def __init__(self, limit: int, budget_bytes: int = 3_000_000_000, *, compare: Compare | None = None) -> None:
        self._limit = limit
        self._compare = compare
        self._left = budget_bytes
        self._kept: dict[int, Picture] = {}

    def load(self, sample: Sample) -> Picture:
        """Return the decoded picture.

        Raises:
            UsageError: the file cannot be decoded.
        """
        kept = self._kept.get(id(sample))
        if kept is not None:
            return kept
        image = read_bgr(sample.path)
        if sample.template is not None:
            image = self._against(image, read_bgr(sample.template))
        xyxy = np.array(sample.boxes.xyxy)
        scale = self._limit / max(image.shape[:2])
        if scale < 1.0:
            image, xyxy = resized(image, scale), xyxy * scale
        picture = Picture(np.asarray(image, dtype=np.uint8), xyxy, np.array(sample.boxes.class_id))
        if image.nbytes <= self._left:
            self._left -= image.nbytes
            self._kept[id(sample)] = picture
        return picture

    def _against(self, image: NDArray[np.uint8], template: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a pair as the network is fed with it: difference, template, picture; both come as BGR."""
        if self._compare is None:
            return image
        return np.ascontiguousarray(self._compare(image[:, :, ::-1], template[:, :, ::-1])[:, :, ::-1])


def read_bgr(path: Path) -> NDArray[np.uint8]:
    """Return a picture file as (H, W, 3) BGR.

    Raises:
        UsageError: the file cannot be decoded.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: not a picture that can be read"
        raise UsageError(msg)
    return np.asarray(image, dtype=np.uint8)


def resized(image: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Return the picture scaled; linear interpolation, as the model input is made."""
    height, width = image.shape[:2]
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def letterboxed(image: NDArray[np.uint8], size: tuple[int, int]) -> tuple[NDArray[np.uint8], Letterbox]:
    """Return the picture fitted into `size` (width, height), padded right and below, and the map back."""
    height, width = image.shape[:2]
    fit = Letterbox.fit((width, height), size)
    small = resized(image, fit.scale)[: size[1], : size[0]]
    canvas = np.full((size[1], size[0], 3), PADDING, np.uint8)
    canvas[: small.shape[0], : small.shape[1]] = small
    return canvas, fit
