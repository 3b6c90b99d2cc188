"""Density of water and steam: the fast industrial formulation against the scientific one, both from CoolProp.

One point a call: temperature T (K), pressure p (Pa). Where a formulation cannot decide between water and steam
CoolProp raises; such points are counted as failures.
"""

import CoolProp as cp

_industrial = cp.AbstractState("IF97", "Water")
_scientific = cp.AbstractState("HEOS", "Water")


def industrial(T, p):
    """Density in kg/m3 by IAPWS-IF97."""
    _industrial.update(cp.PT_INPUTS, p, T)
    return _industrial.rhomass()


def scientific(T, p):
    """Density in kg/m3 by IAPWS-95."""
    _scientific.update(cp.PT_INPUTS, p, T)
    return _scientific.rhomass()
