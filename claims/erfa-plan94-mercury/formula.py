"""The distance of Mercury from the Sun in km: mean elements with periodic terms, and two integrated ephemerides."""

import warnings

import de405
import de421
import erfa
import numpy as np
from jplephem.ephem import Ephemeris

UNIT = 149597870.7
FIRST, SECOND = Ephemeris(de421), Ephemeris(de405)


def days(x):
    return 2451545.0 + 365.25 * (x[:, 0] - 2000)


def model(x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # years that ERFA calls dubious
        return UNIT * np.linalg.norm(erfa.plan94(days(x), 0.0, 1)["p"], axis=1)


def distance(ephemeris, x):
    return np.linalg.norm(ephemeris.position("mercury", days(x)) - ephemeris.position("sun", days(x)), axis=0)


def truth(x):
    return distance(FIRST, x)


def other(x):
    return distance(SECOND, x)
