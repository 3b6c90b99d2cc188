"""Bounds of the linear remainder of elementary functions on complex discs.

For |zeta| <= r:  |phi(c + zeta) - phi(c) - phi'(c) zeta| <= `remainder`[phi](c, r),  c real, r >= 0.
Where the disc reaches a singularity the bound is infinity.

Sources: power series with non-negative coefficients. If |phi(c + zeta) - phi(c)| <= S(r) with such a series
(no constant term), then S(s) <= (s/r) S(r) for s <= r, and integrating gives the remainder of a primitive as
r S(r) / 2 without cancellation; likewise sinh r - r <= r (cosh r - 1) / 3 and tan r - r <= r tan^2 r / 3.
tanh: u = tanh c, T = tanh zeta, |T| <= tan r and tanh(c + zeta) - u = (1 - u^2) T / (1 + u T); away from the
origin also tanh z = 1 + 2 sum_k (-1)^k e^(-2 k z), which sees that the poles are further off.
On a real interval a function with bounded derivatives has, at any r, a remainder of at most r^2/2 sup |phi''|
and of at most r (sup |phi'| + |phi'(c)|): `REAL` keeps coarse boxes finite where the disc meets a pole.
A factor such as e^c may underflow where another, e^r, is huge: `_floored` bounds such a factor from above.
All bounds are tested against mpmath on random circles.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import Array, power_margin
from supnorm.certification.special_bounds import SPECIAL, largest

Mask: TypeAlias = NDArray[np.bool_]
_ROOT2 = math.sqrt(2.0)
_SMALLEST = 1e-300  # above the numbers that have lost digits


def _floored(factor: Array) -> Array:
    """An upper bound of a factor that may have underflowed before a huge one multiplies it."""
    return np.maximum(factor, _SMALLEST)


def _sech2(c: Array) -> Array:
    """1 - tanh^2, without cancellation."""
    e = np.exp(-2.0 * np.abs(c))
    return 4.0 * e / (1.0 + e) ** 2


def _guard(bound: Array, valid: Mask) -> Array:
    """Infinity where the formula does not hold; a relative margin for rounding where it does."""
    return np.where(valid & ~np.isnan(bound), bound * (1.0 + 1e-12), np.inf)


def _near(c: Array, r: Array) -> tuple[Array, Array, Mask]:
    """tan r, |tanh c|, and where the form T/(1 + u T) holds."""
    t, u = np.tan(np.minimum(r, 1.57)), np.tanh(np.abs(c))
    valid = (r < 1.57) & (u * t < 1.0 - 1e-6)
    return np.where(valid, t, 0.5), u, valid


def _far(c: Array, r: Array) -> tuple[Array, Array, Array, Mask]:
    """s = e^(-2|c|), q = e^(-2(|c| - r)), q - s, and where the expansion in e^(-2z) holds."""
    valid = (r < np.abs(c)) & (np.exp(-2.0 * (np.abs(c) - r)) < 1.0 - 1e-3)
    s = np.where(valid, _floored(np.exp(-2.0 * np.abs(c))), 0.5)
    growth = np.expm1(2.0 * np.where(valid, r, 0.0))
    return s, np.where(valid, s * (1.0 + growth), 0.5), s * growth, valid


def tanh_increment(c: Array, r: Array) -> Array:
    """|tanh(c + zeta) - tanh(c)| for |zeta| <= r."""
    t, u, valid = _near(c, r)
    near = _guard(_sech2(c) * t / (1.0 - u * t), valid)
    s, q, gap, valid = _far(c, r)
    return np.minimum(near, _guard(2.0 * gap / ((1.0 - q) * (1.0 - s)), valid))


def tanh_near(c: Array, r: Array) -> Array:
    """Linear remainder of tanh from its addition theorem; r < pi/4 at least."""
    t, u, valid = _near(c, r)
    return _guard(_sech2(c) * (r * t * t / 3.0 + u * t * t / (1.0 - u * t)), valid)


def tanh_far(c: Array, r: Array) -> Array:
    """Linear remainder of tanh from its expansion in e^(-2z); r < |c|."""
    s, q, gap, valid = _far(c, r)
    return _guard(2.0 * r * gap * (1.0 - q * s) / ((1.0 - q) ** 2 * (1.0 - s) ** 2), valid)


def tanh(c: Array, r: Array) -> Array:
    """Linear remainder of tanh: the smaller of its two bounds."""
    return np.minimum(tanh_near(c, r), tanh_far(c, r))


def sigmoid(c: Array, r: Array) -> Array:
    """Linear remainder of 1/(1 + e^-z) = (1 + tanh(z/2))/2."""
    return 0.5 * tanh(0.5 * c, 0.5 * r)


def _sigmoid_increment(c: Array, r: Array) -> Array:
    return 0.5 * tanh_increment(0.5 * c, 0.5 * r)


def softplus(c: Array, r: Array) -> Array:
    """Linear remainder of log(1 + e^z), whose derivative is the sigmoid."""
    return 0.5 * r * _sigmoid_increment(c, r)


def silu(c: Array, r: Array) -> Array:
    """Linear remainder of z sigmoid(z): |c| (remainder of sigmoid) + r (increment of sigmoid)."""
    return np.abs(c) * sigmoid(c, r) + r * _sigmoid_increment(c, r)


def _gauss_growth(c: Array, r: Array) -> Array:
    """The density at c, its growth on the disc: e^(|c| r + r^2/2) - 1; capped, infinite above."""
    exponent = np.abs(c) * r + 0.5 * r * r
    return np.where(exponent < 600.0, np.expm1(np.minimum(exponent, 600.0)), np.inf)


def _density(c: Array) -> Array:
    return _floored(np.exp(-0.5 * c * c) / math.sqrt(2.0 * math.pi) * (1.0 + 1e-15 * (1.0 + c * c)))


def _normal(c: Array, r: Array) -> Array:
    """Linear remainder of the normal distribution function Phi."""
    return _guard(0.5 * r * _density(c) * _gauss_growth(c, r), r >= 0)


def gelu(c: Array, r: Array) -> Array:
    """Linear remainder of z Phi(z): |c| (remainder of Phi) + r (increment of Phi)."""
    increment = r * _density(c) * (1.0 + 0.5 * _gauss_growth(c, r))  # trapezoid: the integrand is convex
    return _guard(np.abs(c) * _normal(c, r) + r * increment, r >= 0)


def erf(c: Array, r: Array) -> Array:
    """Linear remainder of erf(z) = 2 Phi(sqrt(2) z) - 1."""
    return 2.0 * _normal(_ROOT2 * c, _ROOT2 * r)


def _cosh1(r: Array) -> Array:
    half = np.sinh(0.5 * np.minimum(r, 600.0))
    return np.where(r < 600.0, 2.0 * half * half, np.inf)


def sin(c: Array, r: Array) -> Array:
    """|sin c| (cosh r - 1) + |cos c| (sinh r - r)."""
    grown = _cosh1(r)
    return _guard(np.abs(np.sin(c)) * grown + np.abs(np.cos(c)) * r * grown / 3.0, r >= 0)


def cos(c: Array, r: Array) -> Array:
    """|cos c| (cosh r - 1) + |sin c| (sinh r - r)."""
    grown = _cosh1(r)
    return _guard(np.abs(np.cos(c)) * grown + np.abs(np.sin(c)) * r * grown / 3.0, r >= 0)


def exp(c: Array, r: Array) -> Array:
    """e^c (e^r - 1 - r), with e^r - 1 - r <= r (e^r - 1)/2 and <= e^r.

    The second bound shows that e^z on the disc of radius 1e9 around -1e9 is at most 1, where e^r overflows.
    """
    grown = np.where(r < 600.0, np.expm1(np.minimum(r, 600.0)), np.inf)
    near = _guard(_floored(np.exp(np.minimum(c, 709.0))) * 0.5 * r * grown, c < 709.0)
    # One sum of two numbers in the exponent: its rounding changes even e^709 by less than the margin of `_guard`.
    end = c + r
    return np.fmin(near, _guard(_floored(np.exp(np.minimum(end, 709.0))), end < 709.0))


def log(c: Array, r: Array) -> Array:
    """sum_{k>=2} t^k/k <= t^2/(2 (1 - t)), t = r/c; needs c > r."""
    t = r / c
    return _guard(0.5 * t * t / (1.0 - t), (c > 0) & (t < 1.0 - 1e-6))


def reciprocal(c: Array, r: Array) -> Array:
    """|zeta^2/(c^2 z)| <= r^2/(c^2 (|c| - r)); needs |c| > r."""
    size = np.abs(c)
    share = r / size
    return _guard(share * share / (size - r), r < size * (1.0 - 1e-6))


def power(c: Array, r: Array, p: float) -> Array:
    """r^2/2 sup |p (p-1) z^(p-2)| on the disc; a disc that avoids 0 unless p is 0, 1, 2, ..."""
    size, factor = np.abs(c), 0.5 * abs(p * (p - 1.0)) * (1.0 + power_margin(p))
    if p >= 0 and float(p).is_integer():
        if p < 2:
            return np.where(r < np.inf, 0.0 * size, np.inf)
        return _guard(factor * r * r * (size + r) ** (p - 2.0), r >= 0)
    near, far = size - r, size + r
    valid = (r < size * (1.0 - 1e-6)) & ((c > 0) | float(p).is_integer())
    near = np.where(valid, near, 1.0)
    ends = [(r / end) ** 2 * _floored(end**p) for end in (near, far)]
    return _guard(factor * np.maximum(*ends), valid)


def sqrt(c: Array, r: Array) -> Array:
    """Linear remainder of the square root; needs c > r."""
    return power(c, r, 0.5)


def _special(op: str) -> Callable[..., Array]:
    """r^2 sup |phi''/2| on the square that holds the disc."""

    def remainder(c: Array, r: Array, *parameter: float) -> Array:
        known = np.where(np.isfinite(r), r, 0.0)
        bound = largest(op, 2, c - known, c + known, known, *parameter)
        return _guard(r * r * bound, np.isfinite(r))

    return remainder


REMAINDER: dict[str, Callable[..., Array]] = {
    "tanh": tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "silu": silu,
    "gelu": gelu,
    "erf": erf,
    "sin": sin,
    "cos": cos,
    "exp": exp,
    "log": log,
    "sqrt": sqrt,
    "pow": power,
    "reciprocal": reciprocal,
    **{op: _special(op) for op in SPECIAL},
}

REAL = {  # sup |phi'|, sup |phi''| / 2 on the real line, rounded up
    "tanh": (1.0, 0.38491),  # 2/(3 sqrt 3)
    "sigmoid": (0.25, 0.048113),  # 1/(12 sqrt 3)
    "softplus": (1.0, 0.125),
    "silu": (1.1, 0.25),
    "gelu": (1.13, 0.39895),  # 1/sqrt(2 pi), at 0
    "erf": (1.1284, 0.48395),  # at 1/sqrt 2: sqrt(2/(pi e))
    "sin": (1.0, 0.5),
    "cos": (1.0, 0.5),
}


def real_remainder(op: str, r: Array, slope: Array) -> Array | None:
    """Linear remainder on [c - r, c + r] where |phi'(c)| <= slope; None for functions without such bounds."""
    if op not in REAL:
        return None
    first, second = REAL[op]
    return np.minimum(second * r * r, r * (first + slope)) * (1.0 + 1e-12)
