"""A polynomial of order 9 for the sine of a third of x, and the triple-angle formula; in double precision."""

import jax.numpy as jnp
import mpmath

COEFFICIENTS = (-0.166666662492, 0.00833330303755, -0.000198339763113, 2.68396896919e-06)


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
