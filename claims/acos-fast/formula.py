"""A polynomial times sqrt(1 - x) for the arc cosine, for x between zero and one; the shader mirrors it. Double precision."""

import jax.numpy as jnp
import mpmath


def model(x):
    x = x[:, 0]
    return jnp.sqrt(1 - x) * (1.5707288 + x * (-0.2121144 + x * (0.0742610 - 0.0187293 * x)))


def truth(x):
    return jnp.arccos(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.acos(float(x)))
