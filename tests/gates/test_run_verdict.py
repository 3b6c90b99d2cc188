"""The verdict on two runs: what may be said of two lower bounds, and what may not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from supnorm.gates.run_verdict import SHORT, Known, judge, smaller
from supnorm.wording.compare_runs import VERDICT

CASES = 4000


def drawn(rng: np.random.Generator) -> tuple[Known, Known]:
    """What two searches may know of two models with true worst errors, which the bounds and errors respect."""
    truth = rng.choice([0.1, 0.2, 0.2 * (1 + 1e-12), 0.5, math.inf], size=2, p=[0.3, 0.3, 0.1, 0.2, 0.1])
    sides = []
    for own, other in (truth, truth[::-1]):
        worst = own if math.isinf(own) else own * rng.choice([1.0, 0.9, 0.5])
        upper = rng.choice([own, own * 1.3, math.inf], p=[0.2, 0.2, 0.6])
        there = rng.choice([math.nan, other * 0.5 if math.isfinite(other) else 0.3, 0.0])
        planted = (int(rng.integers(0, 21)), 20) if rng.random() < 0.5 else (0, 0)
        searched = int(rng.choice([100, 1000, 950]))
        rows = None if rng.random() < 0.3 else int(rng.integers(1, 4))
        finite = float(rng.choice([0.1, 0.2, math.nan]))
        sides.append(Known(worst, there, upper, searched, planted, infinite=rows, finite=finite))
    old, new = sides
    # An error of a model at the other's worst point is part of what is known of it.
    old = replace(old, worst=max(old.worst, 0.0 if math.isnan(new.other) else new.other))
    new = replace(new, worst=max(new.worst, 0.0 if math.isnan(old.other) else old.other))
    return old, new


@pytest.mark.sampled(1)
@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_swapping_old_and_new_swaps_worse_and_better(factor: float) -> None:
    rng, seen = np.random.default_rng(7), set()
    for _ in range(CASES):
        old, new = drawn(rng)
        code, basis = judge(old, new, factor)
        swapped, other = judge(new, old, factor)
        seen.add((code, basis))
        if code == "better":
            assert swapped == "worse"
        if code == "worse":
            assert swapped != "worse"
            care = basis == "measured" and not smaller(old, new)
            assert (swapped == "better") or not (care or basis == "proved")
        assert (basis == "proved" and code == "worse") <= (other == "proved")
    # Below, and in tests/gates/test_run_comparison.py.
    unknown = {
        "undecided-no-value",
        "undecided-interrupted",
        "undecided-reference-in-doubt",
        "undecided-other-rows",
        "undecided-other-references",
    }
    assert {"-".join(pair) for pair in seen} | unknown == set(VERDICT), "each verdict has its sentence"


@pytest.mark.slow
def test_a_smaller_search_never_makes_better_or_a_pass_without_a_bound() -> None:
    rng = np.random.default_rng(8)
    for _ in range(CASES):
        old, new = drawn(rng)
        new = replace(new, upper=math.inf, searched=int(0.5 * SHORT * old.searched), infinite=None)
        assert judge(old, new)[0] in ("worse", "undecided")


@pytest.mark.slow
def test_an_interrupted_search_never_makes_better_or_a_pass_without_a_bound() -> None:
    rng = np.random.default_rng(11)
    for _ in range(CASES):
        old, new = drawn(rng)
        new = replace(new, upper=math.inf, infinite=None, stopped=True)
        assert judge(old, new)[0] in ("worse", "undecided")
        assert judge(replace(old, stopped=True), new)[0] in ("worse", "undecided")


def test_less_power_is_a_smaller_search() -> None:
    old = Known(0.3, other=0.1, searched=1000, planted=(18, 20))
    new = Known(0.1, searched=1000, planted=(3, 20))
    assert judge(old, new) == ("undecided", "smaller-search")
    assert judge(old, replace(new, planted=(16, 20))) == ("better", "measured")


def test_a_proved_verdict_is_true_of_every_pair_that_the_bounds_allow() -> None:
    rng = np.random.default_rng(9)
    for _ in range(CASES):
        lower, upper = np.sort(rng.random((2, 2)), axis=0)
        old, new = (Known(float(a), upper=float(b)) for a, b in zip(lower, upper, strict=True))
        code, basis = judge(old, new)
        if basis == "proved" and code == "worse":
            assert new.worst > old.upper
        if basis == "proved" and code == "better":
            assert new.upper < old.worst
        if code == "no-difference-found" and basis == "proved":
            assert new.upper <= old.worst * (1 + 1e-8)


def test_the_factor_and_rounding_leave_room() -> None:
    old, new = Known(1.0, searched=100), Known(1.2, other=1.0, searched=100)
    assert judge(old, new)[0] == "worse"
    assert judge(old, new, 1.25)[0] == "no-difference-found"
    assert judge(old, replace(new, worst=1.0 + 1e-12))[0] == "no-difference-found"
    assert judge(old, replace(new, rounding=0.3))[0] == "no-difference-found"
    assert judge(replace(old, worst=0.0), replace(new, worst=1e-3))[0] == "worse"


def test_what_is_not_known_decides_nothing() -> None:
    one = Known(0.1, searched=100)
    assert judge(one, replace(one, worst=math.nan)) == ("undecided", "no-value")
    assert judge(replace(one, doubtful=True), replace(one, worst=9.0)) == ("undecided", "reference-in-doubt")
    infinite = replace(one, worst=math.inf, other=math.inf)
    assert judge(infinite, infinite) == ("undecided", "both-infinite")
    assert judge(one, replace(infinite, other=0.1)) == ("worse", "measured")


def test_of_two_infinite_errors_the_rows_of_a_table_decide() -> None:
    old = Known(math.inf, math.inf, infinite=2, named=frozenset({3, 7}), finite=0.2)
    assert judge(old, old) == ("no-difference-found", "rows")
    assert judge(old, replace(old, infinite=3, named=frozenset({3, 7, 9}))) == ("worse", "more-infinite")
    assert judge(old, replace(old, infinite=1, named=frozenset({7}))) == ("better", "fewer-infinite")
    for changed in (
        {"named": frozenset({3, 9})},
        {"finite": 0.3},
        {"infinite": 1, "finite": 0.3},
        {"infinite": None},
    ):
        assert judge(old, replace(old, **changed)) == ("undecided", "both-infinite"), changed
