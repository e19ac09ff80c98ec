"""Tables `classes` and `frame_attribute_specs`: a project's ontology only ever grows, so class ids stay valid."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict

from framelabel.core.ontology import AttributeSpec, ClassSpec, Ontology


def read(connection: sqlite3.Connection) -> Ontology:
    """Return the project's ontology."""
    classes = tuple(
        ClassSpec(
            name,
            supercategory,
            colour,
            tuple(_spec(item) for item in json.loads(attributes)),
            tuple(json.loads(keypoints)),
            tuple((start, end) for start, end in json.loads(skeleton)),
        )
        for name, supercategory, colour, attributes, keypoints, skeleton in connection.execute(
            "SELECT name, supercategory, colour, attributes, keypoints, skeleton FROM classes ORDER BY id"
        )
    )
    tags = connection.execute("SELECT spec FROM frame_attribute_specs ORDER BY id")
    return Ontology(classes, tuple(_spec(json.loads(row[0])) for row in tags))


def extend(connection: sqlite3.Connection, other: Ontology) -> Ontology:
    """Add the classes, frame attributes and names of joints that the project lacks; return the whole ontology."""
    merged = read(connection).merged(other)
    connection.executemany(
        "INSERT INTO classes (id, name, supercategory, colour, attributes, keypoints, skeleton) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET keypoints = excluded.keypoints, skeleton = excluded.skeleton",
        [
            (
                row,
                spec.name,
                spec.supercategory,
                spec.colour,
                json.dumps([asdict(item) for item in spec.attributes]),
                json.dumps(spec.keypoints),
                json.dumps(spec.skeleton),
            )
            for row, spec in enumerate(merged.classes)
        ],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO frame_attribute_specs (id, name, spec) VALUES (?, ?, ?)",
        [(row, spec.name, json.dumps(asdict(spec))) for row, spec in enumerate(merged.frame_attributes)],
    )
    return merged


def _spec(item: dict[str, object]) -> AttributeSpec:
    values = item.pop("values")
    return AttributeSpec(values=tuple(values), **item)  # type: ignore[arg-type]
