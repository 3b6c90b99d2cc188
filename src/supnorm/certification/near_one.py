"""Powers, roots, reciprocals and logarithms of very large or small numbers, from those of numbers near 1.

Slopes and Taylor coefficients of 1/x at 1e199 underflow, while the reach that multiplies them is huge; the square of the
reach of a cube root at 1e-170 underflows, while the curvature that multiplies it is huge. With x = 2^k z,

    (2^k z)^p = 2^(kp) z^p  for whole k p,    log(2^k z) = k log 2 + log z,

and both are exact except that numbers which are negligible beside the value may underflow. So z is enclosed, and the
resulting model is shifted back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.rounding import ULPS, Array, U

THIRD = Fraction(1, 3)  # the float64 1/3 is another exponent
POWERS: dict[str, float | Fraction] = {
    "reciprocal": -1.0,
    "sqrt": 0.5,
    "cbrt": THIRD,
    "log": 0.0,
}  # and "pow"
LOG2 = 0.6931471805599453  # log 2, rounded
MOST = 800.0  # derivatives may differ from 1 by this many binary digits
Model = TypeVar("Model")
Shift = NDArray[np.int64]


@dataclass(frozen=True)
class Rules(Generic[Model]):
    """The rules of one kind of model.

    Attributes:
        smooth: of an operation, ``smooth(op, x, *parameter)``.
        orders: the highest order of the derivatives that ``smooth`` takes.
        times: computes 2^k x, feature by feature.
        plus: computes x + a constant that is off by at most the third argument.
    """

    smooth: Callable[..., Model]
    orders: int
    times: Callable[[Model, Shift], Model]
    plus: Callable[[Model, Array, Array], Model]


def near_one(op: str, x: Model, c: Array, parameter: tuple[float, ...], rules: Rules[Model]) -> Model:
    """``rules.smooth(op, x)``, where needed of x/2^k; ``c`` are the constants of x, shape ``(B, w)``."""
    smooth, times, plus = rules.smooth, rules.times, rules.plus
    shift = binary_shift(op, c, rules.orders, *parameter)
    if shift is None:
        return smooth(op, x, *parameter)
    y = smooth(op, times(x, -shift), *parameter)
    if op == "log":
        return plus(y, np.asarray(shift * LOG2), np.asarray(4.0 * ULPS * U * np.abs(shift)))
    p = float(POWERS.get(op, parameter[0] if parameter else 0.0))
    return times(y, np.round(shift * p).astype(np.int64))


def binary_shift(op: str, c: Array, orders: int, *parameter: float) -> Shift | None:
    """k for each feature, 0 where derivatives up to ``orders`` are far from underflow; None where all are.

    >>> binary_shift("reciprocal", np.array([3.0, 1e200]), 1).tolist()
    [0, 665]
    >>> binary_shift("cbrt", np.array([8.0, -1e-200]), 2).tolist()
    [0, -663]
    """
    if op not in POWERS and op != "pow":
        return None
    p = POWERS.get(op, parameter[0] if parameter else 0.0)
    step = Fraction(p).denominator
    if step > 64:
        return None
    _, exponent = np.frexp(c)
    exponent = step * np.round(exponent / step).astype(np.int64)
    shift = np.where(np.abs(exponent) * (abs(float(p)) + orders) > MOST, exponent, 0)
    return shift if shift.any() else None
