"""Numbers near the ends of float64: what underflows may be multiplied by a huge reach, and no bound may miss it."""

import mpmath as mp
import numpy as np
import pytest
from tests.certification import oracle

from supnorm.certification import (
    ChebyshevCertificate,
    GradedCertificate,
    LinearBounds,
    certify,
    elementary,
    graded_series,
    near_one,
)
from supnorm.certification.propagation import propagate
from supnorm.checker import check
from supnorm.problem import Domain, Function, Problem
from supnorm.program import Builder
from supnorm.results import Contradiction

STRATEGIES = {"affine": LinearBounds(), "Chebyshev": ChebyshevCertificate(), "graded": GradedCertificate()}


def _problem(op, low, high, parameter=None, factor=1.0, shift=0.0):
    """factor op(mean of x) - shift against zero, on [low, high] along each axis."""
    d = len(low)
    build = Builder(d)
    z = build.affine(build.input, np.full((1, d), 1.0 / d), np.zeros(1))
    y = build.binary("div", np.ones(1), z) if op == "reciprocal" else build.unary(op, z, parameter)
    y = build.binary("sub", build.binary("mul", y, np.array([factor])), np.array([shift]))
    program = build.finish(y)
    axes = {f"x{i}": (float(a), float(b)) for i, (a, b) in enumerate(zip(low, high, strict=True))}
    zero = Function(lambda x: np.zeros((len(x), 1)), name="zero")
    return Problem(Function(program.value, program=program), zero, Domain.from_axes(axes))


def _true(problem, points=5):
    """The largest error at points of a diagonal, in arbitrary precision."""
    ends = [(a.low, a.high) for a in problem.domain.axes]
    found = mp.mpf(0)
    with mp.workdps(60):
        for u in np.linspace(0.0, 1.0, points):
            x = [mp.mpf(min(max(low + u * (high - low), low), high)) for low, high in ends]
            found = max(found, abs(oracle.evaluate(problem.model.program, x)[0]))
    return found


def _case(rng):
    op = str(rng.choice(["reciprocal", "pow", "log", "sqrt"]))
    p = float(rng.choice([-1, -2, -3, 0.5, -0.5, 1.5, 1 / 3, -1 / 3, -1.7, 2, -1.3])) if op == "pow" else None
    d, e = int(rng.integers(1, 4)), rng.uniform(100, 306) * rng.choice([1, 1, -1])
    low = 10.0 ** (e + rng.uniform(-0.5, 0.5, d))
    high = np.minimum(low * 10.0 ** rng.uniform(1e-3, 1.0, d), 1.7e308)
    middle = np.abs(_problem(op, low, high, p).model.program.value(0.5 * (low + high)[None]))[0, 0]
    factor = float(np.clip(1.0 / middle, 1e-300, 1e300)) if 1e-300 < middle < np.inf else 1.0
    return _problem(op, low, high, p, factor, float(rng.choice([0.0, rng.uniform(0, 1.5)])))


def _false_bounds(seed, count, strategies=tuple(STRATEGIES)):
    rng, found, finite = np.random.default_rng(seed), [], 0
    for k in range(count):
        problem, name = _case(rng), strategies[k % len(strategies)]
        if name == "graded" and problem.domain.d == 1:
            name = "Chebyshev"
        try:
            result = certify(problem, 1.5, boxes=40, seconds=3, strategy=STRATEGIES[name])
        except Contradiction:  # our own witness is above it
            found.append((k, name, None))
            continue
        finite += np.isfinite(result.upper)
        if _true(problem) > result.upper:
            found.append((k, name, result.upper))
    return found, finite / count


@pytest.mark.parametrize("count", [24, pytest.param(60, marks=pytest.mark.slow)])
def test_no_bound_of_extreme_magnitudes_is_false_and_most_are_finite(count):
    found, finite = _false_bounds(0, count)
    assert found == []
    assert finite > 0.8


NAMED = {
    "1e200/x": ("reciprocal", [1e199], [1e200], None, 1e200),
    "1e220 x^-2": ("pow", [1e110], [3e110], -2.0, 1e220),
    "1e-200/x near denormals": ("reciprocal", [1e-200], [1e-199], None, 1e-200),
    "x^-2.7": ("pow", [1e110], [3e110], -2.7, 1e297),
    "log": ("log", [1e299], [1e300], None, 1.0),
    "sqrt of denormals": ("sqrt", [1e-310], [1e-309], None, 1e154),
}


@pytest.mark.slow
@pytest.mark.sampled(4)
@pytest.mark.parametrize("strategy", ["affine", "Chebyshev"])
@pytest.mark.parametrize("name", NAMED)
def test_named_cases_are_bounded_and_the_checker_agrees(name, strategy, tmp_path):
    problem = _problem(*NAMED[name])
    result = certify(problem, 1.1, boxes=400, strategy=STRATEGIES[strategy])
    assert _true(problem, 33) <= result.upper
    # An exponent without a short binary fraction is sound but wide; below 1e-290 there is room for underflow only.
    if name not in ("x^-2.7", "sqrt of denormals"):
        assert result.ratio <= 1.1
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def _without_shift(monkeypatch):
    monkeypatch.setattr(near_one, "binary_shift", lambda op, c, orders, *parameter: None)


@pytest.mark.slow
@pytest.mark.sampled(1)
@pytest.mark.parametrize("honest", [True, False])
def test_absolute_terms_of_slopes_are_needed_and_enough(honest, monkeypatch):
    """Without the shift the slope of 1/x at 1e199 is lost: only the absolute term pays for it."""
    _without_shift(monkeypatch)
    if not honest:
        monkeypatch.setattr(elementary, "LEAST", 0.0)
    found, _ = _false_bounds(2, 24, ("affine", "Chebyshev"))
    assert bool(found) != honest


@pytest.mark.parametrize("honest", [True, False])
def test_absolute_terms_of_taylor_coefficients_are_needed_and_enough(honest, monkeypatch):
    """x^-2 at 1e110: its slope and all that is above underflow."""
    _without_shift(monkeypatch)
    if not honest:
        monkeypatch.setattr(graded_series, "ROOM", 0.0)
    sizes = graded_series.real_bounds("pow", np.array([1e110]), np.array([2e110]), -2.0)
    assert (float(sizes[0][0]) * 1e110 >= 2e-220) == honest


def test_a_logarithm_is_shifted_by_as_much_as_it_should(monkeypatch):
    monkeypatch.setattr(near_one, "LOG2", 0.6931)
    problem = _problem(*NAMED["log"])
    assert _true(problem, 33) > certify(problem, 1.0001, strategy=LinearBounds()).upper


@pytest.mark.parametrize("honest", [True, False])
def test_the_remainder_of_a_cube_root_does_not_underflow(honest, monkeypatch):
    """At 1e-170 the square of the reach underflows, and the second derivative that multiplies it is 1e283."""
    if not honest:
        _without_shift(monkeypatch)
    build, rng, wrong, finite = Builder(1), np.random.default_rng(4), 0, 0
    program = build.finish(build.unary("cbrt", build.input))
    centre = rng.choice([-1.0, 1.0], 200) * 10.0 ** rng.uniform(-290, 290, 200)
    half = np.abs(centre) * 10.0 ** rng.uniform(-14, 0, 200)
    model, _ = propagate(program, centre[:, None], half[:, None], np.ones(1))
    with mp.workdps(60):
        for c, h, value, slope, eps in zip(
            centre, half, model.c[:, 0], model.J[:, 0, 0], model.eps[:, 0, 0], strict=True
        ):
            finite += np.isfinite(eps)
            for y in (-1.0, 0.3, 1.0):
                root = oracle.evaluate(program, [mp.mpf(c) + mp.mpf(h) * y])[0]
                wrong += abs(root - mp.mpf(value) - mp.mpf(slope) * y) > mp.mpf(eps)
    assert (wrong == 0) == honest
    assert (finite > 180) == honest


def test_errors_against_cube_roots_of_small_numbers_are_proved():
    """The bound was 2.6e-14 times the size, and the error 1e-3 of it."""
    scale = 3.5e-175
    problem = Problem(
        lambda x: x / 3.0 + 2.0 / 3.0, lambda x: np.cbrt(scale * x) / np.cbrt(scale), Domain(x=(0.9, 1.1))
    )
    for strategy in STRATEGIES.values():
        result = certify(problem, 1.05, strategy=strategy)
        assert 0.0011772 <= result.lower <= 0.001177282062
        assert 0.001177282061 <= result.upper <= 1.05 * result.lower
