"""Try eight bits: quantise a trained model, measure, keep it only when next to nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel.inference.session import Session
from framelabel.training.quantise import Range, instrumented, observed_tensors, quantised, widened
from framelabel.workflows.plugin_scores import Evaluation

MOST_LOSS = 0.005
"""Of mean average precision (half a point); what loses more is thrown away."""


def quantise_model(model: Path, target: Path, pictures: NDArray[np.float32]) -> None:
    """Write an 8-bit version of an ONNX model, calibrated on (B, 3, H, W) pictures as the model sees them."""
    import onnx

    plain = onnx.load(str(model))
    names = observed_tensors(plain)
    inputs = {value.name for value in plain.graph.input}
    observed = [name for name in names if name not in inputs]
    ranges: dict[str, Range] = {name: widened(None, pictures) for name in names if name in inputs}
    probe = target.with_name(f"{target.stem}.probe.onnx")
    onnx.save(instrumented(plain, names), str(probe))
    try:
        session = Session(probe, device="cpu", batch=1)
        for picture in pictures:
            values = session.run(picture[None])[0][len(plain.graph.output) :]
            for name, array in zip(observed, values, strict=True):
                ranges[name] = widened(ranges.get(name), array)
    finally:
        probe.unlink(missing_ok=True)
    onnx.save(quantised(plain, ranges), str(target))


def if_good_enough(
    model: Path, pictures: NDArray[np.float32], before: Evaluation, evaluate: Callable[[Path], Evaluation]
) -> tuple[Path, Evaluation] | None:
    """Return the 8-bit model beside `model` with its score, or None when it loses more than half a point."""
    small = model.with_name(f"{model.stem}.int8.onnx")
    quantise_model(model, small, pictures)
    after = evaluate(small)
    return (small, after) if before.mean - after.mean < MOST_LOSS else None
