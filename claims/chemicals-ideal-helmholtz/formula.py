"""The Helmholtz energy of steam as an ideal gas (IAPWS-95): chemicals, the formula in mpmath, and in Arb's balls (python-flint).

The coefficients are the doubles of chemicals, so that only rounding differs.
"""

import flint
import mpmath
from chemicals.iapws import iapws95_A0

FIRST, SECOND, LOG = 6.68321052759320011, -8.32044648374970031, 3.00632
TERMS = (
    (0.24873, 27.5075105),
    (0.96956, 9.24437796),
    (1.2795, 7.74073708),
    (0.97315, 3.53734222),
    (0.012436, 1.28728967),
)


def model(tau, delta):
    return iapws95_A0(tau, delta)


def energy(tau, delta, log, exp):
    sums = sum((log(1 - exp(-tau * rate)) * weight for weight, rate in TERMS), log(delta))
    return sums + tau * FIRST + log(tau) * LOG + SECOND


def truth(tau, delta):
    with mpmath.workdps(40):
        return float(energy(mpmath.mpf(float(tau)), mpmath.mpf(float(delta)), mpmath.log, mpmath.exp))


def balls(tau, delta):
    with flint.ctx.workprec(160):
        return float(energy(flint.arb(tau), flint.arb(delta), flint.arb.log, flint.arb.exp).mid())
