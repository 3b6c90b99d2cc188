"""Where there is no upper bound the work ends soon, and says why and where."""

import re
from dataclasses import replace
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from supnorm.certification import ComposedCertificate, certify, tightening
from supnorm.certification.bracket import Bracket, Goal, Work
from supnorm.certification.error_program import error_program
from supnorm.certification.leaf import Bounded
from supnorm.certification.tightening import tighten_pending
from supnorm.evaluation import limit
from supnorm.evaluation.limit import Limit
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.program import lower_jaxpr
from supnorm.results import ExitCode

SQUARE = Domain(a=(-1.0, 1.0), b=(-1.0, 2.0))


def _reference(x):
    return np.sin(x[:, 0]) * x[:, 1]


def _certify(model, reference=_reference, domain=SQUARE, measure=None, **options):
    """A limit of boxes, and not of time: what ends a proof is then the same on every machine."""
    problem = Problem(model, reference, domain, error=measure or ErrorMeasure())
    return certify(problem, **{"boxes": 200_000, **options})


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda x: np.log(x[:, 0]), "logarithm of zero or less: no value"),
        (lambda x: 1e308 * x[:, 0] * x[:, 1] * 10, "too large for float64"),
        (lambda x: np.exp(1000 * x[:, 0]), "overflowing exponential: inf"),
        (lambda x: 1 / (x[:, 0] + 1), "at a = −1, b = −1 .a division by zero: infinite"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_a_model_without_a_value_has_an_infinite_error(model, words):
    result = _certify(model)
    assert result.status.code == "no-bound"
    assert result.status.exit == ExitCode.UNDECIDED
    assert result.status.advice.startswith("The model has no finite value at a = ")
    assert "counts as an infinite error" in result.status.advice
    assert not result.certificate.upper < np.inf
    assert result.upper_kind == "none"
    assert result.tried == 0
    assert re.search(words, result.status.advice)
    exceeded = _certify(model, tolerance=1e300)
    assert exceeded.status.code == "tolerance-exceeded"
    assert exceeded.status.exit == ExitCode.EXCEEDED


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("model", "where", "operation"),
    [
        (lambda x: 1 / x[:, 0], "a = 0,", "of the model (a division by zero)"),
        (
            lambda x: np.sqrt(x[:, 0] + 1) * x[:, 1],
            "a = −1,",
            "of the model (a square root at zero or below)",
        ),
    ],
)
def test_a_pole_between_the_points_is_found_and_named(model, where, operation):
    result = _certify(model)
    assert result.status.code == "no-bound"
    assert where in result.status.advice
    assert operation in result.status.advice
    assert result.tried < 10_000
    assert result.lower > 0


def test_a_pole_that_was_not_reached_yet_is_only_suspected():
    result = _certify(lambda x: 1 / (x[:, 0] - 0.1), boxes=4)
    assert result.status.code == "undecided"
    assert "The budget of boxes is spent" in result.status.advice
    assert "No bound is known yet on a in [" in result.status.advice
    assert "a division by zero in the model cannot be excluded. Smaller boxes" in result.status.advice
    deeper = _certify(lambda x: 1 / (x[:, 0] - 0.1), boxes=100)
    assert (
        "there may be a pole or an infinite slope of the model (a division by zero)" in deeper.status.advice
    )


def test_a_strategy_without_a_bound_at_a_jump_says_so():
    """It spoke of a pole, and of a smaller domain."""
    jump = Problem(
        lambda x: np.where(x[:, 0] < 0.3, np.sin(x[:, 0]), np.sin(x[:, 0]) + 0.001 * x[:, 0]),
        lambda x: np.sin(x[:, 0]),
        Domain(x=(0.0, 1.0)),
    )
    advice = certify(jump, 1.1, strategy=ComposedCertificate()).status.advice
    assert advice.startswith("No bound can be proved near x = 0.3 in this way: the function may change")
    assert "pole" not in advice
    assert certify(jump, 1.1).upper < 0.0011


def test_a_reference_without_a_value_is_named():
    result = _certify(_reference, lambda x: np.sqrt(x[:, 1]))
    assert result.status.code == "no-bound"
    assert result.status.advice.startswith("The reference has no finite value at a = ")
    assert "a square root at zero or below: no value" in result.status.advice


@pytest.mark.slow
def test_a_value_missing_where_the_error_does_not_count_is_no_infinite_error():
    measure = ErrorMeasure(mask=lambda x, y: x[:, 0] > 0.1)
    result = _certify(lambda x: np.log(x[:, 0]), measure=measure, tolerance=100.0)
    assert result.status.code == "no-bound"
    assert result.status.advice.startswith("No bound can be proved near a = ")


@pytest.mark.slow
def test_a_program_that_overflows_where_the_function_does_not_is_no_infinite_error():
    program = lower_jaxpr(lambda x: jnp.exp(x[:, 0]) / (1 + jnp.exp(x[:, 0])), 1)
    model = Function(lambda x: 1 / (1 + np.exp(-x)), program=program)
    result = _certify(model, lambda x: 0 * x[:, 0], Domain(x=(0.0, 1000.0)))
    assert result.status.code == "no-bound"
    assert result.status.advice.startswith("No bound can be proved near x = ")


def test_an_infinite_bound_proves_nothing():
    goal = Goal(1.1, None)
    assert np.isfinite(goal.target(1.7e308))


def test_a_one_sided_error_of_zero_is_proved():
    below = _certify(lambda x: _reference(x) - 1, measure=ErrorMeasure(side="over"))
    assert below.status.code == "proved"
    assert below.lower == 0.0
    assert below.upper < 1e-280


class _Slow:
    """Counts its batches, of which each takes 0.1 s by the clock that it gives to limits; its bounds are all ``upper``."""

    def __init__(self, upper, monkeypatch):
        self.upper, self.calls = upper, 0
        monkeypatch.setattr(limit, "time", SimpleNamespace(perf_counter=lambda: 0.1 * self.calls))

    def bound(self, error, boxes, target, lower):
        self.calls += 1
        found = Bounded.join([Bounded.nothing(1, error.d)] * len(boxes))
        found.upper[:] = self.upper
        return found


def _pending(halvings):
    bracket = Bracket.start(error_program(Problem(lambda x: x, lambda x: x**2, Domain(x=(0.0, 1.0)))))
    pending = bracket.pending
    for _ in range(halvings):
        pending = pending.split(np.zeros(len(pending), dtype=np.intp))
    return Work(replace(bracket, pending=pending))


def test_time_is_not_spent_on_boxes_that_have_no_bound(monkeypatch):
    work, strategy = _pending(13), _Slow(np.inf, monkeypatch)
    tighten_pending(work, strategy, Goal(1.1, None), Limit.of(10.0))
    assert strategy.calls == 1


def test_the_first_bound_may_take_some_time_but_no_more(monkeypatch):
    monkeypatch.setattr(tightening, "FIRST_SECONDS", 0.45)
    work, strategy = _pending(13), _Slow(1.0, monkeypatch)  # 32 batches
    tighten_pending(work, strategy, Goal(1.1, None), Limit.of(0.0))
    assert strategy.calls == 5
    assert work.bracket.upper == np.inf
    few, strategy = _pending(9), _Slow(1.0, monkeypatch)
    tighten_pending(few, strategy, Goal(1.1, None), Limit.of(0.0))
    assert few.bracket.upper == 1.0


PHYSICAL = {
    "log": lambda x: jnp.log(x[:, 1] * (1 + x[:, 0])),
    "quotient": lambda x: x[:, 0] / (0.05 + x[:, 1] * x[:, 2]),
    "root": lambda x: jnp.sqrt(x[:, 1] * x[:, 2] + 0.01 * x[:, 0]),
    "powers": lambda x: x[:, 1] ** 1.7 / x[:, 2] ** 0.3 + jnp.tanh(x[:, 0]),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", PHYSICAL)
def test_three_inputs_with_log_axes_are_halved_where_the_bound_is_lost(name):
    domain = Domain(T=(0.1, 2.0), p=Axis(0.01, 10.0, scale="log"), s=Axis(0.05, 1.0, scale="log"))
    result = _certify(lambda x: 0.0 * x[:, 0], PHYSICAL[name], domain)
    assert result.status.code == "proved"
    assert result.tried < 500
    x = domain.from_unit(np.random.default_rng(0).random((100_000, 3)))
    assert result.lower <= result.upper
    assert np.abs(PHYSICAL[name](x)).max() <= result.upper


@pytest.mark.slow
def test_a_box_without_a_bound_is_halved_along_every_axis_before_that_is_said(monkeypatch):
    """Even where a strategy always blames the same axis."""
    from supnorm.certification import graded_bend

    monkeypatch.setattr(graded_bend, "LOST", 0.0)
    domain = Domain(T=(0.1, 2.0), p=Axis(0.01, 10.0, scale="log"), s=(0.0, 1.0))
    result = _certify(lambda x: 0.0 * x[:, 0], lambda x: jnp.log(x[:, 1]), domain, boxes=100_000)
    assert result.status.code == "proved"


@pytest.mark.slow
def test_axes_are_chosen_by_what_they_do_not_by_the_size_of_the_numbers():
    """A Reynolds number of 1e6 beside a roughness of 1e-5, as in the friction of a pipe."""
    domain = Domain(
        Re=Axis(5e3, 1e6, scale="log"), rough=Axis(1e-5, 1e-2, scale="log"), b=(0.1, 1.0), c=(1, 9)
    )

    def reference(x):
        return jnp.log10(x[:, 1] / 3.7 + 5.74 / x[:, 0] ** 0.9)

    result = _certify(lambda x: 0.0 * x[:, 0], reference, domain, boxes=2000)
    assert result.status.code == "proved"
    x = domain.from_unit(np.random.default_rng(0).random((100_000, 4)))
    assert np.abs(reference(x)).max() <= result.upper
