"""Tests that read our exports with the tools people use; skipped, and counted, where these are not installed.

`make interop` sets up their environment (versions pinned in constraints.txt beside this file) and runs them.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from framelabel.core.labels import FrameTable, Labels
from framelabel.core.ontology import Ontology
from framelabel.formats.builder import make_video

_REASON = "interop package absent"


@pytest.fixture
def tool() -> Callable[[str], ModuleType]:
    """Return a function that imports a tool's module, or skips the test where it is not installed."""

    def load(name: str) -> ModuleType:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return importlib.import_module(name)
            except ImportError as error:
                pytest.skip(f"{_REASON}: {name} ({error})")

    return load


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many tests were skipped because a tool is not installed."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if _REASON in str(report.longrepr)]
    terminalreporter.write_line(f"skipped for want of other tools (make interop): {len(skipped)}")


@pytest.fixture
def traffic() -> Labels:
    """Two clips with three moving objects each, an empty frame, and odd digits."""
    videos = tuple(make_video(name, (1280, 720), 6, Fraction(5)) for name in ("b1c66a42", "b1c81faa"))
    frames = FrameTable(np.repeat(np.arange(2, dtype=np.int32), 6), np.tile(np.arange(6), 2))
    frame, boxes, classes, tracks = [], [], [], []
    for clip in range(2):
        for index in range(5):
            for item in range(3):
                x, y = 100.25 + 200 * item + 7.5 * index, 50.125 + 100 * item + 3.0 * index
                frame.append(clip * 6 + index)
                boxes.append((x, y, x + 60.5 + item, y + 40.75 + item))
                classes.append(item)
                tracks.append(item + 1)
    ontology = Ontology.of(["pedestrian", "car", "bicycle"])
    return Labels.of(ontology, videos, frames, np.array(frame), np.array(boxes), class_id=classes, track_id=tracks)
