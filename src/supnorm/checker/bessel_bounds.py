"""Bounds of the Taylor coefficients of Bessel functions on complex rectangles, by the closed forms of the file format.

Each function has the arguments of `special_functions.bound`: the number of the coefficient, the ends of the real parts, the
half-height, the order.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb, factorial
from typing import Any

from flint import arb, fmpz_poly

Ball = Any


def _sine(p: float) -> Ball:
    return abs(arb(p).sin_pi()) / arb.pi()


def _of_sine(i: int) -> Ball:
    """The mean of |sin|^i."""
    return (arb(i + 1) / 2).gamma() / (arb.pi().sqrt() * (arb(i) / 2 + 1).gamma())


def _rest(low: Ball, terms: list[int]) -> Ball:
    """At least the integral of sum terms_k u^k exp(-low u)/sqrt(1 + u^2)."""
    total = arb(0)
    for k, c in enumerate(terms):
        flat = factorial(k) / low ** (k + 1)
        total = total + c * (flat.min(factorial(k - 1) / low**k) if k else flat)
    return total


def j_bound(i: int, low: Ball, high: Ball, h: Ball, p: float) -> Ball:
    part = _of_sine(i) * h.cosh()
    return (part if p.is_integer() else part + _sine(p) * _rest(low, [0] * i + [1])) / factorial(i)


def y_bound(i: int, low: Ball, high: Ball, h: Ball, p: float) -> Ball:
    m = _next_whole(p)
    terms = [comb(m, k) * 2**k + (k == 0) for k in range(m + 1)]
    return (_of_sine(i) * h.cosh() + _rest(low, [0] * i + terms) / arb.pi()) / factorial(i)


def i_bound(i: int, low: Ball, high: Ball, h: Ball, p: float) -> Ball:
    part = _of_sine(i) * abs(low).max(abs(high)).exp()
    if not p.is_integer():
        part = part + _sine(p) * _rest(low, [comb(i, k) for k in range(i + 1)])
    return part / factorial(i)


def _next_whole(p: float) -> int:
    return int(p) + (not p.is_integer())


@lru_cache(maxsize=256)
def _cosines(i: int, m: int) -> tuple[int, ...]:
    """Coefficients of (1 + v)^i T_m(1 + v)."""
    one_more, before, now = fmpz_poly([1, 1]), fmpz_poly([1]), fmpz_poly([1, 1])
    for _ in range(m - 1):
        before, now = now, 2 * one_more * now - before
    row = (before if m == 0 else now) * one_more**i
    return tuple(int(row[k]) for k in range(m + i + 1))


def k_bound(i: int, low: Ball, high: Ball, h: Ball, p: float) -> Ball:
    total, root = arb(0), (2 * low).sqrt()
    for k, c in enumerate(_cosines(i, _next_whole(p))):
        part = (arb(2 * k + 1) / 2).gamma() / (root * low**k)
        total = total + c * (part.min(factorial(k - 1) / low**k) if k else part)
    return (-low).exp() * total / factorial(i)
