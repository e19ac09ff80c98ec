"""Attributes of labels as text with a declared type, for XML formats: bool, number or text for each name and class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from framelabel.core.labels import Labels
from framelabel.core.ontology import AttributeValue
from framelabel.formats.conventions import FLAG_ATTRIBUTES, flag_attributes
from framelabel.formats.report import LossReport
from framelabel.formats.xml_text import is_clean

Kinds = Mapping[tuple[int, str], str]
"""(class id, attribute name) -> "checkbox", "number" or "text"."""


def kinds_of(labels: Labels, flags: int) -> dict[tuple[int, str], str]:
    """Return the type of every attribute that labels carry; `flags` are written as checkboxes."""
    seen: dict[tuple[int, str], set[str]] = {}
    for row, values in labels.attributes.items():
        class_id = int(labels.class_id[row])
        for name, value in values.items():
            seen.setdefault((class_id, name), set()).add(_kind(value))
    kinds = {key: types.pop() if len(types) == 1 else "text" for key, types in seen.items()}
    for class_id in range(len(labels.ontology)):
        raised = int(labels.flags[labels.class_id == class_id].max(initial=0)) if len(labels) else 0
        if raised & flags:
            of_class = labels.flags[labels.class_id == class_id]
            for flag, name in FLAG_ATTRIBUTES.items():
                if flags & flag and bool((of_class & int(flag)).any()):
                    kinds[class_id, name] = "checkbox"
    return kinds


def _kind(value: AttributeValue) -> str:
    if isinstance(value, bool):
        return "checkbox"
    return "text" if isinstance(value, str) else "number"


def fit_attributes(labels: Labels, loss: LossReport) -> Labels:
    """Return labels whose attributes have one type for each name and class, and only characters that XML can hold."""
    if not labels.attributes:
        return labels
    kinds = kinds_of(labels, 0)
    changed: dict[int, Mapping[str, AttributeValue]] = {}
    count = 0
    for row, values in labels.attributes.items():
        class_id = int(labels.class_id[row])
        fitted: dict[str, AttributeValue] = {}
        for name, value in values.items():
            as_text = kinds[class_id, name] == "text"
            kept = to_text(value) if as_text else value
            fitted[name] = "".join(c if is_clean(c) else "?" for c in kept) if isinstance(kept, str) else kept
        count += fitted != dict(values)
        changed[row] = fitted
    loss.add("attribute type", count, "values of several types under one name are written as text")
    return replace(labels, attributes=changed)


def to_text(value: AttributeValue) -> str:
    """Return a value as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def from_text(text: str, kind: str) -> AttributeValue:
    """Return the value of a text under its declared type; a text that is not of the type stays text."""
    if kind == "checkbox" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind == "number":
        try:
            return int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            return text
    return text


def row_attributes(labels: Labels, row: int, flags: int) -> dict[str, AttributeValue]:
    """Return a row's attributes with those of `flags` that are raised."""
    raised = int(labels.flags[row]) & flags
    free = labels.attributes.get(row)
    if not raised:
        return dict(free) if free else {}
    return {**(free or {}), **flag_attributes(raised)}
