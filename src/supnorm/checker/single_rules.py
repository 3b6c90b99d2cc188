"""Rules of float32 arithmetic in balls: stored numbers, accuracy of functions, ranges and derivatives on intervals."""

from __future__ import annotations

import struct
from typing import Any

from flint import arb

from supnorm.checker.claimed_single import Kernel
from supnorm.checker.functions import exactly, power, value_and_slope

Ball = Any
SINGLE = arb(2) ** -24
FLUSHED = arb(2) ** -126  # results below it may be lost
LARGEST = arb(3.4e38)
ULP, LOST = arb(2) ** -23, arb(2) ** -120
_RISING = ("tanh", "erf", "sigmoid", "softplus", "exp")
_BENDS = {"silu": 0.5, "gelu": 0.798, "sin": 1.0, "cos": 1.0}
_RANGES = {"tanh": (0.0, 1.0), "erf": (0.0, 1.0), "sin": (0.0, 1.0), "cos": (0.0, 1.0), "sigmoid": (0.5, 0.5)}


def around(e: Ball) -> Ball:
    """The ball of all numbers of at most this size."""
    return arb(0, 1) * e


def stored(v: float) -> Ball:
    """How far the float32 number that stands for a given one is from it: nothing, or half a unit."""
    try:
        same = struct.unpack("<f", struct.pack("<f", v))[0] == v
    except OverflowError:
        return arb("inf")
    if same and (v == 0.0 or abs(v) >= 2.0**-126):
        return arb(0)
    return SINGLE * abs(arb(v)) + FLUSHED


def rounded(op: str, parameter: float | None, size: Ball, w: Ball, functions: dict[str, Kernel]) -> Ball:
    """Error of a function of the runtime at a computed argument w; ``size`` bounds its exact values there."""
    kernel = functions.get("square" if op == "pow" and parameter == 2.0 else op)
    most = abs(w).upper()
    if kernel is None or not (most <= kernel.most):
        return arb("inf")
    error = kernel.ulps * ULP * size + arb(kernel.absolute) + arb(kernel.argument) * most + LOST * (1 + most)
    return error.upper()


def between(low: Ball, high: Ball) -> Ball:
    """The ball that holds two balls; not a number if one of them is not a number."""
    return low.union(high)


def value(op: str, z: Ball) -> Ball:
    """phi(z) of a rising function at the end of an interval."""
    if op == "tanh":
        return z.tanh()
    return z.exp() if op == "exp" else value_and_slope(op, z)[0]


def within(op: str, v: Ball, x: Ball) -> Ball:
    """The range of a function of x, no larger than v."""
    if not v.is_finite():
        return v
    low, high = v.lower(), v.upper()
    if op in _RISING:
        a, b = value(op, x.lower()).lower(), value(op, x.upper()).upper()
        low, high = low.max(a) if a.is_finite() else low, high.min(b) if b.is_finite() else high
    if op in _RANGES:
        middle, half = _RANGES[op]
        low, high = low.max(arb(middle - half)), high.min(arb(middle + half))
    return v if low > high else between(low, high)


def slope(op: str, p: float | None, z: Ball) -> Ball:
    """The ball of the derivatives of phi on an interval; not finite where it has none."""
    low, high = z.lower(), z.upper()
    if op == "tanh":
        a, b = low.tanh(), high.tanh()
        return _even(1 - a * a, 1 - b * b, arb(1), low, high)
    if op in ("sigmoid", "erf"):
        top = arb(0.25) if op == "sigmoid" else 2 / arb.pi().sqrt()
        return _even(value_and_slope(op, low)[1], value_and_slope(op, high)[1], top, low, high)
    if op == "softplus":
        return between(value_and_slope(op, low)[1], value_and_slope(op, high)[1])
    if op == "exp":
        return between(low.exp(), high.exp())
    if op in _BENDS:
        middle = z.mid()
        return value_and_slope(op, middle)[1] + around(arb(_BENDS[op]) * (z - middle).abs_upper())
    if op == "log":
        return between(1 / low, 1 / high) if low > 0 else arb("nan")
    if op == "sqrt":
        return between(1 / (2 * low.sqrt()), 1 / (2 * high.sqrt())) if low > 0 else arb("nan")
    if op == "pow" and p is not None:
        return _power(exactly(p), low, high)
    return arb("nan")


def _even(a: Ball, b: Ball, top: Ball, low: Ball, high: Ball) -> Ball:
    """A slope that is even and falls on both sides of zero, where it is ``top``."""
    return between(a, b) if low > 0 or high < 0 else between(between(a, b), top)


def _power(q: Any, low: Ball, high: Ball) -> Ball:
    if low > 0 or (high < 0 and q.q == 1):
        return between(arb(q) * power(low, q - 1), arb(q) * power(high, q - 1))
    if q.q == 1 and q >= 1:
        return around(arb(q) * power(abs(low).max(abs(high)).upper(), q - 1))
    return arb("nan")


def reciprocal(w: Ball) -> Ball:
    """The ball of 1/w; not a number if w may be zero or below the normal numbers."""
    if not (w >= FLUSHED or w <= -FLUSHED):
        return arb("nan")
    return between(1 / w.lower(), 1 / w.upper())
