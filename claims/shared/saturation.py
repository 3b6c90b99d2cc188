"""Boiling of water by IAPWS-95: the polynomials of chemicals, and the equations of equilibrium solved in many digits.

The coefficients of the equation of state come from the package iapws. The derivatives by density come from power series (Arb,
python-flint). Newton's method begins at the densities of chemicals and ends where pressure and Gibbs energy of both phases are equal.
"""

import flint
import numpy as np
from chemicals.iapws import iapws95_Psat, iapws95_rhog_sat, iapws95_rhol_sat
from flint import arb, arb_series
from iapws.iapws95 import IAPWS95

WATER = IAPWS95._constants
TC, RHO_C, R = "647.096", 322, "461.51805"


def number(value):
    """A ball around a coefficient as it is printed."""
    return arb(repr(value))


def rows(*names):
    return list(zip(*(WATER[name] for name in names), strict=True))


def power(base, exponent):
    """A power of a positive series."""
    return (base.log() * exponent).exp()


def residual(tau, delta):
    """The residual Helmholtz energy, as a series in delta."""
    far = delta - 1
    total = arb_series([0])
    for n, d, t in rows("nr1", "d1", "t1"):
        total += delta**d * (number(n) * tau ** number(t))
    for n, d, t, c in rows("nr2", "d2", "t2", "c2"):
        total += delta**d * (-(delta**c)).exp() * (number(n) * tau**t)
    for n, d, t, a, b, g, e in rows("nr3", "d3", "t3", "alfa3", "beta3", "gamma3", "epsilon3"):
        bell = (-(number(b) * (tau - number(g)) ** 2)).exp()
        total += delta**d * (-((delta - number(e)) ** 2) * a).exp() * (number(n) * tau**t * bell)
    square = far * far
    for n, a, b, big_b, c, d, big_a, beta in rows("nr4", "a4", "b4", "B", "C", "D", "A", "beta4"):
        theta = power(square, 1 / (2 * number(beta))) * number(big_a) + (1 - tau)
        distance = theta * theta + power(square, number(a)) * number(big_b)
        fall = (square * (-number(c)) - number(d) * (tau - 1) ** 2).exp()
        total += power(distance, number(b)) * delta * fall * number(n)
    return total


def state(tau, delta):
    """Reduced pressure and its slope, and reduced Gibbs energy less what both phases share."""
    value, slope, half = (residual(tau, arb_series([delta, 1], 3))[i].mid() for i in range(3))
    pressure = delta * (1 + delta * slope)
    return pressure, 1 + 2 * delta * slope + 2 * delta**2 * half, value + delta.log() + delta * slope


def boiling(temperature, bits):
    """Pressure in Pa and the densities of liquid and vapour in kg/m3."""
    with flint.ctx.workprec(bits):
        return _boiling(float(temperature))


def _boiling(temperature):
    tau = arb(TC) / arb(temperature)
    liquid = arb(iapws95_rhol_sat(temperature)) / RHO_C
    vapour = arb(iapws95_rhog_sat(temperature)) / RHO_C
    for _ in range(30):
        p1, s1, g1 = state(tau, liquid)
        p2, s2, g2 = state(tau, vapour)
        apart, energy = p1 - p2, g1 - g2
        # Gibbs energy has the slope of the pressure divided by delta.
        a, b, c, d = s1, -s2, s1 / liquid, -s2 / vapour
        det = a * d - b * c
        step1, step2 = (d * apart - b * energy) / det, (a * energy - c * apart) / det
        liquid, vapour = (liquid - step1).mid(), (vapour - step2).mid()
        if abs(step1) < 1e-25 and abs(step2) < 1e-25 * vapour:
            break
    else:
        return np.array([np.nan] * 3)
    pressure = state(tau, vapour)[0] * RHO_C * arb(R) * arb(temperature)
    return np.array([float(pressure.mid()), float(RHO_C * liquid), float(RHO_C * vapour)])


def pressure_model(temperature):
    return iapws95_Psat(float(temperature))


def pressure_truth(temperature):
    return boiling(temperature, 200)[0]


def pressure_finer(temperature):
    return boiling(temperature, 400)[0]


def liquid_model(temperature):
    return iapws95_rhol_sat(float(temperature))


def liquid_truth(temperature):
    return boiling(temperature, 200)[1]


def liquid_finer(temperature):
    return boiling(temperature, 400)[1]


def vapour_model(temperature):
    return iapws95_rhog_sat(float(temperature))


def vapour_truth(temperature):
    return boiling(temperature, 200)[2]


def vapour_finer(temperature):
    return boiling(temperature, 400)[2]
