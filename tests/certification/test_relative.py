"""Relative errors where the reference vanishes: the quotient by it has no bound there, the one by the floor has."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from supnorm.certification import (
    ChebyshevCertificate,
    GradedCertificate,
    LinearBounds,
    certify,
    error_program,
    leaf,
    mismatch,
    values_of_problem,
)
from supnorm.certification.certificate import digest
from supnorm.certification.lower import proved_error
from supnorm.checker import check
from supnorm.checker.verify import relative
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.program import lower_jaxpr

SQUARE = Domain(a=(-1.0, 1.0), b=(-1.0, 1.0))


def _crossing(x):
    """One output far from zero and one that crosses it."""
    return np.stack([10 + np.sin(x[:, 0]) * x[:, 1], np.sin(2 * x[:, 0] - x[:, 1])], 1)


def _off(x):
    return _crossing(x) + 1e-3 * np.stack([10 * np.cos(3 * x[:, 0] * x[:, 1]), np.cos(2 * x[:, 0])], 1)


def _half_zero(x):
    return np.stack([x[:, 0] ** 2, 0 * x[:, 0]], 1)


PROBLEMS = {  # model, reference, domain, measure, worst error
    "zero everywhere, above": (lambda x: x[:, 0], lambda x: 0 * x[:, 0], Domain(a=(-1.0, 1.0)),
                               ErrorMeasure("relative", floor=0.1, side="over"), 10.0),
    "zero everywhere, below": (lambda x: x[:, 0], lambda x: 0 * x[:, 0], Domain(a=(-1.0, 0.5)),
                               ErrorMeasure("relative", floor=0.1, side="under"), 10.0),
    "zero on one side": (lambda x: np.maximum(x[:, 0], 0) + 0.1 * x[:, 0], lambda x: np.maximum(x[:, 0], 0),
                         Domain(a=(-1.0, 1.0)), ErrorMeasure("relative", floor=0.5), 0.2),
    "zero at the end": (lambda x: x[:, 0] * x[:, 1] + 0.1 * (1 - x[:, 0]), lambda x: x[:, 0] * x[:, 1],
                        Domain(a=(0.0, 1.0), b=(0.7, 0.9)), ErrorMeasure("relative", floor=0.5), 0.2),
    "zero on the diagonal": (lambda x: x[:, 0] ** 2 - x[:, 1] ** 2 + 0.1 * x[:, 0] * x[:, 1],
                             lambda x: x[:, 0] ** 2 - x[:, 1] ** 2, Domain(a=(0.3, 0.7), b=(0.3, 0.7)),
                             ErrorMeasure("relative", floor=0.5), 0.098),
    "one output zero": (lambda x: np.stack([x[:, 0], x[:, 0]], 1), _half_zero, Domain(a=(0.0, 1.0)),
                        ErrorMeasure("relative", floor=0.5, tolerance=(10.0, 1.0)), 2.0),
    "one output crosses zero": (_off, _crossing, SQUARE, ErrorMeasure("relative", floor=0.5), 2e-3),
}  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_bracket_closes_round_the_worst_error_and_is_accepted(name, tmp_path):
    model, reference, domain, measure, worst = PROBLEMS[name]
    problem = Problem(model, reference, domain, measure)
    result = certify(problem, ratio=1.1, boxes=2000)
    assert result.lower <= worst * (1 + 1e-9) <= result.upper * (1 + 2e-9)
    assert result.ratio < 1.1
    path = tmp_path / "c.json"
    result.certificate.save(path)
    assert mismatch(path, problem) is None
    verdict = check(path, values_of_problem(problem, 64))
    assert (verdict.accepted, verdict.problem_checked) == (True, True), verdict.reason


@pytest.mark.slow
def test_three_inputs_too(tmp_path):
    problem = Problem(
        lambda x: _off(x) + 1e-4 * x[:, 2:], _crossing, Domain(a=(-1.0, 1.0), b=(-1.0, 1.0), c=(0.0, 1.0)),
        ErrorMeasure("relative", floor=0.5),
    )  # fmt: skip
    result = certify(problem, ratio=1.2, boxes=2000)
    assert result.ratio < 1.2
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_what_only_looks_like_zero_is_no_witness(monkeypatch, tmp_path):
    """On the diagonal float64 has sin x = sin y; balls hold other numbers too, and the checker then has no quotient."""

    def reference(x):
        return np.sin(x[:, 0]) - np.sin(x[:, 1])

    problem = Problem(
        lambda x: reference(x) + 0.1 * x[:, 0] * x[:, 1], reference, Domain(a=(0.3, 0.7), b=(0.3, 0.7)),
        ErrorMeasure("relative", floor=0.5),
    )  # fmt: skip

    def accepted():
        result = certify(problem, boxes=200, witness=np.array([[0.7, 0.7]]))
        result.certificate.save(tmp_path / "c.json")
        return check(tmp_path / "c.json").accepted

    assert accepted()
    monkeypatch.setattr(error_program, "ZERO", 1.0)
    assert not accepted()


def test_a_quotient_by_zero_itself():
    near = arb(0, 1e-9)
    assert relative(arb(0), arb(0)) == 0
    assert [relative(arb(v), arb(0)) for v in (2, -2)] == [arb("inf"), arb("-inf")]
    assert relative(near, arb(0)).is_nan()
    assert not relative(arb(1), near).is_finite()
    assert relative(arb(1), arb(4)) == 0.25


def test_an_infinite_error_proves_no_lower_bound(tmp_path):
    """1/x counts as infinite at 0, but a witness must have an error."""
    problem = Problem(lambda x: 1 / x[:, 0], lambda x: 0 * x[:, 0], Domain(x=(-1.0, 1.0)))
    forged = certify(problem, boxes=50, seconds=2).certificate.to_json()
    forged |= {"witness": [(0.0).hex()], "lower": (5.0).hex()}
    forged["digest"] = digest(forged)
    (tmp_path / "forged.json").write_text(json.dumps(forged))
    verdict = check(tmp_path / "forged.json")
    assert not verdict.accepted
    assert "witness" in verdict.reason


def test_outputs_without_a_bound_do_not_keep_out_the_others():
    problem = Problem(_off, _crossing, SQUARE, ErrorMeasure("relative", floor=0.5))
    state = leaf.Batch.start(1, 2, error_program.error_program(problem))
    rows, inf = np.array([0]), np.inf

    def offer(a, *high, degree):
        high = np.array([high])
        state.offer(a, rows, -high, high, degree=degree)

    offer(0, 3.0, inf, degree=1)
    offer(0, 2.0, inf, degree=2)
    offer(0, 2.5, inf, degree=3)
    assert (state.degree[0, 0], state.bounds[0, 0, 0]) == (2, pytest.approx(2.0))
    offer(1, 30.0, 1.0, degree=4)
    assert state.upper()[0] == pytest.approx(2.0)
    offer(0, 0.5, inf, degree=5)
    assert (state.upper()[0], state.degree[0].tolist()) == (pytest.approx(1.0), [5, 4])
    offer(1, 0.1, 1.5, degree=6)  # better for the first output, which needs it not, worse for the second
    assert state.degree[0].tolist() == [5, 4]


def test_a_small_floor_on_a_wide_axis_is_not_mistaken_for_rounding(tmp_path):
    """Divided by the floor the error is 1e7, and so is its rounding; the quotient needs smaller boxes only."""
    problem = Problem(
        lambda x: x[:, 0] ** 2, lambda x: 1.01 * x[:, 0] ** 2, Domain(p=Axis(1.0, 1e3, scale="log")),
        ErrorMeasure("relative", floor=1e-3),
    )  # fmt: skip
    result = certify(problem, ratio=1.1, boxes=2000)
    assert result.lower <= 0.01 / 1.01 * (1 + 1e-12) <= result.upper < 0.011
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def test_the_same_in_three_inputs():
    domain = Domain(a=Axis(1.0, 1e3, scale="log"), b=(0.5, 1.0), c=(0.5, 1.0))
    problem = Problem(
        lambda x: x[:, 0] ** 2 * x[:, 1] * x[:, 2], lambda x: 1.01 * x[:, 0] ** 2 * x[:, 1] * x[:, 2], domain,
        ErrorMeasure("relative", floor=1e-3),
    )  # fmt: skip
    assert certify(problem, ratio=1.2, boxes=4000).upper < 0.012


def test_a_deployed_model_has_a_bound_where_the_reference_vanishes():
    program = lower_jaxpr(lambda x: 1.01 * jnp.sin(x[:, 0]), 1)
    model = Function(program.value, program=program)
    problem = Problem(
        model, lambda x: np.sin(x[:, 0]), Domain(x=(-1.0, 1.0)), ErrorMeasure("relative", floor=0.1)
    )
    result = certify(problem)
    assert result.upper < result.deployed_upper < result.upper + 1e-12
    x = np.linspace(-1, 1, 100_001)[:, None]
    sampled = problem.error(problem.model(x), problem.reference(x), x)[0].max()
    assert sampled <= result.deployed_upper


def test_rounding_counts_where_the_bound_rests():
    problem = Problem(_off, _crossing, SQUARE, ErrorMeasure("relative", floor=0.5))
    state = leaf.Batch.start(1, 2, error_program.error_program(problem))
    state.bounds[0] = [[1.0, np.inf], [5.0, 2.0]]
    state.err[0] = [[0.1, np.inf], [0.5, 0.01]]
    assert state.rounding()[0] == pytest.approx(0.01, rel=1e-12)
    state.err[0, 0, 0] = 1.5  # 1 + 1.5 by the first alternative: the first output then counts
    assert state.rounding()[0] == pytest.approx(0.5, rel=1e-12)
    state.err[0, 1, 1] = 0.75
    assert state.rounding()[0] >= 0.75


def test_points_where_a_program_has_no_bound_prove_nothing():
    """e^(1000 x) overflows at 1: whatever float64 makes of its centre there is no lower bound."""
    problem = Problem(lambda x: jnp.exp(1000.0 * x) * 0.0 + x, lambda x: 0.0 * x, Domain(x=(0.0, 1.0)))
    proved = proved_error(error_program.error_program(problem), np.array([[1.0], [0.5]]))
    assert proved[0] == 0.0
    assert 0.5 - 1e-9 < proved[1] <= 0.5


@pytest.mark.parametrize("strategy", [ChebyshevCertificate(), GradedCertificate(), LinearBounds()])
def test_every_strategy_says_what_evaluation_may_add(strategy):
    """1e8 is added and taken away: float64 is off by 1e-8, whoever proves the bound."""
    model = Function(
        lambda x: (np.sin(x[:, :1]) * x[:, 1:2] + 0.3 * x[:, 2:] + 1e8) - 1e8, program=lower_jaxpr(
            lambda x: (jnp.sin(x[:, :1]) * x[:, 1:2] + 0.3 * x[:, 2:] + 1e8) - 1e8, 3))  # fmt: skip
    domain = Domain.from_axes({name: (0.1, 0.4) for name in "abc"})
    result = certify(Problem(model, lambda x: 0.0 * x[:, :1], domain), tolerance=1.0, strategy=strategy)
    x = domain.from_unit(np.random.default_rng(0).random((2000, 3)))
    off = np.abs(model.value(x)[:, 0] - (np.sin(x[:, 0]) * x[:, 1] + 0.3 * x[:, 2])).max()
    assert 3e-9 < off <= result.rounding < 1e-6
    assert result.deployed_upper == result.upper + result.rounding
    assert result.rounding == result.certificate.leaves.proof.rounding.max()
