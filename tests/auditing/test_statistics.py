"""What is stated with a confidence is covered with it; everything else is a plain sample number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, binomtest

from supnorm.auditing.statistics import (
    Moments,
    Sample,
    clopper_pearson_lower,
    clopper_pearson_upper,
    unseen_peaks,
)
from supnorm.problem import Domain, Law

Array = NDArray[np.float64]
TRIALS = 600


def assert_covers(covered: int, trials: int, confidence: float) -> None:
    """The binomial interval of the observed coverage does not exclude the confidence from above."""
    result = binomtest(covered, trials, confidence, alternative="less")
    assert result.pvalue > 1e-3, f"covered {covered} of {trials}, stated {confidence:.0%}"


# -- sample numbers ---------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_sample_numbers_against_their_definitions(numbers: list[float]) -> None:
    errors = np.array(numbers)
    sample = Sample(errors, "uniform", len(errors))
    assert sample.rms().value == pytest.approx(math.sqrt(math.fsum(e * e for e in numbers) / len(numbers)))
    assert sample.rms().interval is None
    assert sample.rms().kind == "sample"
    assert sample.mean().value == pytest.approx(math.fsum(numbers) / len(numbers))
    assert sample.worst() == max(numbers)
    ordered = sorted(numbers)
    for q in (0.5, 0.9, 0.99, 0.999):
        assert sample.quantile(q) in numbers
        assert np.mean(errors <= sample.quantile(q)) >= q - 1e-12
        assert sample.quantile(q) <= ordered[min(math.ceil(q * (len(ordered) - 1)), len(ordered) - 1)]


def test_an_empty_or_infinite_sample_says_so() -> None:
    empty = Sample(np.empty(0), "uniform", 100)
    assert math.isnan(empty.rms().value)
    assert math.isnan(empty.worst())
    assert empty.exceedance(1.0).fraction_at_most == 1.0
    infinite = Sample(np.array([1.0, np.inf]), "uniform", 2)
    assert infinite.rms().value == math.inf
    assert infinite.worst() == math.inf
    assert infinite.exceedance(5.0).count == 1


# -- exceedance -------------------------------------------------------------------------------------------


@given(st.integers(1, 10_000), st.data())
def test_clopper_pearson_against_the_beta_quantile(n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(0, n - 1))
    assert clopper_pearson_upper(k, n) == pytest.approx(beta.ppf(0.95, k + 1, n - k), rel=1e-9)
    assert clopper_pearson_upper(n, n) == 1.0


def test_nothing_above_means_at_most_three_in_n() -> None:
    for n in (100, 1000, 100_000):
        assert 2.9 / n < clopper_pearson_upper(0, n) < 3.0 / n


@pytest.mark.parametrize("share", [1e-4, 1e-3, 3e-3, 0.01, 0.2])
def test_exceedance_is_covered(share: float) -> None:
    rng = np.random.default_rng(round(1 / share))
    level = 1 - share  # errors uniform on [0, 1]
    covered = 0
    for _ in range(TRIALS):
        found = Sample(rng.random(1000), "uniform", 1000).exceedance(level)
        covered += share <= found.fraction_at_most
        assert found.count / found.n == found.fraction
    assert_covers(covered, TRIALS, 0.95)


def test_exceedance_of_a_level_taken_from_the_sample_is_covered() -> None:
    """Without a tolerance the level is the sample's own 99.9 % quantile: still valid (order statistics)."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(TRIALS):
        sample = Sample(rng.random(2000), "uniform", 2000)
        level = sample.quantile(0.999)
        covered += (1 - level) <= sample.exceedance(level).fraction_at_most
    assert_covers(covered, TRIALS, 0.95)


def test_exceedance_holds_for_the_law_with_constraints() -> None:
    domain = Domain([lambda x: (x**2).sum(axis=1) <= 1], x=(-1.0, 1.0), y=(-1.0, 1.0))
    law, rng = Law.uniform(domain), np.random.default_rng(6)
    covered = 0
    for _ in range(TRIALS):
        r2 = (law.draw(300, rng) ** 2).sum(axis=1)  # uniform on [0, 1]
        covered += Sample(r2, law.name, 300).exceedance(0.99).fraction_at_most >= 0.01
    assert_covers(covered, TRIALS, 0.95)


def test_exceedance_says_of_what_it_is_a_share() -> None:
    assert Sample(np.ones(9), "uniform", 9).exceedance(2.0).of == "all"
    assert Sample(np.ones(9), "uniform", 10).exceedance(2.0).of == "the part with a value"


def test_the_lower_limit_is_the_beta_quantile_and_mirrors_the_upper_one() -> None:
    for k, n in ((1, 10), (5, 100), (100, 100), (999, 1000)):
        assert clopper_pearson_lower(k, n) == pytest.approx(beta.ppf(0.05, k, n - k + 1), rel=1e-9)
        assert clopper_pearson_lower(k, n) == pytest.approx(1 - clopper_pearson_upper(n - k, n), rel=1e-9)
    assert clopper_pearson_lower(0, 10) == 0.0


@pytest.mark.parametrize("formula", ["Wald", "share", "half"])
def test_the_coverage_test_rejects_wrong_limits(formula: str) -> None:
    """The test of coverage would fail for limits that are wrong: here are three."""
    wrong = {
        "Wald": lambda k, n: k / n + 1.645 * math.sqrt(k / n * (1 - k / n) / n),
        "share": lambda k, n: k / n,
        "half": lambda k, n: 0.5 * clopper_pearson_upper(k, n),
    }[formula]
    rng = np.random.default_rng(0)
    covered = sum(wrong(k, 1000) >= 3e-3 for k in rng.binomial(1000, 3e-3, TRIALS).tolist())
    with pytest.raises(AssertionError):
        assert_covers(covered, TRIALS, 0.95)


def test_the_coverage_test_rejects_the_plain_good_turing_limit() -> None:
    rng = np.random.default_rng(1)
    masses, climbs = MASSES["two scales"], 50
    reached = rng.multinomial(climbs, masses, size=TRIALS)
    unseen = np.where(reached == 0, masses, 0.0).sum(axis=1)
    once = (reached == 1).sum(axis=1)
    with pytest.raises(AssertionError):
        assert_covers(int((unseen <= once / climbs).sum()), TRIALS, 0.95)


# -- unseen peaks -----------------------------------------------------------------------------------------


def geometric(ratio: float) -> Array:
    masses = ratio ** np.arange(200)
    return np.asarray(masses / masses.sum())


def zipf(power: float) -> Array:
    masses = np.arange(1.0, 300.0) ** -power
    return np.asarray(masses / masses.sum())


MASSES: dict[str, Array] = {
    "one": np.ones(1),
    **{f"{k} equal": np.full(k, 1 / k) for k in (2, 5, 20, 50, 100, 400)},
    **{f"geometric {r}": geometric(r) for r in (0.5, 0.8, 0.95)},
    **{f"Zipf {s}": zipf(s) for s in (1.0, 1.5, 2.0)},
    "one large, ten rare": np.r_[0.99, np.full(10, 1e-3)],
    "two large, a hundred rare": np.r_[0.5, 0.49, np.full(100, 1e-4)],
    "two scales": np.r_[np.full(10, 0.05), np.full(50, 0.01)],
}


@pytest.mark.parametrize("climbs", [10, 20, 50, 100, 200])
@pytest.mark.parametrize("masses", MASSES.values(), ids=MASSES)
def test_the_limit_of_unseen_peaks_is_covered(masses: Array, climbs: int) -> None:
    rng = np.random.default_rng(climbs)
    reached = rng.multinomial(climbs, masses, size=TRIALS)
    unseen = np.where(reached == 0, masses, 0.0).sum(axis=1)
    covered = 0
    for row, truth in zip(reached, unseen, strict=True):
        found = unseen_peaks(row[row > 0].tolist())
        assert found is not None
        assert (found.ascents, found.peaks, found.once) == (climbs, (row > 0).sum(), (row == 1).sum())
        assert found.value == found.once / climbs
        covered += truth <= found.at_most
    assert_covers(covered, TRIALS, 0.95)


def test_the_estimate_of_unseen_peaks_is_right_on_average() -> None:
    masses, climbs = zipf(1.0), 100
    rng = np.random.default_rng(0)
    reached = rng.multinomial(climbs, masses, size=2000)
    unseen = np.where(reached == 0, masses, 0.0).sum(axis=1).mean()
    values: list[Any] = [unseen_peaks(row[row > 0].tolist()) for row in reached]
    assert np.mean([v.value for v in values]) == pytest.approx(unseen, rel=0.05)


def test_the_limit_is_never_below_three_in_n_and_never_above_one() -> None:
    for sizes in ([50], [1], [1, 1, 1], [25, 25]):
        found = unseen_peaks(sizes)
        assert found is not None
        assert min(3 / sum(sizes), 1.0) <= found.at_most <= 1.0
    assert unseen_peaks([]) is None


@pytest.mark.parametrize("size", [1e-305, 1e-170, 1e-80, 1e-3, 1e80, 1e160, 1e305])
def test_powers_of_large_errors_do_not_overflow_and_those_of_small_ones_do_not_vanish(size: float) -> None:
    """A relative error without a floor has no end; the parts come in rising order, so that the unit changes."""
    errors = size * np.array([[1e-4, 2e-4], [3e-2, 4e-2], [1.0, 2.0]])
    moments, sample = Moments((1.0, 2.0, 4.0)), Sample(errors.ravel(), "uniform", 6)
    for part in errors:
        moments.add(part[None])
    for p in (1.0, 2.0, 4.0):
        scaled = (errors / size) ** p
        assert moments.norms()[f"L{p:g}"] == pytest.approx(
            size * (scaled.sum() / 3) ** (1 / p), rel=1e-9, abs=0
        )
        assert sample.mean(p).value == pytest.approx(size * scaled.mean() ** (1 / p), rel=1e-9, abs=0)
    assert sample.rms().value == pytest.approx(size * np.sqrt(np.mean((errors / size) ** 2)), rel=1e-9, abs=0)
    np.testing.assert_allclose(moments.rms(), size * np.sqrt(np.mean((errors / size) ** 2, axis=0)))


def test_small_errors_count_after_batches_of_none_and_are_nothing_beside_ordinary_ones() -> None:
    """The RMS of errors of 1e-171 was 0, beside a mean that was not."""
    moments = Moments((1.0, 4.0))
    for batch in (np.zeros((5, 1)), np.full((5, 1), 2e-171)):
        moments.add(batch)
    assert moments.rms() == pytest.approx([2e-171 / np.sqrt(2)], rel=1e-12, abs=0)
    assert moments.norms()["L4"] == pytest.approx(2e-171 / 2**0.25, rel=1e-12, abs=0)
    moments.add(np.full((10, 1), 3.0))
    assert moments.rms() == pytest.approx([3 / np.sqrt(2)], rel=1e-12)


def test_an_infinite_error_stays_infinite_among_large_ones() -> None:
    moments = Moments((2.0,))
    moments.add(np.array([[1e200], [np.inf]]))
    assert moments.norms()["L2"] == np.inf
    assert Sample(np.array([1e200, np.inf]), "uniform", 2).rms().value == np.inf


def test_infinite_errors_that_come_first_stay_infinite() -> None:
    """They were multiplied by zero when the unit of the sums grew."""
    moments = Moments((1.0, 2.0))
    moments.add(np.array([[np.inf], [np.inf]]))
    moments.add(np.array([[3.0], [4.0]]))
    assert moments.norms() == {"L1": np.inf, "L2": np.inf}
    assert moments.rms().tolist() == [np.inf]
