"""Complete elliptic integral K: SciPy, Arb's balls (python-flint), and mpmath."""

import flint
import mpmath
import scipy.special


def model(x):
    return scipy.special.ellipkm1(x[:, 0])


def truth(x):
    with flint.ctx.workprec(120):
        return float(flint.acb(1 - flint.arb(x)).elliptic_k().real.mid())


def digits(x):
    with mpmath.workdps(40):
        return float(mpmath.ellipk(1 - mpmath.mpf(float(x))))
