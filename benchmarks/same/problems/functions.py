"""References and models of the problems in this folder: every kind of error that the verbs tell apart."""

import jax.numpy as jnp
import numpy as np

_RNG = np.random.default_rng(3)
_A, _B, _C = _RNG.normal(size=(3, 12)), _RNG.normal(size=12), _RNG.normal(size=(12, 2))


def smooth(x):
    """Three inputs, one output."""
    return np.sin(2 * x[:, 0]) * np.exp(-x[:, 1]) + x[:, 2] ** 3


def bumped(x):
    """`smooth` with a narrow bump, a small tilt and a kink."""
    bump = np.exp(-300 * ((x - [0.3, 0.71, 0.55]) ** 2).sum(axis=1))
    return smooth(x) + 0.2 * bump + 0.01 * x[:, 0] + 0.02 * np.abs(x[:, 2] - 0.4)


def jumping(x):
    """`smooth` off by a thin slab and undefined in a corner."""
    wrong = np.where(np.abs(x @ [1.0, 0.5, -0.25] - 0.6) < 0.002, 0.7, 0.0)
    return np.where((x[:, 0] > 0.98) & (x[:, 1] > 0.98), np.nan, smooth(x) + wrong + 0.003 * x[:, 1])


def pole(x):
    """`smooth` with a pole on a plane."""
    return smooth(x) + 1e-3 / (x[:, 0] - 0.4142)


def layers(x):
    """Two outputs of a small tanh network."""
    return np.tanh(x @ _A + _B) @ _C


def rounded(x):
    """`layers` with weights of three digits."""
    return np.tanh(x @ np.round(_A, 3) + np.round(_B, 3)) @ np.round(_C, 3)


def ball(x):
    """The points inside the ball that touches the faces of the unit cube."""
    return ((x - 0.5) ** 2).sum(axis=1) <= 0.25


def waves(x):
    """One input: what the approximants fit."""
    return np.exp(x[:, 0]) * np.cos(6 * x[:, 0])


def cusp(x):
    """One input, a discontinuous derivative."""
    return np.abs(x[:, 0] - 0.37) ** 1.5


def step(x):
    """One input, a jump."""
    return np.where(x[:, 0] < 0.31, np.sin(3 * x[:, 0]), 1.2 + x[:, 0] ** 2)


def product(x):
    """Four inputs, analytic, nearly a sum of products."""
    return np.prod(1 + 0.3 * np.cos(x), axis=1) + 0.1 * x[:, 0] * x[:, 3]


def traced(x):
    """A JAX function of two inputs, for `certify`."""
    return jnp.sin(x[:, 0]) * jnp.exp(-x[:, 1]) + 0.5 * jnp.tanh(3 * x[:, 0] * x[:, 1])


def traced_model(x):
    """Its approximation: a Taylor polynomial for the sine, a slightly other slope."""
    s = x[:, 0] - x[:, 0] ** 3 / 6 + x[:, 0] ** 5 / 120
    return s * jnp.exp(-x[:, 1]) + 0.5 * jnp.tanh(2.98 * x[:, 0] * x[:, 1])


def traced_kink(x):
    """One with a kink and a maximum of two."""
    return jnp.maximum(jnp.sin(x[:, 0]) * jnp.exp(-x[:, 1]), 0.1) + 0.5 * jnp.tanh(3 * x[:, 0] * x[:, 1])
