"""What looks wrong about a plugin although it runs: each suspicion is named with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from framelabel.core.golden_pair import PAIR
from framelabel.inference.decoders.candidates import Candidates
from framelabel.inference.golden_template import FIXED_VIEW
from framelabel.plugins.building import Plugin
from framelabel.plugins.families import names_in
from framelabel.plugins.trials import in_words, try_input, try_inputs, usual_input

Picture = NDArray[np.uint8]

_CLEARLY_BETTER = 1.2
_LEAST_GAIN = 0.05
_AS_GOOD, _SEEN = 0.95, 0.1
_FIRM_HABITS = ("yolox", "nanodet", "yolov5", "yolov8", "yolov8_seg", "yolov8_obb", "yolov10")
"""Families whose models are nearly all fed in one way."""


def suspicions(plugin: Plugin, pictures: Sequence[Picture]) -> Iterator[str]:
    """Yield what looks wrong on real pictures, one sentence each."""
    yield from output_suspicions(plugin, pictures[0])
    yield from name_suspicions(plugin)
    is_of_one_view = plugin.detector.session.metadata.get(FIXED_VIEW) == "true"
    # a picture's mirror image says nothing where it is compared with a template that is not mirrored
    if not is_of_one_view and plugin.detector.recipe.input.colour != PAIR:
        yield from input_suspicions(plugin, pictures)


def output_suspicions(plugin: Plugin, picture: Picture) -> Iterator[str]:
    """Yield signs that outputs are read wrongly: not numbers, logits for scores, fractions for pixels."""
    outputs = plugin.detector.raw_outputs(picture)
    if any(np.issubdtype(output.dtype, np.floating) and not np.isfinite(output).all() for output in outputs):
        yield "the model gives values that are not finite numbers on this picture"
        return
    found, _ = plugin.detector.candidates(picture)
    if len(found.score) and (found.score.max() > 1.001 or found.score.min() < 0.0):
        yield (
            f"scores reach from {found.score.min():.1f} to {found.score.max():.1f} instead of 0 to 1: outputs are "
            "probably logits; see the decoder's option 'logits' or 'activation'"
        )
    yield from _box_suspicions(found, plugin.detector.recipe.input.size)


def _box_suspicions(found: Candidates, size: tuple[int, int]) -> Iterator[str]:
    if len(found.xyxy) < 1:
        return
    reach = np.abs(found.xyxy).max(axis=1)
    if reach.max() <= 2.0:
        yield (
            "all boxes lie within 2 pixels of the corner: the model probably gives fractions; set decoder_options: "
            "{normalised: true}"
        )
    elif np.median(reach) > 4.0 * max(size):
        yield (
            f"boxes reach {np.median(reach):.0f} pixels in an input of {size[0]}x{size[1]}: the model probably gives "
            "pixels already; set decoder_options: {normalised: false} or {decoded: true}"
        )
    sides = found.xyxy[:, 2:] - found.xyxy[:, :2]
    inside_out = int((sides <= 0).any(axis=1).sum())
    if inside_out * 2 > len(sides):
        yield (
            f"{inside_out} of {len(sides)} boxes are inside out (x2 <= x1 or y2 <= y1): corners are read as centre and "
            "size, or the output is transposed"
        )


def name_suspicions(plugin: Plugin) -> Iterator[str]:
    """Yield where the class names in the model file and in the manifest differ."""
    inside = names_in(plugin.detector.session.metadata)
    if not inside:
        return
    for row, entry in enumerate(plugin.manifest.classes):
        for number in entry.model_numbers or (row,):
            if number >= len(inside):
                yield f"the model file names {len(inside)} classes; '{entry.name}' is number {number}"
                return
            if len(entry.model_numbers) < 2 and _plain(inside[number]) != _plain(entry.name):
                yield f"the model file calls class {number} '{inside[number]}', the manifest '{entry.name}'"
                return


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def input_suspicions(plugin: Plugin, pictures: Sequence[Picture]) -> Iterator[str]:
    """Yield a colour order or normalisation with which the model clearly agrees better with itself."""
    recipe = plugin.detector.recipe
    own = try_input(plugin.model_path, recipe, pictures)
    trials = try_inputs(plugin.model_path, recipe, pictures)
    best = max(trials, key=lambda trial: trial.agreement)
    usual = next((trial for trial in trials if trial.input == usual_input(recipe.input, recipe.decoder)), own)
    if best.agreement > max(own.agreement * _CLEARLY_BETTER, own.agreement + _LEAST_GAIN):
        yield (
            f"fed as '{in_words(best.input)}' the model agrees with its mirror image by {best.agreement:.2f}, as the "
            f"manifest's '{in_words(own.input)}' only by {own.agreement:.2f}: wrong colour order or normalisation?"
        )
    elif (
        recipe.decoder in _FIRM_HABITS
        and in_words(usual.input) != in_words(own.input)
        and usual.agreement > max(_SEEN, _AS_GOOD * own.agreement)
    ):
        yield (
            f"{recipe.decoder} models are usually fed as '{in_words(usual.input)}' (agreement with the mirror image "
            f"{usual.agreement:.2f}), the manifest says '{in_words(own.input)}' ({own.agreement:.2f}): was this one "
            "trained so?"
        )
