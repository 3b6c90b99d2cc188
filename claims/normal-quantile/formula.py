"""The quantile of the upper tail p = erfc(z / sqrt 2) / 2, as a function of z: so the exact quantile is z."""

import jax.numpy as jnp
import mpmath
from jax.scipy.special import erfc


def model(x):
    p = 0.5 * erfc(x[:, 0] / jnp.sqrt(2.0))
    t = jnp.sqrt(-2.0 * jnp.log(p))
    above = 2.515517 + t * (0.802853 + t * 0.010328)
    below = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    return t - above / below


def truth(x):
    return x[:, 0]


def digits(x):
    """The quantile of the same p once more, by bisection in 50 digits."""
    with mpmath.workdps(50):
        p = mpmath.erfc(mpmath.mpf(float(x)) / mpmath.sqrt(2)) / 2
        low, high = mpmath.mpf(-1), mpmath.mpf(40)
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if mpmath.erfc(middle / mpmath.sqrt(2)) / 2 > p else (low, middle)
        return float(low)
