"""The freezing temperature of seawater: a polynomial, the exact one, and that once more from the chemical potentials."""

import gsw
import numpy as np
from scipy.optimize import brentq


def model(x):
    return gsw.CT_freezing_poly(x[:, 0], x[:, 1], x[:, 2])


def truth(x):
    return gsw.CT_freezing(x[:, 0], x[:, 1], x[:, 2])


def balance(salinity, pressure, saturation):
    """Where water in seawater and ice have one chemical potential; then the effect of dissolved air, as in TEOS-10."""

    def gap(t):
        water = 1000.0 * gsw.chem_potential_water_t_exact(salinity, t, pressure)
        return float(water - gsw.chem_potential_water_ice(t, pressure))

    t = brentq(gap, -14.0, 1.0, xtol=1e-12) - saturation * 1e-3 * (2.4 - salinity / 70.33008)
    return float(gsw.CT_from_t(salinity, t, pressure))


def excess(model, reference, x):
    """The error in multiples of what is allowed on its side: of 6e-4 K and 5e-4 K, and half a unit of their last digit."""
    error = reference - model
    return np.maximum(error / 6.5e-4, -error / 5.5e-4)[:, 0]
