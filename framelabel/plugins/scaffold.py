"""A plugin folder from an ONNX file: recognise the model, find out how to feed it, write a commented plugin.yaml."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.errors import ModelMismatchError, UsageError
from framelabel.inference.decoders.catalog import DECODERS
from framelabel.inference.models import sha256
from framelabel.inference.preprocess import InputOptions, Preprocessor
from framelabel.inference.recipe import Recipe, input_size
from framelabel.inference.session import Session
from framelabel.plugins.coco_names import COCO
from framelabel.plugins.families import Family, names_in, recognise
from framelabel.plugins.loading import MANIFEST
from framelabel.plugins.trials import Trial, in_words, try_input, try_inputs, usual_input

Picture = NDArray[np.uint8]

_CLEARLY_SEEN = 0.2
_CLOSE = 0.85
_RESIZE: Mapping[str, str] = {
    "yolov5": "letterbox_centred",
    "yolov8": "letterbox_centred",
    "yolov8_seg": "letterbox_centred",
    "yolov8_obb": "letterbox_centred",
    "yolov10": "letterbox_centred",
    "yolox": "letterbox",
    "nanodet": "letterbox",
    "classifier": "crop",
}
"""How the family's own code resizes; stretch for the others."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """How a model is most likely fed and read."""

    family: Family
    input: InputOptions
    classes: tuple[str, ...]
    trials: tuple[Trial, ...]
    """What was tried, surest first; empty without a picture."""
    doubts: tuple[str, ...]
    """What a person should confirm, one sentence each."""


def propose(
    model: Path, *, pictures: Sequence[Picture] = (), classes: Sequence[str] = (), decoder: str = "", size: int = 0
) -> Proposal:
    """Look at an ONNX file and return how to use it.

    Args:
        model: the file.
        pictures: real pictures of the domain; with one, colour order and normalisation are tried out.
        classes: names in the model's order; taken from the file, or numbered, when not given.
        decoder: skip recognition.
        size: input side for a model whose size is free; 640 when not given.

    Raises:
        ModelMismatchError: not a picture model, no decoder fits, or the number of names is wrong.
    """
    session = Session(model, device="cpu")
    feed = _first_input(session, size)
    image = pictures[0] if pictures else _noise(feed.size)
    outputs = _outputs(session, feed, image)
    names = tuple(classes) or names_in(session.metadata)
    if decoder:
        family = _given(decoder, outputs, feed)
    else:
        family = recognise(outputs, feed.size, has_size_input=len(session.inputs) > 1, named=len(names))
    doubts = list(family.doubts)
    feed = replace(feed, resize=_RESIZE.get(family.decoder, "stretch"))
    if not names:
        numbered = tuple(f"class_{number}" for number in range(family.class_count or 1))
        names = COCO if len(numbered) == len(COCO) else numbered
        doubts.append(
            "the file does not name its 80 classes: COCO's names are assumed"
            if names == COCO
            else "the file does not name its classes: replace class_0, class_1, ... in the model's order"
        )
    if family.class_count and len(names) != family.class_count:
        msg = f"{model.name}: {len(names)} names are given for {family.class_count} classes ({family.evidence})"
        raise ModelMismatchError(msg)
    trials: tuple[Trial, ...] = ()
    if pictures:
        recipe = Recipe(feed, family.decoder, len(names), decoder_options=family.options)
        trials = tuple(try_inputs(model, recipe, pictures))
        feed = trials[0].input
        if trials[0].agreement < _CLEARLY_SEEN:
            doubts.append(f"nothing is clearly seen on the sample (agreement {trials[0].agreement:.2f} of 1)")
        elif trials[1].agreement > _CLOSE * trials[0].agreement:
            words = f"'{in_words(trials[0].input)}' and '{in_words(trials[1].input)}'"
            doubts.append(f"{words} do about as well on the sample: confirm the first, or give more pictures")
        if family.decoder not in _RESIZE:
            whole = try_input(model, replace(recipe, input=replace(feed, resize="letterbox")), pictures).agreement
            if whole > _CLEARLY_SEEN and trials[0].agreement < _CLOSE * whole:
                words = f"agrees clearly better ({whole:.2f} to {trials[0].agreement:.2f})"
                doubts.append(f"pictures are stretched, as is usual; 'resize: letterbox' {words} on the sample")
    else:
        feed = usual_input(feed, family.decoder)
        doubts.append("no sample was given: colour order and normalisation are the family's usual ones, not tried")
    return Proposal(family, feed, names, trials, tuple(doubts))


def _given(decoder: str, outputs: Sequence[NDArray[Any]], feed: InputOptions) -> Family:
    entry = DECODERS.load(decoder)
    count = entry(entry.Options(), input_size=feed.size).class_count(outputs)
    return Family(decoder, int(count), "as told by --decoder")


def _first_input(session: Session, size: int) -> InputOptions:
    """Return layout, channels and size of the picture input."""
    shape = session.inputs[0].shape
    if len(shape) != 4:
        msg = f"{session.path.name}: the first input is not a batch of pictures (shape {list(shape)})"
        raise ModelMismatchError(msg)
    layout = "nhwc" if shape[3] in (1, 3) and shape[1] not in (1, 3) else "nchw"
    channels = shape[3] if layout == "nhwc" else shape[1]
    colour, scale = "grey" if channels == 1 else "rgb", 1.0 if session.inputs[0].dtype == np.uint8 else 1 / 255
    free = InputOptions((size, size), resize="stretch", layout=layout, colour=colour, scale=scale)
    try:
        return replace(free, size=input_size(session, free))
    except ModelMismatchError:
        if size:
            raise
        return replace(free, size=input_size(session, replace(free, size=(640, 640))))


def _outputs(session: Session, feed: InputOptions, image: Picture) -> tuple[NDArray[Any], ...]:
    preprocessor = Preprocessor(feed, session.inputs[0].dtype)
    canvas = preprocessor.canvas(1)
    preprocessor.write(image, canvas, 0)
    sizes = np.array([feed.size], np.int64) if len(session.inputs) > 1 else None
    return session.run(canvas.batch, sizes)[0]


def _noise(size: tuple[int, int]) -> Picture:
    return np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)


def write_folder(
    folder: Path, name: str, model: Path, proposal: Proposal, *, licence: str = "", sample: str = ""
) -> None:
    """Write the plugin: the model, plugin.yaml with comments, README.md; `sample` is a picture below the folder.

    Raises:
        UsageError: the folder exists already.
    """
    if (folder / MANIFEST).exists():
        msg = f"{folder / MANIFEST}: exists already; choose another name or remove it"
        raise UsageError(msg)
    (folder / "models").mkdir(parents=True, exist_ok=True)
    target = folder / "models" / model.name
    shutil.copyfile(model, target)
    (folder / MANIFEST).write_text(manifest_text(name, target, proposal, licence=licence, sample=sample), "utf-8")
    (folder / "README.md").write_text(_readme(name, model, proposal), "utf-8")


def manifest_text(name: str, model: Path, proposal: Proposal, *, licence: str = "", sample: str = "") -> str:
    """Return a commented plugin.yaml that names a model file lying in `models/`."""
    feed, family = proposal.input, proposal.family
    values = {"size": list(feed.size), "resize": feed.resize, "colour": feed.colour, "scale": round(feed.scale, 8)}
    if feed.mean or feed.std:
        values |= {"mean": list(feed.mean), "std": list(feed.std)}
    if feed.layout != "nchw":
        values["layout"] = feed.layout
    options = f"\n  decoder_options: {_flow(family.options)}" if family.options else ""
    doubts = "".join(f"# To confirm: {doubt}.\n" for doubt in proposal.doubts)
    classes = "\n".join(f"  - {{name: {json.dumps(label)}}}" for label in proposal.classes)
    if family.decoder == "classifier":
        values_of_tag = json.dumps(list(proposal.classes))
        classes += f"\nframe_attributes: {{{json.dumps(name)}: {{values: {values_of_tag}}}}}  # the tag that frames get"
    promised = sample.rpartition(".")[0] + ".expected.json"
    samples = f"samples: [{{media: {sample}, expected: {promised}}}]  # what the preview shows\n" if sample else ""
    return f"""\
# Made by `framelabel plugins new`; every key is described in docs/plugins.md.
{doubts}schema_version: 1
name: {name}
title: {json.dumps(name)}
classes:  # in the model's order; to use only some of its classes, name those and give each its model_index
{classes}
model:
  file: models/{model.name}
  digest: {sha256(model)}
  licence: {json.dumps(licence)}
  # What the model is fed: (pixel * scale - mean) / std.
  input: {_flow(values)}
  # {family.evidence}
  decoder: {family.decoder}{options}
  score_threshold: 0.1  # low on purpose: the tracker uses weak boxes to keep tracks alive
tracker: {{name: offline}}
review: {{accept_at: 0.85}}
{samples}"""


def _flow(values: Mapping[str, Any]) -> str:
    """Return a mapping as one line of YAML."""
    return "{" + ", ".join(f"{key}: {json.dumps(value)}" for key, value in values.items()) + "}"


def _readme(name: str, model: Path, proposal: Proposal) -> str:
    lines = [f"# {name}", "", f"Made from `{model.name}` by `framelabel plugins new`.", ""]
    lines += ["| | |", "|---|---|", f"| Recognised as | {proposal.family.decoder}: {proposal.family.evidence} |"]
    lines += [
        f"| Classes | {', '.join(proposal.classes)} |",
        "| Data it saw | say it here |",
        "| Measured accuracy | none yet |",
    ]
    return "\n".join([*lines, ""])
