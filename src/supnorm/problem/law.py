"""The distribution of the inputs. RMS, quantiles and exceedance depend on it; the worst error does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.domain import Domain
from supnorm.problem.function import real_numbers
from supnorm.results import BadInput

Array = NDArray[np.float64]
AT_ONCE = 1_000_000  # largest number of points that are drawn at once
ENOUGH = 2_000_000  # points that decide whether 1 in 100,000 exists: then 20 hits are expected


@dataclass(frozen=True)
class Law:
    """A sampling law on a domain.

    Attributes:
        name: the name that is printed with every statistical number.
        draw: ``draw(n, rng)`` returns ``n`` independent points, shape ``(n, d)``.
        outside: how many of the ``given`` points of a sample were left out because they lie outside the domain.
        even: whether the law is uniform on the domain, so that a share of the law is also a share of the domain.
        over: the domain that is known to hold all its points. A problem that has another leaves out what lies outside.
        assumed: whether the problem chose the law because none was given; it then chooses a new one for another domain.
    """

    name: str
    draw: Callable[[int, np.random.Generator], Array]
    outside: int = 0
    given: int = 0
    even: bool = False
    over: Domain | None = field(default=None, repr=False, compare=False)
    assumed: bool = False

    @classmethod
    def uniform(cls, domain: Domain) -> Law:
        """Uniform on the domain (log-uniform on log axes); uniform on the data for a domain of samples.

        Points that violate a constraint are rejected.

        >>> law = Law.uniform(Domain(x=(0.0, 1.0)))
        >>> law.name, law.draw(3, np.random.default_rng(0)).shape
        ('uniform', (3, 1))
        """
        if domain.cloud is not None:
            return cls.from_samples(domain.from_unit(domain.cloud.points), domain, "data points")
        logs = [n for n, a in zip(domain.names, domain.axes, strict=True) if a.log and a.values is None]
        name = "uniform" + (f" (log-uniform in {', '.join(logs)})" if logs else "")
        return cls(name, partial(draw_inside, domain), even=True, over=domain)

    @classmethod
    def from_samples(cls, points: Array, domain: Domain, name: str = "sample") -> Law:
        """Draws with replacement from given points, without those outside the domain."""
        inside = points[domain.contains(points)]
        if not len(inside):
            raise BadInput(f"law: none of the {len(points)} points of the sample lies in the domain")
        draw, outside = partial(_drawn_again, inside), len(points) - len(inside)
        return cls(f"{name} ({len(inside)} points)", draw, outside, len(points), over=domain)

    @classmethod
    def from_sampler(
        cls, sampler: Callable[[int, np.random.Generator], Array], domain: Domain, name: str
    ) -> Law:
        """The user's ``sampler(n, rng) -> (n, d)``, conditioned on the domain by rejection."""
        return cls(name, partial(_sampled, sampler, domain, name), over=domain)

    def within(self, domain: Domain) -> Law:
        """The same law, conditioned on a domain; itself if its points lie there as it is.

        >>> law = Law("wide", lambda n, rng: rng.uniform(0.0, 2.0, (n, 1)))
        >>> bool(law.within(Domain(x=(0.0, 1.0))).draw(100, np.random.default_rng(0)).max() <= 1.0)
        True
        """
        if self.over is domain:
            return self
        return replace(self, draw=partial(_sampled, self.draw, domain, self.name), even=False, over=domain)


def _drawn_again(inside: Array, n: int, rng: np.random.Generator) -> Array:
    """Points of a sample, with replacement, shape ``(n, d)``."""
    return inside[rng.integers(len(inside), size=n)]


def _sampled(
    sampler: Callable[[int, np.random.Generator], Array],
    domain: Domain,
    name: str,
    n: int,
    rng: np.random.Generator,
) -> Array:
    """Points of the user's sampler that lie in the domain, shape ``(n, d)``."""
    parts: list[Array] = []
    have, tried = 0, 0
    while have < n:
        try:
            given = sampler(n, rng)
        except Exception as error:
            raise BadInput(
                f"law {name} failed: {type(error).__name__}: {error}; it is called as sampler(n, rng) "
                f"and returns points (n, {domain.d})"
            ) from error
        points = real_numbers(given, f"law {name}: sampler(n, rng)")
        points = points[:, None] if points.ndim == 1 and domain.d == 1 else points
        if points.ndim != 2 or points.shape[1] != domain.d or not len(points):
            raise BadInput(
                f"law {name}: sampler(n, rng) must return points of shape (n, {domain.d}), got {points.shape} "
                f"for n = {n}"
            )
        inside = points[domain.contains(points)]
        parts.append(inside)
        have, tried = have + len(inside), tried + len(points)
        if tried > 200_000 and have < 1e-4 * tried:  # 20 hits are expected if 1 in 10,000 lies inside
            raise BadInput(f"law {name}: fewer than 1 in 10,000 draws lie in the domain")
    return np.concatenate(parts)[:n]


def draw_inside(domain: Domain, n: int, rng: np.random.Generator) -> Array:
    """``n`` independent uniform points of the unit box that meet the constraints, mapped to the axes.

    For a domain of samples: uniform in the union of the balls around the data points.

    Raises:
        BadInput: when fewer than one box point in 100,000 exists.
    """
    if n == 0:
        return np.empty((0, domain.d))
    parts: list[Array] = []
    have, tried = 0, 0
    while have < n:
        share = max(have / tried, 1e-3) if tried else 1.0
        size = min(max(int(1.1 * (n - have) / share) + 16, 16), AT_ONCE)
        points = domain.from_unit(_proposals(domain, size, rng))
        points = points[domain.contains(points)] if domain.constraints or domain.cloud else points
        parts.append(points)
        have, tried = have + len(points), tried + size
        if tried > ENOUGH and have < 1e-5 * tried:
            # Few points exist, but their list is known.
            if domain.finite is not None and domain.finite.count():
                every = np.concatenate([x for _, x in domain.finite.batches(lambda: AT_ONCE)])
                return every[rng.integers(len(every), size=n)]
            raise BadInput(
                f"the constraints leave fewer than 1 in 100,000 points of the box "
                f"({have} of {tried} tried); narrow the axes to where points exist"
            )
    return (parts[0] if len(parts) == 1 else np.concatenate(parts))[:n]


def _proposals(domain: Domain, n: int, rng: np.random.Generator) -> Array:
    if domain.cloud is None:
        return rng.random((n, domain.d))
    return domain.cloud.draw(n, rng)
