"""Plugin folders to break one thing in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

MANIFEST = """\
schema_version: 1
name: demo
title: A demo
classes:
  - {name: cat, colour: "#aabbcc"}
  - name: dog
    attributes:
      size: {values: [small, large], default: small}
model:
  file: models/m.onnx
  licence: Apache-2.0
  input: {size: [32, 32], colour: rgb}
  decoder: yolov8
  score_threshold: 0.25
  class_thresholds: {dog: 0.28}
tracker: {name: bytetrack, options: {}}
zones:
  - {name: door, polygon: [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
rules:
  - {name: cat_inside, subject: cat, inside: door, for_s: 1.0}
review: {accept_at: 0.9}
"""


@pytest.fixture
def make_plugin(tmp_path: Path, constant_model: Callable[..., Path]) -> Callable[..., Path]:
    """Return a builder of a working plugin folder; each pair (old, new) changes its plugin.yaml."""

    def build(*changes: tuple[str, str], name: str = "demo") -> Path:
        """Write the folder: its model sees a cat at (8, 8, 24, 24) as bright as the picture, and a weak dog."""
        folder = tmp_path / name
        (folder / "models").mkdir(parents=True)
        table, glow = np.zeros((6, 21), np.float32), np.zeros((6, 21), np.float32)
        table[:, 0] = [16, 16, 16, 16, 0, 0]
        glow[4, 0] = 1.0
        table[:, 5] = [4, 4, 4, 4, 0.2, 0.3]
        constant_model({"out": table}, glow={"out": glow}).replace(folder / "models" / "m.onnx")
        text = MANIFEST
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / "plugin.yaml").write_text(text, "utf-8")
        return folder

    return build
