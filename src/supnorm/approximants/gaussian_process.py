"""Mean of a Gaussian process with a squared-exponential kernel and one length per input.

Lengths and noise together maximise the marginal likelihood (scikit-learn) on at most 300 samples; the search starts from
the best common length. Without the noise, the lengths for noisy or singular labels would shrink to the distance of
neighbours. The noise is then chosen again, among powers of ten, by the leave-one-out errors w_i / (K^-1)_ii of the samples
(at most ``most``, others are not used); one eigendecomposition gives them for every noise. Cost n^3. Choose it if the
reference is so expensive that there are only a few hundred samples. Its errors stay above 1e-6, because its matrix is
ill-conditioned.
Source: Rasmussen & Williams (2006), sections 5.4.1 and 5.4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants.approximation import Approximation, NotApplicable, Surface, finish, to_cube
from supnorm.problem import Domain
from supnorm.results.option import Allowed
from supnorm.results.powers import mean_and_deviation
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]

# Common lengths that are tried first; the cube has side 2. Largest errors for exp(-x y) sin(2 z) in 3-D and 1 / (1 + a .
# x^2) in 4-D, 200 samples, medians of 3 seeds: 7.9e-5 and 4.5e-4; twice as many lengths: no change. Limits of the noise from
# 1e-4 on: 8.4e-5, 4.1e-4; from 1e-12 on: 9.1e-5, 4.7e-4.
STARTS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
LENGTHS, NOISES = (1e-2, 1e2), (1e-8, 1.0)


@dataclass(frozen=True, eq=False)
class GaussianMean(Surface):
    """Weighted sum of Gaussian bumps around the samples plus a constant.

    Attributes:
        centers: shape ``(n, d)`` on the cube, divided by the lengths.
        lengths: shape ``(d,)``.
        weights: shape ``(n, m)``.
        shift: shape ``(m,)``.
    """

    centers: Array
    lengths: Array
    weights: Array
    shift: Array

    @property
    def m(self) -> int:
        """Number of outputs."""
        return int(self.weights.shape[1])

    def fault(self, d: int) -> str:
        """What does not fit in its arrays for ``d`` inputs."""
        shapes = self.centers.shape, self.lengths.shape, self.weights.shape, self.shift.shape
        n, m = len(self.centers) if self.centers.ndim else 0, self.shift.size
        if shapes != ((n, d), (d,), (n, m), (m,)) or not m:
            return f"centers, lengths, weights and shift of shapes {shapes} for {d} inputs"
        return "" if (self.lengths > 0.0).all() else "lengths that are not positive"

    def value(self, t: Array) -> Array:
        """Values ``(n, m)``."""
        return _kernel(t / self.lengths, self.centers) @ self.weights + self.shift

    def pull(self, t: Array, weight: Array) -> Array:
        """Weighted gradient ``(n, d)``."""
        scaled = t / self.lengths
        along = _kernel(scaled, self.centers) * (weight @ self.weights.T)
        gradient: Array = (along @ self.centers - scaled * along.sum(axis=1, keepdims=True)) / self.lengths
        return gradient


@dataclass(frozen=True)
class GaussianProcess(Settings):
    """Gaussian process regression.

    Args:
        most: largest number of samples that are used.
        noise: smallest relative variance of the noise.
    """

    most: int = 1200  # its cost is cubic in them
    noise: float = 1e-11  # 1e-13: 5.0e-5, 4.5e-4 for the functions of `STARTS`; 1e-9: 1.8e-4, 3.6e-4

    LIMITS: ClassVar[Limits] = {"noise": Allowed(above=0)}

    def from_samples(
        self, x: Array, y: Array, domain: Domain, rng: np.random.Generator | None = None
    ) -> Approximation:
        """Fit samples ``x (n, d)``, ``y (n, m)``; nothing random is used.

        Raises:
            NotApplicable: for fewer than five samples.
        """
        from scipy import linalg

        t, first = np.unique(to_cube(domain, x)[: self.most], axis=0, return_index=True)
        y = y[first]
        if len(t) < 5:
            raise NotApplicable(f"a Gaussian process needs at least 5 different samples, got {len(t)}")
        shift, deviation = mean_and_deviation(y)
        deviation = np.where(deviation > 0, deviation, 1.0)
        lengths = _lengths(t, (y - shift) / deviation)
        centers = t / lengths
        values, vectors = linalg.eigh(_kernel(centers, centers), check_finite=False)
        weights = _weights(np.maximum(values, 0.0), vectors, (y - shift) / deviation, self.noise) * deviation
        return finish(GaussianMean(centers, lengths, weights, shift), domain, "gaussian process", len(t))


def _weights(values: Array, vectors: Array, y: Array, least: float) -> Array:
    """Weights for each output, with the noise that has the smallest root-mean-square leave-one-out error."""
    along, squares = vectors.T @ y, vectors**2
    best, weights = np.full(y.shape[1], np.inf), np.zeros_like(y)
    for noise in 10.0 ** np.arange(np.log10(least), 0.5):
        shrink = 1.0 / (values + noise)
        candidate = vectors @ (along * shrink[:, None])
        error = np.mean((candidate / (squares @ shrink)[:, None]) ** 2, axis=0)
        weights = np.where(error < best, candidate, weights)
        best = np.minimum(best, error)
    return weights


def _lengths(t: Array, y: Array, most: int = 300) -> Array:
    """Lengths of the largest likelihood; the search starts from the best common length and noise.

    From a poor start, one step of L-BFGS can end at the shortest lengths, where the likelihood is flat and the mean
    predicts nothing. Half of the fits did so when they did not try common lengths first.
    """
    from scipy.optimize import minimize
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, WhiteKernel

    chosen = np.linspace(0, len(t) - 1, min(most, len(t))).astype(int)
    d = t.shape[1]
    kernel = RBF(np.ones(d), LENGTHS) + WhiteKernel(NOISES[0], NOISES)
    model = GaussianProcessRegressor(kernel, alpha=1e-14, optimizer=None)
    model.fit(t[chosen], y[chosen])

    def cost(theta: Array) -> tuple[float, Array]:
        value, slope = model.log_marginal_likelihood(theta, eval_gradient=True, clone_kernel=False)
        return -value / len(chosen), -slope / len(chosen)

    starts = [np.log([*(length,) * d, noise]) for length in STARTS for noise in (NOISES[0], 1e-2)]
    start = max(starts, key=lambda theta: float(model.log_marginal_likelihood(theta, clone_kernel=False)))
    bounds = [tuple(np.log(LENGTHS))] * d + [tuple(np.log(NOISES))]
    fitted = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    lengths: Array = np.exp((fitted.x if fitted.fun <= cost(start)[0] else start)[:d])
    return lengths


def _kernel(a: Array, b: Array) -> Array:
    square = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2.0 * a @ b.T
    kernel: Array = np.exp(-0.5 * np.maximum(square, 0.0))
    return kernel
