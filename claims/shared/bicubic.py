"""The density of carbon dioxide by CoolProp's table BICUBIC, and by the equation of Span and Wagner, of which it is made.

A point is a temperature T (K) and a pressure p (Pa). Left out is what lies within 0.1 K of boiling, where a rounded digit decides
whether it is liquid or gas. The table is asked with pressure and temperature, or with pressure and the enthalpy that
the equation has there. The first call makes the table and keeps it in CoolProp's folder.
"""

import CoolProp
import numpy as np
import pyromat

TABLE = CoolProp.AbstractState("BICUBIC&HEOS", "CO2")
EQUATION = CoolProp.AbstractState("HEOS", "CO2")
AGAIN = pyromat.get("mp.CO2")
GAP = 0.1  # K
pyromat.config["unit_temperature"] = "K"
pyromat.config["unit_pressure"] = "Pa"
pyromat.config["unit_matter"] = "kg"


def apart(x):
    """Which points are not boiling, nearly."""
    boiling = []
    for p in x[:, 1]:
        EQUATION.update(CoolProp.PQ_INPUTS, p, 1.0)
        boiling.append(EQUATION.T())
    return np.abs(x[:, 0] - np.array(boiling)) >= GAP


def table(pair, first, second):
    """Its density; NaN where it refuses."""
    try:
        TABLE.update(pair, first, second)
    except ValueError:
        return np.nan
    return TABLE.rhomass()


def by_temperature(x):
    return np.array([table(CoolProp.PT_INPUTS, p, T) for T, p in x])


def by_enthalpy(x):
    values = []
    for T, p in x:
        EQUATION.update(CoolProp.PT_INPUTS, p, T)
        values.append(table(CoolProp.HmassP_INPUTS, EQUATION.hmass(), p))
    return np.array(values)


def density(x):
    values = []
    for T, p in x:
        EQUATION.update(CoolProp.PT_INPUTS, p, T)
        values.append(EQUATION.rhomass())
    return np.array(values)


def again(T, p):
    """The same equation in the package PYroMat."""
    return float(AGAIN.d(T=T, p=p)[0])
