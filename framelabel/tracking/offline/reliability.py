"""How far a detection of a given score can be trusted, measured on the clip itself, and which chains are objects.

Detectors score on scales of their own. What they share is that a real object is found again in the next frames where a
false alarm mostly is not. So the trust in a score is the share of neighbouring frames in which chains of detections
with that score go on (`Trust`); whether a chain is an object is then a logistic law of its trust, scores and length
(`log_odds`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.tracking.offline.chains import Chains

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_WINDOW_S = 0.5
"""Seconds before and after a detection in which its chain should go on."""
_NEIGHBOURS = 200
"""Detections of nearest score on each side that are averaged."""
_SCORE_WEIGHT, _TRUST_WEIGHT, _COUNT_WEIGHT, _OFFSET = 0.95, 1.2, 0.66, -2.55
"""Between two maximum-likelihood fits on chains of four public sets, one by score, one by trust: the first is
surer where scores mean what they say, the second carries over to detectors that score on scales of their own."""
_LEAST_TRUST = 0.05
_SHORT_CLIP = 25
"""Frames, below which a chain's number of boxes is counted as if the clip had so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """How often detections that score so are continued in time, by score."""

    score: Floats
    """(K,) scores that were seen, ascending."""
    share: Floats
    """(K,) in [0, 1], never falling."""

    @staticmethod
    def measured(score: Floats, frame: Rows, chains: Chains, fps: float) -> Trust:
        """Measure the trust on N detections, N > 0, and the chains through them."""
        label, _ = chains.label()
        window = max(1, round(_WINDOW_S * fps))
        stride = int(frame.max()) + 2 * window + 2
        order = np.lexsort((frame, label))
        key = label[order] * stride + frame[order]
        low = np.searchsorted(key, key - window)
        high = np.searchsorted(key, key + window, side="right")
        continued = np.empty(len(score))
        possible = np.minimum(frame + window, frame.max()) - np.maximum(frame - window, 0)
        continued[order] = high - low - 1
        continued = np.where(possible > 0, continued / np.maximum(possible, 1), 1.0)
        order = np.argsort(score, kind="stable")
        total = np.r_[0.0, np.cumsum(continued[order])]
        count = len(score)
        reach = max(20, min(_NEIGHBOURS, count // 10))
        position = np.arange(count)
        low, high = np.maximum(0, position - reach), np.minimum(count, position + reach + 1)
        return Trust(score[order], np.maximum.accumulate((total[high] - total[low]) / (high - low)))

    def of(self, score: Floats) -> Floats:
        """Return (N,) the trust in these scores."""
        at = np.searchsorted(self.score, score, side="right") - 1
        return np.asarray(self.share[np.maximum(at, 0)], np.float64)

    def relative(self, trusted: Floats) -> Floats:
        """Return trusts as shares of the best of this clip, never so small that nothing could make up for it."""
        return np.asarray(np.maximum(trusted / max(float(self.share[-1]), _LEAST_TRUST), _LEAST_TRUST), np.float64)


def log_odds(score: Floats, trusted: Floats, label: Rows, count: int, frames: int) -> Floats:
    """Return (count,) log odds that each chain is an object, by its mean score, mean trust and number of boxes.

    Trust is (N,) in shares of the best in the clip: where few frames were looked at, no score is continued often.
    In a clip of few `frames` a chain has no chance to be long: it counts for the share of the clip that it covers.
    """
    chance = max(1.0, _SHORT_CLIP / frames)
    certain = np.clip(score, 1e-3, 1 - 1e-3)
    size = np.bincount(label, minlength=count)
    mean = np.bincount(label, np.log(certain / (1 - certain)), minlength=count) / size
    mean_trust = np.bincount(label, trusted, minlength=count) / size
    return np.asarray(
        _SCORE_WEIGHT * mean + _TRUST_WEIGHT * mean_trust + _COUNT_WEIGHT * np.log(size * chance) + _OFFSET, np.float64
    )
