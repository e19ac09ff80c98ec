"""A checked manifest becomes a plugin that can work."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import InvalidManifestError, UsageError
from framelabel.core.golden_pair import PAIR
from framelabel.core.ontology import Ontology
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.detector import OnnxDetector
from framelabel.inference.models import ModelSource, find_model, sha256
from framelabel.inference.preprocess import InputOptions
from framelabel.inference.recipe import Recipe
from framelabel.inference.tiling import TileOptions
from framelabel.media import open_reader
from framelabel.plugins.choices import recogniser_of
from framelabel.plugins.grading import Grade, grades_of
from framelabel.plugins.hooks import Hook, load_hook, no_change
from framelabel.plugins.loading import load
from framelabel.plugins.places import lines_of, rules_of, zones_of
from framelabel.plugins.schema import Manifest, Review
from framelabel.rules.evaluate import Rule
from framelabel.rules.zones import Line, Zone


@dataclass(frozen=True, slots=True, eq=False)
class Plugin:
    """A plugin with its model loaded."""

    manifest: Manifest
    detector: OnnxDetector
    ontology: Ontology
    model_path: Path
    model_digest: str
    """"sha256:...": who said it, in provenance."""
    hook: Hook
    template_digest: str = ""
    """"sha256:..." of the golden picture that the model compares with; "" without one."""

    def need_template(self) -> None:
        """Raise UsageError when the model compares with a golden picture and none was given."""
        if self.detector.lacks_template:
            msg = f"plugin '{self.name}' compares pictures with a golden one: give it with --template PICTURE"
            raise UsageError(msg)

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name

    @property
    def tracker(self) -> str:
        """Name of the tracker to link with."""
        return self.manifest.tracker.name

    @property
    def tracker_options(self) -> Mapping[str, Any]:
        """Options of that tracker."""
        return self.manifest.tracker.options

    @property
    def zones(self) -> Mapping[str, Zone]:
        """Areas by name, in fractions of the frame."""
        return zones_of(self.manifest)

    @property
    def lines(self) -> Mapping[str, Line]:
        """Lines to cross by name, in fractions of the frame."""
        return lines_of(self.manifest)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Rules that turn tracks into events."""
        return rules_of(self.manifest)

    @property
    def grades(self) -> Mapping[str, tuple[Grade, ...]]:
        """Attributes that follow from an object's area, by class name."""
        return grades_of(self.manifest)

    @property
    def recognisers(self) -> tuple[tuple[str, Any], ...]:
        """What is read off the pixels of tracked objects: kind and checked options of each."""
        return tuple(recogniser_of(entry, self.name) for entry in self.manifest.recognise)

    @property
    def review(self) -> Review:
        """What goes to people."""
        return self.manifest.review


def model_source(manifest: Manifest) -> tuple[ModelSource, Path]:
    """Return which model file a manifest means and the folder that it is relative to (another plugin's, perhaps)."""
    model = manifest.model
    if not model.of_plugin:
        return ModelSource(model.file, model.digest, model.url, model.source), manifest.folder
    owner = load(model.of_plugin)
    if owner.model.of_plugin:
        msg = f"{manifest.folder}: model.of_plugin '{model.of_plugin}' itself takes its model from another plugin"
        raise InvalidManifestError(msg)
    return model_source(owner)


def recipe(manifest: Manifest) -> Recipe:
    """Return how to feed and read the model."""
    model, feed = manifest.model, manifest.model.input
    names = [entry.name for entry in manifest.classes]
    indexed = any(entry.model_index is not None for entry in manifest.classes)
    return Recipe(
        input=InputOptions(**feed.model_dump()),
        decoder=model.decoder,
        class_count=len(names),
        model_index=tuple(entry.model_numbers for entry in manifest.classes) if indexed else (),
        score_threshold=tuple(model.class_thresholds.get(name, model.score_threshold) for name in names),
        decoder_options=model.decoder_options,
        nms_iou=model.nms_iou,
        nms_cross_class_iou=model.nms_cross_class_iou,
        tiles=TileOptions(model.tiles.size, model.tiles.overlap, model.tiles.whole) if model.tiles else None,
        views=model.views,
        max_boxes=model.max_boxes,
    )


def build(
    manifest: Manifest,
    *,
    device: str = "auto",
    workers: int = 0,
    batch: int = 0,
    template: Path | None = None,
    reporter: Reporter = SILENT,
) -> Plugin:
    """Find and load the model, and the hook where there is one. Code of the plugin runs only here and later.

    `template`: the golden picture to compare with; None takes the manifest's own.

    Raises:
        MissingModelError: the model file is not on this machine; the message says where to put it.
        ModelMismatchError: the model is not what the manifest says.
        DeviceUnavailableError: the device asked for is not usable here.
        UsageError: a template is given to a model that compares nothing.
        UnreadableVideoError: the template is no picture.
    """
    source, folder = model_source(manifest)
    path = find_model(source, folder, reporter)
    golden = template_of(manifest, template)
    detector = OnnxDetector(
        path,
        recipe(manifest),
        device=device,
        workers=workers,
        batch=batch,
        template=None if golden is None else read_picture(golden),
        reporter=reporter,
    )
    digest = "" if golden is None else sha256(golden)
    hook = load_hook(manifest.hook, manifest.folder) if manifest.hook else no_change
    return Plugin(manifest, detector, manifest.ontology(), path, source.digest or sha256(path), hook, digest)


def template_of(manifest: Manifest, given: Path | None) -> Path | None:
    """Return the file of the golden picture to compare with: the given one, the manifest's, or none."""
    if given is not None and manifest.model.input.colour != PAIR:
        msg = f"plugin '{manifest.name}' compares with no template (its model.input.colour is not {PAIR})"
        raise UsageError(msg)
    return given or (manifest.folder / manifest.model.template if manifest.model.template else None)


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Return a picture file as (H, W, 3) RGB."""
    with closing(open_reader(path)) as reader:
        return next(iter(reader.read([0]))).image
