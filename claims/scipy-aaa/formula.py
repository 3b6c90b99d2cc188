"""AAA from 2,000 equidistant nodes with a relative tolerance of 1e-15: poles between them, where no node shows them."""

import mpmath
import numpy as np
from scipy.interpolate import AAA


def truth(x):
    return np.log(np.sin(10 * x[:, 0]) + 2) + np.sin(x[:, 0])


NODES = np.linspace(-1.0, 1.0, 2000)
RATIONAL = AAA(NODES, truth(NODES[:, None]), rtol=1e-15)


def model(x):
    return RATIONAL(x[:, 0])


def digits(x):
    with mpmath.workdps(40):
        x = mpmath.mpf(float(x))
        return float(mpmath.log(mpmath.sin(10 * x) + 2) + mpmath.sin(x))
