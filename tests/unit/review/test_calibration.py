"""Calibration gives probabilities that can be believed, judged on data it has not seen."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from framelabel.core.reliability import ece_by_chance, reliability
from framelabel.review.calibration import LEAST_SAMPLE, METHODS, Blend, fit, out_of_fold
from framelabel.review.calibrators import Isotonic, Temperature, log_loss

Sample = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]


def _sample(count: int, seed: int) -> Sample:
    """Scores twice too sure, a feature that knows half of what the score does not, and groups of four."""
    random = np.random.default_rng(seed)
    hidden = random.normal(0, 1, count)
    chance = random.normal(1.0, 1.0, count) + hidden
    right = random.random(count) < expit(chance)
    score = expit(2 * (chance - hidden))
    return np.stack([score, hidden + random.normal(0, 0.5, count)], axis=1), right, np.arange(count) // 4


@pytest.mark.parametrize("method", [*METHODS[1:], "auto"])
def test_calibration_error_falls_below_three_hundredths(method: str) -> None:
    """Fitted on 2,000 items, judged on 20,000 others."""
    features, right, group = _sample(2000, 1)
    held, truth, _ = _sample(20_000, 2)
    before = reliability(held[:, 0], truth).ece
    after = reliability(fit(features, right, group, method)(held), truth).ece
    assert before > 0.08
    assert after <= 0.03


def test_auto_uses_features_that_know_more() -> None:
    """Where a feature tells what the score does not, it is used, and the loss falls."""
    features, right, group = _sample(2000, 3)
    held, truth, _ = _sample(20_000, 4)
    chosen = fit(features, right, group)
    assert chosen.method.startswith("features")
    plain = fit(features, right, group, "platt")
    assert log_loss(chosen(held), truth.astype(float)) < log_loss(plain(held), truth.astype(float)) - 0.02


def test_a_score_that_is_right_as_it_stands_keeps_most_weight_in_small_samples() -> None:
    """Sixty answers about an honest score, and eight columns of noise: maps that fit the noise count little."""
    random = np.random.default_rng(14)
    chance = random.beta(4, 2, 60)
    right = random.random(60) < chance
    features = np.column_stack([chance, random.normal(size=(60, 8))])
    found = fit(features, right, np.arange(60))
    assert isinstance(found, Blend)
    assert found.weight.sum() == pytest.approx(1.0)
    fresh = np.column_stack([random.beta(4, 2, 20_000), random.normal(size=(20_000, 8))])
    truth = (random.random(20_000) < fresh[:, 0]).astype(np.float64)
    alone = fit(features, right, np.arange(60), "features")
    assert log_loss(found(fresh), truth) < log_loss(alone(fresh), truth)
    assert reliability(found(fresh), truth).ece < reliability(alone(fresh), truth).ece
    identity = fit(features, right, np.arange(60), "identity")
    assert identity.method == "identity"
    assert identity(fresh) == pytest.approx(fresh[:, 0], abs=1e-3)


def test_a_lucky_group_decides_nothing() -> None:
    """One long clip in which a feature tells everything, and eleven in which it tells nothing: it gets no trust."""
    random = np.random.default_rng(15)
    group = np.repeat(np.arange(12), [120, *[20] * 11])
    chance = random.beta(3, 2, len(group))
    right = random.random(len(group)) < chance
    feature = np.where(group == 0, right, random.random(len(group)) < 0.5).astype(np.float64)
    features = np.column_stack([chance, feature])
    held = np.column_stack([random.beta(3, 2, 20_000), random.random(20_000) < 0.5])
    truth = random.random(20_000) < held[:, 0]
    ece = {name: reliability(fit(features, right, group, name)(held), truth).ece for name in ("auto", "features")}
    assert ece["auto"] < ece["features"]


def test_an_unknown_method_is_named() -> None:
    """The message lists what there is."""
    features, right, group = _sample(200, 16)
    with pytest.raises(ValueError, match="unknown calibration method 'plat'; choose one of identity, temperature"):
        fit(features, right, group, "plat")


def test_temperature_finds_the_distortion() -> None:
    """A score whose log-odds were doubled is divided by about two."""
    random = np.random.default_rng(0)
    chance = random.normal(0, 1.5, 20_000)
    right = (random.random(20_000) < expit(chance)).astype(np.float64)
    found = Temperature.fit(expit(2 * chance)[:, None], right)
    assert found.temperature == pytest.approx(2.0, rel=0.08)
    assert logit(found(np.array([[expit(2.0)]])))[0] == pytest.approx(1.0, rel=0.08)


def test_isotonic_never_falls_and_breaks_ties() -> None:
    """A higher score never gets a lower probability, and equal ones are only those of equal scores."""
    features, right, _ = _sample(500, 5)
    grid = np.linspace(0, 1, 1001)[:, None]
    assert (np.diff(Isotonic.fit(features, right.astype(float))(grid)) > 0).all()


@pytest.mark.parametrize("outcome", [True, False], ids=["all-right", "all-wrong"])
def test_too_little_known_stays_uncalibrated(outcome: bool) -> None:
    """Few items, or items of one kind only, fit nothing."""
    features, right, group = _sample(LEAST_SAMPLE - 1, 6)
    assert fit(features, right, group).method == "uncalibrated"
    features, right, group = _sample(200, 7)
    assert fit(features, np.full(200, outcome), group).method == "uncalibrated"


def test_groups_are_never_split_between_fitting_and_judging() -> None:
    """With labels that only the group knows, an out-of-fold probability knows nothing."""
    random = np.random.default_rng(8)
    group = np.repeat(np.arange(100), 20)
    right = np.repeat(random.random(100) < 0.5, 20)
    features = np.stack([np.full(2000, 0.5), np.repeat(random.normal(size=100), 20)], axis=1)
    probability = out_of_fold(features, right, group, "features")
    assert log_loss(probability, right.astype(float)) > 0.6


def test_many_items_are_judged_like_few() -> None:
    """More items than fit a block get the probabilities that they get one by one; none gets none."""
    features, right, group = _sample(500, 9)
    chosen = fit(features, right, group, "features")
    many = np.tile(features, (150, 1))
    assert chosen(many) == pytest.approx(np.tile(chosen(features), 150), rel=1e-12)
    assert chosen(features[:0]).shape == (0,)


@pytest.mark.parametrize("together", [1, 20], ids=["each-its-own", "twenty-together"])
def test_chance_is_what_probabilities_without_fault_show(together: int) -> None:
    """Forty fresh samples of 400 from honest probabilities: their mean error is the one that one of them foretells."""
    random = np.random.default_rng(17)
    found, foretold = [], []
    for _ in range(40):
        stated = np.repeat(random.beta(2, 2, 400 // together), together)
        right = np.repeat(random.random(400 // together), together) < stated
        group = np.arange(400) // together
        found.append(reliability(stated, right, bins=5, equal_mass=True).ece)
        foretold.append(ece_by_chance(stated, right, group, bins=5, equal_mass=True))
    assert np.mean(foretold) == pytest.approx(np.mean(found), rel=0.15)


def test_chance_does_not_excuse_what_is_wrong_everywhere() -> None:
    """Two thousand answers to a score that is far too sure: chance explains little of the error."""
    stated, right = np.full(2000, 0.9), np.arange(2000) % 2 == 0
    assert reliability(stated, right).ece == pytest.approx(0.4)
    assert ece_by_chance(stated, right) < 0.02
