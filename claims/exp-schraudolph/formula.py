"""An exponential written into the upper half of a double; C rounds towards zero."""

import mpmath
import numpy as np


def model(x):
    upper = np.trunc(1048576 / np.log(2.0) * x[:, 0]) + (1072693248 - 60801)
    return (upper.astype(np.int64) << 32).view(np.float64)


def truth(x):
    return np.exp(x[:, 0])


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.exp(float(x)))
