"""Ridge structure: does the function vary only along a few directions of the input space?

Gradients at N points give C = mean(g g^T); a direction of eigenvalue 0 does not change f. Directions matter
while sqrt(lambda_k / lambda_1) exceeds a threshold. Because a mean square can overlook a small region, a test in the
*maximum* follows: it moves points through the box along the dropped directions and records how f changes.
Constantine, Active Subspaces, 2015. Cost: 2 d N calls for the gradients, 2 * 512 for the test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.profile.differences import STEP, slopes

Array = NDArray[np.float64]
# Square roots of eigenvalues below this share of the largest count as rounding of the differences.
# With 1e-12 `test_ridge_has_one_direction_although_all_indices_are_equal` fails.
THRESHOLD = 1e-5
SQUARABLE = 1e-140, 1e140  # slopes whose squares are normal numbers,
TESTED = 512  # pairs of points that test the claim; 8 overlook the corner of `test_a_direction_that_matters_only_...`


@dataclass(frozen=True)
class ActiveSubspace:
    """The directions that matter.

    Attributes:
        eigenvalues: of the mean outer product of gradients, falling, shape ``(d,)``.
        directions: orthonormal rows that span what matters, shape ``(k, d)``, in the unit cube.
        residual: largest change of f, relative to half its range, along the dropped directions; 0 for k = d.
        gradient_sum: largest sum of |df/dx_i| seen: the Lipschitz constant in the maximum norm, from below.
        gradients: points used.
    """

    eigenvalues: Array
    directions: Array
    residual: float
    gradient_sum: float
    gradients: int

    @property
    def dimension(self) -> int:
        """How many directions matter."""
        return len(self.directions)


def gradients(f: Callable[[Array], Array], x: Array) -> Array:
    """Gradients at the rows of ``x``, inside the cube by a step; rows with a missing value are left out."""
    slope = slopes(f, np.clip(x, STEP, 1.0 - STEP), range(x.shape[1]))
    finite: Array = slope[np.isfinite(slope).all(axis=1)]
    return finite


def active_subspace(
    f: Callable[[Array], Array],
    d: int,
    samples: int,
    half_range: float,
    rng: np.random.Generator,
    threshold: float = THRESHOLD,
) -> ActiveSubspace:
    """Find the directions of the unit cube that matter and test the claim in the maximum.

    Args:
        f: the function on the unit cube; points without a value are left out.
        d: inputs.
        samples: points of the gradients.
        half_range: half the range of the function.
        rng: draws the points.
        threshold: see above.

    >>> rng = np.random.default_rng(0)
    >>> subspace = active_subspace(lambda u: np.cos(3 * u.sum(axis=1)), 4, 100, 1.0, rng)
    >>> subspace.dimension, subspace.residual < 1e-10
    (1, True)
    """
    slope = gradients(f, rng.random((samples, d)))
    if not len(slope):
        return ActiveSubspace(np.zeros(d), np.eye(d), 0.0, 0.0, 0)
    largest = float(np.abs(slope).max())
    size = 1.0 if SQUARABLE[0] < largest < SQUARABLE[1] or not largest else largest
    values, vectors = np.linalg.eigh((slope / size).T @ (slope / size) / len(slope))
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1].T
    count = int((np.sqrt(values) > threshold * max(np.sqrt(values[0]), 1e-300)).sum()) if values[0] > 0 else 0
    residual = _change_along(f, vectors[count:], half_range, rng) if 0 < count < d else 0.0
    with np.errstate(over="ignore"):
        values = values * size * size
    return ActiveSubspace(
        values, vectors[:count], residual, float(np.abs(slope).sum(axis=1).max()), len(slope)
    )


def _change_along(
    f: Callable[[Array], Array], dropped: Array, half_range: float, rng: np.random.Generator
) -> float:
    x = rng.random((TESTED, dropped.shape[1]))
    direction = rng.standard_normal((TESTED, len(dropped))) @ dropped
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(
            direction > 0, (1.0 - x) / direction, np.where(direction < 0, -x / direction, np.inf)
        )
    moved = np.clip(x + reach.min(axis=1, keepdims=True) * direction, 0.0, 1.0)
    change = np.abs(f(moved) - f(x))
    change = change[np.isfinite(change)]
    return float(change.max() / half_range) if len(change) else np.inf
