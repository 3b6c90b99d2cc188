"""One named input: its range, unit and scale, and the map between it and the unit interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput
from supnorm.results.option import Allowed
from supnorm.results.printable import one_line


@dataclass(frozen=True)
class Axis:
    """Range of one input.

    Args:
        low, high: the ends, both inside the domain.
        unit: printed with every value of this input.
        scale: ``"linear"`` or ``"log"`` (needs ``low > 0``): the coordinate in which the input is searched and, for
            the uniform law, drawn.
        values: the values that a discrete input can have; all are equally likely under the uniform law. ``low`` and
            ``high`` then follow from them, and ``scale`` is used in pictures only.

    Raises:
        BadInput: for NaN or infinite ends, ``low >= high``, a log axis with ``low <= 0``, or an unknown scale.

    >>> Axis(values=(4, 2, 8)).high
    8.0
    >>> Axis(1e4, 1e8, "Pa", scale="log").from_unit(np.array([0.0, 0.5, 1.0]))
    array([1.e+04, 1.e+06, 1.e+08])
    """

    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    scale: str = "linear"
    values: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.values is not None:
            try:
                values = tuple(sorted(float(v) for v in self.values))
            except (TypeError, ValueError, OverflowError):  # none, or a whole number that no float holds
                values = ()
            if not values or not all(map(math.isfinite, values)) or len(set(values)) < len(values):
                raise BadInput(
                    f"values must be a non-empty list of distinct finite numbers, got {self.values}"
                )
            object.__setattr__(self, "values", values)
            object.__setattr__(self, "low", values[0])
            object.__setattr__(self, "high", values[-1])
            self._check_width()
            self._check_scale()
            return
        for name in ("low", "high"):
            end = getattr(self, name)
            if isinstance(end, bool) or not isinstance(end, int | float | np.number):
                raise BadInput(f"{name} must be a number, got {end!r}")
            if end not in Allowed():
                raise BadInput(f"{name} must be finite, got {one_line(str(end), 60)}; give a finite range")
            object.__setattr__(self, name, float(end))
        if self.low >= self.high:
            raise BadInput(f"low must be below high, got low = {self.low:g}, high = {self.high:g}")
        self._check_width()
        self._check_scale()

    def _check_scale(self) -> None:
        if not isinstance(self.unit, str):
            raise BadInput(
                f"the unit must be a text, got {self.unit!r}; for an input that has only certain values use "
                "Axis(values=[1, 2, 5])"
            )
        if self.scale not in ("linear", "log"):
            raise BadInput(f'scale must be "linear" or "log", got {self.scale!r}')
        if self.scale == "log" and self.low <= 0:
            raise BadInput(
                f'a log axis needs low > 0, got low = {self.low:g}; raise low or use scale = "linear"'
            )

    def _check_width(self) -> None:
        if not math.isfinite(self.high - self.low):
            raise BadInput(
                f"the width high - low must be a finite number, got low = {self.low:g}, high = {self.high:g}"
            )

    @property
    def log(self) -> bool:
        """Whether the axis is logarithmic."""
        return self.scale == "log"

    def from_unit(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map [0, 1] to the axis; 0 and 1 go to the ends exactly."""
        if self.values is not None:
            steps = np.minimum((u * len(self.values)).astype(int), len(self.values) - 1)
            chosen: NDArray[np.float64] = np.asarray(self.values, dtype=float)[steps]
            return chosen
        if self.log:
            x = np.exp(math.log(self.low) + u * (math.log(self.high) - math.log(self.low)))
        else:
            x = self.low + u * (self.high - self.low)
        x = np.clip(x, self.low, self.high)
        return np.where(u >= 1.0, self.high, np.where(u <= 0.0, self.low, x))

    def to_unit(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map the axis to [0, 1]; numbers outside are mapped outside, for a list of values to 0 or 1."""
        if self.values is not None:
            steps = np.searchsorted(np.asarray(self.values), x)
            return (np.minimum(steps, len(self.values) - 1) + 0.5) / len(self.values)
        if self.log:  # a number without a logarithm is mapped to minus infinity
            # Computed in the same way as x, so that the ends are exactly 0 and 1.
            low, high = np.log(np.array([self.low, self.high]))
            with np.errstate(divide="ignore"):
                u: NDArray[np.float64] = (np.log(np.maximum(x, 0.0)) - low) / (high - low)
            return u
        return (x - self.low) / (self.high - self.low)

    def slope(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Derivative of `from_unit` at the point that maps to ``x``; 0 on a discrete axis."""
        if self.values is not None:
            return np.zeros_like(x)
        if self.log:
            return x * math.log(self.high / self.low)
        return np.full_like(x, self.high - self.low)
