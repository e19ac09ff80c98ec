"""`framelabel plugins fit-anomaly --method patches`: textures without fixed places."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.core.shapes import area
from framelabel.plugins.check import Level, check
from framelabel.store.project import Project
from framelabel.workflows import label
from framelabel.workflows.plugin_fit_anomaly import PluginFitAnomalyConfig, run

Picture = NDArray[np.uint8]
HOLE = (70, 40, 14)
"""Centre column, row and radius of the fault."""


def cloth(seed: int) -> Picture:
    """Return a woven texture whose threads lie elsewhere in every picture."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:128, :160].astype(np.float64)
    phase = random.uniform(0, 2 * np.pi, 2)
    weave = np.sin(columns / 2.5 + phase[0]) * np.sin(rows / 2.5 + phase[1])
    grey = 130 + 40 * weave + random.normal(0, 6, weave.shape)
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def torn(seed: int) -> Picture:
    """Return such a cloth with a hole."""
    image = cloth(seed)
    cv2.circle(image, HOLE[:2], HOLE[2], (60, 60, 60), -1)
    return image


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of eight good pictures."""
    folder = tmp_path_factory.mktemp("good")
    for seed in range(8):
        cv2.imwrite(str(folder / f"{seed}.png"), cloth(seed))
    return folder


BACKBONES = [
    pytest.param({"backbone": "filters"}, id="filters"),
    pytest.param({"backbone": "street"}, id="layers-of-a-bundled-network"),
    pytest.param({"backbone": "filters", "window": 96}, id="windows"),
]


@pytest.mark.parametrize("settings", BACKBONES)
def test_a_hole_is_marked_and_good_cloth_is_not(settings: dict[str, object], good: Path, tmp_path: Path) -> None:
    """The mask covers the hole, the label says how severe it is, and cloth that was not learnt from stays clean."""
    values = {"good": good, "out": tmp_path / "cloth", "method": "patches", "bank": 300, "longest_side": 160}
    made = run(PluginFitAnomalyConfig(**{**values, **settings}))  # type: ignore[arg-type]
    assert made.threshold >= max(made.reached)
    steps = list(check(str(made.folder), device="cpu"))
    assert [step.text for step in steps if step.level is Level.PROBLEM] == []
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, image in (("fine", cloth(20)), ("good", cloth(21)), ("torn", torn(22))):
        cv2.imwrite(str(pictures / f"{name}.png"), image)
    project = tmp_path / "p.framelabel"
    label.run(label.LabelConfig(videos=(pictures,), plugin=str(made.folder), project=project))
    with Project(project) as opened:
        labels = opened.labels()
    assert labels.frames.index[labels.frame].tolist() == [2]
    x1, y1, x2, y2 = labels.xyxy[0]
    assert x1 <= HOLE[0] <= x2
    assert y1 <= HOLE[1] <= y2
    assert 0.3 < area(labels.shapes[0]) / (np.pi * HOLE[2] ** 2) < 10  # deep layers see wider than a cell
    assert labels.attributes[0]["severity"] == ("severe" if area(labels.shapes[0]) >= 0.02 * 128 * 160 else "moderate")


def test_masks_keep_known_faults_out(tmp_path: Path) -> None:
    """Pictures that are good but for a marked part can be learnt from: the part stays an anomaly."""
    for name in ("good", "masks"):
        (tmp_path / name).mkdir()
    for seed in range(4):
        cv2.imwrite(str(tmp_path / "good" / f"{seed}.png"), torn(seed))
        mask = np.zeros((128, 160), np.uint8)
        cv2.circle(mask, HOLE[:2], HOLE[2] + 8, 255, -1)
        cv2.imwrite(str(tmp_path / "masks" / f"{seed}.png"), mask)
    settings = {"good": tmp_path / "good", "method": "patches", "backbone": "filters", "bank": 200}
    naive = run(PluginFitAnomalyConfig(out=tmp_path / "naive", **settings))  # type: ignore[arg-type]
    told = run(PluginFitAnomalyConfig(out=tmp_path / "told", leave_out=tmp_path / "masks", **settings))  # type: ignore[arg-type]
    found = [plugins.build(plugins.load(made.folder), device="cpu").detector([torn(9)])[0] for made in (naive, told)]
    assert [len(boxes) > 0 for boxes in found] == [False, True]


def test_what_cannot_be_used_is_named(good: Path, tmp_path: Path) -> None:
    """One picture, a window that no grid fits, a mask of another size and an unknown layer are refused in one line."""
    single = tmp_path / "single"
    single.mkdir()
    cv2.imwrite(str(single / "a.png"), cloth(0))
    settings = {"out": tmp_path / "x", "method": "patches", "backbone": "filters"}
    with pytest.raises(UsageError, match="at least 2"):
        run(PluginFitAnomalyConfig(good=single, **settings))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="multiple of 32"):
        run(PluginFitAnomalyConfig(good=good, window=100, **settings))  # type: ignore[arg-type]
    cv2.imwrite(str(single / "0.png"), np.zeros((5, 5), np.uint8))
    with pytest.raises(UsageError, match="the mask is 5x5, its picture 160x128"):
        run(PluginFitAnomalyConfig(good=good, leave_out=single, **settings))  # type: ignore[arg-type]
    with pytest.raises(ModelMismatchError, match="'nothing'"):
        run(PluginFitAnomalyConfig(good=good, **{**settings, "backbone": "street", "layers": ("nothing",)}))  # type: ignore[arg-type]
