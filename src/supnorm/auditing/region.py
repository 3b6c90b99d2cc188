"""How much of the domain a peak fills: where, round the peak, the error is at least half of it.

A box along the axes is wrong by many orders of magnitude on oblique sheets. Here

1. chains of hit-and-run (Smith 1984) with slice shrinkage (Neal 2003, section 5.1) start at the peak and spread
   inside the region; a `Frame` is fitted to where they are and they go on in its coordinates, so that a sheet of
   thickness 1e-8 is as easy as a ball; half of the moves go along differences of two other chains (ter Braak
   2006), which lets a sheet grow eightfold in a move;
2. the frame that holds the largest volume is kept; fresh uniform points in five shells of it are evaluated. With
   k of n in a shell of volume V the region's part is V k / n, with the limits of Clopper and Pearson, the
   confidence divided over the shells (Bonferroni). These points are independent of everything that chose the
   frame, so the limits hold for the part of the region inside the frame, whatever its shape.

What lies outside the frame is not counted: the lower end holds for the whole region, the upper end only when the
frame holds it all. A region too bent for the frame is measured in part and says so (`whole` is false). Cost: 1500
to 6000 evaluations a peak.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.ball import ball_volume
from supnorm.auditing.frame import Frame
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.statistics import clopper_pearson_lower, clopper_pearson_upper
from supnorm.problem import Domain
from supnorm.results.settings import Settings

Array = NDArray[np.float64]
SHELLS = (0.4, 0.7, 0.9, 1.0)  # shares of the chains' points inside the inner radii
BEYOND = 1.25  # the last shell ends at this times the farthest of them
TRIAL = 60  # points that say whether a frame is round enough
GROWN = 1.15  # a frame that holds less than this times the largest volume so far has not grown
LEGAL = 8192  # points that say how much of a shell lies in the domain


@dataclass(frozen=True)
class Region:
    """Volume as a fraction of the domain, with its limits; ``whole`` when the frame holds all of the region."""

    volume: float
    low: float
    high: float
    whole: bool


@dataclass(frozen=True)
class RegionVolume(Settings):
    """Hyper-parameters.

    Attributes:
        chains, steps: of hit-and-run between two fits of the frame.
        phases: fits, at most.
        reach: of a move, in spreads of the frame.
        shrinks: slice shrinkages of a move, at most.
        draws: points that measure the volume.
        confidence: of each limit.
    """

    # tests/auditing/test_region.py and `benchmarks.coverage` guard: the limits hold for balls, sheets and bent regions.
    chains: int = 32
    steps: int = 3
    phases: int = 24
    reach: float = 8.0
    shrinks: int = 10
    draws: int = 1200
    confidence: float = 0.95

    def cost(self, d: int) -> int:
        """Evaluations of a phase, about."""
        return max(self.chains, 8 * d) * self.steps * 5 + TRIAL

    def least(self, d: int) -> int:
        """Evaluations without which a region is not measured at all."""
        return 4 * self.cost(d) + self.draws

    def measure(
        self, landscape: Landscape, u: Array, error: float, width: Array, rng: np.random.Generator
    ) -> Region | None:
        """The region of a peak; None when the budget, the domain or the peak does not allow it.

        Args:
            u: the peak in the unit box, shape ``(d,)``; ``error`` its height.
            width: half-height widths along the axes: the first guess of the region's extent.
        """
        if landscape.affordable() < self.least(len(u)) or not error > 0:
            return None
        domain = _legal_of_box(landscape.evaluator.problem.domain, rng)
        if domain == 0:
            return None
        level = error / 2
        frame, inside, ends = self._frame(landscape, u, level, width, rng)
        region = self._volume(landscape, u, level, frame, (inside, ends), of_box=domain, rng=rng)
        return None if landscape.late else region  # the last points may not have been evaluated

    def _frame(
        self, landscape: Landscape, u: Array, level: float, width: Array, rng: np.random.Generator
    ) -> tuple[Frame, Array, Array]:
        """The frame with the largest volume, the points it was fitted to, and where the chains ended (minus ``u``)."""
        d = len(u)
        x = np.zeros((max(self.chains, 8 * d), d))
        frame = Frame.along_axes(np.maximum(width, 1e-13))
        best, largest, stale = (frame, x), 0.0, 0
        earlier = np.empty((0, d))
        for _ in range(self.phases):
            if landscape.affordable() < self.cost(d) + self.draws or stale == 3:
                break
            visited = self._walk(landscape, u, x, level, frame, rng)
            x = visited[-len(x) :]
            # Old points steady the frame once it grows no more; while it grows they would hold it back.
            seen = np.concatenate([earlier, visited]) if stale else visited
            earlier = visited
            straight = Frame.fit(seen, bent=False)
            volume, frame = self._guess(landscape, u, level, straight, rng), straight
            bent = Frame.fit(seen)
            if bent.bent:  # a few far points may bend a frame that is better straight
                other = self._guess(landscape, u, level, bent, rng)
                volume, frame = (other, bent) if other > volume else (volume, straight)
            stale = stale + 1 if volume < GROWN * largest else 0
            if volume > 0.7 * largest:
                best = frame, seen
            largest = max(volume, largest)
        return *best, x

    def _guess(
        self, landscape: Landscape, u: Array, level: float, frame: Frame, rng: np.random.Generator
    ) -> float:
        """Volume, on the low side, of the region in the ball that a round region with the frame's spreads would be."""
        d = len(u)
        radius = math.sqrt(d + 2)
        above = _above(landscape, u + frame.points(_in_shell(TRIAL, d, 0.0, radius, rng)), level)
        k = int(above.sum())
        sure = max(k - 1.64 * math.sqrt(k), 0.0)  # one lucky hit in a huge frame is no volume
        return ball_volume(d, radius) * frame.scale * sure / TRIAL

    def _walk(
        self, landscape: Landscape, u: Array, x: Array, level: float, frame: Frame, rng: np.random.Generator
    ) -> Array:
        """Moves of every chain: a random chord of the region in the frame, shrunk until its point lies inside."""
        visited = []
        for _ in range(self.steps):
            z = frame.coordinates(x)
            along = _directions(z, rng)
            low, high = np.full(len(z), -self.reach), np.full(len(z), self.reach)
            open_ = np.ones(len(z), dtype=bool)
            moved = x.copy()
            for _ in range(self.shrinks):
                rows = np.flatnonzero(open_)
                if not len(rows):
                    break
                t = rng.uniform(low[rows], high[rows])
                trial = z[rows] + t[:, None] * along[rows]
                point = _folded(u, frame.points(trial))
                inside = _above(landscape, u + point, level)
                moved[rows[inside]], open_[rows[inside]] = point[inside], False
                missed, at = rows[~inside], t[~inside]
                low[missed] = np.where(at < 0, at, low[missed])
                high[missed] = np.where(at >= 0, at, high[missed])
            x = moved
            visited.append(x)
        return np.concatenate(visited)

    def _volume(
        self,
        landscape: Landscape,
        u: Array,
        level: float,
        frame: Frame,
        chains: tuple[Array, Array],
        of_box: int,
        rng: np.random.Generator,
    ) -> Region:
        d = len(u)
        domain = landscape.evaluator.problem.domain
        radius = np.linalg.norm(frame.coordinates(chains[0]), axis=1)
        edges = [0.0, *np.quantile(radius, SHELLS), BEYOND * float(radius.max())]
        each = self.draws // (len(edges) - 1)
        shares = []
        for inner, outer in pairwise(edges):
            point = u + frame.points(_in_shell(LEGAL, d, inner, outer, rng))
            legal = np.flatnonzero(_legal(domain, point))
            tried = point[legal[:each]]
            k = int(_above(landscape, tried, level).sum())
            shell = (ball_volume(d, outer) - ball_volume(d, inner)) * frame.scale
            shares.append(shell * np.array(_share(len(legal), k, len(tried), self.confidence)))
        box = (of_box / LEGAL, clopper_pearson_upper(of_box, LEGAL), clopper_pearson_lower(of_box, LEGAL))
        parts = np.array(shares) / (box if of_box < LEGAL else 1.0)
        volume, low, high = np.minimum(np.sum(parts, axis=0), 1.0).tolist()
        beyond = np.linalg.norm(frame.coordinates(chains[1]), axis=1) > edges[-1]
        whole = low > 0.3 * volume and not frame.bent and not beyond.any() and shares[-1][0] < 0.05 * volume
        return Region(volume, low, high, bool(whole))


def _share(legal: int, above: int, tried: int, confidence: float) -> tuple[float, float, float]:
    """Share of a shell that lies in the region, and its limits: two binomials, five shells, one confidence."""
    alone = 1 - (1 - confidence) / (2 * (len(SHELLS) + 1))
    pairs = ((legal, LEGAL), (above, tried))
    value = math.prod(k / n if n else 0.0 for k, n in pairs)
    low = math.prod(clopper_pearson_lower(k, n, alone) for k, n in pairs)
    high = math.prod(clopper_pearson_upper(k, n, alone) for k, n in pairs)
    return value, low, high


def _directions(z: Array, rng: np.random.Generator) -> Array:
    """Half random unit vectors, half differences of two other chains."""
    n = len(z)
    random = rng.standard_normal(z.shape)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    rows = np.arange(n)
    first = (rows + rng.integers(1, n, n)) % n
    second = (rows + rng.integers(1, n, n)) % n
    apart = z[first] - z[second]
    chosen = (rng.random(n) < 0.5) & (np.linalg.norm(apart, axis=1) > 0)
    value: Array = np.where(chosen[:, None], apart, random)
    return value


def _in_shell(n: int, d: int, inner: float, outer: float, rng: np.random.Generator) -> Array:
    """Uniform points with inner <= |z| < outer."""
    z = rng.standard_normal((n, d))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    radius = (inner**d + rng.random(n) * (outer**d - inner**d)) ** (1 / d)
    value: Array = z * radius[:, None]
    return value


def _folded(u: Array, x: Array) -> Array:
    """Displacements ``x`` from ``u`` with those that leave the unit box mirrored at its faces: chains leave corners."""
    at = u + x
    return np.where(at < 0, -at - u, np.where(at > 1, 2 - at - u, x))


def _above(landscape: Landscape, u: Array, level: float) -> NDArray[np.bool_]:
    legal = np.all((u >= 0) & (u <= 1), axis=1)
    above = np.zeros(len(u), dtype=bool)
    if legal.any():
        above[legal] = landscape.score(u[legal]) >= level
    return above


def _legal(domain: Domain, u: Array) -> NDArray[np.bool_]:
    legal = np.asarray(np.all((u >= 0) & (u <= 1), axis=1))
    if (domain.constraints or domain.cloud is not None) and legal.any():
        legal[legal] = domain.contains(domain.from_unit(u[legal]))
    return legal


def _legal_of_box(domain: Domain, rng: np.random.Generator) -> int:
    """How many of `LEGAL` uniform points of the unit box lie in the domain."""
    if not domain.constraints and domain.cloud is None:
        return LEGAL
    return int(_legal(domain, rng.random((LEGAL, domain.d))).sum())
