"""Networks fitted to smooth functions in four to six inputs: what a user brings, where `targets` has random weights.

Functions of all inputs on [-1, 1]^d: a wave, a Gaussian, a root, and one whose pairs of inputs interact differently.
Networks are trained by `optimise` with its own choice of optimiser on samples of the arcsine density (denser towards
faces and corners, where errors of uniform samples are largest), until the largest error on 20,000 further ones is below
0.3 % of the function's range, at most ``ROUNDS`` times 100 iterations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network, Scaling
from supnorm.problem import Domain, Problem
from supnorm.training.stopping import Stop
from supnorm.training.train import optimise

Array = NDArray[np.float64]
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "wave": lambda x: jnp.cos(1.0 + x.sum(1, keepdims=True)),
    "Gaussian": lambda x: jnp.exp(-0.5 * (x * x).sum(1, keepdims=True)),
    "root": lambda x: jnp.sqrt(1.0 + (x * x).sum(1, keepdims=True)),
    "mixed": lambda x: (
        jnp.sin(2.0 * x[:, :1] * x[:, 1:2]) + jnp.exp(x[:, 2:3]) * jnp.cos(x[:, 3:4]) / (2.0 + x[:, -1:])
    ),
}
SHAPES = [  # inputs, width, depth, activation, ratio, target seconds
    (4, 32, 2, "tanh", 1.5, 2.0),
    (4, 32, 2, "tanh", 1.1, 2.0),
    (4, 32, 2, "sin", 1.1, 2.0),
    (4, 32, 2, "silu", 1.1, 2.0),
    (4, 64, 3, "tanh", 1.5, 90.0),
    (4, 64, 3, "tanh", 1.1, 90.0),
    (5, 32, 2, "tanh", 1.5, 25.0),
    (5, 32, 2, "tanh", 1.1, 25.0),
    (5, 32, 2, "sin", 1.1, 25.0),
    (5, 32, 2, "silu", 1.1, 25.0),
    (6, 32, 2, "tanh", 1.5, 360.0),
    (6, 32, 2, "tanh", 1.1, 360.0),
]
SEEDS = (11, 12)
ROUNDS = 10


def fitted(name: str, d: int, width: int, depth: int, seed: int, activation: str = "tanh") -> Problem:
    """A trained network against the function ``name``."""
    function, rng = FUNCTIONS[name], np.random.default_rng([seed, d, width, depth])
    x, far = (np.cos(np.pi * rng.random((n, d))) for n in (1500 * d, 20_000))
    y, true = np.asarray(function(x)), np.asarray(function(far))
    network = Network.init(rng, d, 1, width, depth, activation, scaling=Scaling.of_data(x, y))
    for _ in range(ROUNDS):
        network = optimise(network, x, y, None, Stop(100)).network
        if np.abs(network.value(far) - true).max() < 0.003 * np.ptp(true):
            break
    axes = {f"x{i}": (-1.0, 1.0) for i in range(d)}
    return Problem(network.as_function(), function, Domain.from_axes(axes))
