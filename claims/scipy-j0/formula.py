"""Bessel function J0: SciPy, Arb's balls (python-flint), and mpmath."""

import flint
import mpmath
import scipy.special


def model(x):
    return scipy.special.j0(x[:, 0])


def truth(x):
    with flint.ctx.workprec(120):
        return float(flint.arb(x).bessel_j(flint.arb(0)).mid())


def digits(x):
    with mpmath.workdps(40):
        return float(mpmath.besselj(0, float(x)))
