"""Magnetic tiles: what three methods that saw no fault make of tiles with faults.

The set at hand has no faultless tile, so the good material is what lies outside the annotated faults: every second tile
is learnt from with its mask (grown by 4 pixels) left out, the others are tested. A pixel's score is compared over all
tested tiles. For a score of pictures, windows of 128 pixels stand in: those with at least 10 faulty pixels against
those without any within 4 pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.inference.session import Session
from framelabel.plugins.golden import learn, spread_map
from framelabel.plugins.patches import BANK, distance_map, distance_session, good_features
from framelabel.plugins.patches import learn as learn_patches
from framelabel.workflows.plugin_fit_anomaly import backbone_of
from tests.benchmarks.anomaly_scores import auroc, picture_at, windows

_SIDE = 256
_WINDOW, _STEP = 128, 96
_LEAST_PIXELS = 10
_EVERY_FAULTY, _EVERY_SOUND = 4, 16
"""Of pixels so many are compared, for time."""

Tile = tuple[str, NDArray[np.uint8], NDArray[np.bool_]]
"""Kind of fault, (H, W, 3) picture, (H, W) faulty pixels."""
Score = Callable[[NDArray[np.uint8]], NDArray[np.float64]]


def tiles_of(folder: Path) -> list[Tile]:
    """Return every tile with its mask."""
    found = []
    for path in sorted(folder.glob("*/Imgs/*.jpg")):
        mask = picture_at(path.with_suffix(".png"))[:, :, 0] > 127
        found.append((path.parts[-3].removeprefix("MT_").lower(), picture_at(path), mask))
    if not found:
        raise SystemExit(f"{folder}: no */Imgs/*.jpg; give --tiles")
    return found


def grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask with 4 pixels around it."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)


def by_patches(learnt_from: Sequence[Tile], backbone_name: str) -> Score:
    """Learn a memory of patches; tiles are seen as squares of 256 pixels."""
    backbone = backbone_of(backbone_name, (_SIDE, _SIDE))[0]
    features = Session(Path("features.onnx"), device="cpu", model=backbone.model)
    good = [good_features(features, backbone, picture, grown(mask)) for _, picture, mask in learnt_from]
    session = distance_session(learn_patches(good, backbone, BANK, 0))
    return lambda picture: distance_map(session, backbone, picture)


def by_template(learnt_from: Sequence[Tile]) -> Score:
    """Learn a golden template of all tiles stretched to one size; their median knows no single fault."""
    golden = learn(np.stack([_stretched(picture) for _, picture, _ in learnt_from]))

    def score(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        size = (picture.shape[1], picture.shape[0])
        return np.asarray(cv2.resize(spread_map(golden, _stretched(picture)), size))

    return score


def by_contrast(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the peer that learns nothing: how far a pixel's grey is from the picture's mean, in its deviations."""
    grey = cv2.GaussianBlur(picture.mean(axis=2), (0, 0), 2.0)
    return np.asarray(np.abs(grey - grey.mean()) / (grey.std() + 1e-6))


def measure(folder: Path, methods: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the figures of each method: window and pixel AUROC, over all faults and by kind."""
    everything = tiles_of(folder)
    learnt_from, tested = everything[::2], everything[1::2]
    makers: dict[str, Callable[[], Score]] = {
        "patches, bundled network": lambda: by_patches(learnt_from, "street"),
        "patches, filter bank": lambda: by_patches(learnt_from, "filters"),
        "golden template": lambda: by_template(learnt_from),
        "grey level alone": lambda: by_contrast,
    }
    return {name: _figures(makers[name](), tested) for name in methods or makers}


def _figures(score: Score, tested: Sequence[Tile]) -> dict[str, float]:
    faulty: dict[str, list[NDArray[np.float64]]] = {}
    sound: dict[str, list[NDArray[np.float64]]] = {}
    with_fault: dict[str, list[float]] = {}
    without: list[float] = []
    for kind, picture, mask in tested:
        scores = score(picture)
        faulty.setdefault(kind, []).append(scores[mask][::_EVERY_FAULTY])
        sound.setdefault(kind, []).append(scores[~mask][::_EVERY_SOUND])
        near = grown(mask)
        for place in windows((picture.shape[1], picture.shape[0]), _WINDOW, _STEP):
            if int(mask[place].sum()) >= _LEAST_PIXELS:
                with_fault.setdefault(kind, []).append(float(scores[place].max()))
            elif not near[place].any():
                without.append(float(scores[place].max()))
    figures = {
        "window AUROC": auroc(np.concatenate(list(map(np.array, with_fault.values()))), without),
        "pixel AUROC": auroc(
            np.concatenate([part for parts in faulty.values() for part in parts]),
            np.concatenate([part for parts in sound.values() for part in parts]),
        ),
    }
    for kind, values in sorted(with_fault.items()):
        figures[f"window, {kind}"] = auroc(values, without)
        figures[f"pixel, {kind}"] = auroc(np.concatenate(faulty[kind]), np.concatenate(sound[kind]))
    return figures


def _stretched(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
