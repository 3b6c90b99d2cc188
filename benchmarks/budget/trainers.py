"""Two surrogates as trainers of a learning curve: a tanh network by L-BFGS and a Gaussian process."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.learning_curve import Trained

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Network:
    """Two hidden tanh layers in float64, trained by SciPy's L-BFGS on the mean square."""

    iterations: int = 800

    def __call__(self, x: Array, y: Array, width: int, seed: int) -> Trained:
        from scipy.optimize import minimize

        rng = np.random.default_rng(seed)
        d, scale, centre = x.shape[1], float(y.std()) or 1.0, float(y.mean())
        shapes = [(d, width), (width,), (width, width), (width,), (width, 1), (1,)]
        sizes = [int(np.prod(s)) for s in shapes]
        start = np.concatenate([
            rng.standard_normal(n) * (1.5 / np.sqrt(s[0]) if len(s) == 2 else 0.5)
            for n, s in zip(sizes, shapes, strict=True)
        ])  # fmt: skip
        z, target = 2 * x - 1, (y - centre) / scale

        def split(p: Array) -> list[Array]:
            return [q.reshape(s) for q, s in zip(np.split(p, np.cumsum(sizes)[:-1]), shapes, strict=True)]

        def loss(p: Array) -> tuple[float, Array]:
            w1, b1, w2, b2, w3, b3 = split(p)
            h1 = np.tanh(z @ w1 + b1)
            h2 = np.tanh(h1 @ w2 + b2)
            r = (h2 @ w3 + b3)[:, 0] - target
            g = (2 / len(z)) * r[:, None]
            g2 = (g @ w3.T) * (1 - h2**2)
            g1 = (g2 @ w2.T) * (1 - h1**2)
            parts = [z.T @ g1, g1.sum(0), h1.T @ g2, g2.sum(0), h2.T @ g, g.sum(0)]
            return float(np.mean(r**2)), np.concatenate([q.ravel() for q in parts])

        options = {"maxiter": self.iterations, "maxcor": 20, "ftol": 0.0, "gtol": 1e-14}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
        w1, b1, w2, b2, w3, b3 = split(found.x)

        def predict(u: Array) -> Array:
            h = np.tanh(np.tanh((2 * u - 1) @ w1 + b1) @ w2 + b2)
            return (h @ w3 + b3)[:, 0] * scale + centre

        return Trained(predict, len(start), int(found.nit))


@dataclass(frozen=True)
class GaussianProcess:
    """Interpolation with a Matern 5/2 kernel; one length, the most likely of a few. Width is not used."""

    lengths: tuple[float, ...] = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4)

    def __call__(self, x: Array, y: Array, width: int, seed: int) -> Trained:
        from scipy.linalg import cho_factor, cho_solve
        from scipy.spatial.distance import cdist

        centre = float(y.mean())
        r, best = cdist(x, x), (-np.inf, 0.0, np.zeros(len(x)))
        for length in self.lengths:
            k = matern(r / length) + 1e-10 * np.eye(len(x))
            factor = cho_factor(k, lower=True)
            alpha = cho_solve(factor, y - centre)
            fit = -0.5 * len(x) * np.log((y - centre) @ alpha) - np.log(np.diag(factor[0])).sum()
            best = max(best, (fit, length, alpha), key=lambda item: item[0])
        _, length, alpha = best

        def predict(u: Array) -> Array:
            parts = [matern(cdist(part, x) / length) @ alpha for part in np.array_split(u, 8)]
            return np.concatenate(parts) + centre

        return Trained(predict, len(x), 0)


def matern(s: Array) -> Array:
    """The Matern 5/2 correlation."""
    t = np.sqrt(5.0) * s
    return (1 + t + t**2 / 3) * np.exp(-t)
