"""Linear remainders on complex discs, against mpmath on random circles; and every formula by mutation."""

from functools import partial

import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification import elementary, graded_series, majorants
from supnorm.certification.elementary import AT_POINT, STEEPEST
from supnorm.certification.special_bounds import SPECIAL

POSITIVE = ("log", "sqrt")
ELEMENTARY = [name for name in majorants.REMAINDER if name not in SPECIAL]  # the others: test_special.py
rng = np.random.default_rng(0)


def _call(name, extra, z):
    return oracle.UNARY[name](z, *extra)


def _cases(name, count):
    """Centre and radius where the bound is finite, parameters where needed."""
    rng = np.random.default_rng(sum(map(ord, name)))
    for _ in range(count):
        c = float(rng.normal() * 3.0)
        r = float(10 ** rng.uniform(-4, 0.3))
        extra = ()
        if name in POSITIVE:
            c = abs(c) + 0.01
            r *= min(c, 1.0)
        if name == "reciprocal":
            r *= min(abs(c), 1.0) * 0.5
        if name == "pow":
            p = float(rng.choice([2.0, 3.0, 5.0, -1.0, -2.0, 0.5, 1.7, -0.5]))
            if p < 0 or p != int(p):
                c = abs(c) + 0.01
                r *= min(c, 1.0)
            extra = (p,)
        yield c, r, extra


def _worst_ratio(name, count=150):
    """Largest true remainder / bound over random circles, and the median overestimate."""
    ratios = []
    with mp.workdps(40):
        for c, r, extra in _cases(name, count):
            bound = float(majorants.REMAINDER[name](np.array([c]), np.array([r]), *extra)[0])
            if not np.isfinite(bound):
                continue
            f = partial(_call, name, extra)
            slope = mp.diff(f, mp.mpf(c))
            largest = max(
                abs(f(mp.mpf(c) + mp.mpc(z)) - f(mp.mpf(c)) - slope * mp.mpc(z)) for z in _points(r)
            )
            ratios.append(float(largest / mp.mpf(bound)))
    assert len(ratios) > count / 3
    return max(ratios), np.median(ratios)


def _points(r):
    angles = np.exp(2j * np.pi * np.concatenate([np.arange(12) / 12, rng.random(4)]))
    return r * angles


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ELEMENTARY)
def test_remainder_on_circles(name):
    worst, median = _worst_ratio(name)
    assert worst <= 1.0
    assert median > 0.2  # not wasteful


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", ELEMENTARY)
def test_a_weakened_remainder_is_noticed(name, monkeypatch):
    honest = majorants.REMAINDER[name]
    monkeypatch.setitem(majorants.REMAINDER, name, lambda *a: 0.7 * honest(*a))
    assert _worst_ratio(name)[0] > 1.0


@pytest.mark.parametrize("form", [majorants.tanh_near, majorants.tanh_far])
def test_both_forms_of_tanh_are_bounds(form):
    """tanh takes the smaller of two bounds: each must hold alone."""
    count = 0
    with mp.workdps(30):
        for c in np.linspace(0.3, 6.0, 12):
            for r in np.array([0.02, 0.05, 0.3, 0.7, 0.95]) * c:
                bound = float(form(np.array([c]), np.array([r]))[0])
                if np.isfinite(bound):
                    count += 1
                    slope = 1 - mp.tanh(c) ** 2
                    rest = [abs(mp.tanh(c + mp.mpc(z)) - mp.tanh(c) - slope * mp.mpc(z)) for z in _points(r)]
                    assert max(rest) <= bound
    assert count > 20


@pytest.mark.parametrize("name", ELEMENTARY)
def test_value_slope_and_their_errors(name):
    with mp.workdps(40):
        for c, r, extra in _cases(name, 60):
            value, slope, value_error, slope_error = (
                float(q[0]) for q in AT_POINT[name](np.array([c]), *extra)
            )
            f = partial(_call, name, extra)
            assert abs(f(mp.mpf(c)) - value) <= value_error + 1e-300
            assert abs(mp.diff(f, mp.mpf(c)) - slope) <= slope_error + 1e-300
            steepest = float(STEEPEST[name](np.array([c]), np.array([r]), *extra)[0])
            if name in (*POSITIVE, "reciprocal", "pow") and r >= 0.9 * abs(c):
                continue
            for z in np.linspace(c - r, c + r, 5):
                assert abs(mp.diff(f, mp.mpf(float(z)))) <= steepest * (1 + 1e-12)


def _real_ratio(name, bound_of):
    """Largest true remainder on real intervals over its bound."""
    f, worst = oracle.UNARY[name], 0.0
    with mp.workdps(25):
        for c in np.linspace(-3.1, 3.0, 29):
            value, slope = f(mp.mpf(c)), mp.diff(f, mp.mpf(c))
            for r in (0.02, 0.3, 1.0, 2.5, 6.0, 40.0):
                z = [mp.mpf(s * r * t) for s in (-1, 1) for t in (0.5, 1.0)]
                rest = max(abs(f(c + v) - value - slope * v) for v in z)
                worst = max(worst, float(rest / mp.mpf(bound_of(r, float(slope)))))
    return worst


def _numpy_real(name):
    return lambda r, s: float(majorants.real_remainder(name, np.array([r]), np.array([abs(s)]))[0])


def _checker_real(name):
    from flint import arb

    from supnorm.checker.functions import real_remainder

    return lambda r, s: float(real_remainder(name, arb(r), arb(s)).upper())


@pytest.mark.parametrize("name", majorants.REAL)
@pytest.mark.parametrize("which", [_numpy_real, _checker_real])
def test_remainder_on_real_intervals(name, which):
    assert 0.8 < _real_ratio(name, which(name)) <= 1.0 + 1e-9


@pytest.mark.parametrize("name", majorants.REAL)
@pytest.mark.parametrize("derivative", [0, 1])
def test_a_weakened_real_remainder_is_noticed(name, derivative, monkeypatch):
    """Each of the two bounds, by itself, is needed: small radii use the second derivative, large the first."""
    weak = list(majorants.REAL[name])
    weak[derivative] *= 0.5 if derivative else 0.1
    monkeypatch.setitem(majorants.REAL, name, tuple(weak))
    assert _real_ratio(name, _numpy_real(name)) > 1.0


PARTS = {  # a rule inside a remainder: what it is part of, and how much it is weakened
    "tanh_near": ("tanh", 0.5),
    "tanh_far": ("tanh", 0.5),
    "tanh_increment": ("softplus", 0.5),
    "_sigmoid_increment": ("silu", 0.3),
    "sigmoid": ("silu", 0.1),
    "_normal": ("gelu", 0.1),
    "_gauss_growth": ("erf", 0.5),
    "_density": ("gelu", 0.5),
    "_cosh1": ("sin", 0.5),
    "power": ("sqrt", 0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("part", PARTS)
def test_a_weakened_part_is_noticed(part, monkeypatch):
    name, factor = PARTS[part]
    honest = getattr(majorants, part)
    monkeypatch.setattr(majorants, part, lambda *a: factor * honest(*a))
    assert _worst_ratio(name)[0] > 1.0


SINGULAR = [  # a disc that reaches a pole or branch point
    ("tanh", 0.0, 1.58, ()), ("tanh", 1.0, 1.87, ()), ("sigmoid", 0.0, 3.15, ()), ("softplus", 0.5, 3.19, ()),
    ("silu", 1.0, 3.30, ()), ("log", 1.0, 1.0, ()), ("sqrt", 2.0, 2.0, ()), ("reciprocal", -1.0, 1.0, ()),
    ("pow", 0.5, 0.5, (-2.0,)), ("pow", 0.5, 0.6, (1.5,)), ("pow", -1.0, 0.1, (0.5,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "c", "r", "extra"), SINGULAR)
def test_a_disc_that_meets_a_singularity_has_no_bound(name, c, r, extra, monkeypatch):
    def bound():
        with np.errstate(all="ignore"):
            return majorants.REMAINDER[name](np.array([c]), np.array([r]), *extra)[0]

    assert np.isinf(bound())
    monkeypatch.setattr(majorants, "_guard", lambda bound, valid: np.nan_to_num(bound, posinf=1.0))
    assert np.isfinite(bound())


def _steepness(name):
    """The largest |phi'| on intervals over its bound."""
    extra, worst = ((1.7,) if name == "pow" else ()), 0.0
    f = partial(_call, name, extra)
    with mp.workdps(20):
        for c in np.arange(-4.0, 4.1, 0.5):
            if name in (*POSITIVE, "pow", "reciprocal"):
                c = abs(c) + 0.6
            bound = float(STEEPEST[name](np.array([c]), np.array([0.5]), *extra)[0])
            slopes = [abs(mp.diff(f, mp.mpf(c + z))) for z in np.linspace(-0.5, 0.5, 11)]
            worst = max(worst, float(max(slopes) / mp.mpf(bound)))
    return worst


@pytest.mark.parametrize("name", ELEMENTARY)
def test_slopes_on_intervals_are_bounded_sharply(name):
    """So that a bound a tenth smaller would not hold."""
    assert 0.92 < _steepness(name) <= 1 + 1e-12


def test_the_slope_of_exp_near_the_largest_float():
    """It was cut off at e^709, where the slope at the end of the interval is 1.8 times that."""
    bound = float(STEEPEST["exp"](np.array([708.95]), np.array([0.65]))[0])
    assert bound >= np.exp(709.6) * (1 - 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", ELEMENTARY)
def test_rounding_of_values_and_slopes_is_not_invented(name):
    """Somewhere a twentieth of the allowance of eight units is used: a tenth of it would not hold everywhere."""
    used = [0.0, 0.0]
    with mp.workdps(40):
        for c, _, extra in _cases(name, 300):
            value, slope, value_error, slope_error = (
                float(q[0]) for q in AT_POINT[name](np.array([c]), *extra)
            )
            f = partial(_call, name, extra)
            used[0] = max(used[0], float(abs(f(mp.mpf(c)) - value) / max(value_error, 1e-300)))
            used[1] = max(used[1], float(abs(mp.diff(f, mp.mpf(c)) - slope) / max(slope_error, 1e-300)))
    assert 0.01 < used[0] <= 1.0
    assert 0.003 < used[1] <= 1.0


@mp.workdps(60)
def _off(op_at, p, c):
    """Errors of p c^(p-1) or the Taylor coefficients over their bounds, the largest."""
    exact = [mp.binomial(mp.mpf(p), i) * mp.mpf(c) ** (mp.mpf(p) - i) for i in range(6)]
    if op_at == "slope":
        _, s, _, s_err = elementary.AT_POINT["pow"](np.array([c]), p)
        return float(abs(mp.mpf(float(s[0])) - exact[1]) / mp.mpf(float(s_err[0])))
    values, errors = graded_series.TAYLOR["pow"](np.array([c]), p)
    pairs = zip(values, errors, exact, strict=True)
    return max(float(abs(mp.mpf(float(v[0])) - e) / mp.mpf(float(b[0]))) for v, b, e in pairs)


@pytest.mark.sampled(1)
@pytest.mark.parametrize("which", ["slope", "Taylor"])
def test_powers_far_from_one_lose_digits_with_their_rounded_exponents(which, monkeypatch):
    """p - 1 is rounded, and the power multiplies that by log c."""
    rng = np.random.default_rng(0)
    cases = [
        (round(p, 2), 10.0**t)
        for p, t in zip(rng.uniform(-12, 0, 200), rng.uniform(-12, 12, 200), strict=True)
    ]
    assert max(_off(which, p, c) for p, c in cases) < 1.0
    for module in (elementary, graded_series):
        monkeypatch.setattr(module, "exponent_rounding", lambda z, p: 0.0)
    assert max(_off(which, p, c) for p, c in cases) > 1.0
