"""Exact pieces beside chords alone, on ReLU networks in two inputs: random ones and trained ones.

Random: the network against itself plus 0.01 times a wave, so that the error is small against the kinks. Trained: Adam, 4000
steps of 512 points, cosine rate from 3e-3, on a smooth function. Seed 7; `LinearBounds.worth` was tuned on seed 0.
"""

from __future__ import annotations

import math
from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.certify.targets import shifted
from supnorm.certification import LinearBounds
from supnorm.problem import Domain, Problem

SEED = 7
STEPS, BATCH = 4000, 512
METHODS = {"exact pieces": LinearBounds(), "chords": LinearBounds(worth=math.inf)}


def _smooth(x):
    return jnp.sin(3 * x[:, :1]) * jnp.cos(2 * x[:, 1:]) + 0.3 * x[:, :1] * x[:, 1:]


def _network(parameters, x):
    for weight, bias in parameters[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    return x @ parameters[-1][0] + parameters[-1][1]


def trained(width: int, depth: int) -> Problem:
    """A ReLU network trained on a smooth function."""
    rng = np.random.default_rng(SEED)
    sizes = [2] + [width] * depth + [1]
    start = [
        (rng.normal(size=(a, b)) * np.sqrt(2 / a), rng.uniform(-1, 1, b) * (b > 1))
        for a, b in pairwise(sizes)
    ]
    with jax.enable_x64(True):
        fitted = _adam(jax.tree.map(jnp.asarray, start), rng)
    weights = jax.tree.map(np.asarray, fitted)
    return Problem(lambda x: _network(weights, x), _smooth, Domain(x=(-1.0, 1.0), y=(-1.0, 1.0)))


def _adam(parameters, rng):
    @jax.jit
    def step(parameters, first, second, x, i):
        slope = jax.grad(lambda p: ((_network(p, x) - _smooth(x)) ** 2).mean())(parameters)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, slope)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, slope)
        rate = 1.5e-3 * (1 + jnp.cos(jnp.pi * i / STEPS))
        moved = jax.tree.map(
            lambda p, m, v: p - rate * (m / (1 - 0.9 ** (i + 1))) / (jnp.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-8),
            parameters, first, second,
        )  # fmt: skip
        return moved, first, second

    first = second = jax.tree.map(jnp.zeros_like, parameters)
    for i in range(STEPS):
        parameters, first, second = step(parameters, first, second, rng.uniform(-1, 1, (BATCH, 2)), i)
    return parameters


PROBLEMS = {
    "2x32, random": lambda: shifted(2, 32, 2, "relu", 1e-2, SEED),
    "3x64, random": lambda: shifted(2, 64, 3, "relu", 1e-2, SEED),
    "2x32, trained": lambda: trained(32, 2),
    "3x64, trained": lambda: trained(64, 3),
}
