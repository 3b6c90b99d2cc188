"""How large a ball round a point is that fills a given share of the domain.

In the middle of a box the volume of the ball says it. Near faces and corners, under constraints, on discrete axes
and round data (`Domain.from_samples`) part of the ball is not in the domain: there the radius is a quantile of
distances to points drawn in the domain. Few of them fall into a small ball; so they are drawn again in the cube
round the smallest ball that held enough of them, whose share of the domain is then known, until the wanted share
holds enough. Cost: about 16,000 points a level, more where constraints leave less than 1 % of the box; no evaluation
of model or reference.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Cloud, Domain

Array = NDArray[np.float64]
NUMBERS = 1 << 21  # most coordinates of points at once, 16 MB
POINTS = 16_384  # of a level: the share of `ENOUGH` of them is known to 7 %
FEW = 50  # points that a share is read from: good to about 14 %
ENOUGH = 4 * FEW  # points without which nothing is read off
GOES = 4000  # of POINTS, at most: so many find ENOUGH of them where 1 in 100,000 points of the box exists
LEVELS = 40  # each keeps at most `SHRUNK` of the volume: 6e-7 of it is left
SHRUNK = 0.7  # a cube that keeps more of the last one's volume has not shrunk: many inputs


def ball_volume(d: int, radius: float = 1.0) -> float:
    """Volume of a ball, through logarithms: that of 1,000 inputs is beyond double precision in each of its factors.

    >>> round(ball_volume(3) / math.pi, 6), round(ball_volume(1000, 8.0), 3) > 0
    (1.333333, True)
    """
    if not radius > 0:
        return 0.0
    logarithm = d * (math.log(radius) + 0.5 * math.log(math.pi)) - math.lgamma(1 + d / 2)
    return math.exp(logarithm) if logarithm < 700 else math.inf


def ball_radius(volume: float, d: int) -> float:
    """Radius of the ball of this volume; of none for no volume.

    >>> round(ball_radius(math.pi, 2), 6), round(ball_radius(1e-3, 1000), 3)
    (1.0, 7.63)
    """
    if not volume > 0:
        return 0.0
    return math.exp((math.log(volume) - d / 2 * math.log(math.pi) + math.lgamma(1 + d / 2)) / d)


def radius_of_share(domain: Domain, centre: Array, share: float, rng: np.random.Generator) -> float:
    """Radius of the ball round ``centre`` (unit box, shape ``(d,)``) that fills this share of the domain.

    >>> square = Domain(a=(0.0, 1.0), b=(0.0, 1.0))
    >>> rng = np.random.default_rng(0)
    >>> round(radius_of_share(square, np.array([0.5, 0.5]), math.pi / 100, rng), 6)
    0.1
    >>> 0.18 < radius_of_share(square, np.zeros(2), math.pi / 100, rng) < 0.22  # a quarter of the ball
    True
    """
    d = len(centre)
    radius = ball_radius(share, d)
    plain = not domain.constraints and all(a.values is None for a in domain.axes)
    if domain.cloud is not None:
        return _among_data(domain.cloud, centre, share, rng)
    if plain and bool(np.all((centre >= radius) & (centre <= 1 - radius))):
        return radius
    return _in_cubes(domain, centre, share, rng)


def _in_cubes(domain: Domain, centre: Array, share: float, rng: np.random.Generator) -> float:
    d = len(centre)
    low, high = np.zeros(d), np.ones(d)
    volume, legal = 1.0, 0.0  # of the points of one go
    found = _Read(share, d)
    for _ in range(LEVELS):
        gap, goes = _inside(domain, centre, low, high, rng)
        legal = legal or max(len(gap), 1) / goes
        if found.ended(gap, volume / (legal * goes)):
            break
        low, high = np.maximum(centre - found.radius, 0.0), np.minimum(centre + found.radius, 1.0)
        volume, before = float(np.prod(high - low)), volume
        if volume > SHRUNK * before:
            break
    return found.answer


def _inside(
    domain: Domain, centre: Array, low: Array, high: Array, rng: np.random.Generator
) -> tuple[Array, int]:
    """Distances of points of the domain from a box in the unit box, and how many goes of `POINTS` it took to have enough."""
    d = len(centre)
    rows = max(1, NUMBERS // d)
    gaps: list[Array] = []
    goes = 0
    while goes < GOES and sum(map(len, gaps)) < ENOUGH:
        for begin in range(0, POINTS, rows):
            u = rng.random((min(rows, POINTS - begin), d))
            x = domain.from_unit(low + (high - low) * u)
            x = x[domain.contains(x)]
            gaps.append(np.linalg.norm(domain.to_unit(x) - centre, axis=1))
        goes += 1
    return np.concatenate(gaps), goes


def _among_data(cloud: Cloud, centre: Array, share: float, rng: np.random.Generator) -> float:
    """The same with the balls round the data that can reach the smaller ball, in place of cubes."""
    found = _Read(share, len(centre))
    balls, whole = np.arange(len(cloud.points)), 0
    for _ in range(LEVELS):
        u = _of_balls(cloud, balls, rng)
        whole = whole or max(len(u), 1)
        gap = np.linalg.norm(u - centre, axis=1)
        if found.ended(gap, len(balls) / (len(cloud.points) * whole)):
            break
        before = len(balls)
        balls = np.asarray(cloud.tree.query_ball_point(centre, found.radius + cloud.radius), dtype=np.intp)
        if len(balls) > SHRUNK * before:
            break
    return found.answer


def _of_balls(cloud: Cloud, balls: NDArray[np.intp], rng: np.random.Generator) -> Array:
    """What is left of `POINTS` tries in these balls when every place of the domain is to be equally likely."""
    d = cloud.points.shape[1]
    offset = rng.standard_normal((POINTS, d))
    offset *= (
        cloud.radius * rng.random((POINTS, 1)) ** (1 / d) / np.linalg.norm(offset, axis=1, keepdims=True)
    )
    u = cloud.points[rng.choice(balls, POINTS)] + offset
    u = u[np.all((u >= 0) & (u <= 1), axis=1)]
    covered = cloud.tree.query_ball_point(u, cloud.radius, return_length=True)
    return np.asarray(u[rng.random(len(u)) * covered < 1])


class _Read:
    """Reads radii off distances of points that each stand for a known share of the domain."""

    def __init__(self, share: float, d: int) -> None:
        self.share, self.d = share, d
        self.radius = 1.0  # of the smallest ball that held `FEW` points
        self.answer = ball_radius(share, d)

    def ended(self, gap: Array, each: float) -> bool:
        """Take the distances in; whether the wanted share held enough of them, or none is left to go by."""
        if len(gap) < ENOUGH:
            return True
        gap = np.sort(gap)
        wanted = self.share / each
        if wanted >= FEW:
            self.answer = float(gap[min(round(wanted), len(gap)) - 1])
            return True
        # Until more is known: smaller balls by the dimension that the distances show.
        self.radius, far = float(gap[FEW - 1]), float(gap[ENOUGH - 1])
        dimension = min(
            max(math.log(4) / math.log(max(far / max(self.radius, 1e-300), 1 + 1e-9)), 1.0), self.d
        )
        self.answer = self.radius * float((wanted / FEW) ** (1 / dimension))
        return self.radius == 0
