"""Spectra along circles of latitude: from which scale on a prediction has no power, or only error.

Power of prediction, truth and error of each zonal wavenumber, averaged over rows between 60 degrees south and north with
their area weights. By linearity the transform of the error needs no third FFT.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from supnorm.fields.exact_sums import ExactSums
from supnorm.fields.grid import Grid

Array = NDArray[np.float64]
# Power of the truth below this share of its largest is rounding: of fields in single precision it is about 1e-14.
ROWS = 64  # of a transform that are squared at once; their number changes sums by rounding alone
NOISE = 1e-10
NORTH = 60.0  # degrees: nearer to the poles a wavenumber is another length


@dataclass(frozen=True)
class Resolution:
    """From which wavenumber on the prediction says nothing, and why: ``error`` or ``power``; None if it always does."""

    wavenumber: int | None
    by: str


@dataclass
class Spectrum:
    """Sums of power of each wavenumber over fields.

    Attributes:
        exact: of prediction, truth and error, shape ``(3, wavenumbers)``.
        fields: number of fields; those with a missing value in the rows used are left out and counted in ``skipped``.
    """

    exact: ExactSums
    fields: int = 0
    skipped: int = 0

    @classmethod
    def empty(cls, grid: Grid) -> Spectrum:
        """Of no fields."""
        return cls(ExactSums((3, grid.shape[1] // 2 + 1)))

    @property
    def prediction(self) -> Array:
        """Power of the prediction, shape ``(wavenumbers,)``."""
        power: Array = self.exact.values[0]
        return power

    @property
    def truth(self) -> Array:
        """Power of the truth."""
        power: Array = self.exact.values[1]
        return power

    @property
    def error(self) -> Array:
        """Power of the error."""
        power: Array = self.exact.values[2]
        return power

    def add(self, prediction: NDArray[Any], truth: NDArray[Any], grid: Grid) -> None:
        """Add a pair of fields."""
        rows = np.abs(grid.y) <= NORTH if grid.sphere else np.ones(grid.shape[0], dtype=bool)
        p, t = (
            np.asarray(a[rows], dtype=np.float64 if a.dtype == np.float64 else np.float32)
            for a in (prediction, truth)
        )
        if not (np.isfinite(p).all() and np.isfinite(t).all()):
            self.skipped += 1
            return
        fp, ft = fft.rfft(p, axis=1), fft.rfft(t, axis=1)
        del p, t
        w = grid.weights[rows] / grid.weights[rows].sum()
        power = [_power(w, fp), _power(w, ft)]
        error = np.subtract(fp, ft, out=fp if fp.dtype == ft.dtype else None)
        power.append(_power(w, error))
        self.exact.add(slice(None), np.stack(power))
        self.fields += 1

    def merge(self, other: Spectrum) -> None:
        """Add the sums of another one."""
        self.exact.merge(other.exact)
        self.fields, self.skipped = self.fields + other.fields, self.skipped + other.skipped

    @property
    def beyond_rounding(self) -> NDArray[np.bool_]:
        """At which wavenumbers the truth has power that is not rounding, shape ``(wavenumbers,)``."""
        return self.truth > NOISE * float(self.truth[1:].max(initial=0.0))

    def resolution(self) -> Resolution:
        """The first wavenumber with more error than truth, or less than half of the truth's power."""
        with np.errstate(divide="ignore", invalid="ignore"):
            there = self.beyond_rounding
            wrong, weak = self.error > self.truth, self.prediction < 0.5 * self.truth
        for k in range(1, len(self.truth)):
            if there[k] and (wrong[k] or weak[k]):
                return Resolution(k, "error" if wrong[k] else "power")
        return Resolution(None, "")


def _power(weights: Array, transform: NDArray[Any]) -> Array:
    """Weighted power of each wavenumber; some rows at a time, because each copy of a field takes megabytes."""
    power = np.zeros(transform.shape[1])
    for start in range(0, len(weights), ROWS):
        part = transform[start : start + ROWS]
        square, other = part.real.astype(np.float64), part.imag.astype(np.float64)
        square *= square
        other *= other
        square += other
        power += weights[start : start + ROWS] @ square
    return power
