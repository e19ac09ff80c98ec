"""How well the bundled `street` weights agree with their teacher on clips that they were not trained on.

`python datasets/street/label.py --out datasets/street/rendered` labels the clips, then
`python tests/benchmarks/agreement.py [--views VIEW] [--json FILE] [--write]` scores `street` as it labels and, seen in
the same views, the YOLOX-nano weights that it started from. Boxes that the teacher scores from 0.5 on are asked for;
those that it thinks likely (from 0.3, vouched for by the second detector or by a track) are neither asked for nor held
against who finds them. The figure is average precision at overlap 0.5, each class counting by its boxes: some have a
handful. Exit code 1 where `street` stays below 0.85.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framelabel import plugins
from framelabel.core.protocols import SILENT, Detector
from framelabel.inference.thorough import VIEWS
from framelabel.plugins.schema import Manifest
from framelabel.training.samples import Sample, split
from framelabel.workflows.look import PLAIN
from framelabel.workflows.plugin_scores import LOWEST_SCORE, Evaluation, evaluate
from framelabel.workflows.training_data import DataSheet, read_samples

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from tests.benchmarks.documented import put  # noqa: E402 - the repository must be on the path first

FOLDER = REPOSITORY / "datasets" / "street"
START = Path("yolox_nano") / "yolox_nano_416x416.onnx"
GOAL = 0.85


def main() -> int:
    """Score both, print a line for each, then say whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--views", action="append", choices=(PLAIN, *VIEWS), help="instead of the plugin's own views")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", action="store_true", help="renew the table in docs")
    given = parser.parse_args()
    if not (FOLDER / "rendered" / "sure").is_dir():
        print("skipped: label the clips first (datasets/street/label.py --out datasets/street/rendered)")
        return 0
    manifest = plugins.load("street")
    names = [entry.name for entry in manifest.classes]
    samples, likely = _held_out(names)
    counts = Counter(sample.group for sample in samples)
    clips = sorted(group for group, count in counts.items() if count > 1)
    parts = f"{len(samples)} pictures ({len(clips)} clips and {len(counts) - len(clips)} photos)"
    views = manifest.model.views if given.views is None else tuple(view for view in given.views if view != PLAIN)
    contestants = {"street": _detector(manifest, views)}
    start = Path(os.environ.get("FRAMELABEL_MODELS", REPOSITORY.parent / "shared" / "models")) / START
    if start.is_file():
        contestants["YOLOX-nano, its start"] = _detector(_start(manifest, start), views)
    scores = {name: evaluate(detector, samples, names, excused=likely) for name, detector in contestants.items()}
    for name, score in scores.items():
        per_class = ", ".join(
            f"{one} {value:.3f} of {count}"
            for one, value, count in zip(names, score.per_class, score.objects, strict=True)
            if count
        )
        print(f"{name}: by objects {score.by_objects:.3f}, mean over classes {score.mean:.3f} ({per_class})")
    print(f"{parts}: {', '.join(clips)} and photos; views: {', '.join(views) or 'plain'}")
    if given.json is not None:
        given.json.write_text(json.dumps({name: _figures(score) for name, score in scores.items()}, indent=1), "utf-8")
    if given.write:
        put("plugins-measured", "agreement", _table(scores, parts, views))
    return 1 if scores["street"].by_objects < GOAL else 0


def _held_out(names: Sequence[str]) -> tuple[list[Sample], list[NDArray[np.bool_]]]:
    """Return the pictures of the clips left out, and for each which (N,) boxes the teacher thinks only likely."""
    sheet = DataSheet.read(FOLDER / "dataset.yaml")
    place = sheet.place(FOLDER)
    kept = split(read_samples(sheet, place, names, Path(os.devnull), SILENT), sheet.held_out, sheet.seed)[1]
    sure = {
        sample.path.name: sample.boxes.xyxy
        for sample in read_samples(sheet, place / "sure", names, Path(os.devnull), SILENT)
    }
    return kept, [_likely(sample, sure[sample.path.name]) for sample in kept]


def _likely(sample: Sample, sure: NDArray[np.float64]) -> NDArray[np.bool_]:
    is_sure: NDArray[np.bool_] = (sample.boxes.xyxy[:, None] == sure[None]).all(axis=2).any(axis=1)
    return ~is_sure


def _start(manifest: Manifest, weights: Path) -> Manifest:
    """Return the plugin with the weights that it was trained from, at their own input size."""
    coco = plugins.load("surveillance")
    rows = {entry.name: entry.model_index for entry in coco.classes}
    classes = [entry.model_copy(update={"model_index": rows[entry.name]}) for entry in manifest.classes]
    feed = manifest.model.input.model_copy(update={"size": coco.model.input.size})
    model = manifest.model.model_copy(update={"file": str(weights), "digest": coco.model.digest, "input": feed})
    return manifest.model_copy(update={"classes": classes, "model": model})


def _detector(manifest: Manifest, views: tuple[str, ...]) -> Detector:
    changes = {"score_threshold": LOWEST_SCORE, "class_thresholds": {}, "views": views}
    model = manifest.model.model_copy(update=changes)
    return plugins.build(manifest.model_copy(update={"model": model}).placed(manifest.folder), device="cpu").detector


def _figures(score: Evaluation) -> dict[str, object]:
    return {"by_objects": score.by_objects, "mean": score.mean, "per_class": score.per_class.tolist()}


def _table(scores: dict[str, Evaluation], parts: str, views: Sequence[str]) -> list[str]:
    names = next(iter(scores.values())).names
    objects = next(iter(scores.values())).objects
    columns = [(number, f"{name} ({objects[number]})") for number, name in enumerate(names) if objects[number]]
    head = ["", "by objects", "mean over classes", *(title for _, title in columns)]
    rows = [
        [name, f"{score.by_objects:.3f}", f"{score.mean:.3f}", *(f"{score.per_class[at]:.3f}" for at, _ in columns)]
        for name, score in scores.items()
    ]
    return [
        f"{parts}; views: {', '.join(views) or 'the plain one'}; boxes in brackets.",
        "",
        *("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)),
    ]


if __name__ == "__main__":
    sys.exit(main())
