"""The distance of a planet from the Sun in km: ERFA's mean elements with periodic terms, and two integrated ephemerides.

A claim file names the planet and one of the three functions, such as `plan94.py:mars_model`.
"""

import warnings

import de405
import de421
import erfa
import numpy as np
from jplephem.ephem import Ephemeris

UNIT = 149597870.7
FIRST, SECOND = Ephemeris(de421), Ephemeris(de405)
PLANETS = {"mercury": 1, "venus": 2, "mars": 4, "jupiter": 5, "saturn": 6, "uranus": 7, "neptune": 8}


def days(x):
    return 2451545.0 + 365.25 * (x[:, 0] - 2000)


def model(planet):
    def distance(x):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # years that ERFA calls dubious
            return UNIT * np.linalg.norm(erfa.plan94(days(x), 0.0, PLANETS[planet])["p"], axis=1)

    return distance


def integrated(ephemeris, planet):
    def distance(x):
        return np.linalg.norm(
            ephemeris.position(planet, days(x)) - ephemeris.position("sun", days(x)), axis=0
        )

    return distance


for name in PLANETS:
    globals()[f"{name}_model"] = model(name)
    globals()[f"{name}_truth"] = integrated(FIRST, name)
    globals()[f"{name}_other"] = integrated(SECOND, name)
