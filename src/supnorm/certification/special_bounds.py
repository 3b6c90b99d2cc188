"""Bounds of the Taylor coefficients of special functions on complex rectangles, in closed form.

`largest`(op, i, low, high, h) bounds |phi^(i)(z)/i!| for low <= Re z <= high, |Im z| <= h; infinite where the rectangle
meets a pole or a branch cut. Discs, ellipses and real intervals lie in rectangles, so all strategies use it. Write a = low,
b = high. Sources: Digital Library of Mathematical Functions (DLMF), by number.

* atan (4.23.26): atan' = (1/(z - i) - 1/(z + i))/(2 i)..., so |atan^(i)/i!| <= 1/(i dist^i), dist the distance of the
  rectangle from +-i; no cut is met if h < 1, a > 0 or b < 0.
* cbrt: a power of z or -z, where a > 0 or b < 0.
* lgamma, digamma (5.15.1): psi^(n)(z)/n! = (-1)^(n+1) sum_k (z + k)^(-n-1), |z + k| >= a + k, and a sum is at most its
  first term plus the integral. |log x - 1/x| and |log x - 1/(2 x)| bound |psi(x)|; Stirling's formula bounds lgamma
  (5.11.1).
* erfcx (7.7.1): 2/sqrt(pi) int exp(-t^2 - 2 z t) dt; under the integral exp(-t^2) or exp(-2 a t) may be left out; for a < 0
  the square is completed.
* erfc (7.2.2): 2/sqrt(pi) int exp(-(z + s)^2) ds along the real direction, so |erfc(x + iy)| <= exp(y^2) erfc(x); its
  derivatives are exp(-z^2) times Hermite polynomials (18.5.5), whose coefficients alternate in sign.
* erfinv (7.17.2): its power series at 0 has positive coefficients and converges for |z| < 1, so each derivative is
  largest, on the disc of a radius below 1, at the end of the radius; w' = sqrt(pi)/2 exp(w^2).
* exp1 (6.2.2): int_1 exp(-z t)/t dt.
* Bessel functions, by Schlaefli's integrals (10.9.6, 10.9.7, 10.32.4), whose first parts are at most cosh h and
  exp(max |Re z|) times the mean of |sin|^i. The others have exp(-z sinh t) or exp(-z cosh t): with u = sinh t,
  exp(t) <= 1 + 2 u, u <= cosh t <= 1 + u, dt = du/sqrt(1 + u^2) they are sums of moments; for J and I of
  whole order they are absent.
* K (10.32.9): int exp(-z cosh t) cosh(order t) dt, v = cosh t - 1, cosh(m t) = T_m(1 + v) for the next whole m, whose
  coefficients in v are positive; dt = dv/sqrt(v (2 + v)), at most dv/sqrt(2 v) and dv/v.
* betainc: its derivative is z^(a-1) (1-z)^(b-1)/B(a, b), whose series is a product of two (8.17.1).
* gammainc: its derivative is z^(s-1) exp(-z)/Gamma(s), whose series is a product of two.

Values themselves (i = 0) of a function with a known real range are bounded by that plus h times the slope.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy import special

from supnorm.certification.rounding import TINY, Array, U
from supnorm.program.special import NAMES, value

# For x > 0 only.
POSITIVE = ("lgamma", "digamma", "exp1", "bessel_y", "bessel_k", "gammainc", "gammaincc", "betainc")
SPECIAL = ("atan", "cbrt", "erfc", *NAMES)
_ROOM = 1.0 + 1e-9  # sums of at most a few hundred positive terms are rounded by much less


def is_entire(op: str, *parameter: float) -> bool:
    """Whether the function has no singularity anywhere.

    >>> is_entire("bessel_j", 2.0), is_entire("bessel_j", 0.5), is_entire("erfcx")
    (True, False, True)
    """
    return op in ("erfc", "erfcx") or (op in ("bessel_j", "bessel_i") and parameter[0].is_integer())


def largest(op: str, i: int, low: Array, high: Array, h: Array, *parameter: float) -> Array:
    """Bound of |phi^(i)/i!|, i <= 6, on the rectangle; arrays of one shape."""
    low, high, h = np.broadcast_arrays(low, high, h)
    one_sided = op in POSITIVE or (op in ("bessel_j", "bessel_i") and not is_entire(op, *parameter))
    valid = (low > 0) if one_sided else np.isfinite(low)
    with np.errstate(all="ignore"):
        bound = _BOUNDS[op](i, np.where(valid, low, 1.0), np.where(valid, high, 1.0), h, *parameter)
    return np.where(valid & ~np.isnan(bound), bound * _ROOM + TINY, np.inf)


def _atan(i: int, low: Array, high: Array, h: Array) -> Array:
    near = np.maximum(np.maximum(low, -high), 0.0)
    above = np.maximum(1.0 - h, 0.0)
    distance = np.where((near > 0) | (above > 0), np.hypot(near, above) * (1.0 - 1e-12), 0.0)
    if i == 0:
        return np.where(distance > 0, 0.5 * math.pi + h * _atan(1, low, high, h), np.inf)
    return np.where(distance > 0, 1.0 / (i * distance**i), np.inf)


def _cbrt(i: int, low: Array, high: Array, h: Array) -> Array:
    near, far = np.maximum(low, -high), np.maximum(np.abs(low), np.abs(high)) + h
    if i == 0:
        return np.where(near >= 0, np.cbrt(far), np.inf)
    factor = abs(math.prod((1.0 / 3.0 - k) / (k + 1.0) for k in range(i)))
    # No power may underflow.
    slope = np.where(near**i > TINY, np.cbrt(near) / near**i, near ** (1.0 / 3.0 - i))
    return np.where(near > 0, factor * slope, np.inf)


def _hurwitz(s: int, low: Array) -> Array:
    """sum_k (low + k)^-s, s >= 2: the first term plus the integral."""
    return low**-s + low ** (1 - s) / (s - 1)


def _digamma(i: int, low: Array, high: Array, h: Array) -> Array:
    if i:
        return _hurwitz(i + 1, low)
    ends = [np.maximum(np.abs(np.log(x) - 1.0 / x), np.abs(np.log(x) - 0.5 / x)) for x in (low, high)]
    return np.maximum(*ends) + h * _hurwitz(2, low)


def _lgamma(i: int, low: Array, high: Array, h: Array) -> Array:
    if i > 1:
        return _hurwitz(i, low) / i
    if i == 1:
        return _digamma(0, low, high, h)
    ends = [np.abs((x - 0.5) * np.log(x) - x + 0.9189385332046728) + 1.0 / (12.0 * x) for x in (low, high)]
    # lgamma is convex with the minimum -.1215.
    return np.maximum(np.maximum(*ends), 0.1215) + h * _digamma(0, low, high, h)


def _erfcx(i: int, low: Array, high: Array, h: Array) -> Array:
    size, root = np.abs(low), math.sqrt(math.pi)
    right = np.minimum(
        2.0**i * math.gamma(0.5 * (i + 1)) / (root * math.factorial(i)),
        1.0 / (root * np.where(low > 0, low, 1e-300) ** (i + 1)),
    )
    moments = [math.comb(i, k) * math.gamma(0.5 * (k + 1)) * size ** (i - k) for k in range(i + 1)]
    left = 2.0 ** (i + 1) / (root * math.factorial(i)) * np.exp(size * size * (1.0 + 1e-15)) * sum(moments)
    return np.where(low >= 0, right, left)


@lru_cache(maxsize=16)
def _hermite_sizes(k: int) -> tuple[float, ...]:
    """|coefficients| of the Hermite polynomial of degree k, by power: whole numbers, exact in float64 for k <= 6."""
    before: tuple[float, ...] = (0.0,)
    now: tuple[float, ...] = (1.0,)
    for j in range(k):
        shifted, held = (0.0, *now), (*before, *(0.0 for _ in range(len(now) + 1 - len(before))))
        before, now = now, tuple(2.0 * a + 2.0 * j * b for a, b in zip(shifted, held, strict=True))
    return now


def _erfc(i: int, low: Array, high: Array, h: Array) -> Array:
    if i == 0:
        bound = special.erfc(low) * np.exp(h * h * (1.0 + 4.0 * U))
        # From 26.6 on erfc underflows, and exp(h^2) may make up for it: both exponents are added there.
        scaled = special.erfcx(np.maximum(low, 0.0))
        exponent = (h - low) * (h + low) + 8.0 * U * (h * h + low * low)
        return np.asarray(np.where(low > 26.0, scaled * np.exp(exponent), bound))
    near, size = np.maximum(np.maximum(low, -high), 0.0), np.hypot(np.maximum(np.abs(low), np.abs(high)), h)
    exponent = h * h - near * near + 8.0 * U * (h * h + near * near)
    polynomial = sum(c * size**j for j, c in enumerate(_hermite_sizes(i - 1)))
    return np.asarray(2.0 / (math.sqrt(math.pi) * math.factorial(i)) * np.exp(exponent) * polynomial)


def _erfinv(i: int, low: Array, high: Array, h: Array) -> Array:
    far = np.hypot(np.maximum(np.abs(low), np.abs(high)), h) * (1.0 + 8.0 * U)
    inside = np.where(far < 1.0, far, 0.0)
    w = special.erfinv(inside) * (1.0 + 1e-9)
    # SciPy proves no digits of erfinv, so erf confirms that w is not below it.
    above = np.where(inside < 0.5, special.erf(w) >= inside, special.erfc(w) * (1.0 + 1e-10) <= 1.0 - inside)
    row = [w]
    g = [0.5 * math.sqrt(math.pi) * np.exp(w * w)]
    for k in range(i):
        row.append(g[k] / (k + 1))
        squares = [sum(g[j] * g[m - j] for j in range(m + 1)) for m in range(k + 1)]
        g.append(2.0 * sum(row[m] * squares[k - m] for m in range(k + 1)) / (k + 1))
    return np.where((far < 1.0) & above, row[i], np.inf)


def _exp1(i: int, low: Array, high: Array, h: Array) -> Array:
    decay = np.exp(-low)
    if i == 0:
        return decay * np.minimum(1.0 / low, np.log1p(1.0 / low))
    terms = [math.comb(i - 1, k) * math.factorial(k) / low ** (k + 1) for k in range(i)]
    return np.asarray(decay * sum(terms) / math.factorial(i))


def _off_integer(order: float) -> float:
    """|sin(pi order)|, rounded up; zero for whole orders."""
    return 0.0 if order.is_integer() else abs(math.sin(math.pi * (order % 1.0))) + 1e-12


def _mean(i: int) -> float:
    """The mean of |sin|^i over a period."""
    return math.gamma(0.5 * (i + 1)) / (math.sqrt(math.pi) * math.gamma(0.5 * i + 1.0))


def _moments(low: Array, terms: list[float]) -> Array:
    """int sum_k terms_k u^k exp(-low u) du/sqrt(1 + u^2), the root being at least 1 and at least u."""
    total = np.zeros_like(low)
    for k, c in enumerate(terms):
        if c:
            part = math.factorial(k) / low ** (k + 1)
            total = total + c * (np.minimum(part, math.factorial(k - 1) / low**k) if k else part)
    return np.asarray(total)


def _bessel_j(i: int, low: Array, high: Array, h: Array, order: float) -> Array:
    bound = _mean(i) * np.cosh(np.minimum(h, 720.0))
    if not order.is_integer():
        bound = bound + _off_integer(order) / math.pi * _moments(low, [0.0] * i + [1.0])
    return np.asarray(bound / math.factorial(i))


def _bessel_y(i: int, low: Array, high: Array, h: Array, order: float) -> Array:
    m = math.ceil(order)
    terms = [0.0] * i + [math.comb(m, k) * 2.0**k for k in range(m + 1)]
    terms[i] += 1.0
    bound = _mean(i) * np.cosh(np.minimum(h, 720.0)) + _moments(low, terms) / math.pi
    return np.asarray(bound / math.factorial(i))


def _bessel_i(i: int, low: Array, high: Array, h: Array, order: float) -> Array:
    bound = _mean(i) * np.exp(np.maximum(np.abs(low), np.abs(high)))
    if not order.is_integer():
        bound = bound + _off_integer(order) / math.pi * _moments(
            low, [float(math.comb(i, k)) for k in range(i + 1)]
        )
    return np.asarray(bound / math.factorial(i))


@lru_cache(maxsize=256)
def _in_powers(i: int, m: int) -> tuple[float, ...]:
    """Coefficients of (1 + v)^i T_m(1 + v) in powers of v; they are whole numbers, so float64 rounds them once."""
    before, now = [1], [1, 1]  # T_0, T_1 in v
    for _ in range(m - 1):
        doubled = [2 * (a + b) for a, b in zip([*now, 0], [0, *now], strict=True)]
        before, now = now, [c - d for c, d in zip(doubled, [*before, 0, 0], strict=True)]
    row = before if m == 0 else now
    for _ in range(i):
        row = [a + b for a, b in zip([*row, 0], [0, *row], strict=True)]
    return tuple(float(c) * (1.0 + 1e-12) for c in row)


def _bessel_k(i: int, low: Array, high: Array, h: Array, order: float) -> Array:
    total = np.zeros_like(low)
    for k, c in enumerate(_in_powers(i, math.ceil(abs(order)))):
        part = math.gamma(k + 0.5) / (math.sqrt(2.0) * low ** (k + 0.5))
        total = total + c * (np.minimum(part, math.gamma(k) / low**k) if k else part)
    return np.asarray(np.exp(-low) * total / math.factorial(i))


@lru_cache(maxsize=64)
def _log_gamma(shape: float) -> float:
    return float(value("lgamma", np.asarray(shape)))


@lru_cache(maxsize=64)
def _scale(shape: float) -> float:
    """1/Gamma(shape), rounded up; zero from a shape of 179 on."""
    return float(np.exp(-_log_gamma(shape))) * (1.0 + 1e-10)


def _gammainc(i: int, low: Array, high: Array, h: Array, shape: float) -> Array:
    if i == 0:
        return 1.0 + h * _gammainc(1, low, high, h, shape)
    far, total, factor = np.maximum(low, high) + h, np.zeros_like(low), 1.0
    scale, by_logarithms = _scale(shape) * np.exp(-low), np.zeros_like(low)
    normal = scale > TINY
    for j in range(i):
        p = shape - 1.0 - j
        power = np.maximum(low**p, far**p) * (1.0 + 1e-12 + 1e-15 * abs(p))
        normal &= (power > TINY) & (power < 1.0 / TINY)
        weight = abs(factor) / math.factorial(i - 1 - j)
        total = total + abs(factor) * power / math.factorial(i - 1 - j)
        by_logarithms = by_logarithms + weight * _density(p, low, far, shape)
        factor *= p / (j + 1)
    return np.where(normal, _scale(shape) * np.exp(-low) * total, by_logarithms) / i


def _density(p: float, low: Array, far: Array, shape: float) -> Array:
    """At least |z^p exp(-z)|/Gamma(shape), where a factor underflows or overflows and the product may not.

    Logarithms are added; each is wrong by a few units of its size, of which 1e-14 is 90.
    """
    near, away, size = p * np.log(low), p * np.log(far), _log_gamma(shape)
    room = 1e-14 * (np.abs(near) + np.abs(away) + low + abs(size))
    return np.asarray(np.exp(np.maximum(near, away) - low - size + room))


@lru_cache(maxsize=64)
def _log_beta(a: float, b: float) -> float:
    return _log_gamma(a) + _log_gamma(b) - float(value("lgamma", np.asarray(a + b)))


def _chosen(p: float, j: int) -> float:
    """The binomial coefficient C(p, j)."""
    return math.prod((p - k) / (k + 1.0) for k in range(j))


def _betainc(i: int, low: Array, high: Array, h: Array, a: float, b: float) -> Array:
    """By logarithms, each wrong by a few units of its size, of which 1e-14 is 90: no factor underflows."""
    inside = (low > 0.0) & (high < 1.0)
    if i == 0:
        return 1.0 + h * _betainc(1, low, high, h, a, b)
    near, rest = np.where(inside, low, 0.5), np.where(inside, 1.0 - high, 0.5)
    ends = np.log(near), np.log(np.hypot(np.where(inside, high, 0.5), h))
    others = np.log(rest), np.log(np.hypot(np.where(inside, 1.0 - low, 0.5), h))
    total = np.zeros_like(near)
    for j in range(i):
        size = abs(_chosen(a - 1.0, j) * _chosen(b - 1.0, i - 1 - j))
        if size == 0.0:
            continue
        p, q = a - 1.0 - j, b - i + j
        exponents = np.maximum(p * ends[0], p * ends[1]), np.maximum(q * others[0], q * others[1])
        scale = _log_beta(a, b)
        known = abs(scale) + abs(_log_gamma(a)) + abs(_log_gamma(b)) + abs(p) + abs(q)
        sizes = [np.abs(s) for s in (p * ends[0], p * ends[1], q * others[0], q * others[1])]
        room = 1e-14 * (known + sum(sizes))
        total = total + size * np.exp(exponents[0] + exponents[1] - scale + room)
    return np.where(inside, total / i, np.inf)


_BOUNDS: dict[str, Callable[..., Array]] = {
    "atan": _atan,
    "cbrt": _cbrt,
    "lgamma": _lgamma,
    "digamma": _digamma,
    "erfc": _erfc,
    "erfcx": _erfcx,
    "erfinv": _erfinv,
    "exp1": _exp1,
    "bessel_j": _bessel_j,
    "bessel_y": _bessel_y,
    "bessel_i": _bessel_i,
    "bessel_k": _bessel_k,
    "gammainc": _gammainc,
    "gammaincc": _gammainc,
    "betainc": _betainc,
}
