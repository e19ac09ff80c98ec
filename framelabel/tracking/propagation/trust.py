"""How far a path can be trusted: the chance that a box is wrong, and its expected overlap with the true one.

Every human box is a trial: leave it out, solve the gap it closed, and see how far each method misses it. What the
trials of this object and of the clip say joins what can be measured in the gap itself (`gaps.FEATURES`); a small
neural network, fitted on public tracking data, turns both into probabilities. Its coefficients and the command that
made them are in `trust.json`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.propagation.gaps import DEVIATION_FLOOR, FEATURES, METHODS, Gap

Floats = NDArray[np.float64]

RIGHT_FROM = 0.7
"""A box whose overlap with the true one is below this counts as wrong."""
TYPICAL_ERROR = np.array([0.30, 0.32, 0.30, 0.27, 0.27, 0.30, 0.35])
"""Mean 1 - IoU of each method at a left-out human box, before a clip has shown its own."""
OBJECT_WEIGHT, CLIP_WEIGHT = 1.5, 5.0
"""Trials that the clip counts for against the object's own, and the typical error against the clip's."""
HISTORY = (
    "object_error",
    "object_wrong",
    "clip_error",
    "clip_wrong",
    "surprise",
    "log_keys",
    "turn_left",
    "turn_right",
)


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """What happened at human boxes that were left out."""

    error: Floats
    """(N, P) 1 - IoU of each method with the human box."""
    bridge: Floats
    """(N,) the typical error there (`Gap.bridge`)."""

    @staticmethod
    def none() -> Trials:
        """Return no trials."""
        return Trials(np.zeros((0, len(METHODS))), np.zeros(0))

    def joined(self, other: Trials) -> Trials:
        """Return both."""
        return Trials(np.concatenate([self.error, other.error]), np.concatenate([self.bridge, other.bridge]))


def history(own: Trials, clip: Trials, key_count: int, turns: tuple[float, float]) -> Floats:
    """Return the (P, H) values of `HISTORY` for one gap.

    Args:
        own: trials of this object.
        clip: trials of the clip's other objects.
        key_count: human boxes of this object.
        turns: change of velocity at the gap's two keyframes times its length, in object sizes; 0 where unknown.
    """
    count = len(clip.bridge)
    clip_error = (np.minimum(clip.error, 0.8).sum(axis=0) + CLIP_WEIGHT * TYPICAL_ERROR) / (count + CLIP_WEIGHT)
    clip_wrong = ((clip.error > 1 - RIGHT_FROM).sum(axis=0) + CLIP_WEIGHT * TYPICAL_ERROR) / (count + CLIP_WEIGHT)
    count = len(own.bridge)
    error = (np.minimum(own.error, 0.8).sum(axis=0) + OBJECT_WEIGHT * clip_error) / (count + OBJECT_WEIGHT)
    wrong = ((own.error > 1 - RIGHT_FROM).sum(axis=0) + OBJECT_WEIGHT * clip_wrong) / (count + OBJECT_WEIGHT)
    surprise = np.log((own.error[:, 0] + DEVIATION_FLOOR) / (own.bridge + DEVIATION_FLOOR)).sum() / (count + 1)
    methods = len(METHODS)
    same = [
        np.full(methods, surprise),
        np.full(methods, np.log2(key_count)),
        *(np.full(methods, turn) for turn in turns),
    ]
    return np.stack([np.log(error), wrong, np.log(clip_error), clip_wrong, *same], axis=1)


def inputs(gap: Gap, past: Floats) -> Floats:
    """Return the (P, M, F + H + P) network inputs of a gap: its features, its history, and which method it is."""
    methods, count = gap.features.shape[:2]
    past_ = np.broadcast_to(past[:, None], (methods, count, past.shape[1]))
    which = np.broadcast_to(np.eye(methods)[:, None], (methods, count, methods))
    return np.concatenate([gap.features, past_, which], axis=2)


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One hidden layer of tanh units and two logistic outputs."""

    mean: Floats
    """(I,) subtracted from the inputs."""
    scale: Floats
    """(I,) divides them."""
    hidden: Floats
    """(I + 1, U) weights, bias last."""
    output: Floats
    """(U + 1, 2) weights, bias last: wrong, overlap."""

    @staticmethod
    def blank() -> Network:
        """Return a network that knows nothing; for collecting the rows to fit one on."""
        width = len(FEATURES) + len(HISTORY) + len(METHODS)
        return Network(np.zeros(width), np.ones(width), np.zeros((width + 1, 1)), np.zeros((2, 2)))

    def __call__(self, values: Floats) -> tuple[Floats, Floats]:
        """Return P(IoU < 0.7) and the expected IoU, each (...,), of inputs (..., I)."""
        unit = np.tanh((values - self.mean) / self.scale @ self.hidden[:-1] + self.hidden[-1])
        answer = 1 / (1 + np.exp(-(unit @ self.output[:-1] + self.output[-1])))
        return answer[..., 0], answer[..., 1]


@cache
def fitted() -> Network:
    """Return the network that ships with the package."""
    text = resources.files("framelabel.tracking.propagation").joinpath("trust.json").read_text(encoding="utf-8")
    return parse(json.loads(text))


def parse(document: dict[str, object]) -> Network:
    """Read a network from its JSON document.

    Raises:
        ValueError: it was fitted for other inputs than this version computes.
    """
    names = [*FEATURES, *HISTORY, *METHODS]
    if document["inputs"] != names:
        msg = "trust.json was fitted for other inputs; run tests/benchmarks/fit_trust.py"
        raise ValueError(msg)
    return Network(*(np.array(document[key], dtype=np.float64) for key in ("mean", "scale", "hidden", "output")))
