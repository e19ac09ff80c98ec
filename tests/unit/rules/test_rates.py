"""The surveillance rules at low picture rates and with lost tracks, against times worked out from the motion itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenes import events_of, moving

WHOLE: list[tuple[float, float]] = []
BRIEFLY = [(2.0, 2.4), (5.1, 5.5)]
RATES = [
    pytest.param(25.0, WHOLE, id="25-a-second"),
    pytest.param(5.0, WHOLE, id="5-a-second"),
    pytest.param(2.0, WHOLE, id="2-a-second"),
    pytest.param(25.0, BRIEFLY, id="25-a-second-lost-twice"),
    pytest.param(10.0, BRIEFLY, id="10-a-second-lost-twice"),
]
rates = pytest.mark.parametrize(("fps", "lost"), RATES)


def walker(fps: float, lost: list[tuple[float, float]], seconds: float = 10.0) -> Any:
    """Return a person who walks from x = 20 to x = 180 in 10 s: the border and the gate (x = 100) are met at 5 s."""
    return moving(1, "person", lambda t: (20 + 16 * t, 60), fps=fps, seconds=seconds, lost=lost)


def frames(fps: float, seconds: float = 10.0) -> dict[str, Any]:
    """Return the scene's rate and length."""
    return {"fps": fps, "frame_count": int(seconds * fps) + 1}


@rates
def test_zone_intrusion(fps: float, lost: list[tuple[float, float]]) -> None:
    """One intrusion that ends within one look (or the time lost around it) of 5 s, whatever the rate."""
    rule = {"subject": "person", "inside": "left", "for_s": 1.0, "bridge_s": 0.6}
    [event] = events_of(rule, walker(fps, lost), **frames(fps))
    assert event.start == 0
    assert (event.stop - 1) / fps == pytest.approx(5.0, abs=1 / fps + 1e-9)


@rates
def test_line_crossing(fps: float, lost: list[tuple[float, float]]) -> None:
    """One crossing, between the looks before and after 5 s, also where the track is lost at the line."""
    [event] = events_of({"kind": "crossing", "subject": "person", "line": "gate"}, walker(fps, lost), **frames(fps))
    assert event.start / fps <= 5.0 + 1e-9
    assert (event.stop - 1) / fps >= 5.0 - 1e-9
    assert (event.stop - 1 - event.start) / fps <= (0.5 if lost else 1 / fps) + 1e-9


@rates
def test_entering(fps: float, lost: list[tuple[float, float]]) -> None:
    """The right half is entered once, and never left: the walk ends in it."""
    rule = {"kind": "passage", "subject": "person", "zone": "right"}
    [event] = events_of(rule, walker(fps, lost), **frames(fps))
    assert event.attributes["way"] == "enter"
    assert event.evidence_frame / fps == pytest.approx(5.0, abs=(0.5 if lost else 1 / fps) + 1e-9)


@rates
def test_loitering(fps: float, lost: list[tuple[float, float]]) -> None:
    """Who walks for 4 s and then stands for 6 s loiters from 4 s on; who walks on does not."""
    stops = moving(1, "person", lambda t: (20 + 16 * min(t, 4.0), 60), fps=fps, seconds=10.0, lost=lost)
    rule = {"subject": "person", "max_speed": 0.2, "for_s": 4.0, "bridge_s": 0.6}
    [event] = events_of(rule, stops, **frames(fps))
    # Speed is measured over half a second or from one look to the next, so standing shows that much later.
    assert event.start / fps == pytest.approx(4.0, abs=max(0.5, 1 / fps) + 1e-9)
    assert (event.stop - 1) / fps == pytest.approx(10.0)
    assert events_of(rule, walker(fps, lost), **frames(fps)) == []


@rates
def test_abandoned_object(fps: float, lost: list[tuple[float, float]]) -> None:
    """A bag is abandoned from when its carrier is 1.5 heights (30 px) away: at 24 px a second, after 1.5 s and more."""
    bag = moving(2, "bag", lambda _: (20, 60), fps=fps, seconds=10.0, lost=lost, size=(6, 6))
    carrier = moving(1, "person", lambda t: (20 + 24 * t, 60), fps=fps, seconds=7.0)
    rule = {"kind": "unattended", "subject": "bag", "owner": "person", "for_s": 5.0, "bridge_s": 1.0}
    [event] = events_of(rule, bag, carrier, **frames(fps))
    # Boxes are apart by 24 t - 4 - 3 px; more than 30 from t = 37 / 24 on.
    assert event.actors == (2, 1)
    assert event.start / fps == pytest.approx(37 / 24, abs=1 / fps + 1e-9)


def test_a_track_lost_for_long_is_two_visits() -> None:
    """Lost for longer than what is bridged, and back under another id: two visits, neither long enough to report."""
    first = moving(1, "person", lambda _: (20, 60), fps=5, seconds=3.0)
    second = moving(2, "person", lambda _: (20, 60), fps=5, seconds=10.0, begins=6.0)
    rule = {"subject": "person", "inside": "left", "for_s": 3.5, "bridge_s": 1.0}
    [event] = events_of(rule, first, second, **frames(5))
    assert event.actors == (2,)
