"""Annotators' skill, the quality curve and what to label next."""

from __future__ import annotations

import numpy as np
import pytest

from framelabel.review.error_budget import Audit, Units, draw_audit
from framelabel.review.quality_curve import chosen_point, majority_accuracy, quality_curve
from framelabel.review.selection import Candidates, select, worth
from framelabel.review.skill import measure


def test_skill_has_an_interval_and_confusions() -> None:
    """18 of 20 right: the exact interval, and which label is taken for which."""
    skill = measure("ada", [0] * 10 + [1] * 10, [0] * 10 + [1] * 8 + [0] * 2, [2.0] * 20, 2)
    assert (skill.right, skill.count) == (18, 20)
    assert [skill.low, skill.high] == pytest.approx([0.6830, 0.9877], abs=1e-4)
    assert skill.confusion.tolist() == [[10, 0], [2, 8]]
    assert skill.seconds_median == 2.0


def test_tiring_shows_and_steadiness_does_not() -> None:
    """Who falls from all right to half right is found out; who errs evenly is not accused."""
    tiring = [0] * 30 + [0, 1] * 15
    steady = [0, 0, 0, 1] * 15
    assert measure("a", [0] * 60, tiring, [], 2).trend_p_value < 0.01
    assert measure("b", [0] * 60, steady, [], 2).trend_p_value > 0.2
    assert np.isnan(measure("c", [0] * 5, [0] * 5, [], 2).trend)


@pytest.mark.parametrize(("votes", "expected"), [(1, 0.9), (3, 0.972), (5, 0.99144)])
def test_majority_accuracy_is_the_binomial_tail(votes: int, expected: float) -> None:
    """Condorcet's jury."""
    assert majority_accuracy(0.9, votes) == pytest.approx(expected)


def test_curve_ends_where_it_must_and_its_band_holds_the_truth() -> None:
    """Nothing sent: the model's quality; all sent: the people's. The true quality lies in the band."""
    random = np.random.default_rng(1)
    chance = random.beta(5, 1, 4000)
    wrong = (random.random(4000) > chance).astype(np.float64)
    units = Units.of(chance, random.integers(1, 50, 4000))
    bound = float(np.quantile(chance, 0.4))
    audits = []
    for seed, above in ((1, 0.0), (2, bound)):
        drawn = draw_audit(units, 600, seed, above=above)
        audits.append(Audit(drawn, wrong[drawn], above))
    curves = quality_curve(units, audits, skill=(0.95, 0.95, 0.95), seconds_per_box=2.0)
    single, triple, _ = curves
    assert single.quality[0] == pytest.approx(np.average(chance, weights=units.size))
    assert single.quality[-1] == pytest.approx(0.95)
    assert triple.quality[-1] == pytest.approx(majority_accuracy(0.95, 3))
    assert triple.hours[-1] == pytest.approx(3 * units.size.sum() * 2 / 3600)
    order = np.argsort(-chance)
    held = 0
    for number, share in enumerate(single.share):
        kept = np.cumsum(units.size[order]) <= (1 - share) * units.size.sum()
        true = 1 - (units.size[order] * wrong[order])[kept].sum() / units.size.sum() - share * 0.05
        held += single.low[number] - 0.002 <= true <= single.high[number] + 0.002
    assert held >= 95
    assert (single.high - single.low).max() < 0.12


def test_operating_point_is_the_cheapest_that_reaches_the_goal() -> None:
    """One vote where it suffices, three where one person is not good enough, none where nothing helps."""
    units = Units.of(np.full(500, 0.9))
    audit = [Audit(np.arange(500), np.repeat([0.0, 1.0], [450, 50]))]
    curves = quality_curve(units, audit, skill=(0.96, 0.96, 0.96), seconds_per_box=1.0)
    cheap, dear = chosen_point(curves, 0.93), chosen_point(curves, 0.985)
    assert cheap is not None
    assert dear is not None
    assert cheap["votes"] == 1
    assert dear["votes"] > 1
    assert cheap["hours"] < dear["hours"]
    assert chosen_point(curves, 0.99999) is None


def test_a_curve_without_an_audit_knows_nothing() -> None:
    """No answers: the band is everything that is not sent to people."""
    (curve,) = quality_curve(Units.of([0.9, 0.8]), [], skill=(1, 1, 1), seconds_per_box=1, votes=(1,))
    assert (curve.low[0], curve.high[0]) == (0.0, 1.0)
    assert quality_curve(Units.of([]), [], skill=(1, 1, 1), seconds_per_box=1) == []


def _candidates(count: int, seed: int) -> Candidates:
    random = np.random.default_rng(seed)
    return Candidates(
        random.beta(4, 1, count),
        (random.random(count) < 0.1).astype(np.int32),
        random.uniform(1, 5, count),
        np.zeros(count),
        random.random(count) < 0.02,
        random.normal(size=(count, 4)),
    )


def test_selection_keeps_the_budget_and_takes_what_is_worth_it() -> None:
    """The time is kept, and the benefit is more than twice that of as much time spent at random."""
    items = _candidates(2000, 1)
    chosen = select(items, 300.0, diversity=0.0)
    assert items.seconds[chosen].sum() <= 300.0
    assert len(set(chosen.tolist())) == len(chosen)
    order = np.random.default_rng(2).permutation(2000)
    drawn = order[np.cumsum(items.seconds[order]) <= 300.0]
    assert worth(items)[chosen].sum() > 2 * worth(items)[drawn].sum()


def test_diversity_spreads_the_choice() -> None:
    """Twenty copies of the best item do not crowd out the others."""
    place = np.concatenate([np.zeros((20, 2)), np.eye(2) * 10, -np.eye(2) * 10])
    items = Candidates(
        np.concatenate([np.full(20, 0.5), np.full(4, 0.6)]),
        np.zeros(24, np.int32),
        np.ones(24),
        np.zeros(24),
        np.zeros(24, np.bool_),
        place,
    )
    assert {20, 21, 22, 23} <= set(select(items, 5.0, diversity=0.9).tolist())
    assert select(items, 0.5).size == 0
