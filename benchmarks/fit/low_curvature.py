"""Descent in the low-curvature subspace (Michaud, Liu & Tegmark, Precision machine learning, 2023, section 4.2).

Train until a plateau; then take the Hessian, keep its eigenvectors with |eigenvalue| below a threshold, and step along
the gradient projected on them. Here the first stage is the best optimiser there is, self-scaled Broyden, until
it stops or its share of the time is over, and three things are kinder to the method than the authors' own script:
the Hessian may be the Gauss-Newton one, it may serve for several steps, and a line search that starts from the
last length takes the place of sixty trials between 1e-12 and 1e12 at every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from benchmarks.fit.recorder import OutOfTime, Recorder
from supnorm.networks import Network, double_precision
from supnorm.training import FunctionLoss, Limit, MeanSquares, QuasiNewton
from supnorm.training.line_search import weak_wolfe

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LowCurvature:
    """One way to run it.

    Args:
        option: the matrix, ``"exact"`` or ``"J'J"`` (cheaper, and the same where the residual vanishes), and the
            threshold of the absolute eigenvalues, for the loss over the variance of the labels.
        share: of the time, at most, for the first stage.
        every: steps with one set of eigenvectors.
    """

    option: str
    share: float = 0.5
    every: int = 20

    def __call__(self, network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        """Train; see `benchmarks.fit.methods`."""
        matrix, threshold = self.option.split()
        loss = MeanSquares(network, x, y)
        with suppress(OutOfTime), double_precision():
            hessian = _hessian(network, x, y) if matrix == "exact" else _gauss_newton(loss)
            hessian(network.flat)  # compiled
            recorder.start()
            seen = recorder.watching(loss.value_and_grad)
            limit = Limit.of(self.share * recorder.seconds, clock=time.process_time)
            theta = QuasiNewton().minimise(FunctionLoss(seen), network.flat, limit).theta
            while True:
                values, vectors = linalg.eigh(hessian(theta), check_finite=False)
                low = vectors[:, np.abs(values) < float(threshold)]
                moved = self._descend(seen, theta, low)
                if moved is theta:
                    return
                theta = moved

    def _descend(
        self, value_and_grad: Callable[[Array], tuple[float, Array]], theta: Array, low: Array
    ) -> Array:
        value, gradient = value_and_grad(theta)
        length = 1.0
        for _ in range(self.every):
            direction = -low @ (low.T @ gradient)
            if not float(gradient @ direction) < 0:
                return theta
            step = weak_wolfe(value_and_grad, theta, value, gradient, direction, first=length, trials=50)
            if not step.lowered:
                return theta
            theta, value, gradient, length = step.theta, step.loss, step.gradient, 2.0 * step.length
        return theta


def _gauss_newton(loss: MeanSquares) -> Callable[[Array], Array]:
    def matrix(theta: Array) -> Array:
        r, jacobian = loss.residual_jacobian(theta)
        return np.asarray(2.0 / len(r) * (jacobian.T @ jacobian))

    return matrix


def _hessian(network: Network, x: Array, y: Array) -> Callable[[Array], Array]:
    """Forward over reverse, 32 columns at a time."""
    import jax
    import jax.numpy as jnp

    from supnorm.networks.jax_forward import jax_forward

    s, (part,), size = network.scaling, network.parts, len(network.flat)
    z, t = jnp.asarray(s.enter(x)), jnp.asarray((y - s.output_shift) / s.output_scale)

    def value(theta: Array) -> Array:
        return jnp.mean((jax_forward(part.architecture, theta, part.frequencies, z) - t) ** 2)

    @jax.jit
    def columns(theta: Array) -> Array:
        def times(vector: Array) -> Array:
            return jax.jvp(jax.grad(value), (theta,), (vector,))[1]

        return jax.lax.map(times, jnp.eye(size), batch_size=32)

    def matrix(theta: Array) -> Array:
        h = np.asarray(columns(jnp.asarray(theta)))
        return 0.5 * (h + h.T)

    return matrix
