"""The density of liquid water by IAPWS-IF97 (region 1) and by IAPWS-95, with the coefficients of the package iapws.

A point is a temperature T and a share u: the pressure lies between the boiling pressure of IF97 (u = 0) and 100 MPa (u
= 1). IAPWS-95 gives the pressure from temperature and density, so its density is the root of an equation.
"""

import CoolProp
import numpy as np
from iapws._iapws97Constants import Region1_Li, Region1_Lj, Region1_n
from iapws.iapws95 import IAPWS95

BASIC = [(float(n), int(i), int(j)) for n, i, j in zip(Region1_n, Region1_Li, Region1_Lj, strict=True)]
R, TC, RHOC = 0.46151805, IAPWS95.Tc, IAPWS95.rhoc  # kJ/(kg K), K, kg/m3
SUM = IAPWS95._constants
# The saturation line of IF97, region 4: its ten numbers.
N1, N2, N3, N4, N5 = 1167.0521452767, -724213.16703206, -17.073846940092, 12020.82470247, -3232555.0322333
N6, N7, N8, N9, N10 = 14.91510861353, -4823.2657361591, 405113.40542057, -0.23855557567849, 650.17534844798


def boiling(T):
    """The boiling pressure of IF97 in MPa."""
    s = T + N9 / (T - N10)
    a, b, c = (s + N1) * s + N2, (N3 * s + N4) * s + N5, (N6 * s + N7) * s + N8
    return (2 * c / (-b + np.sqrt(b * b - 4 * a * c))) ** 4


def industrial(p, T):
    """The density by IF97 in kg/m3, from MPa and K."""
    depth, warmth = 7.1 - p / 16.53, 1386 / T - 1.222
    volume = sum(-n * i * depth ** (i - 1) * warmth**j for n, i, j in BASIC if i != 0)  # times p* / (R T)
    return 16.53e3 / (0.461526 * T * volume)


def scientific(rho, T):
    """The pressure by IAPWS-95 in MPa."""
    d, t = rho / RHOC, TC / T
    slope = 0.0  # of the residual Helmholtz energy by d, times d
    for n, i, j in zip(SUM["nr1"], SUM["d1"], SUM["t1"], strict=True):
        slope = slope + n * i * d**i * t**j
    for n, i, j, c in zip(SUM["nr2"], SUM["d2"], SUM["t2"], SUM["c2"], strict=True):
        slope = slope + n * d**i * t**j * (i - c * d**c) * np.exp(-(d**c))
    keys = ("nr3", "d3", "t3", "alfa3", "epsilon3", "beta3", "gamma3")
    for n, i, j, a, e, b, g in zip(*(SUM[key] for key in keys), strict=True):
        slope = slope + n * d**i * t**j * np.exp(-a * (d - e) ** 2 - b * (t - g) ** 2) * (
            i - 2 * a * d * (d - e)
        )
    keys = ("nr4", "a4", "b4", "B", "C", "D", "A", "beta4")
    for n, a, b, B, C, D, A, beta in zip(*(SUM[key] for key in keys), strict=True):
        away = (d - 1) * (d - 1)
        theta = 1 - t + A * away ** (0.5 / beta)
        size = theta * theta + B * away**a
        theta_d = A / beta * away ** (0.5 / beta) / (d - 1)
        size_d = 2 * theta * theta_d + 2 * B * a * away**a / (d - 1)
        bump = np.exp(-C * away - D * (t - 1) ** 2)
        slope = slope + n * d * bump * size**b * (1 - 2 * C * d * (d - 1) + b * d * size_d / size)
    return 1e-3 * rho * R * T * (1 + slope)


def state(x):
    """Pressure (MPa) and temperature (K) of a point."""
    T = x[:, 0]
    low = boiling(T)
    return low + x[:, 1] * (100.0 - low), T


def model(x):
    return industrial(*state(x))


def gap(x, rho):
    """Zero at the density that IAPWS-95 has at this pressure."""
    p, T = state(x)
    return scientific(rho, T) - p


def lightest(x):
    return 0.99 * model(x)


def heaviest(x):
    return 1.01 * model(x)


def package(T, u):
    """The density once more by CoolProp."""
    p, T = state(np.array([[T, u]]))
    water = CoolProp.AbstractState("HEOS", "Water")
    water.specify_phase(CoolProp.iphase_liquid)
    water.update(CoolProp.PT_INPUTS, 1e6 * float(p[0]), float(T[0]))
    return water.rhomass()
