"""Frames per CPU second of the trackers that only opencv-contrib has, run by its own interpreter.

    python opencv_trackers.py SOURCE LEFT TOP WIDTH HEIGHT FRAMES

SOURCE is a video file or a folder of pictures; the box is the object in the first picture. One line for each tracker:
name and speed. Decoding is not timed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

TRACKERS = {
    "CSRT": "TrackerCSRT_create",
    "KCF": "TrackerKCF_create",
    "median flow": "legacy.TrackerMedianFlow_create",
}


def pictures(source: Path, count: int) -> list[NDArray[np.uint8]]:
    """Decode the first pictures, BGR."""
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.suffix.lower() in (".jpg", ".png"))
        read: list[Any] = [cv2.imread(str(path)) for path in files[:count]]
        return read
    video = cv2.VideoCapture(str(source))
    found: list[Any] = [video.read()[1] for _ in range(count)]
    video.release()
    return found


def main() -> None:
    """Run every tracker over the same pictures."""
    cv2.setNumThreads(1)
    box = tuple(int(value) for value in sys.argv[2:6])
    frames = pictures(Path(sys.argv[1]), int(sys.argv[6]))
    for name, path in TRACKERS.items():
        make: Any = cv2
        for part in path.split("."):
            make = getattr(make, part)
        tracker = make()
        tracker.init(frames[0], box)
        begun = time.process_time()
        for frame in frames[1:]:
            tracker.update(frame)
        print(f"{name.replace(' ', '-')} {(len(frames) - 1) / (time.process_time() - begun):.1f}")


if __name__ == "__main__":
    main()
