"""A domain of finitely many points: evaluate every one of them, once.

Where all inputs are lists of values there is nothing to search for: the largest error of all points is the worst
error, of the two functions as they are computed in floating point. Cost: as many evaluations as there are points; of
them only the worst few are kept. Choose it (an audit does by itself) where the budget allows all points; it is no
search where it does not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.halt import HALTS, halted
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.listed import NAMED, Listed
from supnorm.auditing.strategy import Search, Strategy, Traits
from supnorm.auditing.tally import Tally
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.problem import Domain
from supnorm.problem.finite import FinitePoints
from supnorm.results import BadInput
from supnorm.results.settings import Settings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Enumeration(Settings):
    """Every point of a finite domain.

    Attributes:
        calls: of an expensive function, of half a second each, in a batch: progress is told and limits of time are kept
            between batches.
        worker_calls: the same for each of several workers, whose calls take 0.1 s.
        first: expensive calls of the first batch.
        fewest: calls of such a batch for each of several workers, at least: at its end all but one may be idle.
    """

    # 2 s of calls of half a second each between two looks at the clock, as stated above; no number depends on it
    calls: int = 4
    worker_calls: int = 16
    fewest: int = 8
    first: int = 16

    @property
    def traits(self) -> Traits:
        """The statistics need no evaluation of their own where all points are evaluated."""
        return Traits(regime="enumeration", samples=False, rounds=False, enumerates=True)

    def lean(self, calls: int) -> Strategy:
        """The same: an enumeration is not repeated."""
        return self

    def run(
        self,
        landscape: Landscape,
        search: Search,
        rng: np.random.Generator,
    ) -> Search:
        """Evaluate all points, as far as budget and time allow.

        The statistics come with them; without all points there are none.

        Args:
            rng: draws points of the law; the order of the points is fixed.

        Raises:
            BadInput: when the domain is not finite.
        """
        evaluator = landscape.evaluator
        domain = evaluator.problem.domain
        finite, points = finite_points(domain)
        tally = Tally(evaluator.problem, finite, points, search.draws, rng, search.norms)
        listed = search.listed = Listed(points)
        before, masked = dict(evaluator.failures.failed), evaluator.failures.masked
        evaluator.expect(
            max(evaluator.budget or 0, evaluator.total + min(points, landscape.limit.evaluations))
        )
        for number, x in finite.batches(lambda: self._rows(landscape, listed.evaluated > 0)):
            left = landscape.limit.evaluations - landscape.spent
            if left <= 0 or landscape.late:
                break
            try:
                done = self._values(landscape, x[:left])
            except HALTS as why:
                search.halted = halted(why)
                break
            listed.evaluated += len(done)
            search.pool.add(domain.to_unit(done.x), done.score)
            known = done.status == PointStatus.OK
            listed.partial += int((~np.isfinite(done.reference[known])).any(axis=1).sum())
            failed = done.x[done.status == PointStatus.FAILED]
            listed.without += list(failed[: NAMED - len(listed.without)])
            tally.take(number[:left], done)
        listed.failed = {side: n - before[side] for side, n in evaluator.failures.failed.items()}
        listed.masked = evaluator.failures.masked - masked
        if listed.exhaustive:
            search.sample = tally.sample()
        return search

    def _rows(self, landscape: Landscape, begun: bool) -> int:
        """Points of the next batch."""
        evaluator = landscape.evaluator
        rows = evaluator.rows()
        workers = evaluator.workers if evaluator.executor is not None else 1
        call = min(
            (side.rows or 1 for side in (evaluator.model, evaluator.reference) if side.expensive), default=0
        )
        if call > 0:
            # What is known of the size of values comes from the first batch: it must not depend on the machine. So with
            # the others: rows of a call are recorded, and a batch is so many calls.
            least = 1 if workers == 1 else self.fewest * workers
            calls = self.calls if workers == 1 else self.worker_calls * workers
            rows = min(rows, max(least, calls * call) if begun else self.first)
        return max(1, min(rows, landscape.limit.at_once))

    def _values(self, landscape: Landscape, x: Array) -> Evaluations:
        evaluator, start = landscape.evaluator, time.perf_counter()
        done = evaluator.values_inside(x, landscape.purpose)
        landscape.limit.pace.note(len(x), time.perf_counter() - start)
        _remember(evaluator, done)
        return done


def finite_points(domain: Domain) -> tuple[FinitePoints, int]:
    """The points of a domain, and how many exist.

    Raises:
        BadInput: when the domain is not finite.
    """
    points = None if domain.finite is None else domain.finite.count()
    if domain.finite is None or points is None:
        raise BadInput(
            "an Enumeration needs a domain whose inputs are all lists of values, such as Axis(values=[1, 2, 5]), "
            f"and not too many of them, got {domain!r}"
        )
    return domain.finite, points


def _remember(evaluator: Evaluator, done: Evaluations) -> None:
    """Values of an expensive side that no store keeps: sizes of peaks and pictures need no second call."""
    for side, values in ((evaluator.model, done.model), (evaluator.reference, done.reference)):
        if side.expensive and side.store is None:
            for i in np.flatnonzero(np.isfinite(values).all(axis=1)):
                side.known[done.x[i].tobytes()] = values[i].copy(), None
