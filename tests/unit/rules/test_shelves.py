"""Shelves: gaps, facings, planogram and alignment, on shelves laid out by hand and against outside algorithms."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from framelabel.core.tracks import Track
from framelabel.rules.alignment import line_through
from framelabel.rules.planogram import Difference, differences
from tests.scenes import events_of, standing

Shelf = Sequence[Sequence[str]]


def shelf(rows: Shelf, *, frames: int = 30, lifted: tuple[int, int] = (-1, -1)) -> list[Track]:
    """Return products of 10 x 20 px in rows 40 px apart; "" leaves a place empty, `lifted` (row, place) is 6 px up."""
    tracks: list[Track] = []
    for number, row in enumerate(rows):
        for place, name in enumerate(row):
            if name:
                up = 6 if (number, place) == lifted else 0
                box = (10 * place, 40 * number - up, 10 * place + 10, 40 * number + 20 - up)
                tracks.append(standing(len(tracks) + 1, name, box, frames))
    return tracks


def test_gap_is_out_of_stock() -> None:
    """An empty place between products is one event with its place; a full row and the row's end give none."""
    rows = [["cola", "cola", "", "cola"], ["tea", "tea", "tea", ""]]
    [event] = events_of({"kind": "shelf", "subject": ["cola", "tea"], "gap": 0.8}, *shelf(rows))
    place = [event.attributes[side] for side in ("x1", "y1", "x2", "y2")]
    assert (event.attributes["row"], place) == (0, [20, 0, 30, 20])


def test_facings_and_share() -> None:
    """Facings per row and product are counted, and shares are of the summed widths: 3 colas of 5 products are 0.6."""
    rows = [["cola", "cola", "tea"], ["cola", "", "crisps"]]
    events = events_of({"kind": "facings", "subject": ["cola", "tea", "crisps"]}, *shelf(rows))
    whole, top, bottom = (event.attributes for event in events)
    assert [facts["row"] for facts in (whole, top, bottom)] == [-1, 0, 1]
    assert (whole["facings"], whole["facings_cola"]) == (5, 3)
    assert whole["share_cola"] == pytest.approx(0.6)
    assert (top["facings_cola"], top["facings_tea"]) == (2, 1)
    assert top["share_tea"] == pytest.approx(1 / 3)
    assert (bottom["facings"], bottom["facings_crisps"]) == (2, 1)
    assert "facings_tea" not in bottom


def test_facings_are_medians() -> None:
    """A product that is hidden in some frames still counts: the report is about the shelf, not about one frame."""
    tracks = shelf([["cola", "tea", "tea"]])
    hidden = tracks[1].select(np.flatnonzero((tracks[1].frame < 10) | (tracks[1].frame > 15)))
    whole, _ = events_of({"kind": "facings", "subject": ["cola", "tea"]}, tracks[0], hidden, tracks[2])
    assert whole.attributes["facings_tea"] == 2


PLANS = [
    pytest.param([["cola", "tea"]], [["cola", "tea"]], [], id="as-planned"),
    pytest.param([["cola", "tea", "tea"]], [["cola", "tea"]], [(0, 1, "tea", "")], id="missing"),
    pytest.param([["cola", "tea"]], [["cola", "crisps", "tea"]], [(0, 1, "", "crisps")], id="extra"),
    pytest.param([["cola", "tea"]], [["cola", "crisps"]], [(0, 1, "tea", "crisps")], id="wrong"),
    pytest.param(
        [["cola", "tea"], ["crisps"]], [["crisps"]], [(0, 0, "cola", ""), (0, 1, "tea", "")], id="a-whole-row-is-empty"
    ),
    pytest.param([["tea"] * 4], [["tea", "", "tea", "tea"]], [(0, 1, "tea", "")], id="missing-where-the-gap-is"),
    pytest.param([["tea", "cola"]], [["tea", "", "cola"]], [], id="a-gap-that-the-plan-has-no-product-for"),
    pytest.param([["cola"]], [["cola"], ["tea"]], [(1, 0, "", "tea")], id="a-row-too-many"),
    pytest.param([["cola"]], [], [(0, 0, "cola", "")], id="an-empty-shelf"),
]


@pytest.mark.parametrize(("plan", "found", "expected"), PLANS)
def test_differences(plan: Shelf, found: Shelf, expected: list[tuple[int, int, str, str]]) -> None:
    """What differs, in which row and at which place of the plan."""
    assert differences([tuple(row) for row in plan], [tuple(row) for row in found]) == [
        Difference(*item) for item in expected
    ]


def test_fewest_differences() -> None:
    """Over all rows of up to four of two products: never more than difflib needs, and never fewer than the lengths say.

    difflib's opcodes are an edit script of another author; ours is optimal, so it is at most as long.
    """
    rows = [tuple(row) for length in range(5) for row in itertools.product("ab", repeat=length)]
    for plan, found in itertools.product(rows, rows):
        ours = len(differences([plan], [found])) if plan and found else abs(len(plan) - len(found))
        codes = difflib.SequenceMatcher(a=plan, b=found, autojunk=False).get_opcodes()
        theirs = sum(max(code[2] - code[1], code[4] - code[3]) for code in codes if code[0] != "equal")
        assert abs(len(plan) - len(found)) <= ours <= theirs


def test_planogram_events() -> None:
    """A product taken away for long enough is an event that begins when it went; the plan's names need no subject."""
    tracks = shelf([["cola", "tea", "crisps"]])
    taken = tracks[1].select(np.flatnonzero(tracks[1].frame < 12))
    rule = {"kind": "planogram", "rows": [["cola", "tea", "crisps"]], "for_s": 1.0}
    assert events_of(rule, *tracks) == []
    [event] = events_of(rule, tracks[0], taken, tracks[2])
    facts = event.attributes
    assert (event.start, event.stop) == (12, 30)
    assert (facts["difference"], facts["row"], facts["place"], facts["planned"]) == ("missing", 0, 1, "tea")


@pytest.mark.parametrize(("lifted", "expected"), [((0, 2), [3]), ((-1, -1), [])], ids=["one-lifted", "all-in-line"])
def test_alignment(lifted: tuple[int, int], expected: list[int]) -> None:
    """A product 6 of its 20 px off the row's line is named, and only that one."""
    tracks = shelf([["tea"] * 5, ["cola"] * 4], lifted=lifted)
    events = events_of({"kind": "alignment", "subject": ["tea", "cola"], "beyond": 0.2}, *tracks)
    assert [event.actors[0] for event in events] == expected


def test_a_tilted_shelf_is_in_line() -> None:
    """A camera that hangs askew tilts every row: the line is fitted, as scipy's Theil-Sen estimate does."""
    x = np.array([0.0, 10.0, 20.0, 30.0, 40.0, 50.0])
    y = np.array([20.0, 21.0, 22.0, 29.0, 24.0, 25.0])
    oracle = stats.theilslopes(y, x)
    assert line_through(x, y) == pytest.approx(oracle.slope * x + np.median(y - oracle.slope * x))
    tilted = [standing(n + 1, "tea", (10 * n, n, 10 * n + 10, 20 + n)) for n in range(6)]
    assert events_of({"kind": "alignment", "subject": "tea", "beyond": 0.1}, *tilted) == []
