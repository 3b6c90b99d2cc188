"""Exchange: train the model further on its samples and on the points where it is wrong, search again, and repeat.

Named after the exchange algorithm of Remez (1934), which also adds the points of the largest error in turn. A round adds

1. the worst points of the last search, thinned to a distance, and
2. points all round the highest peaks, as far as the error reaches;

then it trains all parameters further and searches with a new seed. Points are never removed. The model with the smallest
largest error so far is the result. The samples that hold the rest of the model in place are those it was trained on; where
they are not known, values of the reference at space-filling points, and, where calls of the reference are too few for
these, values of the *old model* (which are free) away from the peaks.

`python -m benchmarks.mending` compares this with adding as many random points and with training from scratch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.limit import Limit
from supnorm.mending.regions import Ellipsoid, ellipsoid_at, ellipsoid_calls, level_of
from supnorm.mending.task import Candidate, Round, Task, Wrong
from supnorm.mending.tunable import Tunable
from supnorm.results.numbers import ErrorUnit
from supnorm.results.settings import Settings
from supnorm.training.design import unit_design

Array = NDArray[np.float64]
# Samples that hold the rest of the model in place, at most. Three for each of the 485,201 weights of examples/heston would
# take an hour of the reference, and 50,000 brought its largest error to half.
MOST = 50_000


@dataclass(frozen=True)
class Exchange(Settings):
    """Rounds of training on the worst points.

    Attributes:
        rounds: at most; the repair also ends after two rounds without a smaller largest error.
        iterations: of the optimiser in a round.
        ratio: samples per parameter that hold the rest of the model in place, where the training data is not known; 50,000
            in all at most.
        spread: share of the calls that may go to these samples.
        anchors: whether values of the old model stand for those that are missing then. Where the error is spread over the
            domain they would teach it.
    """

    # Two rounds without progress end it before; `benchmarks.mending` guards it (rows in docs/evidence/repairs-guards.md).
    rounds: int = 6
    # Largest error after over before, 40 iterations against 100: gen2 .041, 5.5e-5; gen4 .037, 2.5e-6; miss4 .022, .005
    # (rows of `benchmarks.mending`).
    iterations: int = 100
    ratio: float = 3.0
    spread: float = 0.3
    anchors: bool = True

    def mend(self, task: Task, model: Tunable, unit: ErrorUnit) -> Candidate:
        """The model of the best round."""
        x, y = self._samples(task, model)
        best, least, stalled = model, np.inf, 0
        regions: list[Ellipsoid] = []
        wrong, first = task.wrong, len(x)
        rng = np.random.default_rng([task.seed, 3])
        each = int(0.85 * task.left / self.rounds)
        for k, part in enumerate(Limit.of(task.limit.seconds).parts(self.rounds)):
            if task.over and k:
                break
            more_x, more_y, seen = self._added(task, model, wrong, max(first // 10, 40), rng)
            x, y = np.concatenate([x, more_x]), np.concatenate([y, more_y])
            regions += seen
            model = model.tuned(x, y, part.upto(self.iterations))
            function = model.as_function()
            wrong = task.search(function, each)
            worst = max(task.worst_of(function), float(wrong.error.max(initial=0.0)))
            task.ended(Round(task.spent, worst, len(x)), unit)
            stalled = 0 if worst < least else stalled + 1
            if worst < least:
                best, least = model, worst
            goal = task.aim
            if stalled >= 2 or (goal is not None and k and max(r.worst for r in task.rounds[-2:]) <= goal):
                break
        return Candidate(best.as_function(), best.saved, tuple(regions), tunable=best, samples=(x, y))

    def _samples(self, task: Task, model: Tunable) -> tuple[Array, Array]:
        """What holds the rest of the model in place."""
        if task.data is not None:
            return task.data
        domain, wanted = task.problem.domain, min(int(self.ratio * model.size), MOST)
        called = min(wanted, int(self.spread * task.left), task.spare)
        x, y = task.counted(*task.truth.design(called))
        if called == wanted or not self.anchors:
            return x, y
        free = domain.from_unit(unit_design(wanted, domain.d, task.seed + 1))[called:]
        free = free[domain.contains(free)]
        peaks = task.wrong.x[task.wrong.apart(task.problem, 0.05, 20)]
        if len(peaks):
            gap = domain.to_unit(free)[:, None] - domain.to_unit(peaks)[None]
            free = free[np.linalg.norm(gap, axis=2).min(axis=1) > 0.05 * np.sqrt(domain.d)]
        value = model.value(free)
        known = np.isfinite(value).all(axis=1)
        return np.concatenate([x, free[known]]), np.concatenate([y, value[known]])

    def _added(
        self, task: Task, model: Tunable, wrong: Wrong, most: int, rng: np.random.Generator
    ) -> tuple[Array, Array, list[Ellipsoid]]:
        """The worst points, and points round the three highest peaks, with the regions of these."""
        domain, function = task.problem.domain, model.as_function()
        rows = wrong.apart(task.problem, 0.015, most)
        xs, ys = [wrong.x[rows]], [wrong.y[rows]]
        regions: list[Ellipsoid] = []
        around = 20 + 10 * domain.d
        for i in wrong.apart(task.problem, 0.1, 3) if task.anywhere else []:
            if task.spare < around + ellipsoid_calls(domain.d):
                break
            level = level_of(wrong.error[i], task.rms)
            centre = domain.to_unit(wrong.x[i : i + 1])[0]
            region = ellipsoid_at(centre, level, lambda x: task.errors(function, x), domain)
            z = domain.from_unit(region.draw(around, rng))
            z = z[domain.contains(z)]
            value = task.truth.value(z)
            finite = np.isfinite(value).all(axis=1)
            z, value = task.counted(z[finite], value[finite])
            xs, ys, regions = [*xs, z], [*ys, value], [*regions, region]
        return np.concatenate(xs), np.concatenate(ys), regions
