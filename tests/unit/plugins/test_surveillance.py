"""The bundled surveillance plugin sees real people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from framelabel import plugins
from framelabel.core.geometry import iou
from framelabel.media import open_reader


def test_it_finds_the_person(shared: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Frame 150 of the corridor clip has one person where people see one, and none of the 71 classes left out."""
    monkeypatch.setenv("FRAMELABEL_MODELS", str(shared("models")))
    clip = shared("data/clips/intel/one-by-one-person-detection.mp4")
    reader = open_reader(clip)
    image = reader.frame(150).image
    reader.close()
    plugin = plugins.build(plugins.load("surveillance"), device="cpu")
    boxes = plugin.detector([image])[0]
    best = boxes.select(boxes.score > 0.5)
    assert [plugin.ontology.names[number] for number in best.class_id] == ["person"]
    assert float(iou(best.xyxy, np.array([[383.0, 16.0, 517.0, 405.0]]))[0, 0]) > 0.9
