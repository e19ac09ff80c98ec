"""Runs are named by the version of the tracker that made them, so that labels of two of them are never mixed."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from framelabel.core.boxes import Boxes
from framelabel.core.frames import FrameIndex, VideoId
from framelabel.core.videos import Video
from framelabel.tracking.catalog import OFFLINE_TRACKERS, ONLINE_TRACKERS, UNLINKED
from framelabel.workflows.associate import TrackerChoice

FRAMES = 90
KNOWN: dict[str, tuple[int, str]] = {
    "botsort": (1, "48fb264d4dfa"),
    "bytetrack": (1, "48fb264d4dfa"),
    "none": (1, "d1b6853e71ce"),
    "ocsort": (1, "565d6030fb8e"),
    "offline": (1, "77ac9368f82a"),
    "sort": (1, "93aaa73fd445"),
}
"""Version of each tracker, and the digest of what it makes of `_scene`."""


def _scene() -> list[Boxes]:
    """Return six walkers who meet, are missed for a while and found with a jitter, and false alarms."""
    random = np.random.default_rng(11)
    out = []
    for k in range(FRAMES):
        x = np.array([20 + 5 * k, 600 - 5 * k, 40 + 4 * k, 300, 500 - 3 * k, 100 + 2 * k], np.float64)
        y = np.array([60, 64, 200, 220, 330, 330 - k / 2])
        found = np.stack([x, y, x + 40, y + 100], axis=1) + random.normal(0, 1.5, (6, 4))
        alarm = random.uniform(0, 400, (2, 2))
        found = np.concatenate([found, np.concatenate([alarm, alarm + 50], axis=1)])
        seen = random.random(8) < np.array([0.9] * 6 + [0.4] * 2)
        score = np.clip(np.array([0.9, 0.8, 0.7, 0.9, 0.6, 0.85, 0.3, 0.5]) + random.normal(0, 0.1, 8), 0.02, 0.98)
        out.append(Boxes.of(found[seen], score[seen]))
    return out


def _digest(name: str) -> str:
    """Return a digest of a tracker's answer, to a tenth of a pixel: machines differ by less."""
    boxes, pts = _scene(), np.arange(FRAMES)
    index = FrameIndex(Fraction(1, 25), pts, pts == 0, pts.astype(np.uint64))
    video = Video(VideoId(1), "scene", "", 640, 480, FRAMES, Fraction(1, 25), Fraction(25))
    tracks = TrackerChoice.of(name, {}, "test").link(range(FRAMES), lambda some: [boxes[k] for k in some], video, index)
    rows: list[Any] = [(len(track), int(track.frame[0]), track.xyxy.round(1).tolist()) for track in tracks]
    return hashlib.sha256(repr(sorted(rows)).encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", sorted({**ONLINE_TRACKERS, **OFFLINE_TRACKERS, **UNLINKED}))
def test_another_answer_is_another_version(name: str) -> None:
    """Whoever changes what a tracker makes of the same boxes raises its VERSION and records the new digest here."""
    facts = TrackerChoice.of(name, {}, "test").facts()
    assert (facts["tracker_version"], _digest(name)) == KNOWN[name]
