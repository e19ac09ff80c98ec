"""Golden templates on DeepPCB's pairs of template and tested board, beside a plain difference of the two pictures.

Nobody published a second good picture of the same board, so there are two ways to ask. *Simulated*: the template taken
again (shifted by up to 2 pixels, in other light, with noise) must look better than the tested board disturbed in the
same way. *True pairs*: nothing is disturbed, and windows of the tested picture without an annotated fault must look
better than those with one.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.plugins.golden import disturbed, learn, spread_map
from tests.benchmarks.anomaly_scores import auroc, picture_at, windows

_WINDOW = 160
_SMOOTHING = 3


def plain_difference(template: NDArray[np.uint8], picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the peer: the absolute difference, averaged over 3 x 3 pixels, neither aligned nor matched in light."""
    away = cv2.absdiff(template, picture).max(axis=2).astype(np.float64)
    return np.asarray(cv2.blur(away, (_SMOOTHING, _SMOOTHING)))


def measure(folder: Path, every: int) -> dict[str, dict[str, float]]:
    """Return the figures of both methods over every N-th pair."""
    pairs = sorted(folder.glob("*_temp.png"))[::every]
    if not pairs:
        raise SystemExit(f"{folder}: no NAME_temp.png; give --boards")
    names = ("golden template", "plain difference")
    scores: dict[str, dict[str, list[float]]] = {name: {} for name in names}

    def note(name: str, key: str, *values: float) -> None:
        scores[name].setdefault(key, []).extend(values)

    for number, path in enumerate(pairs):
        stem = path.name.removesuffix("_temp.png")
        template, tested = picture_at(path), picture_at(path.with_name(f"{stem}_test.png"))
        boxes = np.loadtxt(path.with_name(f"{stem}.txt"), ndmin=2, dtype=int)[:, :4]
        again = disturbed(template, 1, seed=2 * number)[0]
        faulty = disturbed(tested, 1, seed=2 * number + 1)[0]
        golden = learn(template[None])
        maps = {
            names[0]: [spread_map(golden, picture) for picture in (again, faulty, tested)],
            names[1]: [plain_difference(template, picture) for picture in (again, faulty, tested)],
        }
        inside = np.zeros(template.shape[:2], np.bool_)
        for left, top, right, bottom in boxes:
            inside[top:bottom, left:right] = True
        changed = inside & (cv2.absdiff(template, tested).max(axis=2) > 127)
        for name, (good, bad, true) in maps.items():
            note(name, "good", float(good.max()))
            note(name, "faulty", float(bad.max()))
            note(name, "pixels", auroc(true[inside], true[~inside]))
            note(name, "changed", auroc(true[changed], true[~inside]))
            for place in windows((640, 640), _WINDOW, _WINDOW):
                note(name, "with fault" if inside[place].any() else "without", float(true[place].max()))
    return {
        name: {
            "pairs": float(len(pairs)),
            "image AUROC, simulated": auroc(found["faulty"], found["good"]),
            "window AUROC, true pairs": auroc(found["with fault"], found["without"]),
            "pixel AUROC, changed pixels": float(np.mean(found["changed"])),
            "pixel AUROC, whole boxes": float(np.mean(found["pixels"])),
        }
        for name, found in scores.items()
    }
