"""The temperature of liquid water from pressure and enthalpy by CoolProp's table, and by IF97, of which it is made.

A point is a temperature T (K) and a share u: the pressure goes, by equal factors, from the boiling pressure or 1 kPa,
whichever is more, to 100 MPa, as in CoolProp's own test of the table. The enthalpy is that of IF97 at this temperature,
so the exact temperature is T. The first call makes the table and keeps it in CoolProp's
folder (14 MB).
"""

import CoolProp
import numpy as np
from iapws.iapws97 import _Region1

TABLE = CoolProp.AbstractState("SVDSBTL&IF97", "Water")
EQUATION = CoolProp.AbstractState("IF97", "Water")


def pressure(T, u):
    """In Pa; a millionth above the boiling pressure, so that it is water everywhere."""
    EQUATION.update(CoolProp.QT_INPUTS, 0.0, max(T, 273.16))
    low = max(1.000001 * EQUATION.p(), 1e3)
    return low * (1e8 / low) ** u


def enthalpy(T, u):
    p = pressure(T, u)
    EQUATION.update(CoolProp.PT_INPUTS, p, T)
    return EQUATION.hmass(), p


def model(x):
    values = []
    for T, u in x:
        TABLE.update(CoolProp.HmassP_INPUTS, *enthalpy(T, u))
        values.append(TABLE.T())
    return np.array(values)


def truth(x):
    return x[:, 0]


def bisected(T, u):
    """The temperature of this enthalpy once more, by the equation of region 1 in the package iapws."""
    h, p = enthalpy(T, u)
    low, high = 270.0, 630.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 1e3 * _Region1(middle, p / 1e6)["h"] < h else (low, middle)
    return low
