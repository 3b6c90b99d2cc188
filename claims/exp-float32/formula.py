"""2^f by a parabola, scaled by 2^i, in single precision."""

import mpmath
import numpy as np


def model(x):
    t = x[:, 0].astype(np.float32) * np.float32(1.442695041)
    whole = np.floor(t)
    f = t - whole
    value = (np.float32(0.3371894346) * f + np.float32(0.657636276)) * f + np.float32(1.00172476)
    return (value.view(np.int32) + (whole.astype(np.int32) << 23)).view(np.float32)


def truth(x):
    return np.exp(x[:, 0].astype(np.float32).astype(float))


def digits(x):
    with mpmath.workdps(50):
        return float(mpmath.exp(float(np.float32(x))))
