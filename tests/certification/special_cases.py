"""Rectangles for the special functions, and Taylor coefficients at points of them in arbitrary precision."""

from functools import cache

import mpmath as mp
import numpy as np
import oracle
import pytest

from supnorm.certification.special_bounds import SPECIAL, is_entire

__all__ = [
    "SPECIAL",
    "by_function",
    "cases",
    "coefficients",
    "inside",
    "known",
    "parameters",
    "points",
    "sizes",
]
ORDERS = 7
GUARD = 10  # digits; without them the worst of 24 rectangles of gammainc is wrong by 4e-16 of its bound at 22 digits


def parameters(op):
    """Orders or shapes that are tried; one empty choice for functions without."""
    return [p if isinstance(p, tuple) else (p,) for p in oracle.PARAMETERS.get(op, [()])]


def cases(op, count, seed=0):
    """Yields (low, high, h, parameter): rectangles of all sizes on which the function has no singularity."""
    rng = np.random.default_rng([seed, *map(ord, op)])
    choices = parameters(op)
    for k in range(count):
        p = choices[k % len(choices)]
        low = 10 ** rng.uniform(-2, 1.2)
        high, h = low * (1 + 10 ** rng.uniform(-2, 0.5)), low * 10 ** rng.uniform(-1.5, 0.6)
        if op == "cbrt" and k % 2:
            low, high = -high, -low
        if op == "atan" or is_entire(op, *p):
            low = rng.normal() * 2.5
            high, h = low + 10 ** rng.uniform(-2, 0.5), 10 ** rng.uniform(-2, -0.05 if op == "atan" else 0.3)
            if k % 5 == 0:
                low, high, h = -1e-3, 1e-3, 1e-3
        if op == "betainc":
            low = 10 ** rng.uniform(-2, -0.05)
            low = 1.0 - low if k % 2 else low
            high = low + (1.0 - low) * 10 ** rng.uniform(-2, -0.3)
            h = min(low, 1.0 - high) * 10 ** rng.uniform(-1.5, 0.3)
        if op == "erfinv":
            low = rng.uniform(-0.95, 0.9)
            high = low + (0.97 - abs(low)) * 10 ** rng.uniform(-2, -0.3)
            h = 10 ** rng.uniform(-2, -0.02) * np.sqrt(1 - max(abs(low), abs(high)) ** 2)
        yield float(low), float(high), float(h), p


def inside(op):
    """An interval on which the function is analytic."""
    return (0.2, 0.9) if op in ("erfinv", "betainc") else (0.6, 2.5)


def points(low, high, h, op):
    """Where the largest coefficients are: corners, middles of sides, the point next to zero."""
    near = min(max(low, 0.0), high)
    return [mp.mpc(x, y) for x in {low, high, near} for y in (0.0, h, -h)]


def radius(op, z, p, far):
    """Of a circle on which the function is analytic."""
    if op == "betainc":
        return far * min(abs(z), abs(1 - z))
    if op == "erfinv":  # it has other branches beyond the disc
        return far * (1 - abs(z))
    if op == "atan":
        return far * min(abs(z - 1j), abs(z + 1j))
    return 5 * far / (1 + abs(z)) if is_entire(op, *p) else far * abs(z)


def coefficients(op, z, p, far=0.1):
    """phi^(i)(z)/i! for i = 0..6, by Cauchy's integral over a circle as a sum over 20 points.

    No singularity is nearer than ten times the radius: the sum is off by 1e-20 of the largest value.

    The sum loses the digits by which r^i is small: for gammainc of shape 1, whose bound is attained, 6 of 22 were left at
    z = 0.011. So it works with as many more, and with `GUARD` for values that are large beside the coefficients.
    The functions are real on the real line: round a real point half of the values are conjugates of the others.
    """
    r, n = radius(op, z, p, far), 20
    lost = max(0, int(mp.ceil(-(ORDERS - 1) * mp.log10(r))))
    with mp.workdps(mp.mp.dps + lost + GUARD):
        turns = [mp.expjpi(mp.mpf(2 * k) / n) for k in range(n)]
        here = turns if mp.im(z) else turns[: n // 2 + 1]
        values = [oracle.UNARY[op](z + r * t, *p) for t in here]
        values += [mp.conj(v) for v in values[n // 2 - 1 : 0 : -1]][: n - len(here)]
        return [sum(v * turns[-(k * i) % n] for k, v in enumerate(values)) / n / r**i for i in range(ORDERS)]


def known(op, z, p, far, exact):
    """How well `coefficients` are known, if the values are known to 18 digits."""
    r = radius(op, z, p, far)
    size = max(abs(v) * r**i for i, v in enumerate(exact))
    return [1e-18 * size / r**i for i in range(ORDERS)]


@cache
def sizes(op, count, seed):
    """Of so many rectangles: their ends (low, high, h), the parameter, and |coefficients| (points, 7) in mpmath numbers."""
    found = []
    with mp.workdps(22):
        for low, high, h, p in cases(op, count, seed):
            at = [[abs(v) for v in coefficients(op, z, p)] for z in points(low, high, h, op)[::2]]
            found.append(((low, high, h), p, at))
    return found


def by_function(names, owner=None):
    """Cases of a test, those of one function in one process: `sizes` are made there once for all that look at them."""
    return [
        pytest.param(name, marks=pytest.mark.xdist_group(f"special {(owner or {}).get(name, name)}"))
        for name in names
    ]
