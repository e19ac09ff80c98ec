"""`framelabel plugins fit-anomaly`: a plugin from good pictures alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.golden_template import build_graph
from framelabel.inference.models import sha256
from framelabel.plugins.golden import Fit, fit_golden

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
_LEAST_AREA = 9
"""Pixels of the template below which an area is not reported."""

_MANIFEST = """\
schema_version: 1
name: {name}
title: Differences from a golden template
description: Marks where a picture of one fixed camera differs from {count} good ones. Made by plugins fit-anomaly.
classes:
  - {{name: anomaly, supercategory: defect, colour: "#e6194b", model_index: 1}}
model:
  file: models/{name}.onnx
  digest: "{digest}"
  licence: yours; learnt from your own pictures only
  source: plugins fit-anomaly, {count} good pictures
  input: {{size: [{width}, {height}], resize: stretch, colour: rgb}}
  decoder: segmenter
  decoder_options: {{activation: none, min_area: {area:.7f}}}
  score_threshold: 0.5
rules:
  - {{name: anomaly_seen, subject: anomaly, for_s: 0.1, review: always}}
review: {{accept_at: 0.9, drop_below: 0.5}}
samples: [{{media: samples/golden.png, expected: samples/golden.expected.json}}]
"""
_README = """\
# {name}: differences from a golden template

| | |
|---|---|
| Data | {count} good pictures, {width}x{height} after scaling; nothing else |
| Licence | the pictures' own |
| Threshold | {threshold:.2f} spreads |
| Good pictures left out of their own template | {lowest:.2f} to {highest:.2f} spreads{how} |

Limits: one fixed camera and one product; shifts up to 16 pixels and changes of light are matched, turning is not.
"""


@dataclass(frozen=True, slots=True)
class PluginFitAnomalyConfig:
    """What to learn from, and where the plugin goes."""

    good: Path = setting(help="Folder of good pictures, all of one fixed camera.")
    out: Path = setting(help="Folder of the new plugin; its name is the plugin's.")
    longest_side: int = setting(640, help="Larger pictures are scaled down to this many pixels.")
    seed: int = setting(0, help="Seed of the disturbed copies that stand in where there are under 3 pictures.")


@dataclass(frozen=True, slots=True)
class Made:
    """The new plugin."""

    folder: Path
    fit: Fit
    count: int


def run(config: PluginFitAnomalyConfig, reporter: Reporter = SILENT) -> Made:
    """Learn the template, write the plugin's folder.

    Raises:
        UsageError: no readable picture, pictures of several sizes, or the folder is already there.
    """
    if config.out.exists():
        msg = f"{config.out}: already there; choose another --out"
        raise UsageError(msg)
    pictures = [_scaled(picture, config.longest_side) for picture in _read(config.good)]
    fit = fit_golden(pictures, seed=config.seed, reporter=reporter)
    height, width = fit.golden.middle.shape[:2]
    name = "".join(letter if letter.isalnum() else "_" for letter in config.out.resolve().name.lower())
    if not name[0].isalpha():
        msg = f"--out {config.out}: a plugin's name starts with a letter"
        raise UsageError(msg)
    graph = build_graph(fit.golden)
    for part in ("models", "samples"):
        (config.out / part).mkdir(parents=True)
    model = config.out / "models" / f"{name}.onnx"
    model.write_bytes(graph)
    cv2.imwrite(str(config.out / "samples" / "golden.png"), cv2.cvtColor(fit.golden.middle, cv2.COLOR_RGB2BGR))
    (config.out / "samples" / "golden.expected.json").write_text('{"frames": {"0": []}}\n', "utf-8")
    facts = {
        "name": name,
        "count": len(pictures),
        "digest": sha256(model),
        "width": width,
        "height": height,
        "area": _LEAST_AREA / (width * height),
        "threshold": fit.golden.threshold,
        "lowest": min(fit.reached),
        "highest": max(fit.reached),
        "how": " (disturbed copies: too few pictures to leave one out)" if fit.is_made_up else "",
    }
    (config.out / "plugin.yaml").write_text(_MANIFEST.format(**facts), "utf-8")
    (config.out / "README.md").write_text(_README.format(**facts), "utf-8")
    return Made(config.out, fit, len(pictures))


def _read(folder: Path) -> list[NDArray[np.uint8]]:
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not files:
        msg = f"{folder}: no pictures ({', '.join(sorted(PICTURES))})"
        raise UsageError(msg)
    pictures = []
    for path in files:
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            msg = f"{path}: not a readable picture; take it out of the folder"
            raise UsageError(msg)
        pictures.append(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))
    return pictures


def _scaled(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    share = min(1.0, longest / max(height, width))
    if share == 1.0:
        return picture
    # Bilinear, as the detector will resize what it is fed, so that both are blurred alike.
    size = (round(width * share), round(height * share))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
