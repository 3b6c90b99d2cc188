"""Two formulas of the Feynman lectures to make certified tanh networks of."""

import jax.numpy as jnp


def gaussian(x):
    """I.6.2: a Gaussian of ``theta`` with standard deviation ``sigma``, inputs ``(n, 2)``."""
    theta, sigma = x[:, 0], x[:, 1]
    return jnp.exp(-((theta / sigma) ** 2) / 2) / (jnp.sqrt(2 * jnp.pi) * sigma)


def mass(x):
    """I.10.7: relativistic mass of rest mass ``m0`` at speed ``v`` for light speed ``c``, inputs ``(n, 3)``."""
    m0, v, c = x[:, 0], x[:, 1], x[:, 2]
    return m0 / jnp.sqrt(1 - (v / c) ** 2)
