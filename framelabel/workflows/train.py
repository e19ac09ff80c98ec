"""`framelabel train`: fine-tune a plugin's detector and write model, manifest and model card, checked and measured."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.errors import MissingExtraError, MissingModelError, UsageError
from framelabel.core.golden_pair import PAIR
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.models import ModelSource, find_model
from framelabel.inference.pairs import compared
from framelabel.inference.session import Session
from framelabel.training.augment import Augmentation
from framelabel.training.duplicates import with_joined_groups
from framelabel.training.recipe import Recipe
from framelabel.training.samples import PictureStore, Sample, letterboxed, split
from framelabel.workflows import model_card
from framelabel.workflows.eight_bits import if_good_enough
from framelabel.workflows.model_card import Measured, Seen
from framelabel.workflows.plugin_scores import Evaluation, evaluate_model
from framelabel.workflows.training_data import DataSheet, read_samples, sheet_for

YOLOX_NANO = ModelSource(
    "yolox_nano_416x416.onnx",
    "sha256:695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14",
    url="https://raw.githubusercontent.com/Kazuhito00/MOT-Tracking-by-Detection-Pipeline/"
    "e50a76b8b430b778276e7fd04fd4cafd5d45eab2/Detector/yolox/model/yolox_nano_416x416.onnx",
    source="YOLOX-nano (Apache-2.0)",
)
"""Where training starts when the plugin has no weights of its own."""
_PUBLISHED = "yolox_nano"
"""What --start calls them."""

_CALIBRATION_PICTURES = 16


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """What to train on, how long, and how far pictures may be changed."""

    plugin: Path = setting(help="Plugin folder; its plugin.yaml names the classes.", argument=True)
    data: tuple[Path, ...] = setting(
        help="A dataset.yaml folder, labels in any import format, or a project; repeatable."
    )
    format: str = setting("auto", help="Format of --data when it cannot be recognised.")
    group: str = setting(
        "", metavar="REGEX", help="What of a picture's name tells its source; sources are never split."
    )
    epochs: int = setting(30, help="Passes over the training part.")
    batch: int = setting(16, help="Pictures per step.")
    size: int = setting(416, help="Input side in pixels, a multiple of 32.")
    export_size: int = setting(0, help="Input side of the written model; 0: as trained. Larger finds smaller things.")
    rate: float = setting(1e-3, help="Highest learning rate.")
    frozen: int = setting(0, help="Parts of the backbone that keep their weights, 0 to 5; saves time.")
    folded: bool = setting(False, help="Fold normalisations before training: a quarter faster from given weights.")
    device: str = setting("auto", help="auto, cpu, cuda or cuda:N.")
    seed: int = setting(0, help="Fixes the split and every random choice.")
    held_out: float = setting(0.1, help="Share of the pictures that is never trained on; a dataset.yaml says its own.")
    overlap: float = setting(0.5, help="Overlap (IoU) from which a box counts as found in the reported score.")
    start: str = setting(
        "auto",
        help="ONNX weights to start from: a path, yolox_nano, auto (the plugin's own, else yolox_nano), or none.",
    )
    start_rows: str = setting(
        "", metavar="R,R,...", help="Which class of the starting file begins each class of the plugin, in its order."
    )
    patience: int = setting(0, help="Stop after so many evaluations without a better score; 0 never.")
    evaluate_every: int = setting(2, help="Epochs between evaluations.")
    resume: bool = setting(False, help="Go on from the last checkpoint of this plugin.")
    run_folder: Path | None = setting(None, help="Where checkpoints go; default: PLUGIN/.training.")
    int8: bool = setting(False, help="Quantise to 8 bits afterwards; kept only when it loses less than half a point.")
    turn: bool = setting(False, help="Also flip up-down and turn by quarters (cameras that look straight down).")
    mosaic: float = setting(0.5, help="Share of training pictures put together from four.")
    mixup: float = setting(0.0, help="Share of mosaics blended with another.")
    smallest: float = setting(0.7, help="Lower end of the random zoom.")
    largest: float = setting(1.4, help="Upper end of the random zoom.")
    hue: float = setting(0.015, help="Largest change of hue, share of the colour circle.")
    brightness: float = setting(0.35, help="Largest change of brightness.")
    grey: float = setting(0.0, help="Share of pictures that lose their colours.")
    noise: float = setting(0.0, help="Share of pictures with sensor noise and defocus.")

    @property
    def side(self) -> int:
        """Input side of the written model in pixels."""
        return self.export_size or self.size


@dataclass(frozen=True, slots=True)
class TrainSummary:
    """What came out."""

    model: Path
    train_pictures: int
    evaluation: Evaluation
    agreement: float
    """Largest difference between the ONNX file and the trained network on held-out pictures."""


def run(config: TrainConfig, report: Reporter = SILENT) -> TrainSummary:
    """Train, keep the best epoch on the held-out part, and write model, plugin.yaml and model card.

    Raises:
        MissingExtraError: PyTorch is not installed.
        UsageError, InvalidManifestError, InvalidLabelsError: plugin or data are not usable.
        ModelMismatchError: the exported file does not say what the network says; nothing is replaced then.
    """
    try:
        import torch

        from framelabel.training.export import check, export
        from framelabel.training.network import CompactDetector
        from framelabel.training.pretrained import read_weights
        from framelabel.training.trainer import Trainer
    except ImportError as error:
        msg = f"training needs {error.name}: pip install 'framelabel[train]'"
        raise MissingExtraError(msg) from error

    if config.side % 32:
        msg = f"--export-size {config.export_size} must be a multiple of 32"
        raise UsageError(msg)
    manifest = plugins.load(config.plugin)
    names = [entry.name for entry in manifest.classes]
    work = _work(config)
    store = PictureStore(max(config.size, config.side), compare=compared)
    pairs = manifest.model.input.colour == PAIR
    parts = [_part(config, data, names, store, report, pairs=pairs) for data in config.data]
    train = [sample for part in parts for sample in part.train]
    held = [sample for part in parts for sample in part.held]

    torch.manual_seed(config.seed)
    network = CompactDetector(len(names))
    start, rows = _start(config, manifest, report), _start_rows(config, len(names))
    if start is not None:
        filled = read_weights(network, start, torch.from_numpy(_calibration(train, store, config.size)), rows)
        report.note(f"{filled} of 113 layers start from {start.name}")
    scratch = work / "epoch.onnx"

    def measure(model: Path) -> Evaluation:
        return evaluate_model(model, held, names, config.side, overlap=config.overlap, pairs=pairs)

    def score(candidate: Any) -> float:
        export(candidate, scratch, (config.side, config.side))
        return measure(scratch).mean

    recipe = _recipe(config, pairs=pairs)
    trainer = Trainer(network, train, recipe, device=config.device, compare=compared, evaluate=score, reporter=report)
    checkpoint = work / "checkpoint.pt"
    if config.resume and checkpoint.exists():
        trainer.resume(checkpoint)
        report.note(f"resumed after epoch {trainer.epoch}")
    for facts in trainer.fit():
        trainer.save(checkpoint)
        shown = "" if np.isnan(facts.score) else f", AP at overlap {config.overlap:g}: {facts.score:.3f}"
        report.note(f"epoch {facts.epoch}: loss {facts.loss:.3f}{shown}")

    fresh = work / f"{manifest.name}.onnx"
    plain = export(trainer.best_network(), fresh, (config.side, config.side))
    pictures = _calibration(held, store, config.side)
    answers = np.stack([outputs[0] for outputs in Session(fresh, device="cpu").run(pictures)])
    agreement = check(plain, [answers], [pictures])
    evaluation = measure(fresh)
    remark = ""
    if config.int8:
        smaller = if_good_enough(fresh, _calibration(train, store, config.side), evaluation, measure)
        remark = "An 8-bit version lost half a point or more and was not kept."
        if smaller is not None:
            remark = f"Stored in 8 bits, which cost {evaluation.mean - smaller[1].mean:.4f} of the mean."
            fresh, evaluation = smaller
        report.note(remark)
    target = config.plugin / "models" / f"{manifest.name}.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(fresh, target)
    model_card.write(
        config.plugin,
        target,
        [Seen(part.sheet, len(part.train), len(part.held)) for part in parts],
        Measured(evaluation, agreement, trainer.epoch, remark),
        config,
    )
    return TrainSummary(target, len(train), evaluation, agreement)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """One data set, divided."""

    sheet: DataSheet
    train: list[Sample]
    held: list[Sample]


def _part(
    config: TrainConfig, data: Path, names: Sequence[str], store: PictureStore, report: Reporter, *, pairs: bool
) -> _Part:
    """Read one data set and divide it by source."""
    sheet, place = sheet_for(
        data, source_format=config.format, group=config.group, held_out=config.held_out, seed=config.seed
    )
    samples = read_samples(sheet, place, names, _work(config) / "pictures", report, pairs=pairs)
    samples = with_joined_groups(samples, store) if sheet.join_duplicates else samples
    train, held = split(samples, sheet.held_out, sheet.seed)
    report.note(f"{sheet.name}: {len(train)} pictures to train on, {len(held)} held out")
    return _Part(sheet, train, held)


def _work(config: TrainConfig) -> Path:
    return config.run_folder or config.plugin / ".training"


def _start(config: TrainConfig, manifest: plugins.Manifest, report: Reporter) -> Path | None:
    """Return the weights to start from; None starts anew."""
    if config.start == "none":
        return None
    if config.start == _PUBLISHED:
        return find_model(YOLOX_NANO, None, report)
    if config.start != "auto":
        path = Path(config.start)
        if not path.is_file():
            msg = f"--start {path}: no such file; give an ONNX file, {_PUBLISHED}, auto or none"
            raise UsageError(msg)
        return path
    own = manifest.folder / manifest.model.file
    if manifest.model.file and own.is_file():
        return own
    try:
        return find_model(YOLOX_NANO, None, report)
    except MissingModelError as error:
        report.note(f"training starts from random weights, which needs many more pictures: {error}")
        return None


def _start_rows(config: TrainConfig, class_count: int) -> dict[int, int] | None:
    """Return starting file's class -> plugin's class; None where the flag is not given."""
    if not config.start_rows:
        return None
    try:
        rows = [int(word) for word in config.start_rows.split(",")]
    except ValueError:
        rows = []
    if len(rows) != class_count or len(set(rows)) != class_count:
        msg = f"--start-rows {config.start_rows}: give {class_count} different row numbers, one per class of the plugin"
        raise UsageError(msg)
    return {row: number for number, row in enumerate(rows)}


def _recipe(config: TrainConfig, *, pairs: bool) -> Recipe:
    return Recipe(
        epochs=config.epochs,
        batch=config.batch,
        size=config.size,
        peak_rate=config.rate,
        frozen=config.frozen,
        folded=config.folded,
        patience=config.patience,
        evaluate_every=config.evaluate_every,
        seed=config.seed,
        augmentation=Augmentation(
            mosaic=config.mosaic,
            mixup=config.mixup,
            scale=(config.smallest, config.largest),
            turn=config.turn,
            hue=config.hue,
            brightness=config.brightness,
            grey=config.grey,
            noise=config.noise,
            pairs=pairs,
        ),
    )


def _calibration(samples: Sequence[Sample], store: PictureStore, size: int) -> NDArray[np.float32]:
    """Return up to 16 evenly spaced pictures as the network sees them, (B, 3, H, W)."""
    chosen = samples[:: max(len(samples) // _CALIBRATION_PICTURES, 1)][:_CALIBRATION_PICTURES]
    images = np.stack([letterboxed(store.load(sample).image, (size, size))[0] for sample in chosen])
    return np.ascontiguousarray(images.transpose(0, 3, 1, 2)).astype(np.float32)
