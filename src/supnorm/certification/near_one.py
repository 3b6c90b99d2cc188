"""Powers, reciprocals and logarithms of very large or small numbers, by those of numbers near 1.

Slopes and Taylor coefficients of 1/x at 1e199 underflow, and the reach that multiplies them is as large. With x = 2^k z,

    (2^k z)^p = 2^(kp) z^p  for whole k p,    log(2^k z) = k log 2 + log z,

all that is exact but underflow of what is negligible beside the value itself. The model of z is enclosed and shifted back.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import ULPS, Array, U

POWERS = {"reciprocal": -1.0, "sqrt": 0.5, "log": 0.0}  # and "pow"
LOG2 = 0.6931471805599453
MOST = 800.0  # binary digits that derivatives may be away from 1
Model = TypeVar("Model")
Shift = NDArray[np.int64]


def near_one(
    op: str,
    x: Model,
    c: Array,
    orders: int,
    parameter: tuple[float, ...],
    smooth: Callable[..., Model],
    times: Callable[[Model, Shift], Model],
    plus: Callable[[Model, Array, Array], Model],
) -> Model:
    """``smooth(op, x)``, with derivatives up to ``orders``, where needed of x/2^k.

    Args:
        op, x, parameter: of ``smooth``.
        c: the constants of x, shape ``(B, w)``.
        orders: of the derivatives that ``smooth`` takes.
        smooth: the rule.
        times: 2^k x, feature by feature.
        plus: x + a constant, which is off by at most the third argument.
    """
    shift = binary_shift(op, c, orders, *parameter)
    if shift is None:
        return smooth(op, x, *parameter)
    y = smooth(op, times(x, -shift), *parameter)
    if op == "log":
        return plus(y, np.asarray(shift * LOG2), np.asarray(4.0 * ULPS * U * np.abs(shift)))
    p = POWERS.get(op, parameter[0] if parameter else 0.0)
    return times(y, np.round(shift * p).astype(np.int64))


def binary_shift(op: str, c: Array, orders: int, *parameter: float) -> Shift | None:
    """k for each feature, 0 where derivatives up to ``orders`` are far from underflow; None where all are.

    >>> binary_shift("reciprocal", np.array([3.0, 1e200]), 1).tolist()
    [0, 665]
    """
    if op not in POWERS and op != "pow":
        return None
    p = POWERS.get(op, parameter[0] if parameter else 0.0)
    step = Fraction(p).denominator
    if step > 64:
        return None
    _, exponent = np.frexp(c)
    exponent = step * np.round(exponent / step).astype(np.int64)
    shift = np.where(np.abs(exponent) * (abs(p) + orders) > MOST, exponent, 0)
    return shift if shift.any() else None
