"""The potential enthalpy of ice at the freezing point: a polynomial, the exact one, and that from chemical potentials."""

import gsw
import numpy as np
from scipy.optimize import brentq


def model(x):
    return gsw.pot_enthalpy_ice_freezing_poly(x[:, 0], x[:, 1])


def truth(x):
    return gsw.pot_enthalpy_ice_freezing(x[:, 0], x[:, 1])


def balance(salinity, pressure):
    """At the temperature where water in seawater and ice have the same chemical potential."""

    def gap(t):
        water = 1000.0 * gsw.chem_potential_water_t_exact(salinity, t, pressure)
        return float(water - gsw.chem_potential_water_ice(t, pressure))

    t = brentq(gap, -25.0, 1.0, xtol=1e-12)
    return float(gsw.pot_enthalpy_from_pt_ice(gsw.pt0_from_t_ice(t, pressure)))


def excess(model, reference, x):
    """The error in multiples of what is allowed on its side: 1 and 2.5 J/kg, and half a unit of their last digit."""
    error = model - reference
    return np.maximum(error / 1.5, -error / 2.55)[:, 0]
