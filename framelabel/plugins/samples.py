"""A plugin's self-test: boxes that it must find in sample media."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from framelabel.core.assignment import assign
from framelabel.core.boxes import Boxes
from framelabel.core.config import build, setting
from framelabel.core.errors import InvalidManifestError
from framelabel.core.findings import Findings
from framelabel.core.frames import Frame
from framelabel.core.geometry import iou
from framelabel.core.ontology import Ontology
from framelabel.media import open_reader
from framelabel.plugins.building import Plugin, read_picture
from framelabel.plugins.schema import Manifest, Sample

_KEPT_DIGITS = 2


@dataclass(frozen=True, slots=True)
class ExpectedBox:
    """One object that must be found."""

    label: str = setting(help="Class name.")
    xyxy: tuple[float, ...] = setting(help="x1, y1, x2, y2 in pixels, x2/y2 exclusive.")
    min_score: float = setting(0.0, help="Least score.")


@dataclass(frozen=True, slots=True)
class Expected:
    """What one sample must give."""

    frames: Mapping[str, Any] = setting(help="Frame ordinal -> list of boxes ({label, xyxy, min_score}).")
    iou: float = setting(0.5, help="Least overlap with the expected box.")
    strong: float = setting(0.5, help="A box that nobody expects counts when it scores at least this.")
    allowed_extra: int = setting(0, help="How many such boxes a frame may have.")
    tags: Mapping[str, Any] = field(default_factory=dict)
    """Frame ordinal -> classes that the whole frame is tagged as."""


@dataclass(frozen=True, slots=True)
class SampleResult:
    """How one sample came out."""

    media: str
    expected: int
    found: int
    problems: tuple[str, ...]


def try_samples(plugin: Plugin) -> list[SampleResult]:
    """Run every sample of a plugin through detector and hook and compare with what it promises.

    Raises:
        InvalidManifestError: a sample's file is missing or not understood.
    """
    return [_test(plugin, sample) for sample in plugin.manifest.samples]


def read_expected(manifest: Manifest, sample: Sample) -> dict[int, list[ExpectedBox]]:
    """Return the promised boxes of each frame of a sample, by frame ordinal, checked against the classes."""
    return _boxes_of(_read(manifest, sample), manifest, sample)


def write_expected(path: Path, found: Mapping[int, Findings], ontology: Ontology) -> None:
    """Write what was found as what is expected from now on, with a little room below each score."""
    seen = {index: each.boxes for index, each in found.items()}
    tags = {str(index): sorted(ontology.names[row] for row in each.tags) for index, each in found.items() if each.tags}
    frames = {
        str(index): [
            {
                "label": ontology.names[class_id],
                "xyxy": [round(side, _KEPT_DIGITS) for side in box],
                "min_score": round(max(0.0, score - 0.1), _KEPT_DIGITS),
            }
            for box, score, class_id in zip(
                boxes.xyxy.tolist(), boxes.score.tolist(), boxes.class_id.tolist(), strict=True
            )
        ]
        for index, boxes in seen.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"frames": frames, **({"tags": tags} if tags else {})}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n")


def _read(manifest: Manifest, sample: Sample) -> Expected:
    path = manifest.folder / sample.expected
    try:
        values = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        msg = f"{path}: the sample's expected boxes are missing; make them with: framelabel plugins test --accept"
        raise InvalidManifestError(msg) from None
    except ValueError as error:
        msg = f"{path}: not valid JSON: {error}"
        raise InvalidManifestError(msg) from error
    return build(Expected, values, str(path))


def _boxes_of(expected: Expected, manifest: Manifest, sample: Sample) -> dict[int, list[ExpectedBox]]:
    path, ontology = manifest.folder / sample.expected, manifest.ontology()
    frames: dict[int, list[ExpectedBox]] = {}
    for key, rows in expected.frames.items():
        if not key.isdecimal():
            msg = f"{path}: frames: '{key}' is not a frame number"
            raise InvalidManifestError(msg)
        boxes = [build(ExpectedBox, row, f"{path}: frame {key}") for row in rows]
        for box in boxes:
            ontology.id_of(box.label)
            if len(box.xyxy) != 4:
                msg = f"{path}: frame {key}: xyxy needs 4 numbers, got {len(box.xyxy)}"
                raise InvalidManifestError(msg)
        frames[int(key)] = boxes
    return dict(sorted(frames.items()))


def _test(plugin: Plugin, sample: Sample) -> SampleResult:
    expected = _read(plugin.manifest, sample)
    wanted = _boxes_of(expected, plugin.manifest, sample)
    found, problems = 0, []
    media, template = plugin.manifest.folder / sample.media, sample_template(plugin.manifest, sample)
    for frame, seen in find(plugin, media, list(wanted), template):
        hits, texts = _compare(seen.boxes, wanted[frame.ref.index], expected, plugin.ontology)
        found += hits
        said = {plugin.ontology.names[row] for row in seen.tags}
        for name in expected.tags.get(str(frame.ref.index), ()):
            plugin.ontology.id_of(name)
            if name not in said:
                texts.append(f"not tagged as {name}, but as {', '.join(sorted(said)) or 'nothing'}")
        problems += [f"frame {frame.ref.index}: {text}" for text in texts]
    return SampleResult(sample.media, sum(map(len, wanted.values())), found, tuple(problems))


def sample_template(manifest: Manifest, sample: Sample) -> Path | None:
    """Return the golden template of a sample; None where it has none of its own."""
    return manifest.folder / sample.template if sample.template else None


def find(plugin: Plugin, media: Path, frames: list[int], template: Path | None = None) -> list[tuple[Frame, Findings]]:
    """Return these frames of a picture or clip with what detector and hook say; `template`: what to compare with."""
    detector = plugin.detector if template is None else plugin.detector.against(read_picture(template))
    reader = open_reader(media)
    try:
        seen = [(frame, detector.find([frame.image])[0]) for frame in reader.read(frames)]
        return [(frame, found.with_boxes(plugin.hook(found.boxes, frame.ref))) for frame, found in seen]
    finally:
        reader.close()


def _compare(boxes: Boxes, wanted: list[ExpectedBox], expected: Expected, ontology: Ontology) -> tuple[int, list[str]]:
    """Return how many expected boxes were found and what is wrong, one text each."""
    truth = np.array([box.xyxy for box in wanted], np.float64).reshape(-1, 4)
    ids = np.array([ontology.id_of(box.label) for box in wanted], np.int32)
    overlap = iou(truth, boxes.xyxy) * (ids[:, None] == boxes.class_id[None, :])
    pairs = assign(1.0 - overlap, 1.0 - expected.iou)
    partner = dict(pairs.tolist())
    texts, hits = [], 0
    for row, box in enumerate(wanted):
        if row not in partner:
            best = float(overlap[row].max(initial=0.0))
            texts.append(f"{box.label} at {_shown(truth[row])} not found (best overlap {best:.2f})")
        elif boxes.score[partner[row]] < box.min_score:
            texts.append(f"{box.label} scores {boxes.score[partner[row]]:.2f}, expected {box.min_score:.2f}")
        else:
            hits += 1
    extra = np.setdiff1d(np.flatnonzero(boxes.score >= expected.strong), pairs[:, 1])
    if len(extra) > expected.allowed_extra:
        row = int(extra[0])
        name = ontology.names[boxes.class_id[row]]
        texts.append(f"unexpected {name} {boxes.score[row]:.2f} at {_shown(boxes.xyxy[row])}")
    return hits, texts


def _shown(xyxy: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{side:.0f}" for side in xyxy) + ")"
