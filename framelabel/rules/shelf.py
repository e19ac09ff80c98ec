"""Order on shelves: rows of products, facings per row, and gaps where something is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.core.tracks import Track
from framelabel.rules.intervals import Interval, intervals
from framelabel.rules.rule import Names, SubjectOptions, span_event, subjects
from framelabel.rules.scene import BoxesByFrame, Scene

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfOptions(SubjectOptions):
    """What stands on the shelf, and which gap is a gap."""

    subject: Names = setting(help="Class or classes of products.")
    gap: float = setting(0.8, help="A gap is an event from this many widths of the row's median product on.")
    for_s: float = setting(0.0, help="Shortest time, in seconds, that a gap must last.")
    bridge_s: float = setting(1.0, help="Interruptions up to this long, in seconds, do not end it.")


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One row of products."""

    members: NDArray[np.int64]
    """(K,) rows of the boxes, left to right."""
    gaps: Floats
    """(G, 4) xyxy of empty places between neighbours, left to right."""


@dataclass(frozen=True, slots=True, eq=False)
class ShelfView:
    """What one frame shows of a shelf."""

    xyxy: Floats
    """(N, 4) boxes of products."""
    class_id: NDArray[np.int64]
    """(N,)."""
    track_id: NDArray[np.int64]
    """(N,)."""
    rows: list[Row]
    """Top to bottom."""


def shelf_views(tracks: Sequence[Track], scene: Scene, inside: str, gap: float) -> list[ShelfView]:
    """Return the shelf as each looked-at frame shows it, in a zone or (`inside` "") in the whole picture."""
    boxes = BoxesByFrame.of(tracks)
    class_of = {track.id: track.class_id for track in tracks}
    views = []
    for frame in scene.frames.tolist():
        at = boxes.at(frame)
        xyxy, track_id = boxes.xyxy[at], boxes.track_id[at]
        if inside and len(xyxy):
            kept = scene.zones[inside].contains(xyxy, scene.size)
            xyxy, track_id = xyxy[kept], track_id[kept]
        class_id = np.array([class_of[number] for number in track_id.tolist()], np.int64)
        views.append(ShelfView(xyxy, class_id, track_id, shelf_rows(xyxy, gap)))
    return views


def shelf_rows(xyxy: Floats, gap: float) -> list[Row]:
    """Group boxes into shelf rows, top to bottom, and find the gaps within each.

    Boxes belong to one row when their vertical overlap with the row's median extent exceeds half the smaller height.
    """
    rows: list[list[int]] = []
    for box in np.argsort((xyxy[:, 1] + xyxy[:, 3]) / 2, kind="stable"):
        for row in rows:
            top, bottom = np.median(xyxy[row, 1]), np.median(xyxy[row, 3])
            shared = min(bottom, xyxy[box, 3]) - max(top, xyxy[box, 1])
            if shared > 0.5 * min(bottom - top, xyxy[box, 3] - xyxy[box, 1]):
                row.append(int(box))
                break
        else:
            rows.append([int(box)])
    return [_row(xyxy, np.array(row, dtype=np.int64), gap) for row in rows]


def _row(xyxy: Floats, members: NDArray[np.int64], gap: float) -> Row:
    ordered = members[np.argsort(xyxy[members, 0], kind="stable")]
    boxes = xyxy[ordered]
    width = float(np.median(boxes[:, 2] - boxes[:, 0]))
    reach = np.maximum.accumulate(boxes[:, 2])
    empty = np.flatnonzero(boxes[1:, 0] - reach[:-1] >= gap * width)
    top, bottom = float(np.median(boxes[:, 1])), float(np.median(boxes[:, 3]))
    gaps = [[reach[at], top, boxes[at + 1, 0], bottom] for at in empty]
    return Row(ordered, np.array(gaps, dtype=np.float64).reshape(-1, 4))


class Shelf:
    """See the module."""

    Options = ShelfOptions

    @staticmethod
    def evaluate(options: ShelfOptions, scene: Scene) -> list[Event]:
        """Return one event per lasting gap, with its row (0 on top), place, facings and share of the row's length."""
        options.check_zone(scene)
        seen: dict[tuple[int, int], list[tuple[int, Floats, int, float]]] = {}
        views = shelf_views(subjects(scene, options.subject, options), scene, options.inside, options.gap)
        for position, view in enumerate(views):
            xyxy = view.xyxy
            for number, row in enumerate(view.rows):
                length = float(xyxy[row.members, 2].max() - xyxy[row.members, 0].min())
                for found in row.gaps:
                    # A gap is the same one while it lies at the same tenth of the frame's width.
                    slot = int((found[0] + found[2]) / 2 / scene.size[0] * 10)
                    share = (found[2] - found[0]) / max(length, 1e-9)
                    seen.setdefault((number, slot), []).append((position, found, len(row.members), share))
        events = [event for key in sorted(seen) for event in _lasting(options, scene, key[0], seen[key])]
        return sorted(events, key=lambda event: (event.start, event.attributes["row"], event.attributes["x1"]))


def _lasting(
    options: ShelfOptions, scene: Scene, number: int, seen: list[tuple[int, Floats, int, float]]
) -> list[Event]:
    holds = np.zeros(len(scene.frames), np.bool_)
    holds[[position for position, *_ in seen]] = True
    by_position = {position: (found, facings, share) for position, found, facings, share in seen}
    return [
        _event(options, scene, number, interval, by_position)
        for interval in intervals(holds, scene.seconds, for_s=options.for_s, bridge_s=options.bridge_s)
    ]


def _event(
    options: ShelfOptions,
    scene: Scene,
    number: int,
    interval: Interval,
    by_position: dict[int, tuple[Floats, int, float]],
) -> Event:
    rows = [position for position in range(interval.start, interval.stop) if position in by_position]
    widest = max(rows, key=lambda position: by_position[position][2])
    found, facings, share = by_position[widest]
    facts: dict[str, AttributeValue] = {
        "row": number,
        "x1": float(found[0]),
        "y1": float(found[1]),
        "x2": float(found[2]),
        "y2": float(found[3]),
        "facings": facings,
        "share_of_row": float(share),
    }
    return span_event(options, scene, interval, widest, (), facts)
