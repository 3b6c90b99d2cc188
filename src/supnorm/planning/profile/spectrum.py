"""How smooth a function of one variable is: its Chebyshev coefficients decay like k^-(s+1) or like rho^-k.

K samples at Chebyshev points of [-1, 1] give K coefficients. Modes count down to a floor: 30 times round-off,
or 5 times the level of the last half when that is flat (noise: white noise of deviation sigma has
coefficients of deviation sigma sqrt(2/K)). The running maximum from the right is fitted by a line against k
(geometric, Bernstein rho) and against log k (algebraic); the smaller sum of squares wins. The algebraic order
s comes from the energy of half-octaves of the upper modes, which oscillations of single coefficients do not
disturb. If the last mode is still above the floor and the decay is geometric or steepens, the function is
*unresolved*: take more samples. ``tests/planning/test_profile_smoothness.py`` asserts how near order and rho come on
functions of known smoothness, and guards every number below. A singularity at an end, such as sqrt(1-x^2), reads as
twice its order, because Chebyshev points crowd there. Cost: K values and O(K log K).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ROUND_OFF = 30 * float(np.finfo(float).eps)


@dataclass(frozen=True)
class Spectrum:
    """The decay of the Chebyshev coefficients on one segment.

    Attributes:
        kind: ``"geometric"``, ``"algebraic"``, ``"unresolved"`` or ``"noise"`` (nothing above the noise).
        order: algebraic order s; inf for geometric decay, NaN where nothing can be said.
        rho: Bernstein parameter for geometric decay (inf for a polynomial of few terms); else 1.
        last: the last mode above the floor.
        noise: standard deviation of the noise on the values; 0 where none was seen.
        coefficients: up to ``last``, shape ``(last + 1,)``.
        half_length: of the segment, in the unit cube: derivatives along it divide by it.
    """

    kind: str
    order: float
    rho: float
    last: int
    noise: float
    coefficients: Array
    half_length: float = 0.5  # of the whole unit interval

    def degree_for(self, eps: float) -> int | None:
        """The smallest degree whose truncation errs by at most ``eps``; None when it was not reached.

        Beyond the measured modes a geometric tail is continued with rho.
        """
        tails = np.concatenate([np.cumsum(np.abs(self.coefficients)[::-1])[::-1][1:], [0.0]])
        if self.kind != "geometric":
            return None
        reached = np.flatnonzero(tails <= eps)
        k = int(reached[0])
        floor = float(np.abs(self.coefficients).max()) * ROUND_OFF
        if self.noise > 0 and math.isfinite(self.rho) and eps < self.noise:
            last = float(np.abs(self.coefficients[-3:]).max())
            k += max(math.ceil(math.log(max(last, floor) / ((self.rho - 1) * eps)) / math.log(self.rho)), 0)
        return k

    def derivative_maximum(self, order: int) -> float:
        """The largest ``order``-th derivative of the truncated series, per unit of the cube; NaN where it overflows."""
        series = np.polynomial.chebyshev.Chebyshev(self.coefficients)
        t = np.linspace(-0.98, 0.98, 801)  # derivatives of the series are least certain at the ends
        with np.errstate(over="ignore", invalid="ignore"):
            derivative = series.deriv(order) if order else series
            return float(np.abs(derivative(t)).max() / self.half_length**order)


def chebyshev_points(count: int) -> Array:
    """Chebyshev points of [-1, 1], from high to low."""
    points: Array = np.cos((np.arange(count) + 0.5) * np.pi / count)
    return points


def spectrum(values: Array, half_length: float = 0.5) -> Spectrum:
    """Judge values at `chebyshev_points`, shape ``(K,)``.

    >>> s = spectrum(1.0 / (1.0 + 25.0 * chebyshev_points(512) ** 2))
    >>> s.kind, round(s.rho, 3)
    ('geometric', 1.22)
    """
    from scipy.fft import dct

    c = dct(values, type=2) / len(values)
    c[0] /= 2
    size = np.abs(c)
    count, tail = len(c), _rms(size[len(c) // 2 :])
    round_off = ROUND_OFF * float(np.abs(values).max())
    # Aliasing lifts the last half by at most 1.2 even for a jump; white noise has ratio 1.
    flat = tail > 0.2 * round_off and _rms(size[count // 4 : count // 2]) < 1.3 * tail
    envelope = np.maximum.accumulate(size[::-1])[::-1]
    above = np.flatnonzero(envelope > max(round_off, 5 * tail if flat else 0.0))
    noise = tail * math.sqrt(count / 2) if flat and tail > round_off else 0.0
    if not len(above) or (len(above) == 1 and noise > 0):
        last, decay = 0, ("noise" if noise else "geometric", math.inf, math.inf)
    else:
        last = int(above[-1])
        decay = _decay(size, envelope, last, count)
    return Spectrum(*decay, last=last, noise=noise, coefficients=c[: last + 1], half_length=half_length)


def _decay(size: Array, envelope: Array, last: int, count: int) -> tuple[str, float, float]:
    used = min(last, max(count // 2, int(0.5 * last)))  # beyond count/2 aliasing bends the decay
    start = max(int(np.flatnonzero(envelope >= 0.3 * envelope[1:].max())[-1]), 1)
    if used - start < 4:
        return "geometric", math.inf, math.inf
    modes = np.concatenate([np.geomspace(start, used, 24), np.linspace(start, used, 24)])
    k = np.unique(np.round(modes).astype(int))
    level = np.log(envelope[k])
    line, straight = _fit(k.astype(float), level)
    _, power = _fit(np.log(k), level)
    resolved = last < 0.9 * count
    early, late, order = _orders(size, start, used)
    if straight < power or math.isnan(order):
        return ("geometric" if resolved else "unresolved"), math.inf, math.exp(-line)
    if not resolved and (late - early > 0.75 * max(1.0, 0.5 * early) or _falls_short(size, order)):
        return "unresolved", order, 1.0
    return "algebraic", max(order, 0.0), 1.0


def _falls_short(size: Array, order: float) -> bool:
    """Whether the upper modes are far below the algebraic law of the lower ones; aliasing lifts them."""
    a, b, c = len(size) // 4, len(size) // 2, int(0.9 * len(size))
    expected = float((math.sqrt(a * b) / math.sqrt(b * c)) ** (order + 1.0))
    return _rms(size[b:c]) < 0.7 * expected * _rms(size[a:b])


def _orders(size: Array, start: int, used: int) -> tuple[float, float, float]:
    """Orders from the energy of half-octaves: of the lower half, of the upper half, of the upper 3/4."""
    edges = [max(start, 4)]
    while edges[-1] < used + 1:
        edges.append(min(math.ceil(edges[-1] * math.sqrt(2)), used + 1))
    if len(edges) < 6:
        return math.nan, math.nan, math.nan
    pairs = list(itertools.pairwise(edges))
    energy = np.log([max(_rms(size[a:b]), 1e-300) for a, b in pairs])
    middle = np.log([math.sqrt(a * (b - 1)) for a, b in pairs])
    half = len(pairs) // 2
    early = -_fit(middle[: half + 1], energy[: half + 1])[0] - 1
    late = -_fit(middle[half:], energy[half:])[0] - 1
    return early, late, -_fit(middle[half // 2 :], energy[half // 2 :])[0] - 1


def _fit(x: Array, y: Array) -> tuple[float, float]:
    """Slope and sum of squares of a straight line."""
    slope, intercept = np.polyfit(x, y, 1)
    return float(slope), float(((slope * x + intercept - y) ** 2).sum())


def _rms(x: Array) -> float:
    return math.sqrt(float(np.mean(x**2)))
