"""Intervals against published tables, and promises that are kept."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from framelabel.review.error_budget import (
    Audit,
    Promise,
    Units,
    draw_audit,
    level_of_look,
    plausible,
    promise,
    promise_per_class,
)
from framelabel.review.intervals import (
    binomial_p_value,
    bounded_p_value,
    interval,
    sample_needed,
    upper_bound,
)


@pytest.mark.parametrize(("errors", "count"), [(0, 10), (1, 10), (10, 10), (7, 200), (25, 1000)], ids=str)
def test_interval_is_clopper_pearson(errors: int, count: int) -> None:
    """The two-sided interval equals scipy's exact one."""
    expected = binomtest(errors, count).proportion_ci(confidence_level=0.95, method="exact")
    assert interval(errors, count, 0.95) == pytest.approx((expected.low, expected.high))


def test_bound_and_test_are_two_sides_of_one_thing() -> None:
    """The upper bound lies at the rate that the exact test just rejects."""
    bound = upper_bound(3, 400, 0.95)
    assert binomial_p_value(3, 400, bound) == pytest.approx(0.05)
    assert upper_bound(0, 0, 0.95) == 1.0


@pytest.mark.parametrize(
    ("limit", "confidence", "expected"),
    [(0.02, 0.95, 149), (0.01, 0.95, 299), (0.05, 0.95, 59), (0.05, 0.99, 90)],
)
def test_sample_needed_is_the_rule_of_three_made_exact(limit: float, confidence: float, expected: int) -> None:
    """Without errors, ln(1 - confidence) / ln(1 - limit) rounded up."""
    assert sample_needed(limit, confidence) == expected
    assert sample_needed(limit, confidence, limit / 2) > expected
    with pytest.raises(ValueError, match="can never be proved"):
        sample_needed(limit, confidence, limit)


def test_bounded_losses_are_tested_at_the_promised_level() -> None:
    """At the limit itself, a p-value below 5 % comes up in at most 5 % of samples; well below it, mostly."""
    random = np.random.default_rng(1)

    def rejected(rate: float) -> float:
        draws = (random.random((400, 600)) < 3 * rate) * random.beta(2, 4, (400, 600))
        return float(np.mean([bounded_p_value(losses, 0.05) <= 0.05 for losses in draws]))

    assert rejected(0.05) <= 0.06
    assert rejected(0.02) > 0.9


def test_audit_is_drawn_in_proportion_to_size() -> None:
    """A track three times as long is drawn three times as often; one below the bound never."""
    units = Units.of([0.9, 0.9, 0.1], [1, 3, 50])
    drawn = np.bincount(draw_audit(units, 40_000, 7, above=0.5), minlength=3)
    assert drawn[1] / drawn[0] == pytest.approx(3, rel=0.05)
    assert drawn[2] == 0
    assert draw_audit(Units.of([]), 5, 0).size == 0


def _world(seed: int) -> tuple[Units, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    random = np.random.default_rng(seed)
    chance = random.beta(6, 0.5, 5000)
    return Units.of(chance, np.ceil(random.exponential(30, 5000))), (random.random(5000) > chance).astype(np.float64)


def test_promise_accepts_what_the_sample_proves() -> None:
    """With honest probabilities the accepted set keeps the budget and is most of what could be accepted."""
    units, wrong = _world(3)
    above = plausible(units, 0.05)
    drawn = draw_audit(units, 1500, 5, above=above)
    found = promise(units, Audit(drawn, wrong[drawn], above), max_error=0.05, confidence=0.95)
    accepted = units.probability >= found.threshold
    assert found.holds
    assert found.accepted_share == pytest.approx(units.size[accepted].sum() / units.size.sum())
    assert np.average(wrong[accepted], weights=units.size[accepted]) <= 0.05
    assert found.error_low <= found.errors / found.audited <= found.error_high
    assert found.accepted_share > 0.5


def _promised(errors: int, audited: int) -> Promise:
    units = Units.of(np.full(1000, 0.99))
    loss = np.zeros(audited)
    loss[:errors] = 1
    return promise(units, Audit(np.arange(audited), loss), max_error=0.02, confidence=0.95)


@pytest.mark.parametrize(
    ("errors", "audited", "holds"),
    [(0, 0, False), (0, 100, False), (0, 170, True), (1, 170, False), (40, 500, False)],
    ids=["no-sample", "too-small", "just-enough", "one-error-too-many", "plainly-too-bad"],
)
def test_promise_is_refused_when_the_sample_is_too_small(errors: int, audited: int, holds: bool) -> None:
    """No promise without proof; then nothing is accepted, and it says why and how many more to audit."""
    found = _promised(errors, audited)
    assert found.holds is holds
    if not holds:
        assert (found.accepted_share, found.threshold) == (0.0, 2.0)
        assert found.reason
    if audited < 160:
        assert found.more_to_audit == 160 - audited  # ln 0.04 / ln 0.98: four fifths of the risk go to the first look


def test_looking_again_never_spends_more_than_the_promise() -> None:
    """The risks of all looks sum to the promised one."""
    assert sum(level_of_look(0.95, look) for look in range(1, 40)) == pytest.approx(0.05)


def test_promises_per_class_are_each_kept() -> None:
    """A clean class is accepted although a bad one is not."""
    random = np.random.default_rng(2)
    kind = np.repeat([0, 1], 2000)
    chance = np.where(kind == 0, 0.995, 0.8)
    wrong = (random.random(4000) > chance).astype(np.float64)
    units = Units.of(chance, class_id=kind)
    drawn = draw_audit(units, 2000, 1)
    good, bad, absent = promise_per_class(units, Audit(drawn, wrong[drawn]), 3, max_error=0.02, confidence=0.95)
    assert (good.holds, good.accepted_share) == (True, 1.0)
    assert not bad.holds
    assert not absent.holds
    assert "too many errors" in bad.reason


def test_no_units_promise_nothing() -> None:
    """An empty project is no error."""
    nothing = Audit(np.zeros(0, np.int64), np.zeros(0))
    assert not promise(Units.of([]), nothing, max_error=0.02, confidence=0.95).holds
