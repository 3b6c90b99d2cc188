"""Polynomials of total degree or on a hyperbolic cross, by least squares from any samples.

The degree is the one with the least maximum error on every tenth sample, left out of the fit; then all
samples are used. At most one coefficient per two samples. Cost n k^2. Choose it for smooth functions in 2 to
8 dimensions from given data. Source: Cohen & Migliorati, Optimal weighted least-squares methods (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Approximation, NotApplicable, finish, to_cube
from supnorm.approximants.basis import Indices, Polynomial, design, hyperbolic_cross, total_degree
from supnorm.problem import Domain
from supnorm.results import BadInput

Array = NDArray[np.float64]
INDEX_SETS = {"total": total_degree, "hyperbolic": hyperbolic_cross}


@dataclass(frozen=True)
class PolynomialLeastSquares:
    """Least squares in Chebyshev polynomials.

    Args:
        index_set: ``"total"`` or ``"hyperbolic"``.
        ratio: samples per coefficient, at least.
        largest: most coefficients.

    Raises:
        BadInput: for an unknown index set.
    """

    index_set: str = "total"
    ratio: float = 2.0
    largest: int = 700

    def __post_init__(self) -> None:
        if self.index_set not in INDEX_SETS:
            raise BadInput(f"index_set must be one of {', '.join(INDEX_SETS)}, got {self.index_set!r}")

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, d)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for fewer than two samples per coefficient of degree 1.
        """
        t = to_cube(domain, x)
        held = np.arange(len(t)) % 10 == 9
        best: tuple[float, Indices] | None = None
        for indices in self._sets(domain.d, len(t)):
            fitted = _solve(t[~held], y[~held], indices)
            error = float(np.abs(fitted.value(t[held]) - y[held]).max(initial=0.0))
            if best is None or error < best[0]:
                best = (error, indices)
            elif error > 1e3 * best[0]:  # more coefficients only fit noise
                break
        if best is None:
            raise NotApplicable(f"least squares in {domain.d} dimensions needs more than {len(t)} samples")
        surface = _solve(t, y, best[1])
        return finish(surface, domain, f"polynomial ({self.index_set})", len(x))

    def _sets(self, d: int, n: int) -> list[Indices]:
        most = min(self.largest, int(0.9 * n / self.ratio))
        sets: list[Indices] = []
        degree = 1
        while degree < 400:
            indices = INDEX_SETS[self.index_set](d, degree)
            if len(indices) > most:
                break
            if not sets or len(indices) > 1.2 * len(sets[-1]):  # each solve costs as much as all smaller ones
                sets.append(indices)
            degree += 1 + (degree // 8 if d == 1 or self.index_set == "hyperbolic" else 0)
        return sets


def _solve(t: Array, y: Array, indices: Indices) -> Polynomial:
    coefficients = np.linalg.lstsq(design(t, indices, "chebyshev"), y, rcond=1e-15)[0].astype(np.float64)
    return Polynomial(indices, coefficients)
