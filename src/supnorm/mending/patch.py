"""Patch: correct isolated glitches inside ellipsoids round their peaks, and change nothing elsewhere.

For a model that cannot be trained, or that must stay as it is outside of its glitches. Round each peak a small network is
fitted to the error, from values of the reference inside the ellipsoid, and subtracted through a gate
(`networks/patched.py`). An error that is spread over the domain is no case for patches: use `Exchange`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import values_of
from supnorm.evaluation.limit import Limit
from supnorm.mending.regions import Ellipsoid, ellipsoid_at, ellipsoid_calls, level_of
from supnorm.mending.task import Candidate, Round, Task, Wrong
from supnorm.networks import Network, Scaling
from supnorm.networks.patched import PatchedModel, named
from supnorm.problem import Axis, Domain
from supnorm.results.numbers import ErrorUnit
from supnorm.results.settings import Settings
from supnorm.training.train import optimise

Array = NDArray[np.float64]
FEWEST = 20  # points of a patch, where few calls are left


@dataclass(frozen=True)
class Patch(Settings):
    """Corrections inside ellipsoids.

    Attributes:
        max_regions: patches at most.
        rounds: of patching and searching.
        width: of the two hidden layers of a patch.
        iterations: of Levenberg-Marquardt for a patch.
        reach: radii of a patch over those of its glitch; the inner half of a patch acts in full.
    """

    # Rows *patch* of `benchmarks.mending` guard these numbers.
    max_regions: int = 8
    rounds: int = 3
    width: int = 12
    iterations: int = 150
    reach: float = 2.2

    def mend(self, task: Task, unit: ErrorUnit, before: Candidate | None = None) -> Candidate:
        """The patched model; ``before``: with the patches of an earlier candidate."""
        rng = np.random.default_rng([task.seed, 5] if before is None else [task.seed, 5, len(before.regions)])
        patched = PatchedModel(task.problem.model, ()) if before is None else before.model
        regions: list[Ellipsoid] = [] if before is None else [*before.regions]
        wrong = task.wrong
        each = int(0.3 * task.left / self.rounds)
        for _ in range(self.rounds):
            there = len(regions)
            level = 0.1 * task.worst if task.aim is None else task.aim
            for i in wrong.apart(task.problem, 0.1, self.max_regions - there):
                needed = ellipsoid_calls(task.problem.domain.d) + FEWEST
                if wrong.error[i] <= level or task.over or task.spare < needed:
                    break
                region, patch = self._patch(task, patched, wrong, i, rng)
                patched = PatchedModel(patched.base, (*patched.patches, named(patch, len(regions) + 1)))
                regions.append(region)
            if len(regions) == there:
                break
            function = patched.as_function()
            wrong = task.search(function, each)
            worst = max(task.worst_of(function), float(wrong.error.max(initial=0.0)))
            task.ended(Round(task.spent, worst, sum(len(p.flat) for p in patched.patches)), unit)
            if task.over or len(regions) >= self.max_regions:
                break
        return Candidate(patched.as_function(), patched, tuple(regions), confined=True)

    def _patch(
        self, task: Task, patched: PatchedModel, wrong: Wrong, i: int, rng: np.random.Generator
    ) -> tuple[Ellipsoid, Network]:
        """The region of a peak and the network that corrects it."""
        domain, function = task.problem.domain, patched.as_function()
        centre = domain.to_unit(wrong.x[i : i + 1])[0]
        level = level_of(wrong.error[i], task.rms)
        glitch = ellipsoid_at(centre, level, lambda x: task.errors(function, x), domain)
        region = glitch.scaled(self.reach)
        wanted = min(150 * domain.d + 50, 1200, max(task.spare // 2, FEWEST))
        x = domain.from_unit(np.concatenate([region.draw(wanted // 2, rng), glitch.draw(wanted // 2, rng)]))
        x = x[domain.contains(x)]
        y = task.truth.value(x)
        inside = region.distance(domain.to_unit(wrong.x)) < 1.0
        x, y = np.concatenate([x, wrong.x[inside]]), np.concatenate([y, wrong.y[inside]])
        gap = values_of(function, x, y.shape[1]) - y
        finite = np.isfinite(gap).all(axis=1)
        x, gap = x[finite], gap[finite]
        start = Network.init(
            rng, domain.d, gap.shape[1], self.width, 2, scaling=_scaling(domain, region, gap)
        )
        limit = Limit.of(task.limit.within(0.5).seconds, self.iterations)
        return region, optimise(start, x, gap, limit=limit).network


def _scaling(domain: Domain, region: Ellipsoid, gap: Array) -> Scaling:
    """The scaling whose inputs are the region's own coordinates."""
    each = [_along(axis, *of) for axis, *of in zip(domain.axes, region.centre, region.radii, strict=True)]
    centre, radii = np.array(each).T
    size = gap.std(axis=0)
    return Scaling(
        centre,
        radii,
        np.zeros(gap.shape[1]),
        np.where(size > 0, size, 1.0),
        tuple(axis.log for axis in domain.axes),
    )


def _along(axis: Axis, centre: float, radius: float) -> tuple[float, float]:
    """Centre and radius of a patch in units of an axis, or of its logarithm, from those in the unit box.

    The unit box counts the values of a list, and the patch measures how far they are apart. Its radius is so small that each
    of them is at least as far from the centre, in radii, as in the unit box: the patch then changes nothing outside.

    >>> _along(Axis(0.0, 10.0), 0.5, 0.1)
    (5.0, 1.0)
    >>> _along(Axis(values=(0.0, 8.0, 9.0, 10.0)), 0.375, 0.5)  # 9 is one value away: a quarter of the unit box
    (8.0, 2.0)
    """
    of = np.log if axis.log else np.asarray
    low, high = of(np.array([axis.low, axis.high]))
    if axis.values is None:
        return float(low + centre * (high - low)), float(radius * (high - low))
    values = np.array(axis.values)
    steps = np.abs(axis.to_unit(values) - centre)
    nearest = int(np.argmin(steps))
    apart, others = np.abs(of(values) - of(values)[nearest]), np.arange(len(values)) != nearest
    if not others.any():  # an input of one value: any width will do
        return float(of(values)[0]), radius
    return float(of(values)[nearest]), float(np.min(apart[others] * radius / steps[others]))
