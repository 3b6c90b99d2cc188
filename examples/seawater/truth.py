"""Density of seawater (TEOS-10): the 75-term polynomial that ocean models use, and the exact formula.

Inputs, one row a point: absolute salinity SA (g/kg), conservative temperature CT (degrees C), pressure p (dbar).
"""

import gsw


def polynomial(x):
    """Density in kg/m3 by the 75-term polynomial (Roquet et al. 2015), as ocean models compute it."""
    sa, ct, p = x.T
    return gsw.rho(sa, ct, p)


def exact(x):
    """Density in kg/m3 from the Gibbs function of seawater (IAPWS-08)."""
    sa, ct, p = x.T
    return gsw.rho_t_exact(sa, gsw.t_from_CT(sa, ct, p), p)


def liquid(x):
    """Where seawater is liquid: above its freezing temperature (without dissolved air)."""
    sa, ct, p = x.T
    return ct > gsw.CT_freezing(sa, p, 0.0)
