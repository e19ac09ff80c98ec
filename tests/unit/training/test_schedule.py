"""The learning rate rises, then falls along a cosine; the average forgets the start."""

from __future__ import annotations

import pytest

from framelabel.training.schedule import averaging, learning_rate


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, 0.25), (3, 1.0), (4, 1.0), (52, 0.525), (100, 0.05)],
    ids=["first", "end of rise", "peak", "half way", "floor"],
)
def test_rate(step: int, expected: float) -> None:
    """Known points of the curve: linear rise over 4 steps, cosine between 1 and 0.05 over the next 96."""
    assert learning_rate(step, 100, 1.0, warm_up=4) == pytest.approx(expected)


def test_average_keeps_little_at_first_and_most_later() -> None:
    """The kept share grows monotonically from near 0 to the decay."""
    shares = [averaging(step, 0.998, 50.0) for step in range(0, 1000, 50)]
    assert shares[0] < 0.05
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.998, abs=1e-6)
