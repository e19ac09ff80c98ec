"""Where carrying a box by pixels fails, shown on clips drawn by code: pictures and figures for the documentation.

    python tests/benchmarks/propagation_failures.py [--network FOLDER] [--write]

The human draws the first and the last box of each clip (`tests/assets/hard_clips.py`). Each picture is a strip of
frames spread over the clip: the true box in white, the tool's in green where it is right (IoU >= 0.7), else in red.
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
from framelabel.core.tracks import Track  # noqa: E402
from framelabel.inference.siamese import NanoTrack  # noqa: E402
from framelabel.tracking.propagation.evidence import Evidence  # noqa: E402
from framelabel.tracking.propagation.visual import VisualPropagator  # noqa: E402
from tests.assets.hard_clips import HARD_CLIPS, SIZE, HardClip  # noqa: E402
from tests.benchmarks.documented import DOCS, put  # noqa: E402

SHARED = Path(os.environ.get("FRAMELABEL_SHARED", REPOSITORY.parent / "shared"))
RIGHT = 0.7
SHOWN = 7
"""Frames of a strip."""
SCALE = 1.2
TRUE, GOOD, BAD = (255, 255, 255), (40, 200, 60), (230, 40, 40)


def solved(clip: HardClip, network: NanoTrack) -> Track:
    """Return the path between the clip's first and last box."""
    last = len(clip.images) - 1
    evidence = Evidence(SIZE, 25.0, last + 1, reader=clip, network=network)
    keys = Track.of(1, np.array([0, last]), clip.truth[[0, last]], is_keyframe=np.ones(2, np.bool_))
    return VisualPropagator(VisualPropagator.Options(), evidence).propagate(keys, Span(0, last + 1))


def strip(clip: HardClip, path: Track, overlap: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return frames spread evenly over the clip, ends left out, side by side."""
    parts = []
    for frame in np.linspace(0, len(path), SHOWN + 2)[1:-1].astype(int):
        image = np.ascontiguousarray(cv2.resize(clip.images[frame], None, fx=SCALE, fy=SCALE))
        boxes = [(clip.truth[frame], TRUE)]
        if path.is_present[frame]:
            boxes.append((path.xyxy[frame], GOOD if overlap[frame] >= RIGHT else BAD))
        for box, colour in boxes:
            left, top, right, bottom = (box * SCALE).round().astype(int).tolist()
            cv2.rectangle(image, (left, top), (right, bottom), colour, 2)
        text = f"{frame}: {overlap[frame]:.2f}" if path.is_present[frame] else f"{frame}: no box"
        cv2.putText(image, text, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, TRUE, 2, cv2.LINE_AA)
        parts.append(image)
    return np.asarray(np.concatenate(parts, axis=1), dtype=np.uint8)


def main() -> int:
    """Solve, draw, print; return 0."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--network", type=Path, default=SHARED / "models" / "nanotrack" / "nanotrackv3")
    flags.add_argument("--write", action="store_true", help="put pictures and figures into the documentation")
    asked = flags.parse_args()
    cv2.setNumThreads(1)
    network = NanoTrack(asked.network)
    lines = ["| clip | what is hard | right boxes | expected by the tool |", "|---|---|---|---|"]
    for name, draw in HARD_CLIPS.items():
        clip = draw()
        path = solved(clip, network)
        overlap = np.where(path.is_present, paired_iou(path.xyxy, clip.truth), 0.0)
        share, believed = (overlap >= RIGHT).mean(), (1 - path.uncertainty[path.is_present]).mean()
        reason = (draw.__doc__ or "").rstrip(".")
        lines.append(f"| {name} | {reason} | {100 * share:.0f} % | IoU {believed:.2f}, measured {overlap.mean():.2f} |")
        if asked.write:
            picture = strip(clip, path, overlap)[:, :, ::-1]
            cv2.imwrite(str(DOCS / "pictures" / f"propagation-{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    print(*lines, sep="\n")
    if asked.write:
        put("propagation", "failures", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
