"""Does the next batch that `framelabel route --minutes` chooses teach more than a random one?

    python tests/benchmarks/selection.py [--data PATH] [--models PATH] [--seeds N] [--json FILE] [--write]

Objects of four real picture sets (cut out by their true boxes, seen by a re-identification network that never saw such
pictures) are to be told apart by a linear probe. It begins with 20 labelled at random and gets 20 more eleven times:
drawn at random, or chosen by `framelabel.review.selection` from what the probe says (uncertainty), whether the nearest
labelled neighbours say otherwise (disagreement), distance to those already chosen and labelled (k-centre over
embeddings), and how rare the stated class is. Figure: mean recall over classes on pictures of other groups than the
pool's, averaged over the twelve probes, as difference to random from the same start, with its 95 % interval over seeds.
Goal: uncertainty with diversity, what `route --minutes` does, is better than random on every set by the lower end of
its interval. (It became the default because of this comparison; the other ways are shown beside it.)
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import t as student

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from framelabel import plugins  # noqa: E402 - run as a script, from any folder
from framelabel.core.protocols import SILENT  # noqa: E402
from framelabel.inference.embedder import Embedder  # noqa: E402
from framelabel.review.selection import Candidates, select  # noqa: E402
from framelabel.training.samples import split  # noqa: E402
from framelabel.workflows.training_data import DataSheet, read_samples  # noqa: E402
from tests.benchmarks.documented import put  # noqa: E402

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
SETS = (
    ("ppe", "ppe_hardhat"),
    ("crop_ripeness", "crop_oilpalm"),
    ("steel_defects", "steel_neu_det"),
    ("retail_products", "retail_products"),
)
BATCH, ROUNDS, DIMENSIONS, NEIGHBOURS = 20, 12, 48, 5

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to choose the next batch."""

    name: str
    diversity: float = 0.0
    rare: bool = False
    disagreement: bool = False


WAYS = (
    Way("uncertainty"),
    Way("and diversity", 0.5),
    Way("and rare classes", 0.5, rare=True),
    Way("and disagreement", 0.5, rare=True, disagreement=True),
)


DEFAULT = WAYS[1]


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """Everything there is to label in one set."""

    place: Floats
    """(N, D) embedding, centred and turned to its main directions."""
    kind: NDArray[np.int64]
    """(N,)."""
    held: NDArray[np.bool_]
    """(N,) of pictures that the probe is judged on."""
    class_count: int


def objects(plugin: str, data: str, images: Path, embedder: Embedder) -> Objects:
    """Cut out and embed every labelled object of a set."""
    folder = REPOSITORY / "datasets" / data
    sheet = DataSheet.read(folder / "dataset.yaml")
    names = [entry.name for entry in plugins.load(plugin).classes]
    samples = [item for item in read_samples(sheet, images / data, names, Path(os.devnull), SILENT) if len(item.boxes)]
    held = {str(item.path) for item in split(samples, 0.25, sheet.seed)[1]}
    vectors, kinds, judged = [], [], []
    for sample in samples:
        image = cv2.imread(str(sample.path), cv2.IMREAD_COLOR)
        if image is None:
            continue
        centre = (sample.boxes.xyxy[:, :2] + sample.boxes.xyxy[:, 2:]) / 2
        reach = 0.55 * (sample.boxes.xyxy[:, 2:] - sample.boxes.xyxy[:, :2])
        vectors.append(embedder(np.ascontiguousarray(image[:, :, ::-1]), np.hstack([centre - reach, centre + reach])))
        kinds.append(sample.boxes.class_id.astype(np.int64))
        judged.append(np.full(len(sample.boxes), str(sample.path) in held))
    vector, is_held = np.concatenate(vectors).astype(np.float64), np.concatenate(judged)
    centred = vector - vector[~is_held].mean(axis=0)
    turned = centred @ np.linalg.svd(centred[~is_held], full_matrices=False)[2][:DIMENSIONS].T
    return Objects(turned / turned[~is_held, 0].std(), np.concatenate(kinds), is_held, len(names))


def probe(place: Floats, kind: NDArray[np.int64], class_count: int) -> Floats:
    """Return the (D + 1, K) weights of a multinomial logistic regression with a weak normal prior."""
    wide = np.hstack([place, np.ones((len(place), 1))])
    wanted = np.eye(class_count)[kind]
    penalty = np.append(np.full(place.shape[1], 0.3), 0.0)[:, None]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weight = flat.reshape(-1, class_count)
        score = wide @ weight
        score -= logsumexp(score, axis=1, keepdims=True)
        gradient = wide.T @ (np.exp(score) - wanted) + penalty * weight
        return float(-(score * wanted).sum() + (penalty * weight**2).sum() / 2), gradient.reshape(-1)

    start = np.zeros(wide.shape[1] * class_count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60})
    return np.asarray(found.x.reshape(-1, class_count))


def stated(weight: Floats, place: Floats) -> Floats:
    """Return the (N, K) probabilities."""
    score = place @ weight[:-1] + weight[-1]
    return np.asarray(np.exp(score - logsumexp(score, axis=1, keepdims=True)))


def taught(items: Objects, way: Way | None, seed: int) -> float:
    """Return the mean recall over classes and probes when batches are chosen one way; None for at random."""
    random = np.random.default_rng([20261125, seed])
    pool, judged = np.flatnonzero(~items.held), np.flatnonzero(items.held)
    seen = random.choice(pool, BATCH, replace=False)
    recalls = []
    for _ in range(ROUNDS):
        weight = probe(items.place[seen], items.kind[seen], items.class_count)
        said, true = stated(weight, items.place[judged]).argmax(axis=1), items.kind[judged]
        recalls.append(np.mean([np.mean(said[true == kind] == kind) for kind in np.unique(true)]))
        rest = np.setdiff1d(pool, seen)
        if way is None:
            chosen = random.choice(len(rest), BATCH, replace=False)
        else:
            chosen = select(
                _candidates(items, weight, seen, rest, way),
                float(BATCH),
                diversity=way.diversity,
                labelled=items.place[seen],
            )
        seen = np.append(seen, rest[chosen])
    return float(np.mean(recalls))


def _candidates(
    items: Objects, weight: Floats, seen: NDArray[np.int64], rest: NDArray[np.int64], way: Way
) -> Candidates:
    chance = stated(weight, items.place[rest])
    said = chance.argmax(axis=1)
    other = np.zeros(len(rest))
    if way.disagreement:
        ours, theirs = items.place[rest], items.place[seen]
        gap = (ours**2).sum(axis=1)[:, None] - 2 * ours @ theirs.T + (theirs**2).sum(axis=1)
        near = np.argsort(gap, axis=1)[:, :NEIGHBOURS]
        votes = np.eye(items.class_count)[items.kind[seen][near]].sum(axis=1)
        other = (votes.argmax(axis=1) != said).astype(np.float64)
    return Candidates(
        chance.max(axis=1),
        said.astype(np.int32) if way.rare else np.zeros(len(rest), np.int32),
        np.ones(len(rest)),
        other,
        np.zeros(len(rest), np.bool_),
        items.place[rest],
    )


def main() -> int:
    """Measure and print; return 1 where the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, default=SHARED / "data/images", help="folder that holds the sets by name")
    parser.add_argument(
        "--models", type=Path, default=SHARED / "models/osnet_x0_25_reid", help="folder of the embedding network"
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true", help="update the table in docs/routing.md")
    given = parser.parse_args()
    embedder = Embedder(next(given.models.glob("*.onnx")), device="cpu")
    rows, missed = [], []
    lines = ["| objects | random | " + " | ".join(way.name for way in WAYS) + " |", "|---" * (2 + len(WAYS)) + "|"]
    for plugin, data in SETS:
        items = objects(plugin, data, given.data, embedder)
        start = np.array([taught(items, None, seed) for seed in range(given.seeds)])
        cells = []
        for way in WAYS:
            gain = np.array([taught(items, way, seed) for seed in range(given.seeds)]) - start
            reach = float(student.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain)))
            mean = float(gain.mean())
            rows.append({"set": data, "way": way.name, "random": float(start.mean()), "gain": mean, "reach": reach})
            cells.append(f"{mean:+.3f} ± {reach:.3f}")
            if way is DEFAULT and mean - reach <= 0:
                missed.append(data)
        lines.append(f"| {data}, {len(items.kind)} | {start.mean():.3f} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1))
    if given.write:
        put("routing", "selection", lines)
    print(f"selection: {len(SETS)} sets, {given.seeds} seeds; not surely better than random: {missed or 'none'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
