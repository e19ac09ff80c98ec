"""The shelf as it should be against the shelf as it is: what is missing, wrong or too much, row by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from framelabel.core.config import setting
from framelabel.core.events import Event
from framelabel.core.ontology import AttributeValue
from framelabel.rules.intervals import intervals
from framelabel.rules.rule import Names, SubjectOptions, names_of, span_event, subjects
from framelabel.rules.scene import Scene
from framelabel.rules.shelf import ShelfView, shelf_views

T = TypeVar("T")

Row = tuple[str, ...]

_EMPTY_PLACE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanogramOptions(SubjectOptions):
    """The plan, and how long a difference must last."""

    rows: tuple[Row, ...] = setting(
        help="Products from left to right, a list for each row from the top; or a YAML file with `rows`."
    )
    subject: Names = setting("", help="Classes of products; those of the plan when not given.")
    for_s: float = setting(1.0, help="Shortest time, in seconds, that a difference must last.")
    bridge_s: float = setting(2.0, help="Interruptions up to this long, in seconds, do not end it.")

    def classes(self) -> tuple[str, ...]:
        """Return every class name the rule mentions."""
        return tuple(dict.fromkeys([*names_of(self.subject), *(name for row in self.rows for name in row)]))


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One place where shelf and plan differ."""

    row: int
    """Of the plan from the top, 0 first; of the shelf for a row that the plan does not have."""
    place: int
    """In the plan's row from the left, 0 first; what is too much stands before this place."""
    planned: str
    """"" for what is too much."""
    found: str
    """"" for what is missing."""

    @property
    def kind(self) -> str:
        """How they differ: missing, extra or wrong."""
        if self.planned and self.found:
            return "wrong"
        return "missing" if self.planned else "extra"


class Planogram:
    """See the module."""

    Options = PlanogramOptions

    @staticmethod
    def evaluate(options: PlanogramOptions, scene: Scene) -> list[Event]:
        """Return one event per difference and the time it lasted: `difference`, `row`, `place`, `planned`, `found`."""
        options.check_zone(scene)
        wanted = names_of(options.subject) or options.classes()
        views = shelf_views(subjects(scene, wanted, options), scene, options.inside, gap=1.0)
        seen: dict[Difference, NDArray[np.bool_]] = {}
        for at, view in enumerate(views):
            for difference in differences(options.rows, _names(view, scene)):
                seen.setdefault(difference, np.zeros(len(views), np.bool_))[at] = True
        events = []
        for difference, holds in seen.items():
            facts: dict[str, AttributeValue] = {
                "difference": difference.kind,
                "row": difference.row,
                "place": difference.place,
                "planned": difference.planned,
                "found": difference.found,
            }
            lasting = intervals(holds, scene.seconds, for_s=options.for_s, bridge_s=options.bridge_s)
            events += [span_event(options, scene, interval, interval.start, (), facts) for interval in lasting]
        return sorted(events, key=lambda event: (event.start, event.attributes["row"], event.attributes["place"]))


def differences(plan: Sequence[Row], shelf: Sequence[Row]) -> list[Difference]:
    """Return the fewest differences that turn the plan into the shelf; rows are matched in order first.

    "" in the shelf is an empty place that was seen: what is missing is missing there rather than elsewhere.

    >>> differences([("a", "b", "c")], [("a", "c")])
    [Difference(row=0, place=1, planned='b', found='')]
    """
    found: list[Difference] = []
    for planned_row, shelf_row in aligned(plan, shelf, _row_cost, _row_alone):
        row = planned_row if planned_row >= 0 else shelf_row
        want = plan[planned_row] if planned_row >= 0 else ()
        have = shelf[shelf_row] if shelf_row >= 0 else ()
        place_now = 0
        for left, right in aligned(want, have, _product_cost, _product_alone):
            planned, there = (want[left] if left >= 0 else ""), (have[right] if right >= 0 else "")
            if planned != there:
                found.append(Difference(row, place_now if left < 0 else left, planned, there))
            place_now = left + 1 if left >= 0 else place_now
    return found


def aligned(
    one: Sequence[T], two: Sequence[T], cost: Callable[[T, T], float], alone: Callable[[T], float]
) -> list[tuple[int, int]]:
    """Return the cheapest pairing that keeps both orders (edit distance); -1 for a member that stays alone.

    Of equally cheap pairings the one that pairs members from the right is taken.
    """
    total = np.zeros((len(one) + 1, len(two) + 1))
    total[1:, 0] = np.cumsum([alone(item) for item in one])
    total[0, 1:] = np.cumsum([alone(item) for item in two])
    for i, a in enumerate(one):
        for j, b in enumerate(two):
            pair = total[i, j] + cost(a, b)
            total[i + 1, j + 1] = min(pair, total[i, j + 1] + alone(a), total[i + 1, j] + alone(b))
    pairs: list[tuple[int, int]] = []
    i, j = len(one), len(two)
    while i or j:
        if i and j and total[i, j] == total[i - 1, j - 1] + cost(one[i - 1], two[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and total[i, j] == total[i - 1, j] + alone(one[i - 1]):
            i -= 1
            pairs.append((i, -1))
        else:
            j -= 1
            pairs.append((-1, j))
    return pairs[::-1]


def _product_cost(planned: str, found: str) -> float:
    """Return 0 for the right product, a little less than a missing one for its empty place, 1 for a wrong one."""
    return 0.0 if planned == found else 1.0 if found else _EMPTY_PLACE


def _product_alone(name: str) -> float:
    return 1.0 if name else 0.0


def _row_cost(planned: Row, found: Row) -> float:
    pairs = aligned(planned, found, _product_cost, _product_alone)
    return sum(
        _product_alone(found[b]) if a < 0 else 1.0 if b < 0 else _product_cost(planned[a], found[b]) for a, b in pairs
    )


def _row_alone(row: Row) -> float:
    return sum(map(_product_alone, row))


def _names(view: ShelfView, scene: Scene) -> list[Row]:
    """Return the products of each row from the left, with "" for every product that fits into a gap."""
    names = scene.ontology.names
    rows = []
    for row in view.rows:
        boxes = view.xyxy[row.members]
        width = float(np.median(boxes[:, 2] - boxes[:, 0]))
        reach = np.maximum.accumulate(boxes[:, 2])
        empty = [0, *np.round((boxes[1:, 0] - reach[:-1]) / max(width, 1e-9)).astype(np.int64).clip(0).tolist()]
        shown = [names[number] for number in view.class_id[row.members].tolist()]
        rows.append(tuple(entry for gap, name in zip(empty, shown, strict=True) for entry in (*[""] * gap, name)))
    return rows
