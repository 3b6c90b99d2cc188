"""Modified Bessel function I0: NumPy, Arb's balls (python-flint), and mpmath."""

import flint
import mpmath
import numpy as np


def model(x):
    return np.i0(x[:, 0])


def truth(x):
    with flint.ctx.workprec(120):
        return float(flint.arb(x).bessel_i(flint.arb(0)).mid())


def digits(x):
    with mpmath.workdps(40):
        return float(mpmath.besseli(0, float(x)))
