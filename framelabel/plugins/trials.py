"""Feed a model pictures in every usual way and see with which it agrees with itself best.

Scores alone mislead: a network that is fed wrongly can be very sure of nonsense. A picture and its mirror image hold
the same objects, and nonsense rarely mirrors, so a way of feeding is judged by the boxes that both agree on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.boxes import Boxes
from framelabel.core.findings import Findings
from framelabel.core.geometry import iou
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.recipe import Recipe

Picture = NDArray[np.uint8]

_TOP = 3
_LOWEST_SCORE = 0.05
_SAME_BOX_IOU = 0.6
_NEARLY_AS_GOOD = 0.9
_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Trial:
    """One way of feeding and what came of it."""

    input: InputOptions
    agreement: float
    """In [0, 1]; see `agreement`."""


def usual_inputs(base: InputOptions) -> Iterator[InputOptions]:
    """Yield the colour orders and normalisations in use: 0..255, 0..1, and ImageNet's mean and deviation."""
    if base.colour == "grey":
        yield from (replace(base, scale=scale, mean=(), std=()) for scale in (1.0, 1 / 255))
        return
    for colour in ("rgb", "bgr"):
        yield replace(base, colour=colour, scale=1.0, mean=(), std=())
        yield replace(base, colour=colour, scale=1 / 255, mean=(), std=())
        yield _imagenet(base, colour)


def usual_input(base: InputOptions, decoder: str) -> InputOptions:
    """Return how the authors of a decoder's family feed their own models."""
    if base.colour == "grey":
        return replace(base, scale=1 / 255, mean=(), std=())
    if decoder == "yolox":
        return replace(base, colour="bgr", scale=1.0, mean=(), std=())
    if decoder == "nanodet":
        return _imagenet(base, "bgr")
    if decoder in ("classifier", "segmenter"):
        return _imagenet(base, "rgb")
    return replace(base, colour="rgb", scale=1 / 255, mean=(), std=())


def _imagenet(base: InputOptions, colour: str) -> InputOptions:
    step = 1 if colour == "rgb" else -1
    return replace(base, colour=colour, scale=1 / 255, mean=_IMAGENET_MEAN[::step], std=_IMAGENET_STD[::step])


def try_input(path: Path, recipe: Recipe, pictures: Sequence[Picture]) -> Trial:
    """Return what comes of feeding these pictures as the recipe says."""
    low = (_LOWEST_SCORE,) * recipe.class_count
    # a mirrored view of its own would agree with itself whatever it is fed
    feed = replace(recipe.input, padding="full")
    plain = replace(recipe, input=feed, score_threshold=low, tiles=None, views=())
    return Trial(recipe.input, agreement(OnnxDetector(path, plain, device="cpu", workers=1), pictures))


def try_inputs(path: Path, recipe: Recipe, pictures: Sequence[Picture]) -> list[Trial]:
    """Return a trial of every usual input, best first; the family's own comes first when it does nearly as well."""
    trials = [try_input(path, replace(recipe, input=feed), pictures) for feed in usual_inputs(recipe.input)]
    best = max(trial.agreement for trial in trials)
    usual = usual_input(recipe.input, recipe.decoder)

    def rank(trial: Trial) -> tuple[bool, float]:
        return not (trial.input == usual and trial.agreement >= _NEARLY_AS_GOOD * best), -trial.agreement

    return sorted(trials, key=rank)


def agreement(detector: OnnxDetector, pictures: Sequence[Picture]) -> float:
    """Return how well a detector agrees with itself on pictures and their mirror images, in [0, 1].

    For each picture: the three best values (0 where there are fewer) of overlap times the lower of both scores, over
    boxes of one class that overlap by 0.6 or more after mirroring back; for a classifier, the lower score of the class
    that both name. The mean over the pictures.
    """
    values = []
    for picture in pictures:
        plain, mirrored = detector.find([picture, np.ascontiguousarray(picture[:, ::-1])])
        if plain.tags:
            values.append(_tags_agree(plain, mirrored))
        else:
            values.append(_boxes_agree(plain.boxes, mirrored.boxes, picture.shape[1]))
    return float(np.mean(values)) if values else 0.0


def _tags_agree(plain: Findings, mirrored: Findings) -> float:
    return max((min(score, mirrored.tags.get(class_id, 0.0)) for class_id, score in plain.tags.items()), default=0.0)


def _boxes_agree(plain: Boxes, mirrored: Boxes, width: int) -> float:
    if not len(plain) or not len(mirrored):
        return 0.0
    back = mirrored.xyxy.copy()
    back[:, [0, 2]] = width - mirrored.xyxy[:, [2, 0]]
    overlap = iou(plain.xyxy, back) * (plain.class_id[:, None] == mirrored.class_id[None, :])
    partner = overlap.argmax(axis=1)
    shared = overlap.max(axis=1)
    worth = np.where(shared >= _SAME_BOX_IOU, shared * np.minimum(plain.score, mirrored.score[partner]), 0.0)
    return float(np.sort(worth)[::-1][:_TOP].sum()) / _TOP


def in_words(feed: InputOptions) -> str:
    """Return an input as people compare it.

    >>> in_words(InputOptions((416, 416), colour="bgr", scale=1 / 255))
    'bgr, 0..1'
    """
    extent = f"x {feed.scale:g}"
    if feed.scale == 1.0:
        extent = "0..255"
    elif abs(feed.scale * 255 - 1) < 1e-3:
        extent = "0..1"
    return f"{feed.colour}, {extent}" + (", minus mean and divided by std" if feed.mean or feed.std else "")
