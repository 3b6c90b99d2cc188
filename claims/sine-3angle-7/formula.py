"""A polynomial of order 7 for the sine of a third of x, and the triple-angle formula; in double precision."""

import jax.numpy as jnp
import mpmath

COEFFICIENTS = (-0.166664550673, 0.00832622561667, -0.000190698699142)


def model(x):
    third = x[:, 0] / 3
    square, sine = third * third, jnp.zeros_like(third)
    for coefficient in reversed(COEFFICIENTS):
        sine = (sine + coefficient) * square
    sine = third * (1 + sine)
    return sine * (3 - 4 * sine * sine)


def truth(x):
    return jnp.sin(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.sin(float(x)))
