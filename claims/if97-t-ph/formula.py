"""Temperature of liquid water from pressure and enthalpy (IAPWS-IF97, region 1), with the coefficients of the package iapws.

A point is a temperature T and a share u: the pressure lies between the boiling pressure (u = 0) and 100 MPa (u = 1). The enthalpy
comes from the basic equation, so the exact temperature is T.
"""

import jax.numpy as jnp
import mpmath
from iapws._iapws97Constants import (
    Backward1_T_Ph_Li,
    Backward1_T_Ph_Lj,
    Backward1_T_Ph_n,
    Region1_Li,
    Region1_Lj,
    Region1_n,
)

R = 0.461526  # kJ / (kg K)
BASIC = [(float(n), int(i), int(j)) for n, i, j in zip(Region1_n, Region1_Li, Region1_Lj, strict=True)]
BACK = [
    (float(n), int(i), int(j))
    for n, i, j in zip(Backward1_T_Ph_n, Backward1_T_Ph_Li, Backward1_T_Ph_Lj, strict=True)
]
# The saturation line of IF97, region 4: its ten numbers.
N1, N2, N3, N4, N5 = 1167.0521452767, -724213.16703206, -17.073846940092, 12020.82470247, -3232555.0322333
N6, N7, N8, N9, N10 = 14.91510861353, -4823.2657361591, 405113.40542057, -0.23855557567849, 650.17534844798


def boiling(T, sqrt):
    """The boiling pressure in MPa."""
    s = T + N9 / (T - N10)
    a, b, c = (s + N1) * s + N2, (N3 * s + N4) * s + N5, (N6 * s + N7) * s + N8
    root = 2 * c / (-b + sqrt(b * b - 4 * a * c))
    return root * root * root * root


def enthalpy(p, T):
    """The basic equation, in kJ/kg."""
    depth, warmth = 7.1 - p / 16.53, 1386 / T - 1.222
    return R * 1386 * sum(n * j * depth**i * warmth ** (j - 1) for n, i, j in BASIC if j != 0)


def backward(p, h):
    """The backward equation, in K."""
    return sum(n * p**i * (h / 2500 + 1) ** j for n, i, j in BACK)


def pressure(T, u, sqrt):
    low = boiling(T, sqrt)
    return low + u * (100 - low)


def model(x):
    p = pressure(x[:, 0], x[:, 1], jnp.sqrt)
    return backward(p, enthalpy(p, x[:, 0]))


def truth(x):
    return x[:, 0]


def digits(T, u):
    """The temperature of the same enthalpy once more, by bisection in 40 digits: enthalpy grows with temperature."""
    with mpmath.workdps(40):
        T = mpmath.mpf(float(T))
        p = pressure(T, mpmath.mpf(float(u)), mpmath.sqrt)
        h, low, high = enthalpy(p, T), mpmath.mpf(270), mpmath.mpf(630)
        for _ in range(70):
            middle = (low + high) / 2
            low, high = (middle, high) if enthalpy(p, middle) < h else (low, middle)
        return float(low)
