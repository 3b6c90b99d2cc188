"""Sparse Legendre expansion by weighted l1 (compressed sensing), then least squares on its support.

    minimise |A c - y|^2 / (2 n) + lambda sum_nu w_nu |c_nu|,   w_nu = prod sqrt(2 nu_i + 1)

with orthonormal Legendre polynomials on a hyperbolic cross, which may have more members than there are
samples. Least angle regression gives the whole path in lambda; every fifth sample is left out of it and chooses the point
on the path. Choose it for smooth functions of 4 to 20 variables and few samples. Source: Adcock,
Brugiapaglia & Webster, Sparse Polynomial Approximation of High-Dimensional Functions (2022); Rauhut & Ward
(2016) for the weights.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Approximation, NotApplicable, finish, to_cube
from supnorm.approximants.basis import Indices, Polynomial, design, hyperbolic_cross
from supnorm.problem import Domain
from supnorm.results.option import Allowed
from supnorm.results.powers import unit
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SparseLegendre(Settings):
    """Weighted l1 on a hyperbolic cross.

    Args:
        largest: largest number of members of the cross.
        longest: largest number of steps of the path, and so of coefficients that are not zero.
        most_samples: the path uses at most this many samples; the final least squares uses all of them.
    """

    # Largest errors for exp(-x y) sin(2 z) in 3-D and 1 / (1 + a . x^2) in 4-D, 800 samples, medians of 3 seeds: 0.018 and
    # 0.0080. `largest` 750: 0.014, 0.0066; 3,000: 0.015, 0.0068 in almost twice the time. `longest` 150: 0.013, 0.0075; 600:
    # 0.017, 0.0073. No value is clearly better; both bound the time.
    largest: int = 1500
    longest: int = 300
    most_samples: int = 2000

    LIMITS: ClassVar[Limits] = {"most_samples": Allowed(low=10, whole=True)}

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, d)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for fewer than ten samples.
        """
        if len(x) < 10:
            raise NotApplicable(f"sparse recovery needs at least 10 samples, got {len(x)}")
        t = to_cube(domain, x)
        indices = _cross(domain.d, self.largest)
        matrix = design(t, indices, "legendre")
        supports = [self._support(matrix, y[:, j] / unit(y[:, j], 2.0), indices) for j in range(y.shape[1])]
        chosen = np.unique(np.concatenate(supports))
        coefficients = np.zeros((len(chosen), y.shape[1]))
        for j, support in enumerate(supports):
            solution = np.linalg.lstsq(matrix[:, support], y[:, j], rcond=1e-15)[0]
            coefficients[np.searchsorted(chosen, support), j] = solution
        surface = Polynomial(indices[chosen], coefficients, "legendre")
        return finish(surface, domain, "sparse legendre", len(x))

    def _support(self, matrix: Array, y: Array, indices: Indices) -> NDArray[np.int64]:
        """Indices of the coefficients chosen for one output."""
        from sklearn.linear_model import lars_path

        rows = np.arange(min(len(y), self.most_samples))
        held = rows % 5 == 4
        weights = np.prod(np.sqrt(2.0 * indices + 1.0), axis=1)
        center = float(y[rows].mean())
        train, train_y = matrix[rows[~held]], y[rows[~held]]
        test, test_y = matrix[rows[held]], y[rows[held]]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the path may end early when columns become dependent
            path = _path(lars_path, train[:, 1:] / weights[1:], train_y - center, self.longest)
        best: tuple[float, NDArray[np.int64]] = (np.inf, np.zeros(1, dtype=np.int64))
        for step in _steps(path.shape[1]):
            support = np.concatenate([[0], 1 + np.nonzero(path[:, step])[0]])
            solution = np.linalg.lstsq(train[:, support], train_y, rcond=1e-15)[0]
            error = float(np.abs(test[:, support] @ solution - test_y).max())
            if error < best[0]:
                best = (error, support)
        return best[1]


def _path(lars_path: object, a: Array, y: Array, longest: int) -> Array:
    assert callable(lars_path)
    steps = min(longest, len(a) // 2)
    path: Array = lars_path(a, y, method="lasso", max_iter=steps)[2]
    return path


def _steps(length: int) -> list[int]:
    """About 25 steps of the path, denser at its start."""
    return sorted({int(s) for s in np.geomspace(1, max(length - 1, 1), 25)} & set(range(length)) or {0})


def _cross(d: int, largest: int) -> Indices:
    degree, indices = 1, hyperbolic_cross(d, 1)
    while True:
        degree += 1 + degree // 6
        wider = hyperbolic_cross(d, degree)
        if len(wider) > largest or degree > 200:
            return indices
        indices = wider
