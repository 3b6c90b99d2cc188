"""Polynomials of total degree or on a hyperbolic cross, by least squares from any samples.

The degree is the smallest one whose largest leave-one-out error is at most 30 % above the smallest. With the projection
on the columns, H = A A^+, this error is r_i / (1 - H_ii) (Allen, The relationship between variable selection and data
augmentation, 1974), so one factorisation gives all n of them. Every outermost sample is left out once, which shows growth
between the data and a corner. A random tenth of the samples seldom contains an outermost one: for 300 random samples of a
function of size one, such a choice took degrees with errors of 1e5 at the ends (`tests/approximants/test_methods.py`).

There is at most one coefficient for two samples. Cost n k^2 for each degree. Choose it for smooth functions in 2 to 8
dimensions from given data. Source: Cohen & Migliorati, Optimal weighted least-squares methods (2017).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from supnorm.approximants.approximation import Approximation, NotApplicable, finish, to_cube
from supnorm.approximants.basis import Indices, Polynomial, design, hyperbolic_cross, total_degree
from supnorm.problem import Domain
from supnorm.results.option import Allowed
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
# Tuned on seeds 5 to 12 of the functions in `tests/approximants/test_methods.py`: with 1.0 a larger set wins by chance,
# with 2.0 the degrees are too small.
WITHIN = 1.3
RANK, ROUNDING = 1e-14, 5e-15
INDEX_SETS = {"total": total_degree, "hyperbolic": hyperbolic_cross}


@dataclass(frozen=True)
class PolynomialLeastSquares(Settings):
    """Least squares in Chebyshev polynomials.

    Args:
        index_set: ``"total"`` or ``"hyperbolic"``.
        ratio: smallest number of samples for each coefficient.
        largest: largest number of coefficients.

    Raises:
        BadInput: for an unknown index set.
    """

    index_set: str = "total"
    # Largest errors for exp(-x y) sin(2 z) in 3-D and 1 / (1 + a . x^2) in 4-D, 800 samples, medians of 3 seeds: 3.7e-8 and
    # 1.3e-4. `ratio` 1: 2.3e-10, 8.3e-5; 4: 7.9e-6, 1.2e-3. With 1 there are as many coefficients as samples, and noise is
    # not averaged. `largest` with 1,600 samples: 5.4e-11, 2.9e-5; 350: 1.4e-7, 9.4e-5 in a quarter to half of the time.
    ratio: float = 2.0
    largest: int = 700

    LIMITS: ClassVar[Limits] = {"index_set": tuple(INDEX_SETS), "ratio": Allowed(low=0.1)}

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, d)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for fewer than two samples per coefficient of degree 1.
        """
        t = to_cube(domain, x)
        if len(t) < self.ratio * (domain.d + 1):
            raise NotApplicable(f"least squares in {domain.d} dimensions needs more than {len(t)} samples")
        surface = least_squares(t, y, self.index_set, self.ratio, self.largest)
        return finish(surface, domain, f"polynomial ({self.index_set})", len(x))


def least_squares(
    t: Array, y: Array, index_set: str = "total", ratio: float = 2.0, largest: int = 700
) -> Polynomial:
    """The polynomial for samples ``t (n, d)`` on the cube and labels ``y (n, m)``, with the best degree.

    With fewer than ``ratio (d + 1)`` samples it is their mean.
    """
    most = min(largest, int(len(t) / ratio))
    exact = ROUNDING * float(np.abs(y).max())
    fitted: list[tuple[float, Polynomial]] = []
    for indices in _index_sets(index_set, t.shape[1], most):
        fitted.append(_solve(t, y, indices))
        least = min(error for error, _ in fitted)
        # The error is at rounding level, or more coefficients would only fit noise.
        if least <= exact or fitted[-1][0] > 1e3 * least:
            break
    if not fitted:
        return _solve(t, y, np.zeros((1, t.shape[1]), dtype=np.int64))[1]
    return next((p for error, p in fitted if error <= WITHIN * least), fitted[0][1])


def _index_sets(name: str, d: int, most: int) -> Iterator[Indices]:
    size, degree = 0, 1
    while degree < 400:
        indices = INDEX_SETS[name](d, degree)
        if len(indices) > most:
            return
        if len(indices) > 1.2 * size:  # so each solve costs about as much as all smaller ones together
            size = len(indices)
            yield indices
        degree += 1 + (degree // 8 if d == 1 or name == "hyperbolic" else 0)


def _solve(t: Array, y: Array, indices: Indices) -> tuple[float, Polynomial]:
    """The fit, and its largest leave-one-out error; directions that the samples do not determine stay zero."""
    basis, r = np.linalg.qr(design(t, indices, "chebyshev"))
    seen = basis.T @ y
    diagonal = np.abs(np.diag(r))
    if diagonal.min() > 1e-10 * diagonal.max():
        coefficients = linalg.solve_triangular(r, seen, check_finite=False)
    else:
        u, s, vt = np.linalg.svd(r)
        regular = s > RANK * s[0]
        basis, seen = basis @ u[:, regular], u[:, regular].T @ seen
        coefficients = vt[regular].T @ (seen / s[regular][:, None])
    left = 1.0 - np.sum(basis**2, axis=1, keepdims=True)
    out = np.abs(y - basis @ seen) / np.maximum(left, RANK)
    error = np.inf if left.min() <= RANK else float(out.max())  # a single sample determines some direction
    return error, Polynomial(indices, coefficients)
