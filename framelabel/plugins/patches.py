"""Learn a memory of good patches from good pictures, and the threshold that good pictures pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.backbones import Backbone
from framelabel.inference.patch_memory import PatchMemory, build_graph, thinned
from framelabel.inference.preprocess import Preprocessor
from framelabel.inference.session import Session
from framelabel.inference.tiling import TileOptions, tile_windows

Picture = NDArray[np.uint8]

BANK = 1000
"""Patches that are kept."""
_MOST_PATCHES = 40_000
"""Patches from which they are chosen, evenly over all pictures."""
_FOLDS = 4
_MARGIN = 1.05
"""The threshold lies this much above what good pictures reach."""
ALLOWED = 0.005
"""Share of good pictures that may be marked; with fewer than 200, none is."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchFit:
    """What was learnt."""

    memory: PatchMemory
    reached: tuple[float, ...]
    """The largest distance in each good picture from a memory made without it."""


def fit_patches(
    pictures: Sequence[Picture],
    backbone: Backbone,
    *,
    left_out: Sequence[NDArray[np.bool_] | None] = (),
    window: int = 0,
    bank: int = BANK,
    allowed: float = ALLOWED,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> PatchFit:
    """Learn from good (H, W, 3) RGB pictures of any sizes.

    The threshold is `_MARGIN` times the distance that all but the share `allowed` of the good pictures stay below, each
    measured by the very graph that will label, against a memory made without it (in `_FOLDS` folds).

    Args:
        pictures: what is good.
        backbone: what makes features of a picture.
        left_out: (H, W) pixels of each picture that are not good; () or None for none.
        window: side of the windows that pictures are cut into; 0 looks at each as a whole.
        bank: patches to keep.
        allowed: share of good pictures that may be marked.
        seed: of every random choice.
        reporter: hears how far it is.

    Raises:
        UsageError: fewer than two pictures, or nothing is left of them.
    """
    if len(pictures) < 2:
        raise UsageError(
            f"{len(pictures)} good pictures: at least 2 are needed, so that one can be judged by the others"
        )
    masks = list(left_out) or [None] * len(pictures)
    session = Session(Path("features.onnx"), device="cpu", model=backbone.model)
    reporter.start("features", len(pictures))
    found = []
    for picture, mask in zip(pictures, masks, strict=True):
        found.append(good_features(session, backbone, picture, mask, window))
        reporter.advance()
    if not sum(map(len, found)):
        raise UsageError("nothing is left of the good pictures beside the pixels that are left out")
    memory = learn(found, backbone, bank, seed)
    folds = np.arange(len(pictures)) % min(_FOLDS, len(pictures))
    reached = []
    reporter.start("measuring good pictures", len(pictures))
    for fold in np.unique(folds).tolist():
        others = [part for part, number in zip(found, folds, strict=True) if number != fold]
        judge = distance_session(learn(others, backbone, bank, seed))
        for row in np.flatnonzero(folds == fold).tolist():
            distances = distance_map(judge, backbone, pictures[row], window)
            mask = masks[row]
            kept = distances if mask is None else distances[~mask]
            reached.append(float(kept.max(initial=0.0)))
            reporter.advance()
    bound = float(np.quantile(reached, 1.0 - allowed, method="higher"))
    return PatchFit(replace(memory, threshold=max(_MARGIN * bound, 1e-3)), tuple(reached))


def learn(features: Sequence[NDArray[np.float32]], backbone: Backbone, bank: int, seed: int) -> PatchMemory:
    """Return the memory of (N, C) features of several pictures, with a threshold of 1."""
    everything = np.concatenate(features)
    mean = everything.mean(axis=0)
    # A feature that hardly varies on good pictures must not outweigh all others.
    spread = everything.std(axis=0)
    deviation = np.maximum(spread, 0.1 * np.median(spread) + 1e-6)
    step = max(1, -(-len(everything) // _MOST_PATCHES))
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(everything))[: len(everything) // step]
    patches = ((everything[chosen] - mean) / deviation).astype(np.float32)
    return PatchMemory(backbone, mean, deviation, patches[thinned(patches, bank, seed)], 1.0)


def distance_session(memory: PatchMemory) -> Session:
    """Return a session of the graph that labels, with a threshold of 1."""
    return Session(Path("patch_memory.onnx"), device="cpu", model=build_graph(replace(memory, threshold=1.0)))


def distance_map(session: Session, backbone: Backbone, picture: Picture, window: int = 0) -> NDArray[np.float64]:
    """Return (H, W) how far each pixel is from good patches, by the graph that labels; the larger at seams."""
    height, width = picture.shape[:2]
    distances = np.zeros((height, width))
    for left, top, right, bottom in _windows((width, height), window):
        good, bad = session.run(_fed(backbone, picture[top:bottom, left:right]))[0][0].astype(np.float64)
        fine = cv2.resize(bad / np.maximum(good, 1e-9), (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        part = distances[top:bottom, left:right]
        np.maximum(part, fine, out=part)
    return distances


def good_features(
    session: Session, backbone: Backbone, picture: Picture, mask: NDArray[np.bool_] | None, window: int = 0
) -> NDArray[np.float32]:
    """Return the (N, C) features of a picture's cells that hold no pixel that is left out.

    Args:
        session: of the backbone.
        backbone: what makes features.
        picture: (H, W, 3) RGB.
        mask: (H, W) pixels that are left out; None for none.
        window: as in `fit_patches`.
    """
    size = (picture.shape[1], picture.shape[0])
    parts = []
    for left, top, right, bottom in _windows(size, window):
        grid = session.run(_fed(backbone, picture[top:bottom, left:right]))[0][0]
        kept = np.ones(grid.shape[1:], np.bool_)
        if mask is not None:
            bad = mask[top:bottom, left:right].astype(np.float32)
            cells = cv2.resize(bad, kept.shape[::-1], interpolation=cv2.INTER_AREA)
            # A cell sees more than itself.
            kept = cv2.dilate((cells > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) == 0
        parts.append(grid[:, kept].T)
    return np.concatenate(parts).astype(np.float32)


def _windows(size: tuple[int, int], window: int) -> list[tuple[int, int, int, int]]:
    """Return left, top, right, bottom of the windows, as the detector cuts them."""
    if not window:
        return [(0, 0, *size)]
    cuts = tile_windows(size, TileOptions(window, overlap=0.2, whole=False))
    return [(int(cut[0]), int(cut[1]), int(cut[2]), int(cut[3])) for cut in cuts]


def _fed(backbone: Backbone, picture: Picture) -> NDArray[np.float32]:
    """Return a picture as the backbone is fed, by the detector's own preprocessing."""
    preprocessor = Preprocessor(backbone.input, np.float32)
    canvas = preprocessor.canvas(1)
    preprocessor.write(np.ascontiguousarray(picture), canvas, 0)
    return np.asarray(canvas.batch, np.float32)
