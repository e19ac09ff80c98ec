"""Render pictures of many conveyor clips as a YOLO data set: `python datasets/conveyor/render.py --out DIR`.

Writes DIR/images/conveyor_SEED_FRAME.png, DIR/labels/*.txt, DIR/data.yaml and DIR/dataset.yaml. The demo's own seed
is never among them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import conveyor

DEMO_SEED = 2026
_SHEET = """name: conveyor
source: rendered by datasets/conveyor/render.py
licence: Apache-2.0 (rendered; nothing of anybody else's in it)
root: .
format: yolo
group: '^(conveyor_\\d+)_'
join_duplicates: false
held_out: 0.1
seed: 0
"""


def main() -> None:
    """Render `--clips` clips from seed `--first` on, every `--every`-th frame."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--every", type=int, default=25)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.clips)
    if DEMO_SEED in seeds:
        parser.error(f"seed {DEMO_SEED} is the demo's; nothing may be trained on it")
    (given.out / "images").mkdir(parents=True, exist_ok=True)
    (given.out / "labels").mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        clip = conveyor.Clip(seed, every=given.every)
        for number, picture in enumerate(conveyor.render(clip)):
            stem = f"conveyor_{seed:04d}_{number * given.every:04d}"
            cv2.imwrite(str(given.out / "images" / f"{stem}.png"), picture.image[:, :, ::-1])
            (given.out / "labels" / f"{stem}.txt").write_text("".join(_lines(picture, clip.size)), "utf-8")
    names = ", ".join(conveyor.CLASSES)
    yaml = f"train: images\nval: images\nnc: {len(conveyor.CLASSES)}\nnames: [{names}]\n"
    (given.out / "data.yaml").write_text(yaml, "utf-8")
    (given.out / "dataset.yaml").write_text(_SHEET, "utf-8")
    print(f"{given.out}: {given.clips} clips")


def _lines(picture: conveyor.Picture, size: tuple[int, int]) -> list[str]:
    """Return the YOLO rows of a picture: class, centre and size as shares of the picture."""
    share = picture.xyxy / np.tile(size, 2)
    rows = np.concatenate([(share[:, :2] + share[:, 2:]) / 2, share[:, 2:] - share[:, :2]], axis=1)
    return [
        f"{kind} {' '.join(f'{value:.6f}' for value in row)}\n"
        for kind, row in zip(picture.class_id.tolist(), rows.tolist(), strict=True)
    ]


if __name__ == "__main__":
    main()
