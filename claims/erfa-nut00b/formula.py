"""Nutation in milliarcseconds: the short series and the long one."""

import erfa
import numpy as np

MAS = 180 / np.pi * 3600e3
J2000 = 2451545.0


def pole(nutation):
    """How far the pole is moved: the nutation in longitude counts by the sine of the obliquity."""
    longitude, obliquity = nutation
    return MAS * np.column_stack([longitude * np.sin(np.radians(23.4393)), obliquity])


def model(x):
    return pole(erfa.nut00b(J2000, 365.25 * (x[:, 0] - 2000)))


def truth(x):
    return pole(erfa.nut00a(J2000, 365.25 * (x[:, 0] - 2000)))
