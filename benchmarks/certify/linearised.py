"""First-order Taylor models with interval remainders, as the linear relaxations that Marabou is given.

f(x) = c + g.(x - centre) + r, r in [low, high], on a box with half-widths h. A function is expanded about the centre, with
Lagrange's remainder from its second derivative on the range of the argument; products as in "Certified Neural Approximations
of Nonlinear Dynamics". Where a root has no second derivative (an argument down to 0), the relaxation is the chord and its
parallel tangent; the paper's code has CROWN there. Float64 without outward rounding, as there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Linearised:
    """c + g.(x - centre) + r with low <= r <= high, for |x - centre| <= half."""

    c: float
    g: Array
    low: float
    high: float
    half: Array

    @property
    def moved(self) -> Interval:
        """The range of g.(x - centre) + r."""
        reach = float(np.abs(self.g) @ self.half)
        return self.low - reach, self.high + reach

    @property
    def range(self) -> Interval:
        """The range of the function."""
        return self.c + self.moved[0], self.c + self.moved[1]

    def _of(self, other: Any) -> Linearised:
        if isinstance(other, Linearised):
            return other
        return Linearised(float(other), np.zeros_like(self.g), 0.0, 0.0, self.half)

    def __add__(self, other: Any) -> Linearised:
        y = self._of(other)
        return Linearised(self.c + y.c, self.g + y.g, self.low + y.low, self.high + y.high, self.half)

    __radd__ = __add__

    def __neg__(self) -> Linearised:
        return self * -1.0

    def __sub__(self, other: Any) -> Linearised:
        return self + -self._of(other)

    def __rsub__(self, other: Any) -> Linearised:
        return -self + other

    def __mul__(self, other: Any) -> Linearised:
        if not isinstance(other, Linearised):
            k = float(other)
            ends = sorted((k * self.low, k * self.high))
            return Linearised(k * self.c, k * self.g, ends[0], ends[1], self.half)
        x, y = self, other
        a, b = float(np.abs(x.g) @ x.half), float(np.abs(y.g) @ y.half)
        parts = [
            _times((-a, a), (-b, b)),
            _times((x.c, x.c), (y.low, y.high)),
            _times((y.c, y.c), (x.low, x.high)),
            _times((x.low, x.high), (-b, b)),
            _times((y.low, y.high), (-a, a)),
            _times((x.low, x.high), (y.low, y.high)),
        ]
        low, high = sum(p[0] for p in parts), sum(p[1] for p in parts)
        return Linearised(x.c * y.c, x.c * y.g + y.c * x.g, low, high, x.half)

    __rmul__ = __mul__

    def __pow__(self, n: int) -> Linearised:
        ends = [n * (n - 1) * v ** (n - 2) for v in self.range]
        if n > 2 and self.range[0] < 0.0 < self.range[1]:
            ends.append(0.0)
        return self.bent(self.c**n, n * self.c ** (n - 1), (min(ends), max(ends)))

    def bent(self, value: float, slope: float, second: Interval) -> Linearised:
        """phi of it, from phi(c), phi'(c) and the range of phi''."""
        most = max(abs(self.moved[0]), abs(self.moved[1])) ** 2
        rest = _times((slope, slope), (self.low, self.high))
        low, high = rest[0] + 0.5 * most * min(second[0], 0.0), rest[1] + 0.5 * most * max(second[1], 0.0)
        return Linearised(value, slope * self.g, low, high, self.half)

    def chord(self, phi: Callable[[float], float], s: float, top: float) -> Linearised:
        """A concave phi between its chord of slope ``s`` and the parallel tangent, which touches at ``top``."""
        a = max(self.range[0], 0.0)
        line = self * s
        low, high = phi(a) - s * a, phi(top) - s * top
        return Linearised(line.c, line.g, line.low + low, line.high + high, self.half)


def _times(x: Interval, y: Interval) -> Interval:
    ends = [a * b for a in x for b in y]
    return min(ends), max(ends)


def _wave(low: float, high: float, top: float) -> Interval:
    """The range of the cosine of z - ``top`` on [low, high]."""
    ends = [math.cos(low - top), math.cos(high - top)]
    k = math.ceil((low - top) / math.pi)
    inside = [(-1.0) ** j for j in (k, k + 1) if top + j * math.pi <= high]
    return min(ends + inside), max(ends + inside)


class Functions:
    """sin, cos, exp, sqrt and cbrt of Taylor models."""

    @staticmethod
    def sin(x: Linearised) -> Linearised:
        low, high = _wave(*x.range, 0.5 * math.pi)
        return x.bent(math.sin(x.c), math.cos(x.c), (-high, -low))

    @staticmethod
    def cos(x: Linearised) -> Linearised:
        low, high = _wave(*x.range, 0.0)
        return x.bent(math.cos(x.c), -math.sin(x.c), (-high, -low))

    @staticmethod
    def exp(x: Linearised) -> Linearised:
        return x.bent(math.exp(x.c), math.exp(x.c), (math.exp(x.range[0]), math.exp(x.range[1])))

    @staticmethod
    def sqrt(x: Linearised) -> Linearised:
        return _root(x, 0.5)

    @staticmethod
    def cbrt(x: Linearised) -> Linearised:
        return _root(x, 1.0 / 3.0)


def _root(x: Linearised, p: float) -> Linearised:
    low, high = max(x.range[0], 0.0), x.range[1]
    s = (high**p - low**p) / (high - low)
    along = x.chord(lambda v: v**p, s, (s / p) ** (1.0 / (p - 1.0)))
    if low <= 0.0 or x.c <= 0.0:
        return along
    taylor = x.bent(
        x.c**p, p * x.c ** (p - 1.0), (p * (p - 1.0) * low ** (p - 2.0), p * (p - 1.0) * high ** (p - 2.0))
    )
    return taylor if taylor.high - taylor.low < along.high - along.low else along


def linearised(
    outputs: Callable[[Sequence[Any], Any], list[Any]], centre: Array, half: Array
) -> list[Linearised]:
    """The model of each output on a box."""
    unit = np.eye(len(centre))
    x = [Linearised(float(c), unit[i], 0.0, 0.0, half) for i, c in enumerate(centre)]
    return outputs(x, Functions)
