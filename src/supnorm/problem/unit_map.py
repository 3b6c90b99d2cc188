"""The map between the axes of a domain and the unit box, for batches of points.

Linear axes, the common case, are mapped all at once, because every evaluation needs this. Their ends are repeated point
by point in arrays that fit into the cache, because NumPy is slow when it broadcasts a row of a few numbers.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.axis import Axis

# Numbers that are mapped at once: with ends and reaches some 256 kB, in the second-level cache.
AT_ONCE = 8192


class UnitMap:
    """Maps points between axes and the unit box; arrays of shape ``(n, d)`` both ways.

    >>> unit = UnitMap((Axis(0.0, 10.0), Axis(1.0, 100.0, scale="log")))
    >>> unit.from_unit(np.array([[0.5, 0.5]]))
    array([[ 5., 10.]])
    """

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        self.axes = axes
        self._low = np.array([a.low for a in axes])
        self._high = np.array([a.high for a in axes])
        self._linear = all(not a.log and a.values is None for a in axes)

    def from_unit(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points of the unit box, shape ``(n, d)``, to the axes."""
        if self._linear:
            x, flat = np.empty(u.size), u.reshape(-1)
            low, high, reach, _ = self._repeated
            beyond = self._beyond
            for i in range(0, u.size, len(low)):
                n = min(len(low), u.size - i)
                y = flat[i : i + n].clip(0.0, 1.0, out=x[i : i + n])
                y *= reach[:n]
                y += low[:n]
                if beyond:
                    np.minimum(y, high[:n], out=y)
            return x.reshape(u.shape)
        return np.stack([a.from_unit(u[:, i]) for i, a in enumerate(self.axes)], axis=1)

    def to_unit(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points, shape ``(n, d)``, to the unit box."""
        if self._linear:
            u, flat = np.empty(x.size), x.reshape(-1)
            low, _, _, width = self._repeated
            for i in range(0, x.size, len(low)):
                n = min(len(low), x.size - i)
                y = np.subtract(flat[i : i + n], low[:n], out=u[i : i + n])
                y /= width[:n]
            return u.reshape(x.shape)
        return np.stack([a.to_unit(x[:, i]) for i, a in enumerate(self.axes)], axis=1)

    def to_unit_rows(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The same as `to_unit` with a row for each axis, shape ``(d, n)``, for work that goes axis by axis."""
        if self._linear:
            u = x.T.copy()
            u -= self._low[:, None]
            u /= (self._high - self._low)[:, None]
            return u
        return np.stack([a.to_unit(x[:, i]) for i, a in enumerate(self.axes)])

    @cached_property
    def _repeated(self) -> list[NDArray[np.float64]]:
        """Lows, highs, reaches and widths of the axes, repeated point by point up to about ``AT_ONCE`` numbers.

        NumPy is slow when it broadcasts a row of a few numbers.
        """
        rows = (self._low, self._high, self._reach, self._high - self._low)
        return [np.tile(row, max(1, AT_ONCE // len(self._low))) for row in rows]

    @cached_property
    def _reach(self) -> NDArray[np.float64]:
        """The widths, rounded up until low + reach is not below high, so that 1 is mapped to the end itself."""
        width = self._high - self._low
        return np.asarray(np.where(self._low + width < self._high, np.nextafter(width, np.inf), width))

    @cached_property
    def _beyond(self) -> bool:
        """Whether low + reach is above high on some axis; otherwise no point of the unit box is mapped beyond an end."""
        return bool((self._low + self._reach > self._high).any())

    def slope(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """dx/du at each point and axis, shape ``(n, d)``: turns gradients in x into the unit box."""
        if self._linear:
            return np.asarray((self._high - self._low)[None].repeat(len(x), axis=0))
        return np.stack([a.slope(x[:, i]) for i, a in enumerate(self.axes)], axis=1)

    def chain(self, gradient: NDArray[np.float64], x: NDArray[np.float64]) -> None:
        """Turn gradients in ``x`` (n, d), in C order, into gradients in the unit box, in place."""
        if not self._linear:
            gradient *= self.slope(x)
            return
        flat, (*_, width) = gradient.reshape(-1), self._repeated
        for i in range(0, flat.size, len(width)):
            part = flat[i : i + len(width)]
            part *= width[: len(part)]
