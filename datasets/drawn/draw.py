"""Draw the plugins' self-test pictures, nobody's photos: `python datasets/drawn/draw.py SCENE OUT.jpg [--seed N]`.

Shapes are drawn four times as large and scaled down, with a little blur and noise, until a detector takes them for what
they stand for. A new scene is one file and one line here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bunches import bunches
from circuit import faulty_board, golden_board
from counter import counter
from field import field
from pen import Picture
from portrait import portrait
from shelf import shelf
from street import site, street
from surfaces import strip, tile

SCENES: dict[str, Callable[[np.random.Generator], Picture]] = {
    "street": street,
    "site": site,
    "portrait": portrait,
    "field": field,
    "bunches": bunches,
    "counter": counter,
    "shelf": shelf,
    "strip": strip,
    "tile": tile,
    "golden_board": golden_board,
    "faulty_board": faulty_board,
}


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scene", choices=SCENES)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    picture = SCENES[given.scene](np.random.default_rng(given.seed))
    if not cv2.imwrite(str(given.out), picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88]):
        raise SystemExit(f"{given.out}: cannot be written")


if __name__ == "__main__":
    main()
