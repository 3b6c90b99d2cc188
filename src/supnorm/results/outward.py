"""Bounds in few digits, rounded outwards, so that the printed number is a bound too."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context


def rounded_up(value: float, digits: int) -> float:
    """The least number of so many significant digits that is not below ``value``.

    >>> rounded_up(0.2066314, 4), rounded_up(0.218, 3), rounded_up(math.inf, 3)
    (0.2067, 0.218, inf)
    """
    return _rounded(value, digits, ROUND_CEILING)


def rounded_down(value: float, digits: int) -> float:
    """The greatest number of so many significant digits that is not above ``value``.

    >>> rounded_down(0.2058999, 4), rounded_down(-0.2058, 2)
    (0.2058, -0.21)
    """
    return _rounded(value, digits, ROUND_FLOOR)


def _rounded(value: float, digits: int, mode: str) -> float:
    if not math.isfinite(value):
        return value
    # repr: the shortest decimal that is this float, so that 0.218 stays what it is.
    return float(Context(prec=digits, rounding=mode).create_decimal(repr(float(value))))
