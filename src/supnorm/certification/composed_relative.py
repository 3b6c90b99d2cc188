"""Rounding of positive features relative to their values, for boxes on which they span many decades.

`composed_model` bounds what float64 is off by one number for the whole box. Of a product of powers that runs over ten
decades this is the rounding of its largest value, more than its smallest one, and nothing can be divided by it. Such
features, those with a logarithm (`composed_logs`), also have a bound relative to their value. With |x~ - x| <= a x and
|y~ - y| <= b y for positive x, y, and u the unit roundoff (the standard model of `rounding`; Higham, ch. 3),

    |fl(x~ y~) - x y|     <= ((1 + a)(1 + b)(1 + u) - 1) x y,
    |fl(x~ + y~) - (x+y)| <= ((1 + max(a, b))(1 + u) - 1)(x + y),
    |fl(x~^p) - x^p|      <= ((1 - a)^-|p| (1 + library) - 1) x^p,
    |fl(log x~) - log x|  <= -log(1 - a) + library,
    |fl((f~ - g~) fl(1/g~)) - (f - g)/g| <= e + (|f/g - 1| + e)((1 + u)^2/(1 - b) - 1)
    with e = a f/g + b + u (1 + f/g)(1 + a + b),

as long as nothing underflows, which bounds of the logarithm show. These are asked for only where the other bound is `ROUGH`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from supnorm.certification.elementary import LEAST
from supnorm.certification.rounding import Array, U, of_function, outward

ROUGH = 1e-6  # of the smallest value at a node: a smaller rounding is in no formula's way
RANGE = 600.0  # of logarithms; e^-600 times U is far above underflow
# Widening of an interval of logarithms at each operation: far above the rounding of numbers below `RANGE`.
WIDER = 1e-9
LIBRARY = of_function("exp")


@dataclass(frozen=True, eq=False)
class Relative:
    """Positive features on boxes.

    Attributes:
        off: bound of the relative error of a float64 evaluation, infinite where there is none; shape ``(B, 1)``.
        low, high: the logarithm of the feature is between them, shapes ``(B, 1)``.
    """

    off: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, off: Array, low: Array, high: Array) -> Relative:
        """Rounded outwards; without a bound where a value may be too small or too large for it."""
        low, high = low - WIDER, high + WIDER
        known = (low > -RANGE) & (high < RANGE) & (off < 0.5)
        return cls(np.where(known, outward(off, 64), np.inf), low, high)

    @property
    def err(self) -> Array:
        """Of the float64 evaluation anywhere on the box, shape ``(B, 1)``."""
        known = np.isfinite(self.off)
        return np.where(known, outward(self.off * np.exp(np.where(known, self.high, 0.0)), 64), np.inf)


def of_interval(middle: Array, reach: Array, err: Array) -> Relative:
    """Of a feature within ``reach`` of ``middle``, which float64 evaluates within ``err``."""
    least = middle - reach
    positive = (least > 0.0) & np.isfinite(reach) & np.isfinite(err)
    low = np.where(positive, least, 1.0)
    off = np.where(positive, err / low, np.inf)
    high = np.where(positive, middle + reach, 1.0)
    return Relative.of(off, np.log(low), np.log(high))


def of_exp(middle: Array, reach: Array, err: Array) -> Relative:
    """Of e^x, x within ``reach`` of ``middle``."""
    off = _grown(np.expm1(np.minimum(err, 1.0)), LIBRARY)
    return Relative.of(np.where(err < 1.0, off, np.inf), middle - reach, middle + reach)


def of_product(x: Relative, y: Relative) -> Relative:
    """Of x y."""
    return Relative.of(_grown(_grown(x.off, y.off), U), x.low + y.low, x.high + y.high)


def of_sum(x: Relative, y: Relative) -> Relative:
    """Of x + y."""
    low, high = np.logaddexp(x.low, y.low), np.logaddexp(x.high, y.high)
    return Relative.of(_grown(np.maximum(x.off, y.off), U), low, high)


def of_power(x: Relative, p: float) -> Relative:
    """Of x^p."""
    grown = np.expm1(np.minimum(-abs(p) * np.log1p(-np.minimum(x.off, 0.5)), 700.0))
    ends = p * x.low, p * x.high
    off = np.where(np.isfinite(x.off), _grown(grown, of_function("pow", float(p))), np.inf)
    return Relative.of(off, np.minimum(*ends), np.maximum(*ends))


def log_err(x: Relative) -> Array:
    """What log x is off in float64."""
    known = np.isfinite(x.off)
    off = -np.log1p(-np.where(known, x.off, 0.0))
    size = np.maximum(np.abs(x.low), np.abs(x.high))
    return np.where(known, outward(off + LIBRARY * size + 8.0 * LEAST, 64), np.inf)


def relative_error_err(f: Relative, g: Relative, quotient: Array) -> Array:
    """What (f - g)/g is off in float64, where f/g is at most ``quotient``."""
    known = np.isfinite(f.off) & np.isfinite(g.off) & np.isfinite(quotient)
    a, b, s = (np.where(known, v, 0.0) for v in (f.off, g.off, quotient))
    first = a * s + b + U * (1.0 + s) * (1.0 + a + b)
    factor = _grown(1.0 / (1.0 - b) - 1.0, 2.1 * U)
    return np.where(known, outward(first + (1.0 + s + first) * factor, 64), np.inf)


def _grown(a: Array, b: Array | float) -> Array:
    """(1 + a)(1 + b) - 1."""
    return a + b + a * b
