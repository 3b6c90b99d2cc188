"""Sums of numbers of double precision that do not depend on the order in which they are added.

Every finite double is a whole multiple of 2^-1074, so whole numbers of Python hold the sum without any rounding; it is
rounded once, when it is read. So states that were made in other pieces, by other workers or after an interruption have
the same sums bit for bit. It costs about 5 us for the eight sums of a pair of fields, beside milliseconds for the scan.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEAST = 1074  # the smallest double above zero is 2^-1074
UNIT = 1 << LEAST


class ExactSums:
    """An array of sums.

    Args:
        shape: of the array.

    >>> sums = ExactSums((2,))
    >>> for value in (1e300, 1.0, -1e300):
    ...     sums.add(slice(None), np.array([value, 0.1]))
    >>> sums.values.tolist()
    [1.0, 0.30000000000000004]
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._whole = np.zeros(shape, dtype=object)
        self._beyond = np.zeros(shape)  # the sums of what is not finite: infinite or NaN then, in any order
        self._values: Array | None = None

    @property
    def values(self) -> Array:
        """The sums, rounded to double precision; not to be changed."""
        if self._values is None:
            found = np.array([_rounded(n) for n in self._whole.flat], dtype=np.float64)
            self._values = found.reshape(self._whole.shape) + self._beyond
        return self._values

    def add(self, at: Any, values: Array) -> None:
        """Add numbers to a part of the array.

        Args:
            at: index of the part.
            values: of its shape.
        """
        self._values = None
        finite = np.isfinite(values)
        if not finite.all():
            with np.errstate(invalid="ignore"):  # infinity less infinity is NaN, as it has to be
                self._beyond[at] += np.where(finite, 0.0, values)
            values = np.where(finite, values, 0.0)
        self._whole[at] += _whole(values)

    def merge(self, other: Self) -> None:
        """Add the sums of another one of the same shape."""
        self._values = None
        self._whole += other._whole
        with np.errstate(invalid="ignore"):
            self._beyond += other._beyond

    def stored(self) -> dict[str, NDArray[Any]]:
        """As arrays that a file can hold."""
        return {"whole": np.array([f"{n:x}" for n in self._whole.flat]), "beyond": self._beyond}

    def take(self, stored: dict[str, NDArray[Any]]) -> None:
        """The opposite of `stored`.

        Raises:
            ValueError: for arrays of another shape, or text that is no number.
        """
        self._values = None
        self._whole[...] = np.array([int(t, 16) for t in stored["whole"].tolist()], dtype=object).reshape(
            self._whole.shape
        )
        self._beyond[...] = stored["beyond"]


def _whole(values: Array) -> NDArray[np.object_]:
    """Finite numbers in units of 2^-1074."""
    mantissas, exponents = np.frexp(values)
    found = np.empty(values.shape, dtype=object)
    pairs = zip((mantissas * 2.0**53).ravel().tolist(), exponents.ravel().tolist(), strict=True)
    found.reshape(-1)[:] = [_shifted(int(m), e - 53 + LEAST) for m, e in pairs]
    return found


def _shifted(n: int, by: int) -> int:
    return n << by if by >= 0 else n >> -by  # below the normal numbers the last bits are zero


def _rounded(n: int) -> float:
    try:
        return n / UNIT  # of two whole numbers: correctly rounded
    except OverflowError:
        return float("inf") if n > 0 else float("-inf")
