"""Prove a plugin on this machine, step by step, until something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import FramelabelError
from framelabel.core.protocols import SILENT, Reporter
from framelabel.inference.models import find_model
from framelabel.inference.session import read_shapes
from framelabel.media import open_reader
from framelabel.plugins.building import Plugin, build, model_source, read_picture
from framelabel.plugins.loading import load
from framelabel.plugins.samples import try_samples
from framelabel.plugins.schema import Manifest
from framelabel.plugins.suspicions import suspicions

Picture = NDArray[np.uint8]

_MOST_PICTURES = 5


class Level(str, Enum):
    """How a step came out."""

    GOOD = "ok"
    SUSPICION = "suspicion"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at."""

    name: str
    level: Level
    text: str


def check(
    name_or_folder: str | Path, *, device: str = "auto", picture: Path | None = None, reporter: Reporter = SILENT
) -> Iterator[Step]:
    """Yield each step as it is done: manifest, model file, model, picture, samples. The first problem ends it.

    Args:
        name_or_folder: the plugin.
        device: where to run it.
        picture: a picture or clip of the plugin's domain; the first sample when not given. Without either, what needs
            a real picture is not looked at, and that is said.
        reporter: shows a download.
    """
    try:
        manifest = load(name_or_folder)
        yield Step("manifest", Level.GOOD, f"{manifest.folder}: {len(manifest.classes)} classes")
        source, folder = model_source(manifest)
        path = find_model(source, folder, reporter)
        yield Step("model file", Level.GOOD, f"{path} ({source.digest or 'no digest: any file of this name is taken'})")
        plugin = build(manifest, device=device, workers=1, reporter=reporter)
        session = plugin.detector.session
        shapes = f"{read_shapes(session.inputs)} -> {read_shapes(session.outputs)}"
        yield Step("model", Level.GOOD, f"runs on {plugin.detector.device}: {shapes}")
        yield from _look(plugin, picture)
        yield from _samples(plugin)
    except FramelabelError as error:
        yield Step("problem", Level.PROBLEM, str(error))


def _look(plugin: Plugin, picture: Path | None) -> Iterator[Step]:
    plugin = _with_template(plugin)
    media = picture or first_media(plugin.manifest)
    if media is None:
        text = "no picture to look at: give one with --picture, or name samples in plugin.yaml"
        yield Step("picture", Level.SUSPICION, text)
        return
    pictures = read_pictures(media)
    found = plugin.detector.find(pictures)
    numbers = [*np.concatenate([each.boxes.class_id for each in found]), *(tag for each in found for tag in each.tags)]
    counts = np.bincount(np.array(numbers, np.int64), minlength=len(plugin.ontology))
    named = ", ".join(f"{count} {name}" for count, name in zip(counts, plugin.ontology.names, strict=True) if count)
    many = f"{len(pictures)} pictures of {media}" if len(pictures) > 1 else str(media)
    yield Step("picture", Level.GOOD, f"{many}: {named or 'nothing found'}")
    for text in suspicions(plugin, pictures):
        yield Step("picture", Level.SUSPICION, text)


def _with_template(plugin: Plugin) -> Plugin:
    """Return a plugin that compares and has no template of its own with the one of its first sample."""
    samples = plugin.manifest.samples
    if not plugin.detector.lacks_template or not samples or not samples[0].template:
        return plugin
    golden = read_picture(plugin.manifest.folder / samples[0].template)
    return replace(plugin, detector=plugin.detector.against(golden))


def _samples(plugin: Plugin) -> Iterator[Step]:
    for result in try_samples(plugin):
        level = Level.PROBLEM if result.problems else Level.GOOD
        text = f"{result.media}: {result.found} of {result.expected} expected boxes found"
        yield Step("sample", level, "; ".join([text, *result.problems[:3]]))


def first_media(manifest: Manifest) -> Path | None:
    """Return the file of the plugin's first sample that is here."""
    paths = (manifest.folder / sample.media for sample in manifest.samples)
    return next((path for path in paths if path.exists()), None)


def read_pictures(media: Path) -> list[Picture]:
    """Return a picture, or a few evenly spaced frames of a clip."""
    reader = open_reader(media)
    try:
        count = len(reader.index)
        wanted = sorted({round(at) for at in np.linspace(0, count - 1, _MOST_PICTURES + 2)[1:-1]}) if count > 1 else [0]
        return [frame.image for frame in reader.read(wanted)]
    finally:
        reader.close()
