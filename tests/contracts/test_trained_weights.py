"""Every set of weights that ships was trained here, is small, is the one promised, and says what it was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from framelabel import plugins
from framelabel.inference.models import sha256
from framelabel.workflows.model_card import END, START

FOLDER = Path(__file__).resolve().parents[2] / "plugins"
SHIPPED = sorted(path.parents[1].name for path in FOLDER.glob("*/models/*.onnx"))
TRAINED = [name for name in SHIPPED if START in (FOLDER / name / "README.md").read_text("utf-8")]
"""The others are memories of good samples (`plugins fit-anomaly`): grey is as strange to them as a defect."""


@pytest.mark.parametrize("name", SHIPPED)
def test_weights_are_small_and_the_promised_ones(name: str) -> None:
    """At most 4 MB, under the digest of the manifest."""
    manifest = plugins.load(FOLDER / name)
    file = FOLDER / name / manifest.model.file
    assert file.stat().st_size <= 4_000_000
    assert manifest.model.digest == sha256(file)


@pytest.mark.parametrize("name", TRAINED)
def test_weights_have_a_model_card(name: str) -> None:
    """README.md names data, licence, split, figures per class, the command and the digest of exactly these weights."""
    manifest = plugins.load(FOLDER / name)
    text = (FOLDER / name / "README.md").read_text("utf-8")
    card = text[text.index(START) : text.index(END)]
    assert manifest.model.digest in card
    assert f"framelabel train plugins/{name} --data" in card
    for word in ("Licence:", "held out", "**mean**", "seed"):
        assert word in card
    for entry in manifest.classes:
        assert f"| {entry.name} |" in card
    assert "## Limits" in text


@pytest.mark.parametrize("name", TRAINED)
def test_weights_run_and_see_nothing_in_grey(name: str) -> None:
    """The model loads with its manifest, and an empty picture holds no object that a person would be shown.

    A model that compares sees it against itself.
    """
    detector = plugins.build(plugins.load(FOLDER / name), device="cpu").detector
    grey = np.full((360, 480, 3), 114, np.uint8)
    boxes = (detector.against(grey) if detector.lacks_template else detector)([grey])[0]
    assert (boxes.score < 0.5).all()
