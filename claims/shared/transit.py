"""Light of a star behind a planet, with the power-2 law of limb darkening: the integral over the covered disc.

The star has radius 1 and the brightness 1 - c (1 - mu^alpha) at the distance r from its centre, with mu = sqrt(1 - r^2). The planet
has radius p and its centre at the distance z. At each r it covers a known part of the circle of radius r.
"""

import mpmath
import numpy as np

STEPS = np.arange(-4.2, 4.2001, 0.04)  # of the double exponential rule, for ends with roots and powers
LATE = np.pi / 2 * np.sinh(STEPS)
SHARE, REST = 1 / (1 + np.exp(-2 * LATE)), 1 / (1 + np.exp(2 * LATE))  # of the interval, from each end
WEIGHT = 0.04 * np.pi * np.cosh(STEPS) * SHARE * REST


def disc(radius, c, alpha):
    """The light of the disc of this radius around the centre of the star."""
    return radius**2 * (1 - c) + c * 2 / (alpha + 2) * (1 - (1 - radius**2) ** ((alpha + 2) / 2))


def truth(z, p, c, alpha):
    """The light that is left, as a share of all light; in double precision."""
    if z >= 1 + p:
        return 1.0
    covered = disc(p - z, c, alpha) if z < p else 0.0
    low, high = abs(z - p), min(1.0, z + p)
    width = high - low
    if width > 0:
        r, ahead, behind = low + width * SHARE, width * REST, width * SHARE
        # The chord of the planet at r ends at the angle whose tangent of a half is the root of a quotient of sides.
        outer, nearer = (z + p - high) + ahead, behind if z >= p else r + p - z
        farther = r + z - p if z >= p else behind
        upper, lower = outer * nearer, farther * (r + z + p)
        angle = 2 * np.arctan2(np.sqrt(upper), np.sqrt(lower))
        mu = np.sqrt(((1 - high) + ahead) * (1 + r))
        light = 1 - c * (1 - mu**alpha)
        covered += width * np.sum(WEIGHT * 2 * r * light * angle) / np.pi
    return 1 - covered / disc(1.0, c, alpha)


def digits(z, p, c, alpha):
    """The same in 30 digits, by mpmath's quadrature."""
    with mpmath.workdps(30):
        z, p, c, alpha = (mpmath.mpf(float(value)) for value in (z, p, c, alpha))
        if z >= 1 + p:
            return 1.0

        def strip(r):
            angle = mpmath.acos(max(-1, min(1, (r * r + z * z - p * p) / (2 * z * r))))
            return 2 * r * (1 - c * (1 - mpmath.sqrt(1 - r * r) ** alpha)) * angle / mpmath.pi

        covered = disc(p - z, c, alpha) if z < p else mpmath.mpf(0)
        low, high = abs(z - p), min(mpmath.mpf(1), z + p)
        if high > low and z > 0:
            covered += mpmath.quad(strip, [low, (low + high) / 2, high])
        return float(1 - covered / disc(mpmath.mpf(1), c, alpha))
