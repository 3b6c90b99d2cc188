"""The dilogarithm between 0 and 1: the Padé approximations of fluids, mpmath, and Arb's balls (python-flint)."""

import flint
import mpmath
from fluids.numerics import polylog2


def model(x):
    return polylog2(x)


def truth(x):
    with mpmath.workdps(40):
        return float(mpmath.polylog(2, mpmath.mpf(float(x))).real)


def balls(x):
    with flint.ctx.workprec(160):
        return float(flint.arb(x).polylog(2).mid())
