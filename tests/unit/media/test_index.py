"""Presentation times become strictly increasing, by a rule that looks one picture back."""

from __future__ import annotations

import pytest

from framelabel.media.index import PresentationClock


@pytest.mark.parametrize(
    ("stored", "expected", "repaired"),
    [
        pytest.param([0, 40, 80], [0, 40, 80], 0, id="whole"),
        pytest.param([-80, -40, 0], [-80, -40, 0], 0, id="negative-start"),
        pytest.param([0, 40, 40, 80], [0, 40, 41, 80], 1, id="repeated"),
        pytest.param([0, 40, 30, 80], [0, 40, 41, 80], 1, id="slightly-back"),
        pytest.param([0, None, None, 120], [0, 40, 80, 120], 2, id="missing"),
        pytest.param([None, None], [0, 40], 2, id="none-at-all"),
        pytest.param([5000, 5040, 0, 40], [5000, 5040, 5080, 5120], 2, id="clock-starts-over"),
    ],
)
def test_times_rise(stored: list[int | None], expected: list[int], repaired: int) -> None:
    """Whole files pass unchanged; each broken time is moved as little as keeps the order."""
    clock = PresentationClock(step=40, second=1000)
    assert [clock.next(time) for time in stored] == expected
    assert clock.repaired == repaired


def test_only_unchanged_times_are_anchors() -> None:
    """A sync frame whose stored time was changed cannot be found by seeking, so it does not count as one."""
    clock = PresentationClock(step=40, second=1000)
    anchors = []
    for stored in (0, 40, 40, 5000, 10, 50):
        clock.next(stored)
        anchors.append(clock.is_anchor)
    assert anchors == [True, True, False, True, False, False]
