"""The light of a star behind a planet by batman, with its default error tolerance; one point of a circular orbit seen from its plane."""

import batman
import numpy as np

ORBIT = 10.0  # its radius, in radii of the star


def model(z, p, c, alpha):
    orbit = batman.TransitParams()
    orbit.t0, orbit.per, orbit.a, orbit.inc, orbit.ecc, orbit.w = 0.0, 1.0, ORBIT, 90.0, 0.0, 90.0
    orbit.rp, orbit.limb_dark, orbit.u = float(p), "power2", [float(c), float(alpha)]
    time = np.array([np.arcsin(z / ORBIT) / (2 * np.pi)])
    return float(batman.TransitModel(orbit, time).light_curve(orbit)[0])
