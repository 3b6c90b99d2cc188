"""Methods that were tried and are not in the package, because they lose on this bank.

* SOAP (Vyas et al., arXiv 2409.11321): Adam in the eigenbasis of the Kronecker factors of each weight matrix, full
  batch, factors refreshed every 10 steps.
* Muon (Jordan et al. 2024; optax.contrib.muon): momentum, its matrices made orthogonal; Adam for the biases.
* Natural gradient with a line search over powers of two (Mueller & Zeinhofer, arXiv 2302.13163): for least squares
  its metric is J'J, so that it is Gauss-Newton with a regularisation: a fixed one, or the loss itself.
* Descent in the low-curvature subspace: `benchmarks.fit.low_curvature`.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from benchmarks.fit.low_curvature import LowCurvature
from benchmarks.fit.recorder import OutOfTime, Recorder
from supnorm.networks import Network, double_precision
from supnorm.training import MeanSquares

Array = NDArray[np.float64]


def soap(rate: float) -> Any:
    """SOAP with a cosine decay of the rate."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        loss, theta, step = MeanSquares(network, x, y), network.flat, 0
        shapes = [part.shape for layer in network.layers for part in layer]
        state = [_Factors(s) for s in shapes]
        with suppress(OutOfTime):
            while True:
                value, gradient = loss.value_and_grad(theta)
                recorder.see(theta, value)
                step += 1
                done = min(recorder.spent / recorder.seconds, 1.0)
                now = rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
                moves, start = [], 0
                for shape, factors in zip(shapes, state, strict=True):
                    size = int(np.prod(shape))
                    moves.append(factors.move(gradient[start : start + size].reshape(shape), step).ravel())
                    start += size
                theta = theta - now * np.concatenate(moves)

    return run


def muon(rate: float) -> Any:
    """optax.contrib.muon with a cosine decay of the rate."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        import jax
        import optax

        loss, theta = MeanSquares(network, x, y), network.flat
        shapes = [part.shape for layer in network.layers for part in layer]
        ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

        def tree(flat: Array) -> list[Array]:
            return [part.reshape(s) for part, s in zip(np.split(flat, ends), shapes, strict=True)]

        with double_precision(), suppress(OutOfTime):
            optimiser = optax.contrib.muon(1.0)
            state, update = optimiser.init(tree(theta)), jax.jit(optimiser.update)
            update(tree(theta), state, tree(theta))
            recorder.start()
            while True:
                value, gradient = loss.value_and_grad(theta)
                recorder.see(theta, value)
                done = min(recorder.spent / recorder.seconds, 1.0)
                now = rate * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * done)))
                moves, state = update(tree(gradient), state, tree(theta))
                theta = theta + now * np.concatenate([np.asarray(m).ravel() for m in moves])

    return run


class _Factors:
    """Moments of one weight matrix and the rotations of its sides."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.sides = [np.zeros((n, n)) for n in shape]
        self.rotations = [np.eye(n) for n in shape]
        self.mean, self.square = np.zeros(shape), np.zeros(shape)

    def move(self, g: Array, step: int, b1: float = 0.95, b2: float = 0.95) -> Array:
        matrix = g if g.ndim == 2 else g[:, None]
        products = [matrix @ matrix.T, matrix.T @ matrix]
        for i in range(g.ndim):
            self.sides[i] = b2 * self.sides[i] + (1 - b2) * products[i]
            if step % 10 == 1:
                self.rotations[i] = linalg.eigh(self.sides[i], check_finite=False)[1]
        rotated = self._rotate(g)
        self.mean = b1 * self.mean + (1 - b1) * g
        self.square = b2 * self.square + (1 - b2) * rotated**2
        mean = self._rotate(self.mean) / (1 - b1**step)
        scaled = mean / (np.sqrt(self.square / (1 - b2**step)) + 1e-12)
        return self._back(scaled)

    def _rotate(self, g: Array) -> Array:
        left = self.rotations[0].T @ g
        return left @ self.rotations[1] if g.ndim == 2 else left

    def _back(self, g: Array) -> Array:
        left = self.rotations[0] @ g
        return left @ self.rotations[1].T if g.ndim == 2 else left


def natural_gradient(damping: float) -> Any:
    """Natural gradient, step lengths 1, 1/2, ... 2^-15 all tried, the best one taken; damping 0: the loss."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        loss, theta = MeanSquares(network, x, y), network.flat
        with suppress(OutOfTime, linalg.LinAlgError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the condition number
            while True:
                r, jacobian = loss.residual_jacobian(theta)
                value = float(r @ r) / len(r)
                recorder.see(theta, value)
                metric = jacobian.T @ jacobian
                mean = float(np.trace(metric)) / len(metric)
                metric.flat[:: len(metric) + 1] += (damping or min(value, 1e-5)) * mean
                direction = linalg.solve(metric, jacobian.T @ r, assume_a="pos", check_finite=False)
                tried = [float(np.mean(loss.residual(theta - 0.5**k * direction) ** 2)) for k in range(16)]
                best = int(np.nanargmin(tried))
                if not tried[best] < value:
                    return
                theta = theta - 0.5**best * direction

    return run


CANDIDATES: dict[str, Any] = {
    "SOAP": soap,
    "Muon": muon,
    "natural gradient": natural_gradient,
    "low curvature": LowCurvature,
}
RATES = (3e-2, 1e-2, 3e-3, 1e-3)
OPTIONS: dict[str, tuple[Any, ...]] = {
    "SOAP": RATES,
    "Muon": RATES,
    "natural gradient": (1e-4, 1e-6, 1e-8, 1e-10, 1e-12, 0.0),
    "low curvature": ("exact 1e-15", "exact 1e-6", "J'J 1e-9", "J'J 1e-6", "J'J 1e-3"),
}
