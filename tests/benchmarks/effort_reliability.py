"""Fit the expected IoU of the pixel methods: the coefficients in framelabel/tracking/propagation/reliability.py.

    python tests/benchmarks/effort_reliability.py [--data PATH] [--network FOLDER]

Simulated annotators (bisect and oracle order) label the tuning sequences; every gap that arises is a sample. A logistic
model of 1 - IoU is fitted, each sequence weighing at most as much as 600 boxes, and judged on sequences left out of the
fit. Prints the lines to put into the module.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

import cv2  # noqa: E402 - run as a script, from any folder
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from framelabel.core.frames import Span  # noqa: E402
from framelabel.core.geometry import paired_iou  # noqa: E402
from framelabel.core.tracks import Visibility  # noqa: E402
from framelabel.inference.siamese import NanoTrack  # noqa: E402
from framelabel.tracking.propagation.evidence import Evidence  # noqa: E402
from framelabel.tracking.propagation.reliability import FEATURES  # noqa: E402
from framelabel.tracking.propagation.visual import VisualPropagator  # noqa: E402
from tests.benchmarks import effort_footage, effort_pixels  # noqa: E402

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
Floats = NDArray[np.float64]
Samples = tuple[Floats, Floats]
"""(N, F) features and (N,) IoU."""

_SEQUENCE_WEIGHT = 600
_RIDGE = 3.0


def collect(sequence: effort_footage.Sequence, tool: VisualPropagator) -> Samples:
    """Return the features and the true IoU of every gap that two annotators meet, each gap once."""
    features, overlap, seen = [], [], set()
    for order in (effort_pixels.bisect, effort_pixels.oracle):
        annotator = effort_pixels.Annotator(sequence, tool)
        total = int(sequence.is_present.sum())
        while annotator.solve() < effort_pixels.STOP and len(annotator.keys) < effort_pixels.CAP * total:
            for start, stop in sequence.runs():
                for part in tool.stretches(annotator.track(start, stop), Span(start, stop + 1)):
                    address = int(part.frame[0]), int(part.frame[-1]), round(float(part.features[0].sum()), 6)
                    if address not in seen:
                        seen.add(address)
                        there = part.visibility != Visibility.ABSENT
                        features.append(part.features[there])
                        overlap.append(paired_iou(part.xyxy[there], sequence.truth[part.frame[there]]))
            annotator.keys.add(order(annotator))
    if not features:
        return np.zeros((0, len(FEATURES))), np.zeros(0)
    return np.concatenate(features), np.concatenate(overlap)


def fit(features: Floats, target: Floats, weight: Floats) -> Floats:
    """Return (F + 1,) logistic coefficients, intercept first, for targets in [0, 1] (Newton, with a ridge)."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    design = np.concatenate([np.ones((len(features), 1)), (features - mean) / spread], axis=1)
    ridge = np.diag(np.concatenate([[1e-6], np.full(features.shape[1], _RIDGE)]))
    found = np.zeros(design.shape[1])
    for _ in range(40):
        chance = 1 / (1 + np.exp(-design @ found))
        slope = design.T @ (weight * (chance - target)) + ridge @ found
        curvature = (design * (weight * chance * (1 - chance))[:, None]).T @ design + ridge
        found = found - np.linalg.solve(curvature, slope)
    slopes = found[1:] / spread
    return np.concatenate([[found[0] - slopes @ mean], slopes])


def fit_all(samples: dict[str, Samples], without: str = "") -> Floats:
    """Return the coefficients of 1 - IoU."""
    chosen = [part for name, part in samples.items() if name != without and len(part[1])]
    features = np.concatenate([part[0] for part in chosen])
    overlap = np.concatenate([part[1] for part in chosen])
    weight = np.concatenate([np.full(len(part[1]), min(1.0, _SEQUENCE_WEIGHT / len(part[1]))) for part in chosen])
    return fit(features, 1 - overlap, weight)


def judge(samples: dict[str, Samples]) -> str:
    """Return calibration and AUC on each sequence left out of the fit, pooled."""
    expected, measured, each = [], [], []
    for name, (features, overlap) in samples.items():
        if len(overlap) == 0:
            continue
        doubt = fit_all(samples, name)
        guess = 1 / (1 + np.exp(-(doubt[0] + features @ doubt[1:])))
        expected.append(1 - guess)
        measured.append(overlap)
        each.append(f"{name} {effort_pixels.auc(guess, overlap < effort_pixels.RIGHT):.2f}")
    pooled, truth = np.concatenate(expected), np.concatenate(measured)
    area = effort_pixels.auc(1 - pooled, truth < effort_pixels.RIGHT)
    gap = effort_pixels.calibration_gap(pooled, truth)
    return f"left out, pooled: AUC {area:.3f}, worst decile {gap:.3f}; AUC by sequence: {', '.join(each)}"


def main() -> int:
    """Collect, judge, fit, print."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--data", type=Path, default=SHARED / "data" / "sot")
    flags.add_argument("--network", type=Path, default=SHARED / "models" / "nanotrack" / "nanotrackv3")
    asked = flags.parse_args()
    cv2.setNumThreads(1)
    network = NanoTrack(asked.network)
    samples: dict[str, Samples] = {}
    for sequence in effort_footage.sequences(asked.data):
        if sequence.is_tuning:
            clip = sequence.open()
            evidence = Evidence(clip.size, 25.0, len(clip.index), reader=clip, network=network)
            samples[sequence.name] = collect(sequence, VisualPropagator(VisualPropagator.Options(), evidence))
    print(judge(samples))
    print(render(fit_all(samples)))
    return 0


def render(doubt: Floats) -> str:
    """Return the lines for the module."""
    slopes = ", ".join(f"{value:.4f}" for value in doubt[1:])
    return f"INTERCEPT = {doubt[0]:.4f}\nCOEFFICIENTS = np.array([{slopes}])"


if __name__ == "__main__":
    sys.exit(main())
