"""Text that both CVAT formats share: label definitions, points, flags that travel as attributes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from framelabel.core.labels import Flag, Labels
from framelabel.formats.report import Report
from framelabel.formats.typed_attributes import Kinds
from framelabel.formats.xml_text import text

IN_ATTRIBUTES = int(Flag.TRUNCATED | Flag.CROWD | Flag.IGNORED | Flag.DIFFICULT)
"""CVAT has a field for occluded only; these are checkboxes named after the flag."""


def label_records(labels: Labels, kinds: Kinds, extra: dict[str, str] | None = None) -> str:
    """Return <labels> with every class and the attributes that its labels carry; `extra` are added to all."""
    parts = ["<labels>\n"]
    for class_id, name in enumerate(labels.ontology.names):
        parts.append(f"<label>\n<name>{text(name)}</name>\n<attributes>\n")
        mine = {key: kind for (row, key), kind in kinds.items() if row == class_id}
        for key, kind in {**mine, **(extra or {})}.items():
            default = "false" if kind == "checkbox" else ""
            parts.append(
                f"<attribute>\n<name>{text(key)}</name>\n<mutable>True</mutable>\n<input_type>{kind}</input_type>\n"
                f"<default_value>{default}</default_value>\n<values>{default}</values>\n</attribute>\n"
            )
        parts.append("</attributes>\n</label>\n")
    parts.append("</labels>\n")
    return "".join(parts)


def points_text(points: NDArray[np.float64]) -> str:
    """Return "x,y;x,y"."""
    return ";".join(f"{x},{y}" for x, y in points.tolist())


def points_of(value: str) -> NDArray[np.float64]:
    """Return the (K, 2) points of "x,y;x,y".

    Raises:
        ValueError: a point is not two numbers.
    """
    pairs: list[Any] = [pair.split(",") for pair in value.split(";") if pair]
    return np.array([(float(x), float(y)) for x, y in pairs], np.float64).reshape(-1, 2)


def warn_of_open_end(report: Report, track_id: int, frame: int, last: int) -> None:
    """Record that a track's last key does not close it before the last frame of the video."""
    report.warn(
        f"track {track_id}", f'no closing outside="1": it ends at frame {frame}, CVAT would show it until frame {last}'
    )
