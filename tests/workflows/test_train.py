"""One command from labelled pictures to a plugin that labels (needs PyTorch, the extra `train`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from framelabel import plugins
from framelabel.inference.models import sha256

pytest.importorskip("torch", reason="PyTorch is not installed (extra: train)")
pytest.importorskip("onnx")

_MANIFEST = """schema_version: 1
name: spots   # a comment that must survive
classes: [{name: open}, {name: short}]
model:
  file: models/spots.onnx
  digest: ""
  input: {size: [32, 32], resize: letterbox, colour: bgr}
  decoder: yolox
  score_threshold: 0.3
"""


def _plugin(folder: Path) -> Path:
    folder.mkdir()
    (folder / "plugin.yaml").write_text(_MANIFEST, "utf-8")
    return folder


def _data(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(12):
        image = np.full((640, 640, 3), 120, np.uint8)
        x, y = (int(v) for v in rng.integers(40, 400, 2))
        image[y : y + 200, x : x + 200] = 250
        stem = f"{number:05d}{number:03d}"
        cv2.imwrite(str(folder / f"{stem}_test.png"), image)
        (folder / f"{stem}.txt").write_text(f"{x} {y} {x + 200} {y + 200} {1 + number % 2}\n", "utf-8")
    sheet = "name: spots\nlicence: ours\nroot: .\nformat: deeppcb\ngroup: '^(\\d{5})'\njoin_duplicates: false\n"
    sheet += "classes: {open: open, short: short}\nheld_out: 0.3\n"
    (folder / "dataset.yaml").write_text(sheet, "utf-8")
    return folder


def test_one_command_makes_a_plugin_that_labels(tmp_path: Path) -> None:
    """After `framelabel train`, the manifest names the new file by digest, the card tells all, the plugin runs."""
    from framelabel.cli.train import command

    plugin, data = _plugin(tmp_path / "spots"), _data(tmp_path / "data")
    flags = [
        "--data",
        str(data),
        "--epochs",
        "2",
        "--size",
        "64",
        "--batch",
        "4",
        "--device",
        "cpu",
        "--start",
        "none",
        "--int8",
    ]
    done = CliRunner().invoke(command, [str(plugin), *flags], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    manifest = plugins.load(plugin)
    model = plugin / "models" / "spots.onnx"
    assert manifest.model.digest == sha256(model)
    assert manifest.model.input.size == (64, 64)
    assert "# a comment that must survive" in (plugin / "plugin.yaml").read_text("utf-8")
    card = (plugin / "README.md").read_text("utf-8")
    assert "8 pictures trained on, 4 held out" in card
    assert f"framelabel train {plugin} --data {data} --epochs 2" in card
    assert "agree to" in card
    boxes = plugins.build(manifest, device="cpu").detector([np.zeros((48, 64, 3), np.uint8)])[0]
    assert set(boxes.class_id.tolist()) <= {0, 1}


def test_resume_continues_and_the_card_is_replaced(tmp_path: Path) -> None:
    """`--resume` starts behind the last finished epoch; a second card replaces the first, text around it stays."""
    from framelabel.workflows.train import TrainConfig, run

    plugin, data = _plugin(tmp_path / "spots"), _data(tmp_path / "data")
    config = TrainConfig(plugin, (data,), epochs=1, size=64, batch=4, device="cpu", start="none")
    run(config)
    readme = plugin / "README.md"
    readme.write_text("My own words.\n\n" + readme.read_text("utf-8"), "utf-8")
    notes: list[str] = []

    class Notes:
        def start(self, name: str, total: int | None) -> None: ...
        def advance(self, count: int = 1, **facts: object) -> None: ...
        def note(self, message: str) -> None:
            notes.append(message)

    run(replace(config, epochs=2, resume=True), Notes())
    assert "resumed after epoch 1" in notes
    assert next(note for note in notes if note.startswith("epoch ")).startswith("epoch 2")
    text = readme.read_text("utf-8")
    assert text.startswith("My own words.")
    assert text.count("## Model card") == 1
