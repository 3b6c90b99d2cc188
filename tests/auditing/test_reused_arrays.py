"""A function that returns one array of its own again and again, filled anew: its earlier values are not lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.differences import differences

from supnorm.auditing import audit
from supnorm.auditing.cost import COSTS
from supnorm.evaluation import Calls, Evaluator
from supnorm.problem import Domain, Function, Problem
from supnorm.sources.derivatives import with_derivatives
from supnorm.sources.python import per_point

Array = NDArray[np.float64]
BOX = Domain(a=(0.0, 1.0), b=(0.0, 1.0))


def truth(x: Array) -> Array:
    return np.asarray(np.sin(9 * x[:, :1]) * x[:, 1:])


def model(x: Array) -> Array:
    return np.asarray(truth(x) + 0.1 * (x[:, :1] > 0.7))


class Reusing:
    """The same values in an array that is filled again at each call of as many points."""

    def __init__(self, value: Any) -> None:
        self.value, self.arrays = value, {}

    def __call__(self, x: Array) -> Array:
        y = self.arrays.setdefault(len(x), np.empty((len(x), 1)))
        y[:] = self.value(x)
        return y


TIMES = ("seconds", "model_seconds", "reference_seconds", "seconds_per_point", "finished", "cost", "planned", "notes",
         "model", "reference", "fingerprint")  # fmt: skip


def numbers(report: Any) -> dict[str, Any]:
    return {k: v for k, v in report.to_dict().items() if k not in TIMES}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("word", [w if w == "cheap" else f"{w}:4" for w in COSTS])
def test_an_audit_says_the_same_of_both(word: str) -> None:
    """It reported errors ten times as large as any that the model has, as `not-reproducible`."""
    calls = Calls(cost=word)
    clean = audit(Problem(model, truth, BOX), evaluations=60, calls=calls)
    again = audit(Problem(Reusing(model), Reusing(truth), BOX), evaluations=60, calls=calls)
    assert not [*differences(numbers(again), numbers(clean))][:20]


def test_batches_of_a_cheap_function_that_are_cut() -> None:
    x = np.random.default_rng(0).random((20_000, 2))
    seen = Evaluator(Problem(Function(Reusing(model)), Function(Reusing(truth)), BOX)).values(x, "search")
    np.testing.assert_array_equal(seen.model, model(x))


def test_values_of_a_derivative_of_the_user_s_own() -> None:
    def with_slope(value: Any) -> Any:
        reused = Reusing(value)
        return lambda x: (reused(x), lambda weights: np.zeros_like(x))

    sides = [Function(v, vjp=with_slope(v)) for v in (model, truth)]
    evaluator = Evaluator(Problem(sides[0], sides[1], BOX))
    parts = np.random.default_rng(0).random((3, 5, 2))
    seen = [evaluator.gradient(x, "search")[0] for x in parts]
    for x, done in zip(parts, seen, strict=True):
        np.testing.assert_array_equal(done.model, model(x))
        np.testing.assert_array_equal(done.reference, truth(x))


def test_a_function_of_single_points() -> None:
    """A wrapper of compiled code has one array for its answer, as a rule: all points got the value of the last one."""
    reused = Reusing(model)
    single = per_point(lambda p: reused(p[None])[0], 2, "the model")
    x = np.random.default_rng(0).random((5, 2))
    np.testing.assert_array_equal(single.value(x), model(x))


def test_slopes_by_differences() -> None:
    """Both neighbours were in one array, and every slope was zero."""
    plain = with_derivatives(truth, BOX, step=1e-3)
    again = with_derivatives(Reusing(truth), BOX, step=1e-3)
    x = np.random.default_rng(0).random((5, 2))
    np.testing.assert_array_equal(again.value(x), plain.value(x))
    assert np.abs(plain.value(x)[:, 1]).max() > 1.0
