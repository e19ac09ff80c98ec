"""Other ontologies as BDD100K's, by a small YAML: classes, attributes, and people on bicycles as riders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from framelabel.core.boxes import NO_TRACK
from framelabel.core.config import build, setting
from framelabel.core.errors import UsageError
from framelabel.core.labels import Labels
from framelabel.core.ontology import AttributeValue, ClassSpec, Ontology
from framelabel.formats.report import LossReport


@dataclass(frozen=True)
class RiderRule:
    """When a person counts as a rider."""

    person: tuple[str, ...] = setting((), help="classes of people")
    vehicle: tuple[str, ...] = setting((), help="classes that people ride")
    rider: str = setting("rider", help="class that riders get")
    min_overlap: float = setting(0.3, help="share of the vehicle's width that the person covers")


@dataclass(frozen=True)
class ClassMapping:
    """One mapping file."""

    classes: Mapping[str, str] = field(default_factory=dict)
    rider: RiderRule | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, AttributeValue]] = field(default_factory=dict)


def load_mapping(path: str) -> ClassMapping:
    """Read a mapping file; "" is the bundled COCO -> BDD100K.

    Raises:
        UsageError: not YAML, or an unknown key (nearest known key named).
    """
    if path:
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror}); name a mapping file") from None
    else:
        text = resources.files("framelabel.formats").joinpath("mappings/coco_to_bdd100k.yaml").read_text("utf-8")
    try:
        content = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a mapping file has the keys classes, rider, attributes, values")
    known: dict[str, Any] = {key: value for key, value in content.items() if key != "rider"}
    mapping = build(ClassMapping, known, path or "coco_to_bdd100k.yaml")
    rule = content.get("rider")
    if isinstance(rule, dict):
        renamed = {"rider" if key == "class" else key: value for key, value in rule.items()}
        mapping = replace(mapping, rider=build(RiderRule, renamed, f"{path or 'coco_to_bdd100k.yaml'}: rider"))
    return mapping


def apply_mapping(labels: Labels, allowed: tuple[str, ...], mapping: ClassMapping, loss: LossReport) -> Labels:
    """Return labels of the allowed classes only; renamed classes and labels left out are counted in `loss`."""
    names = list(labels.ontology.names)
    targets: list[str] = []
    for name in names:
        mapped = name if name in allowed else str(mapping.classes.get(name, ""))
        targets.append(mapped if mapped in allowed else "")
    is_rider = riders(labels, mapping.rider) if mapping.rider else np.zeros(len(labels), np.bool_)
    rider = mapping.rider.rider if mapping.rider and mapping.rider.rider in allowed and bool(is_rider.any()) else ""
    final = [name for name in allowed if name in targets or name == rider]
    position = {name: row for row, name in enumerate(final)}
    table = np.array([position.get(name, -1) for name in targets] or [-1], np.int32)
    class_id = table[labels.class_id] if len(labels) else labels.class_id
    if rider:
        loss.add("class person on a vehicle", int(is_rider.sum()), f"written as {rider}")
        class_id = np.where(is_rider, position[rider], class_id).astype(np.int32)
    for row, (name, target) in enumerate(zip(names, targets, strict=True)):
        count = int(((labels.class_id == row) & ((class_id < 0) if not target else (class_id == table[row]))).sum())
        if name != target:
            what = f"written as {target}" if target else "outside the task; left out"
            loss.add(f"class {name}", count, what)
    described = dict(zip(targets, labels.ontology.classes, strict=True))
    classes = tuple(replace(described.get(name, ClassSpec(name)), name=name) for name in final)
    result = replace(labels, ontology=Ontology(classes), class_id=class_id)
    result = result if bool((class_id >= 0).all()) else result.select(class_id >= 0)
    return _mapped_attributes(result, mapping)


def riders(labels: Labels, rule: RiderRule) -> NDArray[np.bool_]:
    """Return the (N,) rows that are people on a vehicle; all rows of a track agree with the majority."""
    names = labels.ontology.names
    person = np.isin(labels.class_id, [row for row, name in enumerate(names) if name in rule.person])
    vehicle = np.isin(labels.class_id, [row for row, name in enumerate(names) if name in rule.vehicle])
    result = np.zeros(len(labels), np.bool_)
    if not person.any() or not vehicle.any():
        return result
    for frame in np.intersect1d(labels.frame[person], labels.frame[vehicle]).tolist():
        rows = labels.rows_of_frame(frame)
        people = np.flatnonzero(person[rows]) + rows.start
        rides = labels.xyxy[np.flatnonzero(vehicle[rows]) + rows.start]
        box = labels.xyxy[people]
        across = np.minimum(box[:, None, 2], rides[None, :, 2]) - np.maximum(box[:, None, 0], rides[None, :, 0])
        covers = across >= rule.min_overlap * np.maximum(rides[:, 2] - rides[:, 0], 1e-9)[None, :]
        feet = box[:, None, 3]
        height = rides[:, 3] - rides[:, 1]
        rests = (feet > rides[None, :, 1]) & (feet <= rides[None, :, 3] + 0.1 * height)
        above = box[:, None, 1] < rides[None, :, 1]
        result[people] = np.any(covers & rests & above, axis=1)
    return _by_majority(labels, result, person)


def _by_majority(labels: Labels, result: NDArray[np.bool_], person: NDArray[np.bool_]) -> NDArray[np.bool_]:
    tracked = np.flatnonzero(person & (labels.track_id != NO_TRACK))
    if not len(tracked):
        return result
    video = labels.frames.video[labels.frame[tracked]].astype(np.int64)
    key = np.stack([video, labels.track_id[tracked]], axis=1)
    _, group = np.unique(key, axis=0, return_inverse=True)
    group = group.ravel()
    share = np.bincount(group, weights=result[tracked]) / np.bincount(group)
    result[tracked] = (share > 0.5)[group]
    return result


def _mapped_attributes(labels: Labels, mapping: ClassMapping) -> Labels:
    if not labels.attributes:
        return labels
    changed: dict[int, Mapping[str, AttributeValue]] = {}
    for row, given in labels.attributes.items():
        renamed = {mapping.attributes.get(key, key): value for key, value in given.items()}
        changed[row] = {
            key: mapping.values.get(key, {}).get(str(value), value) if key in mapping.values else value
            for key, value in renamed.items()
        }
    return replace(labels, attributes=changed)
