"""The points of a domain whose inputs all have lists of values; they have numbers and are never all in memory.

Point number i of the grid has the digits of i in the mixed radix of the lists' lengths (the last input runs fastest);
constraints leave some numbers out. `FinitePoints.batches` goes through all numbers once in the order
``i * stride mod size``. The stride is near the golden section of the size and has no divisor in common with it, so the
points that are evaluated when the time ends are distributed over the whole domain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
BLOCK = 8192  # numbers that are turned into points at once
LISTED = 10_000_000  # constraints are evaluated at no more grid points than this, only to count the points that exist
MOST = 2**31  # largest number of grid points: a number times the stride is then a 64-bit integer
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass
class FinitePoints:
    """The points of a finite domain.

    Attributes:
        values: the values of each axis.
        exist: tells which points of the grid exist, ``(n, d) -> (n,)``; None if all exist.

    >>> from supnorm.problem import Axis, Domain
    >>> points = Domain(n=Axis(values=(1, 2, 4)), k=Axis(values=(0, 5))).finite
    >>> points.size, points.at(np.array([0, 5])).tolist()
    (6, [[1.0, 0.0], [4.0, 5.0]])
    """

    values: tuple[tuple[float, ...], ...]
    exist: Callable[[Array], NDArray[np.bool_]] | None = None
    _count: int | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values of each axis."""
        return tuple(map(len, self.values))

    @property
    def size(self) -> int:
        """The number of points of the grid."""
        return math.prod(self.shape)

    def count(self, most: float = math.inf, stop: Callable[[], bool] = lambda: False) -> int | None:
        """How many points exist; None if they are more than ``most`` or too many to be counted, or if ``stop()`` is true."""
        if self.exist is None:
            return self.size if self.size <= most else None
        if self._count is None:
            if self.size > max(LISTED, most if math.isfinite(most) else 0):
                return None
            count = 0
            for _, x in self._blocks():
                count += len(x)
                if count > most or stop():
                    return None
            self._count = count
        return self._count if self._count <= most else None

    def at(self, number: Numbers) -> Array:
        """Points by their numbers, shapes ``(n,)`` and ``(n, d)``."""
        x = np.empty((len(number), len(self.shape)))
        for i in reversed(range(len(self.shape))):
            number, digit = np.divmod(number, self.shape[i])
            x[:, i] = np.asarray(self.values[i])[digit]
        return x

    def numbers(self, x: Array) -> Numbers:
        """The numbers of points of the grid, shapes ``(n, d)`` and ``(n,)``."""
        number = np.zeros(len(x), dtype=np.int64)
        for values, column in zip(self.values, x.T, strict=True):
            number = number * len(values) + np.searchsorted(np.asarray(values), column)
        return number

    def batches(self, rows: Callable[[], int]) -> Iterator[tuple[Numbers, Array]]:
        """Every point that exists, once: numbers ``(n,)`` and points ``(n, d)``; ``rows()`` gives each n."""
        number, x = np.empty(0, dtype=np.int64), np.empty((0, len(self.values)))
        for more, points in self._blocks():
            number, x = np.concatenate([number, more]), np.concatenate([x, points])
            while len(x) and len(x) >= (n := max(1, rows())):
                yield number[:n], x[:n]
                number, x = number[n:], x[n:]
        while len(x):
            n = max(1, rows())
            yield number[:n], x[:n]
            number, x = number[n:], x[n:]

    def _blocks(self) -> Iterator[tuple[Numbers, Array]]:
        """The points that exist, for one block of `BLOCK` numbers after the other."""
        stride = max(1, round(GOLDEN * self.size))
        while math.gcd(stride, self.size) > 1:
            stride += 1
        for start in range(0, self.size, BLOCK):
            number = np.arange(start, min(start + BLOCK, self.size), dtype=np.int64) * stride % self.size
            x = self.at(number)
            if self.exist is not None:
                exist = self.exist(x)
                number, x = number[exist], x[exist]
            yield number, x
