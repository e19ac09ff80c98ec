"""The columns that KITTI's tracking and detection files share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from framelabel.core.labels import Flag, Labels
from framelabel.core.ontology import AttributeValue
from framelabel.formats.conventions import KITTI_DONT_CARE
from framelabel.formats.holding import Fact
from framelabel.formats.report import LossReport

KITTI_FACTS = frozenset({Fact.TRACK, Fact.OCCLUDED, Fact.TRUNCATED, Fact.SCORE, Fact.ATTRIBUTES, Fact.IGNORED})

_SPATIAL = ("alpha", "height_m", "width_m", "length_m", "x_m", "y_m", "z_m", "rotation_y")
"""Names of the 3D columns as attributes; metres and radians."""
_UNKNOWN = (-10.0, -1.0, -1.0, -1.0, -1000.0, -1000.0, -1000.0, -10.0)
"""What stands for an unknown 3D box."""
_DONT_CARE = "-1 -1 -10"
_DONT_CARE_TAIL = "-1000 -1000 -1000 -10 -1 -1 -1"
"""3D fill of DontCare rows in the tracking labels (another order than the detection benchmark's); never parsed."""
_DONT_CARE_TAIL_DETECTION = "-1 -1 -1 -1000 -1000 -1000 -10"


@dataclass(frozen=True, slots=True)
class KittiRow:
    """What one line says from its type on."""

    xyxy: list[float]
    flags: int
    score: float
    attributes: Mapping[str, AttributeValue]


def parse_row(fields: Sequence[str], *, is_detection: bool) -> KittiRow:
    """Read `type truncated occluded alpha l t r b h w l x y z rotation_y [score]`.

    Raises:
        ValueError: a field is not a number.
    """
    xyxy = [float(field) for field in fields[4:8]]
    score = float(fields[15]) if len(fields) > 15 else np.nan
    if fields[0] == KITTI_DONT_CARE:
        return KittiRow(xyxy, int(Flag.IGNORED), score, {})
    flags = 0
    attributes: dict[str, AttributeValue] = {}
    truncated = float(fields[1])
    if truncated > 0:
        flags |= int(Flag.TRUNCATED)
    plain = 0.5 if is_detection else 1.0
    if truncated not in (0.0, plain):
        attributes["truncation"] = truncated if is_detection else int(truncated)
    occluded = int(fields[2])
    if occluded in (1, 2):
        flags |= int(Flag.OCCLUDED)
    if occluded not in (0, 1):
        attributes["occlusion"] = occluded
    spatial = (float(fields[3]), *(float(field) for field in fields[8:15]))
    columns = zip(_SPATIAL, spatial, _UNKNOWN, strict=True)
    attributes |= {name: value for name, value, unknown in columns if value != unknown}
    return KittiRow(xyxy, flags, score, attributes)


def row_text(labels: Labels, row: int, *, is_detection: bool) -> str:
    """Return a line's text from its type on."""
    name = labels.ontology.names[labels.class_id[row]]
    box = " ".join(_number(side) for side in labels.xyxy[row].tolist())
    score = "" if np.isnan(labels.score[row]) else f" {float(labels.score[row])}"
    if name == KITTI_DONT_CARE:
        tail = _DONT_CARE_TAIL_DETECTION if is_detection else _DONT_CARE_TAIL
        return f"{name} {_DONT_CARE} {box} {tail}{score}"
    values = labels.attributes.get(row, {})
    flags = int(labels.flags[row])
    plain = "0.5" if is_detection else "1"
    truncated = str(values["truncation"]) if "truncation" in values else plain if flags & Flag.TRUNCATED else "0"
    occluded = values.get("occlusion", 1 if flags & Flag.OCCLUDED else 0)
    spatial = [_number(values.get(key, unknown)) for key, unknown in zip(_SPATIAL, _UNKNOWN, strict=True)]
    return f"{name} {truncated} {occluded} {spatial[0]} {box} {' '.join(spatial[1:])}{score}"


def _number(value: object) -> str:
    text = repr(float(value))  # type: ignore[arg-type]
    return text.removesuffix(".0")


def fit_kitti(labels: Labels, loss: LossReport, *, is_detection: bool) -> Labels:
    """Return labels as KITTI's columns hold them: attributes of other names go, class names get no spaces."""
    names = ["".join("_" if c.isspace() else c for c in spec.name) or "_" for spec in labels.ontology.classes]
    changed = sum(name != spec.name for name, spec in zip(names, labels.ontology.classes, strict=True))
    if changed and len(set(names)) == len(names):
        loss.add("class name", changed, "spaces become _, columns are separated by spaces")
        classes = tuple(replace(spec, name=name) for spec, name in zip(labels.ontology.classes, names, strict=True))
        labels = replace(labels, ontology=replace(labels.ontology, classes=classes))
    is_dont_care = np.array([name == KITTI_DONT_CARE for name in labels.ontology.names] or [False])[labels.class_id]
    states = np.uint16(Flag.IGNORED)
    ignored = (labels.flags & states) != 0
    loss.add(Fact.IGNORED.value, int((ignored & ~is_dont_care).sum()), f"only class {KITTI_DONT_CARE} is ignored")
    plain = labels.flags & np.uint16(0xFFFF & ~int(Flag.IGNORED | Flag.OCCLUDED | Flag.TRUNCATED))
    flags = np.where(is_dont_care, plain | states, labels.flags & np.uint16(0xFFFF & ~int(Flag.IGNORED)))
    attributes: dict[int, Mapping[str, AttributeValue]] = {}
    dropped = 0
    for row, values in labels.attributes.items():
        kept: dict[str, AttributeValue] = {}
        if not is_dont_care[row]:
            kept, flags[row] = _columns(values, int(flags[row]), is_detection=is_detection)
        dropped += len(values) > len(kept)
        if kept:
            attributes[row] = kept
    loss.add(Fact.ATTRIBUTES.value, dropped, "only KITTI's own columns are kept")
    return replace(labels, flags=flags.astype(np.uint16), attributes=attributes)


def _columns(
    values: Mapping[str, AttributeValue], flags: int, *, is_detection: bool
) -> tuple[dict[str, AttributeValue], int]:
    """Return the attributes that are columns, and the flags that they imply."""
    kept: dict[str, AttributeValue] = {}
    for key, unknown in zip(_SPATIAL, _UNKNOWN, strict=True):
        value = values.get(key)
        if isinstance(value, float) and value != unknown and abs(value) < np.inf:
            kept[key] = value
    truncation, occlusion = values.get("truncation"), values.get("occlusion")
    if isinstance(truncation, float if is_detection else int) and not isinstance(truncation, bool):
        kept["truncation"] = truncation
        flags = flags | int(Flag.TRUNCATED) if truncation > 0 else flags & ~int(Flag.TRUNCATED)
        if truncation in (0, 0.5 if is_detection else 1):
            del kept["truncation"]
    if isinstance(occlusion, int) and not isinstance(occlusion, bool):
        kept["occlusion"] = occlusion
        flags = flags | int(Flag.OCCLUDED) if occlusion in (1, 2) else flags & ~int(Flag.OCCLUDED)
        if occlusion in (0, 1):
            del kept["occlusion"]
    return kept, flags
