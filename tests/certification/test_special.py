"""Special functions in the certifier: Taylor coefficients and their bounds against mpmath, by mutation, and whole proofs."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import oracle
import pytest
from flint import acb, arb
from scipy import special
from special_cases import (
    SPECIAL,
    by_function,
    cases,
    coefficients,
    inside,
    known,
    parameters,
    points,
    sizes,
)

from supnorm.certification import certify, special_bounds
from supnorm.certification.composed_certificate import ComposedCertificate
from supnorm.certification.elementary import AT_POINT, STEEPEST
from supnorm.certification.graded_certificate import GradedCertificate
from supnorm.certification.graded_series import ORDER, TAYLOR, heights
from supnorm.certification.majorants import REMAINDER
from supnorm.certification.special_bounds import is_entire, largest
from supnorm.checker.check import check
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.program import Node, Program


def _shares(op, count, seed=0):
    """Largest coefficients over their bounds: for each order i the largest share in all cases."""
    worst = np.zeros(7)
    for ends, p, found in sizes(op, count, seed):
        bounds = [float(largest(op, i, *map(np.array, ends), *p)) for i in range(7)]
        assert np.isfinite(bounds[1:]).all()
        worst = np.maximum(worst, (np.array(found, dtype=float) / bounds).max(axis=0))
    return worst


@pytest.mark.slow
@pytest.mark.whole  # each function has rules of its own; `test_a_weakened_bound_is_noticed` needs the same coefficients
@pytest.mark.parametrize("op", by_function(SPECIAL))
def test_coefficients_on_rectangles_are_bounded(op):
    assert (_shares(op, 40) <= 1.0 + 1e-9).all()


NEEDED = {  # a part of a bound, the function, and the factor by which it is weakened
    **{op: (special_bounds._BOUNDS[op].__name__, 0.45 if op == "bessel_i" else 0.6) for op in SPECIAL},
    "moments of Y": ("_moments", 0.5),
    "the sum over shifted arguments": ("_hurwitz", 0.6),
    "the mean of powers of the sine": ("_mean", 0.6),
    "powers of 1 + v": ("_in_powers", 0.6),
}
OWNER = {
    "moments of Y": "bessel_y",
    "the sum over shifted arguments": "digamma",
    "the mean of powers of the sine": "bessel_j",
    "powers of 1 + v": "bessel_k",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", by_function(NEEDED, OWNER))
def test_a_weakened_bound_is_noticed(what, monkeypatch):
    """Each order by itself: some case comes near to the bound of each."""
    name, factor = NEEDED[what]
    op = OWNER.get(what, what)
    if what in SPECIAL:
        honest = special_bounds._BOUNDS[op]
        monkeypatch.setitem(special_bounds._BOUNDS, op, lambda i, *a: factor * honest(i, *a))
    else:
        honest = getattr(special_bounds, name)

        def weak(*a):
            found = honest(*a)
            return tuple(factor * v for v in found) if isinstance(found, tuple) else factor * found

        monkeypatch.setattr(special_bounds, name, weak)
    shares = _shares(op, 40)
    assert (shares[1:] > 1.0).all()


VALUES = {  # the function, and rectangles (low, high, h) with a parameter on which its value needs all of its bound
    "atan": (acb.atan, ((-0.1, 0.1, 0.99), (0.0, 0.0, 0.999))),
    "cbrt": (lambda z: z.pow(arb(1) / 3), ((1.0, 1.0, 10.0), (0.1, 2.0, 3.0))),
    "digamma": (acb.digamma, ((0.1, 0.1, 1.0), (1.4, 1.5, 30.0), (1e-3, 10.0, 0.0))),
    "lgamma": (acb.lgamma, ((0.1, 0.1, 1.0), (1.4, 1.5, 30.0), (1.2, 1.8, 0.0), (1e-3, 10.0, 0.0))),
    "erfc": (acb.erfc, ((-3.0, 3.0, 2.0), (26.5, 27.0, 26.0))),
    "exp1": (lambda z: z.expint(1), ((0.1, 3.0, 1.0), (5.0, 6.0, 3.0))),
}


@pytest.mark.parametrize("op", VALUES)
def test_values_on_high_rectangles_are_bounded(op):
    """Values far from the real line, and on it where they are largest inside."""
    function, rectangles = VALUES[op]
    for low, high, h in rectangles:
        bound = float(largest(op, 0, *map(np.array, (low, high, h))))
        for x in np.linspace(low, high, 41).tolist():
            for y in (0.0, 0.5 * h, h):
                assert function(acb(x, y)).abs_lower() <= bound


def _slope_coefficient(z, i, shape):
    """The i-th Taylor coefficient of P(shape, z) in closed form, i >= 1: a product of two series, without an integral."""
    s = mp.mpf(shape)
    terms = [
        mp.binomial(s - 1, j) * z ** (s - 1 - j) * (-1) ** (i - 1 - j) / mp.factorial(i - 1 - j)
        for j in range(i)
    ]
    return mp.exp(-z - mp.loggamma(s)) * mp.fsum(terms) / i


@pytest.mark.slow
def test_bounds_hold_where_a_factor_underflows():
    """1/Gamma(shape) is 0 in float64 from a shape of 179 on, exp(-low) from 746 on; their products with a power are not."""
    rng = np.random.default_rng(6)
    finite = small = 0
    with mp.workdps(60):
        for k in range(200):
            shape = float([rng.uniform(160, 1000), rng.uniform(165, 200), rng.uniform(1, 120)][k % 3])
            low = float([rng.uniform(1, 900), rng.uniform(20, 70), rng.uniform(690, 1000)][k % 3])
            high, h = low * (1 + 10 ** rng.uniform(-3, 0.5)), low * 10 ** rng.uniform(-2, 0.5)
            for i in range(1, 7):
                bound = float(largest("gammainc", i, np.array(low), np.array(high), np.array(h), shape))
                finite, small = finite + np.isfinite(bound), small + (bound < 1e-20)
                for z in points(low, high, h, "gammainc")[::2]:
                    assert abs(_slope_coefficient(z, i, shape)) <= mp.mpf(bound)
    assert finite > 1000  # of 1200; the largest shapes overflow
    assert small > 100


def test_cbrt_next_to_zero_has_bounds_whose_powers_do_not_underflow():
    """near^2 is subnormal from 1e-154 on, and its reciprocal times a root is finite until 1e-184."""
    rng = np.random.default_rng(7)
    finite = 0
    with mp.workdps(40):
        for k in range(400):
            i = 1 + k % 6
            near = float(10.0 ** rng.uniform(-320.0 / i, -290.0 / i))
            bound = float(largest("cbrt", i, np.array(near), np.array(2 * near), np.array(0.0)))
            exact = abs(mp.binomial(mp.mpf(1) / 3, i)) * mp.mpf(near) ** (mp.mpf(1) / 3 - i)
            finite += np.isfinite(bound)
            assert exact <= bound
    assert finite > 300


@pytest.mark.parametrize(("op", "parameter"), [("exp1", ()), ("bessel_k", (2.3,))])
def test_no_bound_of_a_decay_is_zero(op, parameter):
    low = np.array(800.0)
    assert all(0.0 < largest(op, i, low, low + 1.0, np.array(1.0), *parameter) < 1e-280 for i in range(7))


@pytest.mark.slow
@pytest.mark.parametrize("op", SPECIAL)
def test_taylor_coefficients_and_their_errors(op):
    rng = np.random.default_rng(1)
    for p in parameters(op):
        z = np.concatenate([10 ** rng.uniform(-3, 1.5, 4), [0.75]])
        if op in ("atan", "cbrt") or is_entire(op, *p):
            z = np.concatenate([z, -z[:2], [1e-5] if op != "cbrt" else []])
        if op == "erfinv":
            z = np.array([-0.999, -0.3, 1e-6, 0.2, 0.75, 0.99999])
        if op == "betainc":
            z = np.array([1e-4, 0.03, 0.2, 0.75, 0.998])
        values, errors = TAYLOR[op](z, *p)
        with mp.workdps(40):
            for k, x in enumerate(z):
                exact = coefficients(op, mp.mpf(float(x)), p, 0.01)
                lost = known(op, mp.mpf(float(x)), p, 0.01, exact)
                for i in range(ORDER):
                    off = abs(exact[i] - mp.mpf(float(values[i][k])))
                    assert off <= np.broadcast_to(errors[i], z.shape)[k] + lost[i]


@pytest.mark.slow
@pytest.mark.parametrize("op", SPECIAL)
def test_values_slopes_and_remainders(op):
    """At points, on real intervals and on discs."""
    with mp.workdps(25):
        for low, high, h, p in cases(op, 15, seed=2):
            c, r = 0.5 * (low + high), min(0.5 * (high - low), h, 0.7)
            v, s, v_err, s_err = (float(q[0]) for q in AT_POINT[op](np.array([c]), *p))
            exact = coefficients(op, mp.mpf(c), p, 0.03)
            lost = known(op, mp.mpf(c), p, 0.03, exact)
            assert abs(exact[0] - v) <= v_err + lost[0]
            assert abs(exact[1] - s) <= s_err + lost[1]
            steepest = float(STEEPEST[op](np.array([c]), np.array([r]), *p)[0])
            bound = float(REMAINDER[op](np.array([c]), np.array([r]), *p)[0])
            for t in (1.0, -1.0, 0.3):
                assert (
                    abs(coefficients(op, mp.mpf(c + t * r), p, 0.03)[1])
                    <= steepest * (1 + 1e-9) + 2 * lost[1]
                )
            for t in (1, -1, mp.mpc(0, 1), mp.expjpi(0.3)):
                there = oracle.UNARY[op](c + r * t, *p)
                assert abs(there - exact[0] - exact[1] * r * t) <= bound * (1 + 1e-12) + 2 * lost[0]


@pytest.mark.parametrize("op", SPECIAL)
def test_a_rectangle_with_a_pole_or_a_cut_has_no_bound(op):
    for p in parameters(op):
        if is_entire(op, *p):
            continue
        low, high, h = {"atan": (-0.5, 0.5, 1.0), "erfinv": (0.5, 0.95, 0.4)}.get(op, (-0.5, 0.5, 0.1))
        for i in range(1, 7):
            assert largest(op, i, np.array(low), np.array(high), np.array(h), *p) == np.inf
        with np.errstate(all="ignore"):
            assert REMAINDER[op](np.array([0.5]), np.array([1.5]), *p)[0] == np.inf


@pytest.mark.parametrize("op", SPECIAL)
def test_ellipses_avoid_singularities_where_there_is_room(op):
    for p in parameters(op):
        low, high = inside(op)
        c, r = np.array(0.5 * (low + high)), np.array(0.25 * (high - low))
        assert any(
            np.isfinite(
                largest(op, 2, c - np.sqrt(r * r + b * b), c + np.sqrt(r * r + b * b), np.asarray(b), *p)
            )
            for b, _ in heights(op, c, r, *p)
        )


def _abramowitz_stegun(x):
    """9.4.1: J0 on [-3, 3], |error| < 5e-8."""
    t, value = (x[:, 0] / 3.0) ** 2, 0.0
    for c in (0.0002100, -0.0039444, 0.0444479, -0.3163866, 1.2656208, -2.2499997, 1.0):
        value = value * t + c
    return value


def _erfc_by_five_terms(x):
    """7.1.26: erfc on x >= 0, |error| <= 1.5e-7."""
    t, value = 1.0 / (1.0 + 0.3275911 * x[:, 0]), 0.0
    for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        value = (value + a) * t
    return value * np.exp(-(x[:, 0] ** 2))


def _stirling(x):
    z = x[:, 0]
    series = 1.0 / (12.0 * z) - 1.0 / (360.0 * z**3) + 1.0 / (1260.0 * z**5)
    return (z - 0.5) * np.log(z) - z + 0.5 * np.log(2.0 * np.pi) + series


FORMULAS = {  # model, reference, ends, the published or asymptotic bound
    "J0 by Abramowitz and Stegun 9.4.1": (_abramowitz_stegun, lambda x: special.j0(x[:, 0]), (-3.0, 3.0), 5e-8),
    "erfc by Abramowitz and Stegun 7.1.26": (_erfc_by_five_terms, lambda x: special.erfc(x[:, 0]), (0.0, 6.0), 1.5e-7),
    "lgamma by Stirling's series": (_stirling, lambda x: special.gammaln(x[:, 0]), (2.0, 20.0), 1 / (1680 * 2.0**7)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMULAS)
def test_published_approximations_are_proved(name, tmp_path):
    model, reference, ends, published = FORMULAS[name]
    result = certify(Problem(model, reference, Domain(x=ends)), ratio=1.02)
    assert result.lower <= result.upper <= 1.02 * result.lower
    assert result.upper <= 1.02 * published
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def _program(op, p):
    first, second = (*p, None, None)[:2]
    return Program((Node("input", (), 1), Node(op, (0,), 1, parameter=first, second=second)))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("op", "strategy"),
    [
        (op, strategy)
        for i, op in enumerate(SPECIAL)
        for strategy in (None, ComposedCertificate() if i % 2 else GradedCertificate())  # they take turns
    ],
)
def test_every_strategy_proves_every_function_and_the_checker_again(op, strategy, tmp_path):
    p = parameters(op)[-1]
    program = _program(op, p)
    low, high = inside(op)
    result = certify(
        Problem(
            Function(lambda x: 0.0 * x[:, :1], program=_zero(), name="zero"),
            Function(program.value, program=program, name=op),
            Domain(x=(low, high)),
        ),
        ratio=1.05,
        strategy=strategy,
    )
    with mp.workdps(20):
        seen = max(abs(oracle.UNARY[op](mp.mpf(float(x)), *p)) for x in np.linspace(low, high, 60))
    assert seen * (1 - 1e-12) <= result.upper <= 1.05 * result.lower
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


def _zero():
    return Program((Node("input", (), 1), Node("constant", (), 1, value=np.zeros(1))))


@pytest.mark.slow
def test_a_relative_error_of_a_tail():
    """erfcx and K keep their digits where erfc and K are tiny."""
    problem = Problem(
        lambda x: special.kve(1.0, x[:, 0]) * np.exp(-x[:, 0]) * (1 + 1e-6 * np.sin(x[:, 0])),
        lambda x: special.k1(x[:, 0]),
        Domain(x=(5.0, 60.0)),
        error=ErrorMeasure("relative", floor=0.0),
    )
    assert certify(problem, ratio=1.2).upper < 1.3e-6


@pytest.mark.slow
def test_a_pole_in_the_domain_is_no_proof():
    problem = Problem(lambda x: x[:, 0], lambda x: special.digamma(x[:, 0]), Domain(x=(1e-3, 1.0)))
    assert certify(problem, ratio=1.1).upper >= 1000.0
    whole = certify(replace(problem, domain=Domain(x=(0.0, 1.0))), ratio=1.1, boxes=2000)
    assert whole.upper == np.inf


@pytest.mark.slow
def test_no_bound_is_claimed_for_a_graph_whose_runtime_has_special_functions():
    """Runtimes' Bessel functions are off by more than the units that are assumed of exp."""
    for op, p, claimed in (("bessel_j", (0.0,), False), ("atan", (), True)):
        program = _program(op, p)
        model = Function(program.value, program=program, name=op)
        result = certify(Problem(model, lambda x: 0.5 * x[:, 0], Domain(x=(0.0, 1.0))))
        assert (result.deployed_upper is not None) == claimed


TAILS = {  # model, reference, ends: relative errors where float64 loses 1 - erf(x)
    "erfc": (
        lambda x: np.exp(-(x[:, 0] ** 2)) / (x[:, 0] * np.sqrt(np.pi)) * (1.0 - 0.5 / x[:, 0] ** 2),
        lambda x: special.erfc(x[:, 0]),
        (2.0, 20.0),
    ),
    "ndtr": (
        lambda x: (
            -np.exp(-0.5 * x[:, 0] ** 2) / (x[:, 0] * np.sqrt(2.0 * np.pi)) * (1.0 - 1.0 / x[:, 0] ** 2)
        ),
        lambda x: special.ndtr(x[:, 0]),
        (-12.0, -3.0),
    ),
}


@pytest.mark.sampled(1)
@pytest.mark.parametrize("name", TAILS)
def test_relative_errors_in_a_tail_are_proved(name, tmp_path):
    model, reference, ends = TAILS[name]
    problem = Problem(model, reference, Domain(x=ends), error=ErrorMeasure("relative", floor=0.0))
    result = certify(problem, ratio=1.1)
    x = max(ends, key=lambda end: -abs(end))
    asymptotic = 3.0 / (4.0 * x**4) if name == "erfc" else 3.0 / x**4
    assert asymptotic / 2 < result.lower <= result.upper <= 1.1 * result.lower
    result.certificate.save(tmp_path / "c.json")
    assert check(tmp_path / "c.json").accepted


@pytest.mark.parametrize("name", ["log1p", "expm1"])
def test_relative_errors_near_zero_are_proved_with_the_composition(name):
    sign = 1.0 if name == "log1p" else -1.0
    problem = Problem(
        lambda x: 2.0 * x[:, 0] / (2.0 + sign * x[:, 0]),
        lambda x: getattr(np, name)(x[:, 0]),
        Domain(x=Axis(1e-14, 1.0, scale="log")),
        error=ErrorMeasure("relative", floor=0.0),
    )
    result = certify(problem, ratio=1.1)
    exact = abs(1.0 - (2.0 / (2.0 + sign)) / getattr(np, name)(1.0))
    assert exact * 0.99 < result.lower <= result.upper <= 1.1 * result.lower


def test_erf_confirms_the_bound_of_erfinv(monkeypatch):
    """A library whose erfinv is too small makes no bound."""
    honest = special.erfinv
    monkeypatch.setattr(special_bounds.special, "erfinv", lambda x: honest(x) * (1 - 1e-8))
    for far in (1e-12, 0.3, 0.7, 0.999999):
        assert largest("erfinv", 0, np.array(0.0), np.array(far), np.array(0.0)) == np.inf


def test_erfc_is_bounded_where_it_underflows():
    for low, h in ((28.3, 16.0), (31.0, 24.0), (27.3, 26.6), (26.5, 3.0)):
        with mp.workdps(22):
            size = abs(mp.erfc(mp.mpc(low, h)))
            assert size > 1e-289 or h < 10.0
            assert size <= float(largest("erfc", 0, np.array(low), np.array(low + 1.0), np.array(h)))
