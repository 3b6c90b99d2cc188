"""A polynomial of degree 11 for the arc tangent between -1 and 1."""

import jax.numpy as jnp
import mpmath

C = (
    -1.2490720064867844e-02,
    5.5063351366968050e-02,
    -1.1921576270475498e-01,
    1.9498657165383548e-01,
    -3.3294527685374087e-01,
    1.0,
)


def model(x):
    square, value = x[:, 0] ** 2, C[0]
    for coefficient in C[1:]:
        value = coefficient + value * square
    return value * x[:, 0]


def truth(x):
    return jnp.arctan(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.atan(float(x)))
