"""A parabola for the sine, for x between zero and pi; the package mirrors it for negative x."""

import jax.numpy as jnp
import mpmath


def model(x):
    return 4 / jnp.pi**2 * x[:, 0] * (jnp.pi - x[:, 0])


def truth(x):
    return jnp.sin(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.sin(float(x)))
