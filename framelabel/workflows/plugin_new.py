"""`framelabel plugins new`: from an ONNX file to a working plugin folder, with a picture of what it sees."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.config import setting
from framelabel.core.errors import UsageError
from framelabel.core.findings import Findings
from framelabel.core.protocols import SILENT, Reporter
from framelabel.media import overlay, picture_files
from framelabel.plugins.check import read_pictures
from framelabel.plugins.samples import write_expected
from framelabel.plugins.scaffold import Proposal, propose, write_folder
from framelabel.plugins.suspicions import suspicions
from framelabel.workflows.plugin_picture import SHOWN_FROM, drawn

PREVIEW = "preview.png"
SAMPLE = "samples/sample.png"


@dataclass(frozen=True, slots=True)
class PluginNewConfig:
    """What to make a plugin of."""

    model: Path = setting(help="The ONNX file.", argument=True)
    name: str = setting("", help="Plugin name (a-z, 0-9, _ and -); the file's name when not given.")
    out: Path = setting(Path(), help="Folder in which the plugin's folder is made.")
    sample: tuple[Path, ...] = setting(
        (), help="A picture or clip of the domain: colour order and normalisation are tried out on it. Repeatable."
    )
    classes: str = setting("", help="Class names in the model's order, separated by commas; or a file, one a line.")
    decoder: str = setting("", help="Output decoder, when the model is not recognised.")
    size: int = setting(0, help="Input side of a model whose size is free.")
    licence: str = setting("", help="The weights' licence.")


@dataclass(frozen=True, slots=True)
class NewPlugin:
    """What was made."""

    folder: Path
    proposal: Proposal
    preview: Path | None
    """The sample with what the plugin sees; None without a sample."""
    suspicions: tuple[str, ...]


def run(config: PluginNewConfig, report: Reporter = SILENT) -> NewPlugin:
    """Recognise the model, write the folder, load it as labelling would, and draw the sample.

    Raises:
        UsageError: the name is not one, or the folder exists.
        ModelMismatchError: no decoder fits the model, or the class names do not fit it.
    """
    name = config.name or re.sub(r"[^a-z0-9_-]+", "_", config.model.stem.lower()).strip("_-")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", name):
        msg = f"'{name}' is not a plugin name: start with a letter, then a-z, 0-9, _ and -; give --name"
        raise UsageError(msg)
    if not config.model.is_file():
        msg = f"{config.model}: no such file"
        raise UsageError(msg)
    pictures = [picture for path in config.sample for picture in read_pictures(path)]
    report.start("looking at the model", None)
    proposal = propose(
        config.model,
        pictures=pictures,
        classes=class_names(config.classes),
        decoder=config.decoder,
        size=config.size,
    )
    folder = config.out / name
    write_folder(folder, name, config.model, proposal, licence=config.licence, sample=SAMPLE if pictures else "")
    if pictures:
        _write_sample(folder, pictures[0])
    plugin = plugins.build(plugins.load(folder), device="cpu", workers=1, reporter=report)
    if not pictures:
        return NewPlugin(folder, proposal, None, ())
    expected = (folder / SAMPLE).with_suffix(".expected.json")
    write_expected(expected, {0: _shown(plugin.detector.find([pictures[0]])[0])}, plugin.ontology)
    preview = folder / PREVIEW
    picture = overlay.draw(pictures[0], drawn(plugin, pictures[0]), caption=name)
    preview.write_bytes(picture_files.encode(picture, "png"))
    return NewPlugin(folder, proposal, preview, tuple(suspicions(plugin, pictures)))


def _write_sample(folder: Path, picture: NDArray[np.uint8]) -> None:
    """Keep the first picture of the domain as the plugin's self-test."""
    (folder / SAMPLE).parent.mkdir(exist_ok=True)
    (folder / SAMPLE).write_bytes(picture_files.encode(picture, "png"))


def _shown(found: Findings) -> Findings:
    """Return what the preview shows of a picture."""
    return Findings(found.boxes.select(found.boxes.score >= SHOWN_FROM), {}, found.tags)


def class_names(text: str) -> tuple[str, ...]:
    """Return names from "a, b, c" or from a file with one name a line."""
    if text and Path(text).is_file():
        return tuple(line.strip() for line in Path(text).read_text("utf-8").splitlines() if line.strip())
    return tuple(part.strip() for part in text.split(",") if part.strip())
