"""Formula 7.1.26 of Abramowitz and Stegun, for x of zero and more; beyond 6 it differs from 1 by less than 1e-16."""

import jax.numpy as jnp
import mpmath
from jax.scipy.special import erf

P = 0.3275911
A = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


def hastings(x):
    t = 1.0 / (1.0 + P * x[:, 0])
    polynomial = ((((A[4] * t + A[3]) * t + A[2]) * t + A[1]) * t + A[0]) * t
    return 1.0 - polynomial * jnp.exp(-(x[:, 0] ** 2))


def exact(x):
    return erf(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.erf(float(x)))
