"""The folder of a plugin that was learnt from good pictures: manifest, model card, model and self-test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import UsageError
from framelabel.inference.models import sha256
from framelabel.inference.preprocess import InputOptions

LEAST_AREA = 9
"""Pixels of the model's input below which an area is not reported."""

_MANIFEST = """\
schema_version: 1
name: {name}
title: {title}
description: {description} Made by plugins fit-anomaly from {count} good pictures.
classes:
  - name: anomaly
    supercategory: defect
    colour: "#e6194b"
    model_index: 1
    attributes: {{severity: {{values: [minor, moderate, severe], by_area: [0.002, 0.02]}}}}  # share of the picture
model:
  file: models/{name}.onnx
  digest: "{digest}"
  licence: {licence}
  source: plugins fit-anomaly, {count} good pictures
  input: {feed}
  decoder: segmenter
  decoder_options: {{activation: none, min_area: {area:.7f}}}
  score_threshold: 0.5{tiles}
rules:
  - {{name: anomaly_seen, subject: anomaly, for_s: 0.1, review: always}}
review: {{accept_at: 0.9, drop_below: 0.5}}
samples: [{{media: samples/good.png, expected: samples/good.expected.json}}]
"""


@dataclass(frozen=True, slots=True, eq=False)
class Learnt:
    """What a method has learnt, as far as its plugin needs to know."""

    graph: bytes
    title: str
    description: str
    input: InputOptions
    window: int
    """Side of the windows that pictures are cut into; 0 for whole pictures."""
    licence: str
    card: str
    """The README's body: rows of a table and limits."""
    good: NDArray[np.uint8]
    """(H, W, 3) RGB: a picture in which nothing is to be found, for the self-test."""
    count: int
    """Good pictures."""


def plugin_name(folder: Path) -> str:
    """Return the name of the plugin in a folder that is about to be made.

    Raises:
        UsageError: the folder is there already, or its name cannot be a plugin's.
    """
    if folder.exists():
        msg = f"{folder}: already there; choose another --out"
        raise UsageError(msg)
    name = "".join(letter if letter.isalnum() else "_" for letter in folder.resolve().name.lower())
    if not name[0].isalpha():
        msg = f"--out {folder}: a plugin's name starts with a letter"
        raise UsageError(msg)
    return name


def write_plugin(folder: Path, name: str, learnt: Learnt) -> None:
    """Write the folder."""
    for part in ("models", "samples"):
        (folder / part).mkdir(parents=True)
    model = folder / "models" / f"{name}.onnx"
    model.write_bytes(learnt.graph)
    cv2.imwrite(str(folder / "samples" / "good.png"), cv2.cvtColor(learnt.good, cv2.COLOR_RGB2BGR))
    (folder / "samples" / "good.expected.json").write_text('{"frames": {"0": []}}\n', "utf-8")
    width, height = learnt.input.size
    manifest = _MANIFEST.format(
        name=name,
        title=learnt.title,
        description=learnt.description,
        count=learnt.count,
        digest=sha256(model),
        licence=learnt.licence,
        feed=_in_yaml(learnt.input),
        area=LEAST_AREA / (width * height),
        tiles=f"\n  tiles: {{size: {learnt.window}, overlap: 0.2, whole: false}}" if learnt.window else "",
    )
    (folder / "plugin.yaml").write_text(manifest, "utf-8")
    title = learnt.title[0].lower() + learnt.title[1:]
    (folder / "README.md").write_text(f"# {name}: {title}\n\n{learnt.card}", "utf-8")


def _in_yaml(feed: InputOptions) -> str:
    """Return how a model is fed as one line of YAML, defaults left out."""
    parts = [f"size: [{feed.size[0]}, {feed.size[1]}]", f"resize: {feed.resize}", f"colour: {feed.colour}"]
    if feed.scale != 1.0:
        parts.append(f"scale: {feed.scale!r}")
    parts += [f"{key}: {list(values)}" for key, values in (("mean", feed.mean), ("std", feed.std)) if values]
    return "{" + ", ".join(parts) + "}"
