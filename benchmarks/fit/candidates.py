"""Methods that lose to self-scaled Broyden on this bank; only the first is in the package, for larger networks.

* `supnorm.training.SOAP`, full batch.
* Muon (Jordan et al. 2024; optax.contrib.muon): momentum, its matrices made orthogonal; Adam for the biases.
* Natural gradient with a line search over powers of two (Mueller & Zeinhofer, arXiv 2302.13163): for least squares
  its metric is J'J, so that it is Gauss-Newton with a regularisation: a fixed one, or the loss itself.
* Descent in the low-curvature subspace: `benchmarks.fit.low_curvature`.
"""

from __future__ import annotations

import time
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from benchmarks.fit.low_curvature import LowCurvature
from benchmarks.fit.recorder import OutOfTime, Recorder
from supnorm.networks import Network, double_precision
from supnorm.training import SOAP, FunctionLoss, Limit, MeanSquares

Array = NDArray[np.float64]


def soap(rate: float) -> Any:
    """supnorm's SOAP, its rate falling over the seconds."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        loss = MeanSquares(network, x, y)
        stop = Limit.of(recorder.seconds, clock=time.process_time)
        with suppress(OutOfTime):
            watched = FunctionLoss(recorder.watching(loss.value_and_grad), shapes=loss.shapes)
            SOAP(rate).minimise(watched, network.flat, stop)

    return run


def muon(rate: float) -> Any:
    """optax.contrib.muon with a cosine decay of the rate."""

    def run(network: Network, x: Array, y: Array, recorder: Recorder) -> None:
        import jax
        import optax

        loss, theta = MeanSquares(network, x, y), network.flat
        shapes = [part.shape for layer in network.parts[0].layers for part in layer]
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
