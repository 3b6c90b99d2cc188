"""Special functions of a real number: Taylor coefficients with proved errors, by the ball arithmetic of python-flint.

No library of float64 functions proves how far its Bessel or gamma functions are from the true ones. So a program computes
these in balls, with as many bits as it takes, and rounds once. The functions are those of `NAMES`; one parameter is the
order of a Bessel function or the shape of an incomplete gamma function (regularised); the incomplete beta function has two:

| operation | function | Taylor coefficients from |
|---|---|---|
| `lgamma`, `digamma` | log of the gamma function, its derivative; x > 0 | power series of FLINT |
| `erfcx` | exp(x^2) erfc(x) | w' = 2 x w - 2/sqrt(pi) |
| `erfinv` | inverse of erf; -1 < x < 1 | w' = sqrt(pi)/2 exp(w^2) |
| `exp1` | exponential integral E_1; x > 0 | E_1' = -exp(-x)/x |
| `bessel_j`, `bessel_y`, `bessel_i`, `bessel_k` | Bessel functions | Bessel's equation; near 0 by neighbouring orders |
| `betainc` | I_x(a, b), regularised; 0 < x < 1 | I' = x^(a-1) (1-x)^(b-1)/B(a, b) |
| `gammainc`, `gammaincc` | P(s, x) and Q(s, x) = 1 - P(s, x); x > 0 | P' = x^(s-1) exp(-x)/Gamma(s) |
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import comb, factorial, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.program.ball_precision import precision
from supnorm.program.time_over import look

Array = NDArray[np.float64]
Ball = Any
NAMES = (
    "lgamma",
    "digamma",
    "erfcx",
    "erfinv",
    "exp1",
    "bessel_j",
    "bessel_y",
    "bessel_i",
    "bessel_k",
    "gammainc",
    "gammaincc",
    "betainc",
)
LARGEST_ORDER, LARGEST_SHAPE = 64.0, 1000.0  # FLINT takes milliseconds a value beyond them
# Smallest order but for 0: FLINT divides by the order's distance from whole numbers, and takes minutes.
LEAST_ORDER = 2.0**-60
# The last doubling of the first: 64 bits remain after a cancellation of 5000.
FIRST_BITS, MOST_BITS = 80, 5200
GOOD = 56  # bits that a coefficient must have before it is rounded to the 53 of a float
NEAR_ZERO = 0.01  # Bessel's equation divides by the argument squared


def has_balls() -> bool:
    """Whether python-flint is installed, without which no special function has values.

    >>> has_balls()
    True
    """
    try:
        import flint  # noqa: F401
    except ImportError:
        return False
    return True


def value(op: str, z: Array, *parameter: float) -> Array:
    """Values, rounded to float64; NaN where the function has none.

    >>> value("bessel_j", np.array([2.404825557695773]), 0.0).round(15)
    array([-0.])
    """
    return taylor(op, z, 1, *parameter)[0][0]


def in_balls(op: str, z: Ball, parameter: tuple[float, ...] = ()) -> Ball:
    """The value at a ball, in the precision that is set; not a number where the function has none."""
    from flint import arb

    return _FUNCTIONS[op](z, 1, *map(arb, parameter))[0]


def taylor(op: str, z: Array, count: int, *parameter: float) -> tuple[list[Array], list[Array]]:
    """phi^(i)(z)/i! for i < ``count`` <= 6, and bounds of their errors; NaN where there is no value.

    Args:
        op: one of `NAMES`.
        z: points, any shape.
        count: number of coefficients.
        parameter: the order or shape, for the functions that have one.
    """
    from flint import arb

    points = np.asarray(z, dtype=np.float64)
    out = np.full((2, count, points.size), np.nan)
    function = _FUNCTIONS[op]
    for k, x in enumerate(points.ravel().tolist()):
        if isfinite(x):
            look()
            with precision(FIRST_BITS):
                out[:, :, k] = _accurate(function, arb(x), count, [arb(p) for p in parameter])
    shaped = out.reshape(2, count, *points.shape)
    return list(shaped[0]), list(shaped[1])


def _accurate(function: Callable[..., list[Ball]], x: Ball, count: int, parameter: list[Ball]) -> Array:
    """Coefficients and error bounds, shape ``(2, count)``, with more and more bits until all have enough."""
    from flint import ctx

    while True:
        balls = function(x, count, *parameter)
        good = all(v.is_finite() and (v.rel_accuracy_bits() >= GOOD or v.abs_upper() < 1e-300) for v in balls)
        if good or ctx.prec > MOST_BITS:
            break
        if all(v.is_nan() for v in balls) and ctx.prec > 4 * FIRST_BITS:  # no bits help outside of the domain
            break
        ctx.prec *= 2
    values = [float(v.mid()) if v.is_finite() else np.nan for v in balls]
    # Twice the unit: the rounding of the middle to a float, and that of the radius.
    errors = [
        float(v.rad()) * (1.0 + 1e-9) + 2.0**-52 * abs(y) + 5e-324 if v.is_finite() else np.nan
        for v, y in zip(balls, values, strict=True)
    ]
    return np.array([values, errors])


def _lgamma(x: Ball, count: int) -> list[Ball]:
    from flint import arb, arb_series

    if not x > 0:
        return [arb.nan()] * count
    return [arb_series([x, 1], prec=count).lgamma()[i] for i in range(count)] if count > 1 else [x.lgamma()]


def _digamma(x: Ball, count: int) -> list[Ball]:
    if count == 1 or not x > 0:
        return [x.digamma()] if count == 1 else [x * float("nan")] * count
    series = _lgamma(x, count + 1)
    return [(i + 1) * series[i + 1] for i in range(count)]


def _erfcx(x: Ball, count: int) -> list[Ball]:
    from flint import arb

    w = [(x * x).exp() * x.erfc()]
    for k in range(count - 1):
        w.append((2 * (x * w[k] + w[k - 1]) if k else 2 * x * w[0] - 2 / arb.pi().sqrt()) / (k + 1))
    return w


def _erfinv(x: Ball, count: int) -> list[Ball]:
    """w' = g with g = sqrt(pi)/2 exp(w^2), so that g' = 2 w g^2."""
    from flint import arb

    if not abs(x) < 1:
        return [arb.nan()] * count
    w = [x.erfinv()]
    g = [(w[0] * w[0]).exp() * arb.pi().sqrt() / 2]
    for k in range(count - 1):
        w.append(g[k] / (k + 1))
        squares = [sum((g[j] * g[m - j] for j in range(m + 1)), arb(0)) for m in range(k + 1)]
        g.append(2 * sum((w[m] * squares[k - m] for m in range(k + 1)), arb(0)) / (k + 1))
    return w


def _exp1(x: Ball, count: int) -> list[Ball]:
    from flint import arb

    if not x > 0:
        return [arb.nan()] * count
    g = [-(-x).exp() / x]
    for m in range(count - 2):
        g.append(-((x + 1 + m) * g[m] + (g[m - 1] if m else 0)) / (x * (m + 1)))
    return [x.expint(1)] + [g[i] / (i + 1) for i in range(count - 1)]


def _density(x: Ball, count: int, s: Ball) -> list[Ball]:
    """Taylor coefficients of x^(s-1) exp(-x)/Gamma(s), which solves x g' = (s - 1 - x) g."""
    g = [x ** (s - 1) * (-x).exp() * s.rgamma()]
    for m in range(count - 1):
        g.append(((s - 1 - m - x) * g[m] - (g[m - 1] if m else 0)) / (x * (m + 1)))
    return g


def _gammainc(x: Ball, count: int, s: Ball) -> list[Ball]:
    from flint import arb

    if x == 0 and count == 1:
        return [arb(0)]
    if not x > 0:
        return [arb.nan()] * count
    return [_lower_gamma(x, s)] + [
        v / (i + 1) for i, v in enumerate(_density(x, count - 1, s) if count > 1 else [])
    ]


def _lower_gamma(x: Ball, s: Ball) -> Ball:
    """P(s, x); below s + 1 by DLMF 8.11.4. FLINT's own took 3 ms on average, and seconds where bits are doubled."""
    if not x < s + 1:
        return 1 - x.gamma_upper(s, regularized=1)
    return (x.log() * s - x - (s + 1).lgamma()).exp() * _rising(x, s, None)


def _last_bit() -> Ball:
    """A term of a series of sum 1 that counts no more."""
    from flint import arb, ctx

    return arb(2) ** -ctx.prec


def _rising(x: Ball, a: Ball, b: Ball | None) -> Ball:
    """The sum of the terms t_0 = 1, t_k+1 = t_k x/(a + 1 + k), or t_k x (a + b + k)/(a + 1 + k) with b.

    All are positive. The ratio of neighbours has the limit 0, or x < 1, and only rises or only falls: once below 1, it
    never is above the larger one of it and the limit, and the rest is at most a geometric series.
    """
    from flint import arb

    total, term, k, limit, last = arb(1), arb(1), 0, arb(0) if b is None else x, _last_bit()
    while True:
        ratio = (x if b is None else x * (a + b + k)) / (a + 1 + k)
        term, k = term * ratio, k + 1
        total = total + term
        if not term > total * last and ratio < 1:
            most = ratio.max(limit)
            return total + (term * most / (1 - most)).upper() * arb(0.5, 0.5)


def _gammaincc(x: Ball, count: int, s: Ball) -> list[Ball]:
    from flint import arb

    if x == 0 and count == 1:
        return [arb(1)]
    if not x > 0:
        return [arb.nan()] * count
    first = 1 - _lower_gamma(x, s) if x < s + 1 else x.gamma_upper(s, regularized=1)
    return [first] + [-v for v in _gammainc(x, count, s)[1:]]


def _betainc(x: Ball, count: int, a: Ball, b: Ball) -> list[Ball]:
    """The slope g solves x (1 - x) g' = ((a - 1)(1 - x) - (b - 1) x) g."""
    from flint import arb

    if count == 1 and (x == 0 or x == 1):
        return [x]
    if not (x > 0 and x < 1):
        return [arb.nan()] * count
    g = [x ** (a - 1) * (1 - x) ** (b - 1) * (a + b).gamma() * a.rgamma() * b.rgamma()]
    below, turn, bend = x * (1 - x), (a - 1) - (a + b - 2) * x, a + b - 2
    for m in range(count - 2):
        rest = (turn - m * (1 - 2 * x)) * g[m] - (bend - (m - 1)) * (g[m - 1] if m else 0)
        g.append(rest / (below * (m + 1)))
    return [_lower_beta(x, a, b)] + [g[i] / (i + 1) for i in range(count - 1)]


def _lower_beta(x: Ball, a: Ball, b: Ball) -> Ball:
    """I_x(a, b) by DLMF 8.17.8, or 1 - I_(1-x)(b, a), whichever is small if its sum is short; FLINT's took up to 20 s.

    It rises with x, so the value of a ball lies between those of its ends.
    """
    if not x.is_exact():
        return _lower_beta(x.lower(), a, b).union(_lower_beta(x.upper(), a, b))
    if not (2 * x < 1 or (10 * x < 9 and x * (a + b) < a)):
        return 1 - _lower_beta_sum(1 - x, b, a)
    return _lower_beta_sum(x, a, b)


def _lower_beta_sum(x: Ball, a: Ball, b: Ball) -> Ball:
    scale = (a + b).lgamma() - (a + 1).lgamma() - b.lgamma()
    return (x.log() * a + (1 - x).log() * b + scale).exp() * _rising(x, a, b)


# sigma of Bessel's equation x^2 w'' + x w' + (sigma x^2 - order^2) w = 0, and the step of orders in a derivative:
# w' = (a w_(order-1) + b w_(order+1))/2 with (a, b) as here.
_BESSEL = {"j": (1, 1, -1), "y": (1, 1, -1), "i": (-1, 1, 1), "k": (-1, -1, -1)}


def _bessel(kind: str) -> Callable[..., list[Ball]]:
    sigma, lower, higher = _BESSEL[kind]

    def function(x: Ball, count: int, order: Ball) -> list[Ball]:
        if kind in "yk" and not x > 0:
            return [x * float("nan")] * count
        call = partial(_modified, x) if kind == "k" else getattr(x, f"bessel_{kind}")
        if count == 1:
            return [call(order)]
        if not abs(x) > NEAR_ZERO:
            return [_derivative(call, order, i, lower, higher) / factorial(i) for i in range(count)]
        a = [call(order), (lower * call(order - 1) + higher * call(order + 1)) / 2]
        for m in range(count - 2):
            rest = (m + 1) * (2 * m + 1) * x * a[m + 1] + (m * m - order * order + sigma * x * x) * a[m]
            rest += sigma * (2 * x * (a[m - 1] if m else 0) + (a[m - 2] if m > 1 else 0))
            a.append(-rest / (x * x * ((m + 1) * (m + 2))))
        return a

    return function


def _modified(x: Ball, order: Ball) -> Ball:
    """K by Tricomi's function (DLMF 10.39.6): FLINT's own loses all bits, or takes 5 ms, between 5 and 60."""
    from flint import arb

    half = arb(1) / 2
    return arb.pi().sqrt() * (2 * x) ** order * (-x).exp() * (2 * x).hypgeom_u(order + half, 2 * order + 1)


def _derivative(call: Callable[[Ball], Ball], order: Ball, i: int, lower: int, higher: int) -> Ball:
    """The i-th derivative by the values of neighbouring orders."""
    terms = [comb(i, k) * lower ** (i - k) * higher**k * call(order - i + 2 * k) for k in range(i + 1)]
    return sum(terms[1:], terms[0]) / 2**i


_FUNCTIONS: dict[str, Callable[..., list[Ball]]] = {
    "lgamma": _lgamma,
    "digamma": _digamma,
    "erfcx": _erfcx,
    "erfinv": _erfinv,
    "exp1": _exp1,
    **{f"bessel_{kind}": _bessel(kind) for kind in _BESSEL},
    "gammainc": _gammainc,
    "gammaincc": _gammaincc,
    "betainc": _betainc,
}
