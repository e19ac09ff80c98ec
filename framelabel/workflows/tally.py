"""`framelabel tally`: what each picture shows, counted; or what lies on which part, and how much of it it covers."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from framelabel.core.config import setting
from framelabel.core.labels import Flag, Labels
from framelabel.core.protocols import SILENT, Reporter
from framelabel.core.shapes import Mask, Polygon, Shape
from framelabel.formats.conventions import default_name
from framelabel.formats.outlines import outline
from framelabel.store.project import Project
from framelabel.workflows.picture_tags import untagged

Cell = str | int | float
_ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class TallyConfig:
    """What to count."""

    project: Path = setting(help="Project file.", argument=True)
    config: Path | None = setting(None, help="YAML file with the same keys as these flags; flags win.")
    of: tuple[str, ...] = setting((), help="Classes to count; repeatable, all when not given.", metavar="CLASS")
    part: tuple[str, ...] = setting((), help="Parts they lie on: a row for each part; repeatable.", metavar="CLASS")
    video: tuple[str, ...] = setting((), help="Only this video; repeatable.", metavar="NAME")
    out: Path | None = setting(None, help="Write the table as CSV.", metavar="FILE")


@dataclass(frozen=True, slots=True)
class Tally:
    """A table."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    totals: tuple[Cell, ...]
    """Over all rows, by column; "" where a sum says nothing."""


def run(config: TallyConfig, report: Reporter = SILENT) -> Tally:
    """Count the project's current labels, and write the table where asked.

    Raises:
        ProjectError, UnknownNameError: no such project, video or class.
    """
    with Project(config.project) as project:
        chosen = [project.video(name).id for name in config.video] or None
        labels = untagged(project.labels(chosen))
    report.start("tally", len(labels.frames))
    wanted = [labels.ontology.id_of(name) for name in config.of]
    parts = [labels.ontology.id_of(name) for name in config.part]
    if parts:
        wanted = wanted or [number for number in range(len(labels.ontology)) if number not in parts]
        tally = _on_parts(labels, wanted, parts, report)
    else:
        tally = _per_picture(labels, wanted or list(range(len(labels.ontology))), report)
    if config.out is not None:
        with config.out.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([tally.columns, *tally.rows])
    return tally


def _per_picture(labels: Labels, classes: Sequence[int], report: Reporter) -> Tally:
    """Return a row for each picture, a column for each class; groups and ignored labels count nothing."""
    counted = (labels.flags & np.uint16(Flag.CROWD | Flag.IGNORED)) == 0
    table = np.zeros((len(labels.frames), len(labels.ontology)), np.int64)
    np.add.at(table, (labels.frame[counted], labels.class_id[counted]), 1)
    rows = []
    for at, counts in enumerate(table[:, classes].tolist()):
        rows.append((*_place(labels, at), *counts))
        report.advance()
    names = tuple(labels.ontology.names[number] for number in classes)
    return Tally(
        ("video", "frame", "picture", *names), tuple(rows), ("", "", "total", *table[:, classes].sum(0).tolist())
    )


def _on_parts(labels: Labels, classes: Sequence[int], parts: Sequence[int], report: Reporter) -> Tally:
    """Return a row for each part in a picture that has something on it, and one for what lies on no part.

    An object counts for the part that it covers most of; the covered share is that of all objects together.
    """
    columns = ("video", "frame", "picture", "part", "objects", "covered_px", "covered_share")
    rows: list[tuple[Cell, ...]] = []
    for at in range(len(labels.frames)):
        here = range(*labels.rows_of_frame(at).indices(len(labels)))
        objects = [_geometry(labels, row) for row in here if labels.class_id[row] in classes]
        found = [(labels.ontology.names[labels.class_id[row]], _geometry(labels, row)) for row in here
                 if labels.class_id[row] in parts]  # fmt: skip
        report.advance()
        if not objects:
            continue
        everything = shapely.union_all(objects)
        overlap = np.array([[part.intersection(item).area for _, part in found] for item in objects])
        owner = (
            np.where(overlap.max(axis=1, initial=0) > 0, overlap.argmax(axis=1), -1) if found else [-1] * len(objects)
        )
        counts = np.bincount(np.asarray(owner) + 1, minlength=len(found) + 1)
        for number, (name, part) in enumerate(found):
            covered = float(part.intersection(everything).area)
            if covered > 0:
                share = round(covered / max(part.area, 1e-9), 4)
                rows.append((*_place(labels, at), name, int(counts[number + 1]), round(covered, 1), share))
        if counts[0]:
            loose = shapely.union_all([item for item, mine in zip(objects, owner, strict=True) if mine < 0])
            rows.append((*_place(labels, at), _ELSEWHERE, int(counts[0]), round(float(loose.area), 1), ""))
    count = sum(int(row[4]) for row in rows)
    return Tally(columns, tuple(rows), ("", "", "total", "", count, "", ""))


def _place(labels: Labels, at: int) -> tuple[str, int, str]:
    video = labels.videos[labels.frames.video[at]].name
    index = int(labels.frames.index[at])
    return video, index, labels.frames.name[at] if labels.frames.name else default_name(video, index)


def _geometry(labels: Labels, row: int) -> BaseGeometry:
    """Return what a label covers: its shape, or its box where it has none."""
    shape: Shape | None = labels.shapes.get(row)
    if isinstance(shape, Mask):
        shape = outline(shape)
    if not isinstance(shape, Polygon) or not shape.rings:
        box: BaseGeometry = shapely.box(*labels.xyxy[row].tolist())
        return box
    area: BaseGeometry = shapely.Polygon()
    for ring in shape.rings:
        area = area.symmetric_difference(shapely.make_valid(shapely.Polygon(ring)))
    return area
