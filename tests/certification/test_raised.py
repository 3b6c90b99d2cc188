"""Code that catches an error which Python's own functions raise for what stands for an array, and not for an array."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm import Domain, Problem, certify
from supnorm.certification import executions, instructions
from supnorm.certification.instructions import demand_raised
from supnorm.program import copies, expressions
from supnorm.program.recording import recorded
from supnorm.results import BadInput

pytestmark = pytest.mark.watched
DOMAIN = Domain(x=(0.0, 1.0))
C, W = 0.4123, 1e-7  # a bump that no random point meets
Model = Callable[[Any], Any]


def base(x):
    return np.exp(-(x[:, 0] ** 2))


def _seen_by(number: Callable[[Any], Any]) -> Model:
    """A model that is wrong where this function, called with a value, is more than a half."""

    def wrong(v):
        try:
            return 1.0 * (number(v) > 0.5)
        except (TypeError, AttributeError):
            return 0.0

    def model(x):
        (
            wrong(np.float64(1.0)),
            wrong(np.float64(0.0)),
        )  # so all instructions are executed while the code is read
        peaks = np.exp(-(((x[:, 0] - C) / W) ** 2))
        return base(x) + np.stack([wrong(peaks[i]) for i in range(len(peaks))])

    return model


def in_python(v: Any) -> float:
    """A function of Python, which Python calls in another way than a compiled one."""
    return math.copysign(float(json.dumps(v)), 1.0)


OF_PYTHON = [
    in_python,
    Decimal,
    Fraction,
    lambda v: Fraction(v).limit_denominator(9),
    lambda v: Decimal(v) + 1 > 1,
]


@pytest.mark.parametrize("number", OF_PYTHON)
def test_an_error_that_arrays_do_not_raise_is_refused(number: Callable[[Any], Any]) -> None:
    with pytest.raises(
        BadInput,
        match=r"raises (TypeError|AttributeError) while the code is read and not when it runs|no as_integer_ratio",
    ):
        certify(Problem(_seen_by(number), base, DOMAIN), tolerance=1e-3)


@pytest.mark.parametrize("number", [Decimal, float.__abs__])
def test_another_error_at_the_same_place_hides_none(number: Callable[[Any], Any]) -> None:
    def one(v: Any) -> Any:
        return number(v)

    inner = _seen_by(one)

    def model(x):
        with suppress(TypeError):
            one(None)
        return inner(x)

    with pytest.raises(
        BadInput, match=r"raises TypeError more often while the code is read than when it runs"
    ):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


def test_without_the_rule_a_bound_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "demand_raised", lambda *given: None)
    # Beside it, `try` tells its way, and expressions are counted.
    monkeypatch.setattr(expressions, "_courses", lambda node: [])
    monkeypatch.setattr(instructions, "_count", lambda seen, number: None)
    copies._copies.cache_clear()
    model = _seen_by(Decimal)
    result = certify(Problem(model, base, DOMAIN), tolerance=1e-3)
    at = np.array([[C]])
    copies._copies.cache_clear()
    assert result.status.code == "within-tolerance"
    assert result.upper < float(np.abs(model(at) - base(at))[0])


def test_an_error_that_only_arrays_raise_is_refused() -> None:
    def turn(fails: bool) -> None:
        with suppress(TypeError):
            operator.index("" if fails else 1)

    executed = []
    for fails in ((False,), (True, False), (False, False)):
        with recorded() as seen:
            for one in fails:
                turn(one)
        executed.append(seen)
    without, with_one, again = executed
    demand_raised(without, again, "model")
    with pytest.raises(
        BadInput, match="raises TypeError when it runs on arrays and not while the code is read"
    ):
        demand_raised(without, with_one, "model")
    with pytest.raises(
        BadInput, match="raises TypeError while the code is read and not when it runs on arrays"
    ):
        demand_raised(with_one, without, "model")


def test_jax_code_is_refused_too() -> None:
    """JAX's own refusals are known already (`refusals`); this is one of Python."""

    def wrong(v):
        try:
            return 1.0 * (abs(v.item.__self__.flat[0]) > 0.5)
        except AttributeError:
            return 0.0

    def model(x):
        wrong(np.ones(1))
        peaks = jnp.exp(-(((x[:, 0] - C) / W) ** 2))
        return jnp.exp(-(x[:, 0] ** 2)) + jnp.stack([wrong(peaks[i]) for i in range(len(peaks))])

    with pytest.raises(BadInput):
        certify(Problem(model, base, DOMAIN), tolerance=1e-3)


KNOWN: dict[str, float] = {}


def _remembered(x):
    """The first call computes what the others find."""
    try:
        factor = KNOWN["factor"]
    except KeyError:
        factor = KNOWN["factor"] = math.sqrt(2.0)
    return base(x) + 1e-3 * factor * x[:, 0]


def _turns(x):
    steps = iter([1.0, 2.0])
    total = base(x)
    while True:
        try:
            total = total + 1e-4 * next(steps)
        except StopIteration:
            return total


def _asked(x):
    """The same errors for an array and for what stands for it."""
    with suppress(AttributeError):
        x.no_such_thing()
    total = base(x)
    for k in (float(k) for k in range(3)):
        total = total + 1e-4 * k
    return total


def _of_jax(x):
    try:
        x.no_such_thing()
    except AttributeError:
        return jnp.exp(-(x[:, 0] ** 2)) + 1e-4


@pytest.mark.parametrize("model", [_remembered, _turns, _asked, _of_jax])
def test_the_same_errors_both_times_are_no_question(model: Model) -> None:
    KNOWN.clear()
    assert certify(Problem(model, base, DOMAIN), tolerance=1.0).status.code == "within-tolerance"
