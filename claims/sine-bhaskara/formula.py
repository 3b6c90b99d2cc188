"""Bhaskara's formula for the sine, for x between zero and pi; the package mirrors it for negative x."""

import jax.numpy as jnp
import mpmath


def model(x):
    product = x[:, 0] * (jnp.pi - x[:, 0])
    return 16 * product / (5 * jnp.pi**2 - 4 * product)


def truth(x):
    return jnp.sin(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.sin(float(x)))
