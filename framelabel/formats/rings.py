"""For formats that keep one ring a label: polygons of one ring, masks as the outline of their largest part."""

from __future__ import annotations

from dataclasses import replace

from framelabel.core.labels import Labels
from framelabel.core.shapes import Mask, Polygon, Shape
from framelabel.formats.holding import Fact
from framelabel.formats.outlines import outline
from framelabel.formats.report import LossReport


def single_rings(labels: Labels, loss: LossReport) -> Labels:
    """Return labels whose polygons have one ring; others become their box, masks in several parts their largest."""
    labels = largest_parts(labels, loss)
    several = [row for row, shape in labels.shapes.items() if isinstance(shape, Polygon) and len(shape.rings) != 1]
    loss.add("polygon of several rings", len(several), "written as its box")
    if not several:
        return labels
    dropped = set(several)
    return replace(labels, shapes={row: shape for row, shape in labels.shapes.items() if row not in dropped})


def largest_parts(labels: Labels, loss: LossReport) -> Labels:
    """Return labels whose pixel masks are the outline of their largest part, for formats of one ring a label."""
    masks = {row: shape for row, shape in labels.shapes.items() if isinstance(shape, Mask)}
    if not masks:
        return labels
    traced: dict[int, Shape] = dict(labels.shapes)
    several = 0
    for row, mask in masks.items():
        polygon = outline(mask)
        several += len(polygon.rings) > 1
        if polygon.rings:
            traced[row] = Polygon(polygon.rings[:1])
    loss.add(Fact.MASK.value, len(masks), "written as a polygon along the pixels' edges")
    loss.add("mask in several parts or with holes", several, "written as the outline of its largest part")
    return replace(labels, shapes=traced)
