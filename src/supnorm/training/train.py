"""Train a network on samples with one optimiser."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.networks import Network
from supnorm.results import BadInput
from supnorm.training.lbfgs import LBFGS
from supnorm.training.levenberg_marquardt import LevenbergMarquardt
from supnorm.training.losses import MeanSquares
from supnorm.training.optimiser import Optimiser
from supnorm.training.quasi_newton import QuasiNewton
from supnorm.training.stopping import Minimum

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and how its training ended."""

    network: Network
    minimum: Minimum


def optimise(
    network: Network,
    x: Array,
    y: Array,
    optimiser: Optimiser | None = None,
    limit: Limit | None = None,
    rng: np.random.Generator | None = None,
    target: float = 0.0,
) -> Trained:
    """The network with parameters trained on samples, and how that ended; its scaling does not change.

    Args:
        network: the start; give it a scaling, such as ``Scaling.of_data(x, y)``, when you make it.
        x, y: samples, shapes ``(n, d)`` and ``(n, m)`` or ``(n,)``.
        optimiser: `choose_optimiser` by default.
        limit: of iterations, which are its evaluations, and of time.
        rng: random numbers for the batches of `Adam` and `SOAP`; needed only for these.
        target: stop when the loss is this small.

    Raises:
        BadInput: for shapes that do not fit, non-finite numbers, or a matrix that does not fit into memory.

    >>> from supnorm.networks import Scaling
    >>> x = np.linspace(0.0, 3.0, 40)[:, None]
    >>> start = Network.init(np.random.default_rng(0), 1, 1, 8, 1, scaling=Scaling.of_data(x, np.sin(x)))
    >>> net = optimise(start, x, np.sin(x), limit=Limit(evaluations=200)).network
    >>> float(np.abs(net.value(x) - np.sin(x)).max()) < 1e-4
    True
    """
    x, y = check_samples(network, x, y)
    chosen = optimiser or choose_optimiser(network.size, y.size)
    minimum = chosen.minimise(MeanSquares(network, x, y, rng), network.flat, limit, target)
    return Trained(network.with_flat(minimum.theta), minimum)


def choose_optimiser(parameters: int, residuals: int) -> Optimiser:
    """Levenberg-Marquardt up to 300 weights, self-scaled Broyden up to 6,000, L-BFGS above.

    The limits are tuned on the Feynman tasks of `benchmarks/fit`. More than 20,000 residuals make the Jacobian
    expensive; then self-scaled Broyden is the choice below 300 weights too.

    >>> type(choose_optimiser(200, 800)).__name__, type(choose_optimiser(20_000, 50_000)).__name__
    ('LevenbergMarquardt', 'LBFGS')
    """
    if parameters <= 300 and residuals <= 20_000:
        return LevenbergMarquardt()
    return QuasiNewton() if parameters <= 6_000 else LBFGS()


def check_samples(network: Network, x: Array, y: Array) -> tuple[Array, Array]:
    """The samples as float64 arrays ``(n, d)`` and ``(n, m)``.

    Raises:
        BadInput: when they do not fit each other or the network, or are not finite.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    y = y[:, None] if y.ndim == 1 else y
    if (
        x.ndim != 2
        or y.ndim != 2
        or x.shape[1] != network.d
        or y.shape[1] != network.m
        or len(x) != len(y)
        or not len(x)
    ):
        raise BadInput(
            f"samples must have shapes (n, {network.d}) and (n, {network.m}), got {x.shape} and {y.shape}"
        )
    for what, values in (("inputs", x), ("labels", y)):
        broken = ~np.isfinite(values).all(axis=1)
        if broken.any():
            raise BadInput(
                f"{what} are not finite in {broken.sum()} of {len(x)} samples, first in row "
                f"{int(np.argmax(broken))} counted from 0; remove these rows"
            )
    return x, y
