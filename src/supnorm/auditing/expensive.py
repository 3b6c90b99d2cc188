"""Expensive references, 50 to a few thousand calls: model the reference, not the error.

A Gaussian process of the *reference* is fitted to all calls so far; the model itself is cheap, so |N - GP| can
be searched with tens of thousands of free evaluations; the most promising, well separated points are verified
by real calls, and the process is fitted again. Every second round adds the process's deviation. A fourth of the
calls is a hedge: points far from all others, for narrow features of the reference, and points around the worst
one. Where leave-one-out errors of the process are as large as the errors found, it says nothing about them: the
error itself is modelled instead, in the unit that is searched for: a relative error as a relative one.

With workers and calls of 0.1 s or more the rounds overlap (`_one_by_one`). Values are taken in the order in which
points were sent (``in_order``), and points are chosen for the number of workers when the run began, which is recorded
(`Caller.ahead`). So the same seed gives the same points, whatever calls take, however often the run was interrupted, and
whoever computes the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.cost import stand_in_evaluator
from supnorm.auditing.covariance import CovarianceAdaptation
from supnorm.auditing.hill import Hill
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.lattice import Lattice
from supnorm.auditing.modelled import believed, error_problem, reference_problem, signed_errors
from supnorm.auditing.points import sobol_sequence
from supnorm.auditing.polish import Polish
from supnorm.auditing.search import ScreenAndAscent
from supnorm.auditing.strategy import Search, Strategy, Traits
from supnorm.auditing.surrogate import LIKELY, GaussianProcess
from supnorm.auditing.thinning import thin
from supnorm.evaluation import Evaluations, Evaluator, Flight, PointStatus
from supnorm.evaluation.limit import Limit
from supnorm.problem import Problem, draw_inside
from supnorm.results.option import Allowed
from supnorm.results.powers import rms
from supnorm.results.settings import Limits, Settings

Array = NDArray[np.float64]
# Calls for each worker that are in flight while the next points are chosen, which takes two calls of 0.1 s. No more of them
# than `growth` of the calls before: with three a worker after 50 calls, 17 of 30 searches found a bump that 25 find so.
WAITING = 3
# Calls for each worker that are in flight, at most, when length scales are found: for 200 points that takes as long as two
# or three calls of 0.1 s. The first ones leave out as many points as that; of few points they are found again.
SETTLING = 8
# The search on the process. Where that has no derivative its peaks get a few generations, not their last digits: the calls
# are farther apart than that. Of 200 audits of 100 calls (rows *expensive reference*, seeds 300 to 339) 125 find the error
# then, and 122 with the polish of `ScreenAndAscent`, which takes twice the time. Quasi-Newton steps are for last
# digits, too; a hill has not been tried here.
SEARCH = replace(
    ScreenAndAscent(),
    restart_share=0.0,
    discontinuity_share=0.0,
    unguided_dense=ScreenAndAscent().dense,
    unguided_polish_share=ScreenAndAscent().polish_share,
    polish=Polish(adaptation=CovarianceAdaptation(smallest=1e-3), alone=0),
    lattice=Lattice(finished=0),
    hill=Hill(share=0.0),
)


@dataclass(frozen=True)
class SurrogateSearch(Settings):
    """Hyper-parameters.

    Attributes:
        first: share of the calls on space-filling points before the first fit.
        batch: calls of a round, at least.
        growth: the same as a share of the calls before it: a process of many points changes little by a few.
        hedge: share of a round that does not trust the process.
        inner: free evaluations of each search on the process, while it has no more than ``ample`` points; from there
            on fewer, so that a search takes no longer: a prediction costs as much as there are points. With three times
            as many the five rows are no better (twelve other seeds each), and audits on workers wait for the search; with
            half as many 93 of 120 audits of 100 calls found the error that 98 find (seeds 400 to 423). With ``ample`` at 250
            88 of 120 audits of 300 calls find it, as with 125, in one and a half times the time (the same seeds).
        deviations: of the process added in every second round.
        separation: least distance of two calls of a round, times sqrt(d).
        most: points the process is fitted to, the worst and the latest first.
        in_order: take what workers answer in the order in which it was asked: the same seed gives the same points. A call
            that takes far longer than the others then leaves workers idle; False lets it hold up nobody.
    """

    # Rows *expensive reference* guard these numbers.
    first: float = 0.5
    batch: int = 8
    growth: float = 0.03
    hedge: float = 0.25
    inner: int = 10_000
    ample: int = 125
    deviations: float = 1.0
    separation: float = 0.02
    most: int = 1200
    in_order: bool = True

    LIMITS: ClassVar[Limits] = {"batch": Allowed(low=1, high=1_000_000, whole=True)}

    @property
    def traits(self) -> Traits:
        """It models the reference."""
        return Traits(regime="D", models_reference=True, in_order=self.in_order)

    def lean(self, calls: int) -> Strategy:
        """Smaller searches on the process, and fewer of them."""
        return replace(self, inner=self.inner // 2, batch=max(self.batch, calls // 8))

    def run(
        self,
        landscape: Landscape,
        search: Search,
        rng: np.random.Generator,
    ) -> Search:
        """Spend the landscape's budget; points that are known already count towards the first ones."""
        evaluator = landscape.evaluator
        domain = evaluator.problem.domain
        calls = _Calls(landscape, search)
        total = landscape.remaining + search.pool.seen
        filling = int(self.first * total) - search.pool.seen
        if filling > 0:
            u = sobol_sequence(domain.d, rng)(filling)
            if domain.constraints or domain.cloud is not None:
                u = domain.to_unit(draw_inside(domain, filling, rng))
        else:
            u = np.empty((0, domain.d))
        if evaluator.asynchronous:
            self._one_by_one(landscape, calls, u, rng)
        else:
            self._in_rounds(landscape, calls, u, rng)
        return search

    def _in_rounds(
        self,
        landscape: Landscape,
        calls: _Calls,
        filling: Array,
        rng: np.random.Generator,
    ) -> None:
        """A round of calls, a new process, the next round."""
        calls.make(filling)
        k = 0
        while landscape.remaining > 0 and calls.enough:
            before = landscape.remaining
            nothing = np.empty((0, landscape.d))
            n = min(self._round(calls), before)
            calls.make(self._propose(landscape.evaluator, calls, nothing, k, n, rng))
            k += 1
            if landscape.remaining == before:
                break

    def _one_by_one(
        self,
        landscape: Landscape,
        calls: _Calls,
        filling: Array,
        rng: np.random.Generator,
    ) -> None:
        """Calls on workers: the next round is sent off before the last calls of this one are back.

        A process is fitted to what has come back, and to what is in flight as if it came back as predicted
        (kriging believer; Ginsbourger, Le Riche and Carraro 2010), so that no point is asked for twice.
        """
        evaluator, domain = landscape.evaluator, landscape.evaluator.problem.domain
        flight = Flight(evaluator, landscape.purpose, self.in_order)
        ahead = evaluator.reference.ahead or 1
        k = 0
        try:
            flight.send(domain.from_unit(filling[: landscape.remaining]))
            while True:
                left = landscape.remaining - len(flight)
                batch = max(self._round(calls), ahead)
                few = max(ahead, batch // 2, min(WAITING * ahead, int(self.growth * len(calls.u))))
                if calls.unsettled and calls.enough and len(flight) <= SETTLING * ahead:
                    u, _, f = calls.chosen(self.most)
                    calls.process(u, f)
                if len(flight) <= few and left > 0 and calls.enough:
                    waiting = domain.to_unit(flight.points)
                    u = self._propose(evaluator, calls, waiting, k, min(batch, left), rng)
                    flight.send(domain.from_unit(u))
                    k += 1
                if not len(flight):
                    break
                calls.take(flight.receive())
        finally:
            flight.cancel()

    def _round(self, calls: _Calls) -> int:
        """Calls of the next round."""
        return max(self.batch, int(self.growth * len(calls.u)))

    def _propose(
        self,
        evaluator: Evaluator,
        calls: _Calls,
        waiting: Array,
        k: int,
        n: int,
        rng: np.random.Generator,
    ) -> Array:
        """The ``n`` points of round ``k``; ``waiting`` (w, d) are in flight."""
        u, y, f = calls.chosen(self.most)
        process = calls.process(u, f)
        problem = evaluator.problem
        domain = problem.domain
        x = domain.from_unit(u)
        # All in the unit of the error that is searched for: outputs, and relative errors, compare in no other.
        doubts = signed_errors(problem.error, f - process.leave_one_out(), f, x)
        gap = signed_errors(problem.error, y, f, x)
        # Where the reference is 0 a relative error may have no floor.
        known = np.isfinite(gap).all(axis=1) & np.isfinite(doubts).all(axis=1)
        doubt = float(rms(doubts[known], axis=0).max()) if known.any() else 0.0
        size = float(np.median(np.sort(np.abs(gap[known]).max(axis=1))[-5:])) if known.any() else 0.0
        if doubt > 0.5 * size and known.sum() >= domain.d + 2:
            inner = error_problem(problem, believed(u[known], gap[known], waiting))
        else:
            bonus = self.deviations if k % 2 else 0.0
            inner = reference_problem(problem, believed(u, f, waiting, process), bonus)
        hedge = max(1, int(self.hedge * n)) if n > 1 else k % 4 == 3
        found = self._search(
            inner, int(self.inner * min(1.0, self.ample / len(u))), 4 * max(self.batch, n), rng
        )
        least = self.separation * np.sqrt(domain.d)
        taken = asked = np.concatenate([calls.u, calls.without, waiting])
        for v in found:
            if len(taken) - len(asked) >= n - hedge:
                break
            if np.linalg.norm(taken - v, axis=1).min() > 0.1 * least:
                taken = np.concatenate([taken, v[None]])
        trusted = taken[len(asked) :]
        valued = np.concatenate([calls.u, waiting, trusted])
        return np.concatenate([trusted, self._hedge(evaluator, calls, valued, n - len(trusted), k, rng)])

    def _search(self, inner: Problem, budget: int, most: int, rng: np.random.Generator) -> list[Array]:
        """At most so many ends of a search on the cheap problem, best first, apart from each other."""
        evaluator = stand_in_evaluator(inner)
        search = SEARCH.run(
            Landscape(evaluator, Limit(evaluations=budget)), Search.empty(inner.domain.d), rng
        )
        ends = search.ends if len(search.ends.u) else search.pool
        least = self.separation * np.sqrt(inner.domain.d)
        order = thin(ends.u, ends.score, least, most)
        return [ends.u[i] for i in order]

    def _hedge(
        self, evaluator: Evaluator, calls: _Calls, taken: Array, n: int, k: int, rng: np.random.Generator
    ) -> Array:
        """Points far from all that have values or will have them (``taken``); every second round one near the worst."""
        if n <= 0:
            return np.empty((0, calls.u.shape[1]))
        domain = evaluator.problem.domain
        chosen: list[Array] = []
        if k % 2 and len(calls.score):
            best = calls.u[int(np.argmax(calls.score))]
            near = np.clip(best + 0.03 * rng.standard_normal(best.shape), 0.0, 1.0)
            if np.linalg.norm(taken - near, axis=1).min() > 1e-6:  # both may be the same corner
                chosen.append(near)
        from scipy.spatial import cKDTree

        candidates = domain.to_unit(draw_inside(domain, 2000, rng))
        gap = cKDTree(np.concatenate([taken, *[c[None] for c in chosen]])).query(candidates)[0]
        while len(chosen) < n:
            chosen.append(candidates[int(np.argmax(gap))])
            np.minimum(gap, np.linalg.norm(candidates - chosen[-1], axis=1), out=gap)
        return np.stack(chosen[:n])


class _Calls:
    """Real calls so far: points, both values, scores; points ``without`` an error are not proposed again."""

    def __init__(self, landscape: Landscape, search: Search) -> None:
        self.landscape, self.search = landscape, search
        d = landscape.d
        self.u, self.without, self.score = np.empty((0, d)), np.empty((0, d)), np.empty(0)
        self.y, self.f = np.empty((0, 1)), np.empty((0, 1))
        self._scale: Array | None = None
        self._fitted = 0
        if search.scout is not None:
            self._add(search.scout)

    @property
    def enough(self) -> bool:
        """Whether there are points enough for a process."""
        return len(self.u) >= self.landscape.d + 2

    @property
    def unsettled(self) -> bool:
        """Whether length scales are to be found, or found again."""
        return min(len(self.u), LIKELY) > 1.3 * self._fitted

    def process(self, u: Array, f: Array) -> GaussianProcess:
        """A process of values ``f`` at ``u``; its length scales are found again now and then: they settle.

        They are those of the first `LIKELY` points, whatever comes after them.
        """
        again = self.unsettled
        process = GaussianProcess.fit(u, f, None if again else self._scale, self._scale)
        if again:
            self._scale, self._fitted = process.scale, len(self.u)
        return process

    def make(self, u: Array) -> None:
        """Call model and reference at unit-box points."""
        u = u[: max(self.landscape.remaining, 0)]
        if len(u):
            self.take(self.landscape.look(u))

    def take(self, done: Evaluations) -> None:
        """Keep what has come back."""
        u = self.landscape.evaluator.problem.domain.to_unit(done.x)
        self.search.pool.add(u, done.score)
        self.search.ends.add(u, done.score)
        self._add(done)

    def _add(self, done: Evaluations) -> None:
        domain = self.landscape.evaluator.problem.domain
        both = np.isfinite(done.model).all(axis=1) & np.isfinite(done.reference).all(axis=1)
        ok = (done.status == PointStatus.OK) & both
        u = domain.to_unit(done.x)
        self.without = np.concatenate([self.without, u[~ok]])
        u = u[ok]
        self.y = np.concatenate([self.y, done.model[ok]]) if len(self.u) else done.model[ok]
        self.f = np.concatenate([self.f, done.reference[ok]]) if len(self.u) else done.reference[ok]
        self.u = np.concatenate([self.u, u])
        self.score = np.concatenate([self.score, done.error[ok]])

    def chosen(self, most: int) -> tuple[Array, Array, Array]:
        """At most ``most`` distinct points for a fit: half the worst, half the latest."""
        keep = np.arange(len(self.u))
        if len(keep) > most:
            worst = np.argsort(-self.score)[: most // 2]
            keep = np.union1d(worst, keep[-(most // 2) :])
        unique = np.unique(self.u[keep].round(12), axis=0, return_index=True)[1]
        keep = keep[np.sort(unique)]
        return self.u[keep], self.y[keep], self.f[keep]
