"""How well a golden template tells faulty boards from good ones: DeepPCB's pairs of template and tested board.

    python tests/benchmarks/anomaly.py [--data FOLDER] [--every N] [--json FILE]

Each template is one good picture. Nobody published a second good picture of the same board, so the good ones to
tell apart are the template taken again: shifted by up to 2 pixels, in other light, with noise. Tested boards are
disturbed in the same way for the image score, and left as they are for the two pixel scores: pixels of the annotated
boxes (most of which no fault touches) against all others, and those of them whose copper differs from the template's
(by comparing the two one-bit pictures) against all pixels outside of boxes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from framelabel.plugins.golden import disturbed, largest, learn, spread_map

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "images" / "pcb_deeppcb"
GOAL = 0.95


def auroc(positive: ArrayLike, negative: ArrayLike) -> float:
    """Return the chance that a positive scores higher than a negative, ties counting half (Mann and Whitney)."""
    high, low = np.ravel(positive), np.ravel(negative)
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def _picture(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    if image is None:
        raise SystemExit(f"{path}: not a readable picture")
    return np.asarray(image, np.uint8)


def main() -> int:
    """Score every N-th pair, print the table, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--every", type=int, default=20, help="use every N-th pair")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    faulty, good, faults, pixels, changed = [], [], [], [], []
    pairs = sorted(given.data.glob("*_temp.png"))[:: given.every]
    if not pairs:
        raise SystemExit(f"{given.data}: no NAME_temp.png; give --data")
    for number, path in enumerate(pairs):
        stem = path.name.removesuffix("_temp.png")
        template, tested = _picture(path), _picture(path.with_name(f"{stem}_test.png"))
        boxes = np.loadtxt(path.with_name(f"{stem}.txt"), ndmin=2, dtype=int)[:, :4]
        golden = learn(template[None])
        good.append(largest(golden, disturbed(template, 1, seed=2 * number)[0]))
        faulty.append(largest(golden, disturbed(tested, 1, seed=2 * number + 1)[0]))
        spreads = spread_map(golden, tested)
        inside = np.zeros(spreads.shape, np.bool_)
        for left, top, right, bottom in boxes:
            inside[top:bottom, left:right] = True
            faults.append(float(spreads[top:bottom, left:right].max()))
        pixels.append(auroc(spreads[inside], spreads[~inside]))
        differs = inside & (cv2.absdiff(template, tested).max(axis=2) > 127)
        changed.append(auroc(spreads[differs], spreads[~inside]))
    figures = {
        "pairs": len(pairs),
        "image_auroc": auroc(faulty, good),
        "pixel_auroc": float(np.mean(pixels)),
        "changed_pixel_auroc": float(np.mean(changed)),
        "largest_good": max(good),
        "least_faulty": min(faulty),
        "faults_above_good": float(np.mean(np.array(faults) > max(good))),
    }
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1), "utf-8")
    for name, value in figures.items():
        print(f"{name:20} {value:.4g}")
    print(f"image AUROC {figures['image_auroc']:.4f} (goal {GOAL}), pixel AUROC {figures['pixel_auroc']:.4f}")
    return 0 if figures["image_auroc"] >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
