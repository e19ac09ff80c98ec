"""Rules about many objects at low picture rates and with lost tracks, against counts laid out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from framelabel.core.events import Event
from framelabel.core.tracks import Track
from tests.scenes import events_of, moving

Lost = Sequence[tuple[float, float]]
SECONDS = 10.0
RATES = [
    pytest.param(25.0, [], id="25-a-second"),
    pytest.param(5.0, [], id="5-a-second"),
    pytest.param(2.0, [], id="2-a-second"),
    pytest.param(25.0, [(2.0, 2.4), (5.1, 5.5)], id="25-a-second-lost-twice"),
    pytest.param(10.0, [(2.0, 2.4), (5.1, 5.5)], id="10-a-second-lost-twice"),
]


def shelf(fps: float, lost: Lost, places: str) -> list[Track]:
    """Return products 10 px wide side by side: c(ola), t(ea), T (tea, 6 px up), a blank is an empty place.

    Only the second product is lost now and then: a hand before it.
    """
    tracks: list[Track] = []
    for place, sign in enumerate(places):
        if sign != " ":
            name, foot = {"c": "cola", "t": "tea", "T": "tea"}[sign], (10.0 * place + 5, 54.0 if sign == "T" else 60.0)
            hidden = lost if len(tracks) == 1 else ()
            tracks.append(still(len(tracks) + 1, name, foot, fps, hidden))
    return tracks


def still(number: int, name: str, foot: tuple[float, float], fps: float, lost: Lost = ()) -> Track:
    """Return an object that stands for the whole scene."""
    return moving(number, name, lambda _: foot, fps=fps, seconds=SECONDS, lost=lost, size=(10.0, 20.0))


def run(rule: dict[str, Any], tracks: Sequence[Track], fps: float, **scene: Any) -> list[Event]:
    """Return the events of a rule over the ten seconds."""
    return events_of(rule, *tracks, fps=fps, frame_count=int(SECONDS * fps) + 1, **scene)


def tally(fps: float, lost: Lost) -> None:
    """Two teas and a cola are counted once each, however often they were lost."""
    [event] = run({"kind": "tally", "subject": ["tea", "cola"]}, shelf(fps, lost, "t t c"), fps)
    assert (event.attributes["count_tea"], event.attributes["count_cola"]) == (2, 1)


def count(fps: float, lost: Lost) -> None:
    """Three at once from 4 s on, when the third comes, until the end: one crowd."""
    late = moving(9, "person", lambda _: (150, 60), fps=fps, seconds=SECONDS, begins=4.0)
    people = [still(1, "person", (20, 60), fps), still(2, "person", (60, 60), fps, lost), late]
    rule = {"kind": "count", "subject": "person", "at_least": 3, "for_s": 3.0, "bridge_s": 0.6}
    [event] = run(rule, people, fps)
    assert event.start / fps == pytest.approx(4.0)
    assert (event.stop - 1) / fps == pytest.approx(SECONDS)


def shelf_gap(fps: float, lost: Lost) -> None:
    """One place is empty all the time; a product that is hidden for 0.4 s leaves no gap."""
    [event] = run({"kind": "shelf", "subject": ["tea", "cola"], "for_s": 2.0}, shelf(fps, lost, "ttt t"), fps)
    assert [event.attributes[side] for side in ("x1", "x2")] == [30, 40]
    assert event.start == 0
    assert (event.stop - 1) / fps == pytest.approx(SECONDS)


def facings(fps: float, lost: Lost) -> None:
    """Two teas and three colas, of equal width: 0.4 and 0.6 of the shelf."""
    whole, _ = run({"kind": "facings", "subject": ["tea", "cola"]}, shelf(fps, lost, "ttccc"), fps)
    assert (whole.attributes["facings_tea"], whole.attributes["facings_cola"]) == (2, 3)
    assert whole.attributes["share_cola"] == pytest.approx(0.6)


def planogram(fps: float, lost: Lost) -> None:
    """The tea at the third place should be a cola; the one hidden for 0.4 s is not missing."""
    rule = {"kind": "planogram", "rows": [["tea", "cola", "cola"]], "for_s": 2.0}
    [event] = run(rule, shelf(fps, lost, "tct"), fps)
    facts = event.attributes
    assert (facts["difference"], facts["place"], facts["planned"], facts["found"]) == ("wrong", 2, "cola", "tea")


def alignment(fps: float, lost: Lost) -> None:
    """The fourth of five stands 6 of 20 px too high, all the time."""
    rule = {"kind": "alignment", "subject": "tea", "beyond": 0.2, "for_s": 2.0}
    [event] = run(rule, shelf(fps, lost, "tttTt"), fps)
    assert event.actors == (4,)


def possession(fps: float, lost: Lost) -> None:
    """The ball rests with the light player until 5 s, then with the dark one; each has it about half of the time."""
    ball = moving(9, "ball", lambda t: (20 if t < 5 else 180, 60), fps=fps, seconds=SECONDS, lost=lost, size=(2, 2))
    players = [still(1, "player", (10, 60), fps), still(2, "player", (190, 60), fps)]
    rule = {"kind": "possession", "subject": "player", "ball": "ball", "bridge_s": 0.6}
    teams: dict[int, Any] = {1: {"team": "light"}, 2: {"team": "dark"}}
    light, dark = run(rule, [*players, ball], fps, attributes=teams)
    assert [event.attributes["team"] for event in (light, dark)] == ["light", "dark"]
    assert light.start == 0
    assert (light.stop - 1) / fps == pytest.approx(5.0, abs=1 / fps + 1e-9)
    assert dark.start / fps == pytest.approx(5.0, abs=(0.5 if lost else 1 / fps) + 1e-9)
    assert (dark.stop - 1) / fps == pytest.approx(SECONDS)


KINDS = [tally, count, shelf_gap, facings, planogram, alignment, possession]


@pytest.mark.parametrize("holds", KINDS, ids=[kind.__name__ for kind in KINDS])
@pytest.mark.parametrize(("fps", "lost"), RATES)
def test_groups_at_any_rate(fps: float, lost: Lost, holds: Callable[[float, Lost], None]) -> None:
    """What a rule says of many objects depends on neither the rate nor short losses (see each kind's own sentence)."""
    holds(fps, lost)
