"""Bounds that are combined exactly: every float is a fraction, and only the result is rounded, outwards.

Infinite bounds are None in between: nothing is known there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

Bracket = tuple[float, float]


@dataclass(frozen=True)
class Proved:
    """The worst error of a part of a proof as exact numbers; ``upper`` is None where no bound is proved."""

    lower: Fraction
    upper: Fraction | None


def fraction(v: float) -> Fraction | None:
    """The number that a float is; None for an infinite one."""
    return Fraction(v) if math.isfinite(v) else None


def up(v: Fraction | None) -> float:
    """A float above a number, by at most three units in the last place; infinite for None.

    The checker combines the same bounds with balls of finite width, so the float is strictly above unless it is exact.

    >>> up(Fraction(1, 3)) > Fraction(1, 3), up(Fraction(1, 4)), up(None)
    (True, 0.25, inf)
    """
    if v is None:
        return math.inf
    try:
        near = float(v)
    except OverflowError:
        return math.inf if v > 0 else -math.nextafter(math.inf, 0.0)
    if near == v:
        return near
    return math.nextafter(math.nextafter(near, math.inf), math.inf)


def down(v: Fraction | None) -> float:
    """A float below a number, by at most three units in the last place; minus infinity for None.

    >>> down(Fraction(1, 3)) < Fraction(1, 3), down(None)
    (True, -inf)
    """
    return 0.0 - up(None if v is None else -v)


def root_up(v: Fraction | None) -> float:
    """A float above the square root of a number.

    >>> root_up(Fraction(2)) ** 2 > 2, root_up(Fraction(0)), root_up(None)
    (True, 0.0, inf)
    """
    return math.inf if v is None else up(_root(v) + _step(v)) if v > 0 else 0.0


def root_down(v: Fraction | None) -> float:
    """A float below the square root of a number, zero for a negative number and for None.

    >>> root_down(Fraction(2)) ** 2 < 2, root_down(Fraction(-1))
    (True, 0.0)
    """
    return 0.0 if v is None or v <= 0 else down(_root(v))


BITS = 200  # of a root


def _step(v: Fraction) -> Fraction:
    """The distance of `_root` from the root is at most this."""
    return Fraction(2) ** (_scale(v) - BITS)


def _scale(v: Fraction) -> int:
    """Half of the bits of a number before its point; negative for a small one."""
    return (v.numerator.bit_length() - v.denominator.bit_length()) // 2


def _root(v: Fraction) -> Fraction:
    """The root rounded down to `BITS` bits or one more."""
    shift = BITS - _scale(v)  # above zero or below
    scaled = v * Fraction(4) ** shift
    return Fraction(math.isqrt(scaled.numerator // scaled.denominator)) / Fraction(2) ** shift
