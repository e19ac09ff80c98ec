"""Fit the network of `framelabel/tracking/propagation/trust.json` on tracking data with ground truth.

    python tests/benchmarks/fit_trust.py [--data PATH] [--without NAMES] [--out FILE] [--cache FOLDER]

Simulated annotators label every run in random order (some bisect, some go to the longest error); in each state up to
eight frames of each gap are kept for every method: inputs, and the overlap with the truth. One hidden layer is then
fitted by L-BFGS to log loss of "IoU < 0.7" and of the overlap itself, on three parts of the rows, and averaged.
`--without` leaves sequences out (names or data sets, separated by commas), for figures on sequences the network has not
seen. Deterministic.
"""

from __future__ import annotations

import argparse
import json
import sys
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from framelabel.tracking.propagation import trust
from framelabel.tracking.propagation.clip_paths import turns
from framelabel.tracking.propagation.gaps import FEATURES, METHODS, paired
from tests.benchmarks.effort_layouts import DATA_SETS, Sequence, sequences
from tests.benchmarks.effort_text import SHARE, Clip, middle_of_longest_error, middle_of_longest_gap

Floats = NDArray[np.float64]

UNITS = 24
FRAMES_PER_GAP = 8
ROWS_PER_SET = 75_000
BAGS = 3
"""Networks fitted on disjoint parts of the rows; their log odds are averaged, which is steadier than one network."""
BOXES_PER_SEQUENCE = 3_000
"""About so many true boxes of a sequence are labelled; every n-th run of longer ones."""
DECAY = 2e-3
ROUNDS = 150
STOP_AFTER = (0.10, 0.05, 0.10, 0.25, 0.20, 0.15, 0.15)
"""How often each of `gaps.METHODS` decides when a simulated annotator stops."""


def collect(sequence: Sequence) -> tuple[Floats, Floats, Floats]:
    """Return (N, I) inputs, (N,) true overlaps and (N,) weights of one sequence."""
    random = np.random.default_rng(zlib.crc32(sequence.name.encode()))
    clip = Clip(sequence, trust.Network.blank())
    inputs, overlaps, weights = [], [], []
    others = trust.Trials.none()
    for run in sequence.runs[:: -(-sequence.box_count // BOXES_PER_SEQUENCE)]:
        if len(run.truth) < 3:
            continue
        keys = [0, len(run.truth) - 1]
        is_oracle = random.integers(4) == 0
        judge = int(random.choice(len(METHODS), p=STOP_AFTER))
        while True:
            rows = np.array(keys)
            own = clip.paths.trials(run.start + rows, run.truth[rows])
            is_right = np.ones(len(run.truth), np.bool_)
            for row in range(len(keys) - 1):
                first, last = keys[row], keys[row + 1]
                if last - first < 2:
                    continue
                gap = clip.paths.gap(run.start + first, run.start + last, run.truth[first], run.truth[last])
                past = trust.history(own, others, len(keys), turns(rows, run.truth[rows], row))
                values = trust.inputs(gap, past)
                overlap = paired(gap.paths, run.truth[None, first + 1 : last])
                is_right[first + 1 : last] = overlap[judge] >= trust.RIGHT_FROM
                kept = np.sort(random.permutation(last - first - 1)[:FRAMES_PER_GAP])
                inputs.append(values[:, kept].reshape(-1, values.shape[2]).astype(np.float32))
                overlaps.append(overlap[:, kept].ravel())
                weights.append(np.full(len(METHODS) * len(kept), (last - first - 1) / len(kept)))
            if is_right.mean() >= SHARE:
                break
            to_error = is_oracle or random.random() < 0.35
            keys = sorted([*keys, middle_of_longest_error(is_right) if to_error else middle_of_longest_gap(keys)])
        others = others.joined(own)
    return np.concatenate(inputs), np.concatenate(overlaps), np.concatenate(weights)


def fit(inputs: Floats, overlap: Floats, weight: Floats) -> trust.Network:
    """Fit a network to each part of the rows and join them into one that averages their log odds."""
    hidden, output = [], []
    for bag in range(BAGS):
        part = fit_one(inputs[bag::BAGS], overlap[bag::BAGS], weight[bag::BAGS])
        slope = part.hidden[:-1] / part.scale[:, None]
        hidden.append(np.vstack([slope, part.hidden[-1] - part.mean @ slope]))
        output.append(part.output / BAGS)
    mean, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-3
    joined = np.hstack(hidden)
    joined[-1] += mean @ joined[:-1]
    joined[:-1] *= scale[:, None]
    units = np.vstack([part[:-1] for part in output])
    return trust.Network(mean, scale, joined, np.vstack([units, sum(part[-1] for part in output)]))


def fit_one(inputs: Floats, overlap: Floats, weight: Floats) -> trust.Network:
    """Fit one network by L-BFGS."""
    mean = np.average(inputs, axis=0, weights=weight)
    scale = np.sqrt(np.average((inputs - mean) ** 2, axis=0, weights=weight)) + 1e-3
    values = ((inputs - mean) / scale).astype(np.float32)
    target = np.stack([overlap < trust.RIGHT_FROM, overlap], axis=1).astype(np.float32)
    share = (weight / weight.sum()).astype(np.float32)[:, None]
    width = values.shape[1]
    random = np.random.default_rng(0)
    start = np.concatenate(
        [
            random.normal(0, 1 / np.sqrt(width), width * UNITS),
            np.zeros(UNITS),
            random.normal(0, 0.1, UNITS * 2),
            np.zeros(2),
        ]
    )
    cuts = np.cumsum([width * UNITS, UNITS, UNITS * 2])

    def parts(flat: Floats) -> tuple[Floats, ...]:
        first, first_bias, second, second_bias = np.split(flat, cuts)
        return first.reshape(width, UNITS), first_bias, second.reshape(UNITS, 2), second_bias

    def loss(flat: Floats) -> tuple[float, Floats]:
        first, first_bias, second, second_bias = (part.astype(np.float32) for part in parts(flat))
        unit = np.tanh(values @ first + first_bias)
        logit = unit @ second + second_bias
        value = float((share * (np.logaddexp(0, logit) - target * logit)).sum())
        value += DECAY / 2 * float((first**2).sum() + (second**2).sum()) / UNITS
        slope = share * (1 / (1 + np.exp(-logit)) - target)
        inner = (slope @ second.T) * (1 - unit**2)
        gradient = (
            values.T @ inner + DECAY * first / UNITS,
            inner.sum(axis=0),
            unit.T @ slope + DECAY * second / UNITS,
            slope.sum(axis=0),
        )
        return value, np.concatenate([part.ravel() for part in gradient]).astype(np.float64)

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS, "maxcor": 20})
    first, first_bias, second, second_bias = parts(found.x)
    return trust.Network(mean, scale, np.vstack([first, first_bias]), np.vstack([second, second_bias]))


def gather(data: Path, without: set[str], cache: Path | None) -> tuple[Floats, Floats, Floats]:
    """Return the rows of every sequence that is not left out; each data set counts the same."""
    parts = []
    for data_set in DATA_SETS:
        rows = []
        for sequence in sequences(data, data_set):
            if sequence.name in without or data_set in without:
                continue
            stored = cache / f"{data_set}-{sequence.name}.npz" if cache else None
            if stored is not None and stored.exists():
                rows.append(tuple(np.load(stored)[name] for name in ("inputs", "overlap", "weight")))
                continue
            found = collect(sequence)
            print(f"{data_set} {sequence.name}: {len(found[0])} rows, {(found[1] < 0.7).mean():.3f} wrong", flush=True)
            if stored is not None:
                np.savez(stored, inputs=found[0], overlap=found[1], weight=found[2])
            rows.append(found)
        if not rows:
            continue
        inputs, overlap, weight = (np.concatenate(column) for column in zip(*rows, strict=True))
        kept = np.random.default_rng(1).permutation(len(overlap))[:ROWS_PER_SET]
        # The square root keeps long gaps from drowning short ones, of which there are many more.
        share = np.sqrt(weight[kept])
        parts.append((inputs[kept], overlap[kept], share / share.sum()))
    inputs, overlap, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return inputs.astype(np.float64), overlap.astype(np.float64), weight.astype(np.float64)


def document(network: trust.Network, command: str) -> str:
    """Return the network as JSON, one row of weights a line."""
    content = {
        "command": command,
        "inputs": [*FEATURES, *trust.HISTORY, *METHODS],
        "mean": network.mean.round(5).tolist(),
        "scale": network.scale.round(5).tolist(),
        "hidden": network.hidden.round(4).tolist(),
        "output": network.output.round(4).tolist(),
    }
    return json.dumps(content).replace("], [", "],\n [").replace(', "', ',\n "') + "\n"


def main() -> None:
    """Collect, fit, write."""
    home = Path(__file__).resolve().parents[2] / "framelabel" / "tracking" / "propagation"
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mot"), help="folder with the layouts")
    parser.add_argument("--without", default="", help="sequences or data sets to leave out, separated by commas")
    parser.add_argument("--out", type=Path, default=home / "trust.json", help="file to write")
    parser.add_argument("--cache", type=Path, help="keep the collected rows in this folder")
    arguments = parser.parse_args()
    if arguments.cache:
        arguments.cache.mkdir(parents=True, exist_ok=True)
    without = {name for name in arguments.without.split(",") if name}
    network = fit(*gather(arguments.data, without, arguments.cache))
    left_out = f" --without {arguments.without}" if without else ""
    arguments.out.write_text(document(network, f"python tests/benchmarks/fit_trust.py{left_out}"), encoding="utf-8")
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
