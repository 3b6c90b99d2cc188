"""The baffle correction factor: a polynomial against the spline that it was fitted to."""

import numpy as np
from ht.conv_tube_bank import Bell_baffle_configuration_tck, baffle_correction_Bell
from scipy.interpolate import BSpline


def model(x):
    return np.array([baffle_correction_Bell(v, method="chebyshev") for v in x[:, 0]])


def truth(x):
    return np.array([float(baffle_correction_Bell(v, method="spline")) for v in x[:, 0]])


KNOTS, COEFFICIENTS, DEGREE = Bell_baffle_configuration_tck
SPLINE = BSpline(np.array(KNOTS), np.array(COEFFICIENTS)[: len(KNOTS) - DEGREE - 1], DEGREE)


def again(x):
    return SPLINE(x[:, 0])
