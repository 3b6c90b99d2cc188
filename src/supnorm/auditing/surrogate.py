"""A Gaussian process of an expensive function: Matern 5/2 with a length scale an input.

Hyper-parameters by maximum likelihood (scikit-learn); prediction, its gradient and leave-one-out errors from one
Cholesky factor (Rasmussen and Williams 2006, eqs. 2.25, 4.17, 5.10-5.12). Cost: n^3 for n points, then n a
prediction. One process serves all outputs: they share the length scales.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
NUGGET = 1e-10  # relative; keeps the factor stable when points crowd at a peak


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process; inputs in the unit box.

    Attributes:
        u: points, shape ``(n, d)``.
        scale: length scales, shape ``(d,)``.
        weights: ``K^-1 y``, shape ``(n, m)``, for standardised values.
        inverse: ``K^-1``, shape ``(n, n)``.
        mean, spread: of the values, shape ``(m,)``.
    """

    u: Array
    scale: Array
    weights: Array
    inverse: Array
    mean: Array
    spread: Array

    @classmethod
    def fit(cls, u: Array, y: Array, scale: Array | None = None) -> GaussianProcess:
        """Fit to values ``y`` (n, m) at ``u`` (n, d); with ``scale`` the length scales stay as given."""
        mean, spread = y.mean(axis=0), y.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        z = (y - mean) / spread
        lengths = length_scales(u, z) if scale is None else scale
        kernel = _matern(u, u, lengths)[0] + NUGGET * np.eye(len(u))
        inverse = np.linalg.inv(kernel)
        return cls(u, lengths, np.asarray(inverse @ z), np.asarray(inverse), mean, spread)

    def predict(self, u: Array) -> Array:
        """Mean at ``u`` (k, d), shape ``(k, m)``."""
        value: Array = _matern(u, self.u, self.scale)[0] @ self.weights * self.spread + self.mean
        return value

    def pull(self, u: Array, w: Array) -> Array:
        """Gradient of the weighted mean, ``w`` (k, m), at ``u`` (k, d); shape ``(k, d)``."""
        slope = _matern(u, self.u, self.scale)[1]
        both = slope * (w * self.spread @ self.weights.T)
        value: Array = (both.sum(axis=1, keepdims=True) * u - both @ self.u) / self.scale**2
        return value

    def deviation(self, u: Array) -> Array:
        """Posterior standard deviation at ``u`` (k, d) in units of each output's spread, shape ``(k,)``."""
        k = _matern(u, self.u, self.scale)[0]
        return np.asarray(
            np.sqrt(np.maximum(1.0 - np.einsum("ij,jk,ik->i", k, self.inverse, k, optimize=True), 0.0))
        )

    def leave_one_out(self) -> Array:
        """Errors at each point predicted from the others, shape ``(n, m)``."""
        value: Array = self.weights / np.diag(self.inverse)[:, None] * self.spread
        return value


def _matern(a: Array, b: Array, scale: Array) -> tuple[Array, Array]:
    """The kernel, and its derivative divided by the scaled difference."""
    from scipy.spatial.distance import cdist

    r = np.sqrt(5.0) * cdist(a / scale, b / scale)
    decay = np.exp(-r)
    return (1 + r + r**2 / 3) * decay, -(5.0 / 3.0) * (1 + r) * decay


def length_scales(u: Array, z: Array, most: int = 300) -> Array:
    """Maximum-likelihood length scales from at most ``most`` points, shape ``(d,)``."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern

    u, z = u[:most], z[:most]
    d = u.shape[1]
    kernel = ConstantKernel(1.0, (1e-2, 1e4)) * Matern(np.ones(d), (0.02, 50.0), nu=2.5)
    process = GaussianProcessRegressor(kernel, alpha=NUGGET * 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(u, z)
    found: Array = np.atleast_1d(process.kernel_.k2.length_scale) * np.ones(d)
    return found
