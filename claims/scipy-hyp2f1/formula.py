"""Gauss' hypergeometric function 2F1: SciPy, Arb's balls (python-flint), and mpmath."""

import flint
import mpmath
import scipy.special


def model(x):
    return scipy.special.hyp2f1(*x.T)


def truth(a, b, c, x):
    with flint.ctx.workprec(300):
        return float(flint.arb(x).hypgeom_2f1(a, b, c).mid())


def digits(a, b, c, x):
    with mpmath.workdps(60):
        return float(mpmath.hyp2f1(*(mpmath.mpf(float(v)) for v in (a, b, c, x))))
