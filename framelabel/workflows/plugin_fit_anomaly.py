"""`framelabel plugins fit-anomaly`: a plugin from good pictures alone, by a golden template or a memory of patches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.backbones import Backbone, cut, filters
from framelabel.inference.golden_template import build_graph as build_template
from framelabel.inference.models import find_model
from framelabel.inference.patch_memory import build_graph as build_memory
from framelabel.inference.preprocess import InputOptions
from framelabel.plugins.building import model_source
from framelabel.plugins.golden import fit_golden
from framelabel.plugins.patches import ALLOWED, BANK, fit_patches
from framelabel.workflows.anomaly_plugin import Learnt, plugin_name, write_plugin

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
METHODS = ("template", "patches")
FILTERS = "filters"
_SIDES = {"template": 640, "patches": 256}
_MULTIPLE = 32
"""Sides of a network's input are rounded to so many pixels, so that its layers' grids fit together."""
_IMAGENET = InputOptions(
    size=(0, 0), resize="stretch", colour="rgb", scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)

_TEMPLATE_CARD = """\
| | |
|---|---|
| Data | {count} good pictures, {width}x{height} after scaling; nothing else |
| Licence | the pictures' own |
| Threshold | {threshold:.2f} spreads |
| Good pictures left out of their own template | {lowest:.2f} to {highest:.2f} spreads{how} |

Limits: one fixed camera and one product; shifts up to 16 pixels and changes of light are matched, turning is not.
"""
_PATCHES_CARD = """\
| | |
|---|---|
| Data | {count} good pictures, seen at {width}x{height}; nothing else |
| Licence | the pictures' own, and that of the features: {licence} |
| Features | {source} |
| Memory | {bank} patches of {channels} features |
| Threshold | {threshold:.2f} deviations |
| Good pictures, each judged by a memory made without it | {lowest:.2f} to {highest:.2f} deviations |

Limits: what no good picture shows is an anomaly, also new light, another camera or a new batch that is in order. Faults
smaller than a cell of the feature grid ({cell} pixels of the input) are easily lost.
"""


@dataclass(frozen=True, slots=True)
class PluginFitAnomalyConfig:
    """What to learn from, how, and where the plugin goes."""

    good: Path = setting(help="Folder of good pictures.")
    out: Path = setting(help="Folder of the new plugin; its name is the plugin's.")
    method: str = setting(
        "template",
        choices=METHODS,
        help="template: one fixed camera, one product, every pixel compared; patches: textures and loose parts.",
    )
    backbone: str = setting(
        "street",
        metavar="PLUGIN|FILE",
        help="patches: features from this plugin's network or ONNX file; filters for none.",
    )
    layers: tuple[str, ...] = setting((), help="patches: inner tensors of the network, finest first; repeatable.")
    leave_out: Path | None = setting(None, help="Masks named like the pictures: white pixels are not learnt from.")
    window: int = setting(0, help="patches: cut pictures into windows of so many pixels; 0 looks at each as a whole.")
    bank: int = setting(BANK, help="patches: how many are kept.")
    allow: float = setting(ALLOWED, help="patches: share of good pictures that may be marked; more finds more.")
    longest_side: int = setting(0, help="Larger pictures are scaled down to this; 0 for 640 (template), 256 (patches).")
    seed: int = setting(0, help="Seed of every random choice.")


@dataclass(frozen=True, slots=True)
class Made:
    """The new plugin."""

    folder: Path
    count: int
    """Good pictures."""
    threshold: float
    reached: tuple[float, ...]
    """How far good pictures strayed that were not learnt from."""
    unit: str
    """Of both: "spreads" or "deviations"."""
    is_made_up: bool
    """There were too few pictures to leave one out: disturbed copies of them were measured."""


def run(config: PluginFitAnomalyConfig, reporter: Reporter = SILENT) -> Made:
    """Learn from the pictures and write the plugin's folder.

    Raises:
        UsageError: no readable picture, pictures that the method cannot use, or the folder is already there.
        ModelMismatchError: the backbone cannot be cut.
    """
    if not 0 <= config.allow < 1:
        raise UsageError(f"--allow {config.allow:g}: give a share from 0 to below 1, for example 0.05")
    name = plugin_name(config.out)
    files = _files(config.good)
    pictures = [_read(path) for path in files]
    if config.method == "template":
        if config.leave_out is not None:
            raise UsageError("--leave-out works with --method patches; a template needs whole pictures")
        learnt, made = _by_template(config, pictures, reporter)
    else:
        learnt, made = _by_patches(config, pictures, _masks(config, files, pictures), reporter)
    write_plugin(config.out, name, learnt)
    return made


def backbone_of(name: str, size: tuple[int, int], layers: Sequence[str] = ()) -> tuple[Backbone, str]:
    """Return what makes features at an input size, and its licence.

    Args:
        name: a plugin, whose network is fed as its manifest says; an ONNX file, fed as networks trained on ImageNet
            are; or "filters".
        size: (width, height) of the input.
        layers: names of inner tensors; chosen when not given.
    """
    if name == FILTERS:
        return filters(size), "none needed"
    if Path(name).suffix == ".onnx":
        return cut(Path(name), replace(_IMAGENET, size=size), layers), "the network's own"
    manifest = plugins.load(name)
    source, folder = model_source(manifest)
    options = manifest.model.input.model_dump()
    feed = InputOptions(**{**options, "size": size, "resize": "stretch", "padding": "full"})
    return cut(find_model(source, folder), feed, layers), manifest.model.licence or "the network's own"


def _by_template(
    config: PluginFitAnomalyConfig, pictures: Sequence[NDArray[np.uint8]], reporter: Reporter
) -> tuple[Learnt, Made]:
    scaled = [_scaled(picture, config.longest_side or _SIDES["template"]) for picture in pictures]
    fit = fit_golden(scaled, seed=config.seed, reporter=reporter)
    height, width = fit.golden.middle.shape[:2]
    card = _TEMPLATE_CARD.format(
        count=len(pictures),
        width=width,
        height=height,
        threshold=fit.golden.threshold,
        lowest=min(fit.reached),
        highest=max(fit.reached),
        how=" (disturbed copies: too few pictures to leave one out)" if fit.is_made_up else "",
    )
    learnt = Learnt(
        graph=build_template(fit.golden),
        title="Differences from a golden template",
        description="Marks where a picture of one fixed camera differs from good ones.",
        input=InputOptions(size=(width, height), resize="stretch", colour="rgb"),
        window=0,
        licence="yours; learnt from your own pictures only",
        card=card,
        good=fit.golden.middle,
        count=len(pictures),
    )
    return learnt, Made(config.out, len(pictures), fit.golden.threshold, fit.reached, "spreads", fit.is_made_up)


def _by_patches(
    config: PluginFitAnomalyConfig,
    pictures: Sequence[NDArray[np.uint8]],
    masks: Sequence[NDArray[np.bool_] | None],
    reporter: Reporter,
) -> tuple[Learnt, Made]:
    size = _input_size(config, pictures)
    backbone, licence = backbone_of(config.backbone, size, config.layers)
    fit = fit_patches(
        pictures,
        backbone,
        left_out=masks,
        window=config.window,
        bank=config.bank,
        allowed=config.allow,
        seed=config.seed,
        reporter=reporter,
    )
    memory = fit.memory
    card = _PATCHES_CARD.format(
        count=len(pictures),
        width=size[0],
        height=size[1],
        licence=licence,
        source=backbone.source,
        bank=len(memory.bank),
        channels=memory.mean.size,
        threshold=memory.threshold,
        lowest=min(fit.reached),
        highest=max(fit.reached),
        cell=4 if config.backbone == FILTERS else 8,
    )
    learnt = Learnt(
        graph=build_memory(memory),
        title="Patches that no good picture shows",
        description="Marks what no good picture shows, wherever it lies.",
        input=backbone.input,
        window=config.window,
        licence="yours; learnt from your own pictures, with features of " + backbone.source.split(",")[0],
        card=card,
        good=pictures[int(np.argmin(fit.reached))],
        count=len(pictures),
    )
    return learnt, Made(config.out, len(pictures), memory.threshold, fit.reached, "deviations", is_made_up=False)


def _input_size(config: PluginFitAnomalyConfig, pictures: Sequence[NDArray[np.uint8]]) -> tuple[int, int]:
    """Return the input's size: the window's, the pictures' own shape where they share one, else a square."""
    if config.window:
        if config.window % _MULTIPLE:
            raise UsageError(f"--window {config.window}: give a multiple of {_MULTIPLE}")
        return config.window, config.window
    longest = config.longest_side or _SIDES["patches"]
    sizes = {picture.shape[1::-1] for picture in pictures}
    width, height = sizes.pop() if len(sizes) == 1 else (1, 1)
    share = longest / max(width, height)
    sides = [max(_MULTIPLE, round(side * share / _MULTIPLE) * _MULTIPLE) for side in (width, height)]
    return sides[0], sides[1]


def _files(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in PICTURES)
    if not files:
        msg = f"{folder}: no pictures ({', '.join(sorted(PICTURES))})"
        raise UsageError(msg)
    return files


def _read(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        msg = f"{path}: not a readable picture; take it out of the folder"
        raise UsageError(msg)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def _masks(
    config: PluginFitAnomalyConfig, files: Sequence[Path], pictures: Sequence[NDArray[np.uint8]]
) -> list[NDArray[np.bool_] | None]:
    """Return the pixels of each picture that are not learnt from; None where it has no mask."""
    if config.leave_out is None:
        return [None] * len(files)
    by_stem = {path.stem: path for path in _files(config.leave_out)}
    masks: list[NDArray[np.bool_] | None] = []
    for path, picture in zip(files, pictures, strict=True):
        found = by_stem.get(path.stem)
        mask = None if found is None else _read(found)[:, :, 0] > 127
        if mask is not None and mask.shape != picture.shape[:2]:
            sizes = f"{mask.shape[1]}x{mask.shape[0]}, its picture {picture.shape[1]}x{picture.shape[0]}"
            raise UsageError(f"{found}: the mask is {sizes}")
        masks.append(mask)
    return masks


def _scaled(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    share = min(1.0, longest / max(height, width))
    if share == 1.0:
        return picture
    # Bilinear, as the detector will resize what it is fed, so that both are blurred alike.
    size = (round(width * share), round(height * share))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
