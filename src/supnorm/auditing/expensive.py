"""Expensive references, 50 to a few thousand calls: model the reference, not the error.

A Gaussian process of the *reference* is fitted to all calls so far; the model itself is cheap, so |N - GP| can
be searched with tens of thousands of free evaluations; the most promising, well separated points are verified
by real calls, and the process is fitted again. Every second round adds the process's deviation. A fourth of the
calls is a hedge: points far from all others, for narrow features of the reference, and points around the worst
one. Where leave-one-out errors of the process are as large as the errors found, it says nothing about them: the
error itself is modelled instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.landscape import Landscape
from supnorm.auditing.points import sobol_sequence
from supnorm.auditing.search import ScreenAndAscent, SearchState
from supnorm.auditing.surrogate import GaussianProcess
from supnorm.auditing.thinning import thin
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.problem import ErrorMeasure, Function, Problem, draw_inside

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SurrogateSearch:
    """Hyper-parameters.

    Attributes:
        first: share of the calls on space-filling points before the first fit.
        batch: calls of a round.
        hedge: share of a round that does not trust the process.
        inner: free evaluations of each search on the process.
        deviations: of the process added in every second round.
        apart: least distance of two calls of a round, times sqrt(d).
        most: points the process is fitted to, the worst and the latest first.
    """

    first: float = 0.5
    batch: int = 8
    hedge: float = 0.25
    inner: int = 30_000
    deviations: float = 1.0
    apart: float = 0.02
    most: int = 1200

    def run(
        self,
        landscape: Landscape,
        state: SearchState,
        rng: np.random.Generator,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Spend the landscape's budget; what is found goes into ``state``."""
        evaluator = landscape.evaluator
        domain = evaluator.problem.domain
        calls = _Calls(landscape, state)
        total = landscape.remaining + state.pool.seen
        filling = int(self.first * total) - state.pool.seen
        if filling > 0:
            u = sobol_sequence(domain.d, rng)(filling)
            if domain.constraints or domain.cloud is not None:
                u = domain.to_unit(draw_inside(domain, filling, rng))
            calls.make(u)
        scale: Array | None = None
        fitted = 0
        k = 0
        while landscape.remaining > 0 and not stop() and len(calls.u) >= domain.d + 2:
            if len(calls.u) > 1.3 * fitted:  # length scales settle: refit them as the data grow
                scale, fitted = None, len(calls.u)
            u = self._propose(evaluator, calls, scale, k, min(self.batch, landscape.remaining), rng)
            scale = calls.scale
            before = landscape.remaining
            calls.make(u)
            k += 1
            if landscape.remaining == before:
                break

    def _propose(
        self,
        evaluator: Evaluator,
        calls: _Calls,
        scale: Array | None,
        k: int,
        n: int,
        rng: np.random.Generator,
    ) -> Array:
        u, y, f = calls.chosen(self.most)
        process = GaussianProcess.fit(u, f, scale)
        calls.scale = process.scale
        doubt = float(np.sqrt(np.mean(process.leave_one_out() ** 2, axis=0)).max())
        size = float(np.median(np.abs(y - f).max(axis=1)[np.argsort(-np.abs(y - f).max(axis=1))[:5]]))
        domain = evaluator.problem.domain
        if doubt > 0.5 * size:
            inner = _error_problem(evaluator.problem, GaussianProcess.fit(u, y - f))
        else:
            bonus = self.deviations if k % 2 else 0.0
            inner = _reference_problem(evaluator.problem, process, bonus)
        hedge = max(1, int(self.hedge * n)) if n > 1 else k % 4 == 3
        found = self._search(inner, rng)
        spread = self.apart * np.sqrt(domain.d)
        fresh = [v for v in found if np.linalg.norm(calls.u - v, axis=1).min() > 0.1 * spread]
        trusted = np.array(fresh[: n - hedge]).reshape(-1, domain.d)
        return np.concatenate([trusted, self._hedge(evaluator, calls, n - len(trusted), k, rng)])

    def _search(self, inner: Problem, rng: np.random.Generator) -> list[Array]:
        """Ends of a search on the cheap problem, best first, apart from each other."""
        evaluator = Evaluator(inner)
        state = SearchState.empty(inner.domain.d)
        strategy = replace(ScreenAndAscent(), independent=0.0, seams_share=0.0)
        strategy.run(Landscape(evaluator, self.inner), state, rng)
        ends = state.ends if len(state.ends.u) else state.pool
        spread = self.apart * np.sqrt(inner.domain.d)
        order = thin(ends.u, ends.score, spread, 4 * self.batch)
        return [ends.u[i] for i in order]

    def _hedge(self, evaluator: Evaluator, calls: _Calls, n: int, k: int, rng: np.random.Generator) -> Array:
        """Points far from all calls, and in every second round one near the worst point."""
        if n <= 0:
            return np.empty((0, calls.u.shape[1]))
        domain = evaluator.problem.domain
        chosen: list[Array] = []
        if k % 2 and len(calls.score):
            best = calls.u[int(np.argmax(calls.score))]
            near = best + 0.03 * rng.standard_normal(best.shape)
            chosen.append(np.clip(near, 0.0, 1.0))
        candidates = domain.to_unit(draw_inside(domain, 2000, rng))
        taken = calls.u
        while len(chosen) < n:
            from scipy.spatial import cKDTree

            gap = cKDTree(np.concatenate([taken, *[c[None] for c in chosen]])).query(candidates)[0]
            chosen.append(candidates[int(np.argmax(gap))])
        return np.stack(chosen[:n])


class _Calls:
    """Real calls so far: points, both values, scores."""

    def __init__(self, landscape: Landscape, state: SearchState) -> None:
        self.landscape, self.state = landscape, state
        d = landscape.d
        self.u, self.score = np.empty((0, d)), np.empty(0)
        self.y, self.f = np.empty((0, 1)), np.empty((0, 1))
        self.scale: Array | None = None
        if state.scout is not None:
            self._add(state.scout)

    def make(self, u: Array) -> None:
        """Call model and reference at unit-box points."""
        evaluator = self.landscape.evaluator
        u = u[: max(self.landscape.remaining, 0)]
        done = evaluator.values(evaluator.problem.domain.from_unit(u), self.landscape.purpose)
        self.state.pool.add(u, done.score)
        self.state.ends.add(u, done.score)
        self._add(done)

    def _add(self, done: Evaluations) -> None:
        domain = self.landscape.evaluator.problem.domain
        both = np.isfinite(done.model).all(axis=1) & np.isfinite(done.reference).all(axis=1)
        ok = (done.status == PointStatus.OK) & both
        u = domain.to_unit(done.x[ok])
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


def _reference_problem(problem: Problem, process: GaussianProcess, bonus: float) -> Problem:
    """The audited problem with the process in place of the reference."""
    domain = problem.domain

    def value(x: Array) -> Array:
        return process.predict(domain.to_unit(x))

    def vjp(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        u = domain.to_unit(x)
        slope = domain.slope(x)
        safe = np.where(slope != 0, slope, np.inf)
        return process.predict(u), lambda w: process.pull(u, w) / safe

    reference = Function(value, vjp=vjp, name="Gaussian process of the reference")
    error = replace(problem.error, mask=problem.error.mask if _one_argument(problem.error) else None)
    if bonus:
        error = _with_deviation(error, process, problem, bonus)
    return Problem(problem.model, reference, domain, replace(error, tolerance=None))


def _with_deviation(
    error: ErrorMeasure, process: GaussianProcess, problem: Problem, bonus: float
) -> ErrorMeasure:
    base = replace(error, tolerance=None)

    def optimistic(model: Array, reference: Array, x: Array) -> Array:
        unit = process.spread / base.divisor(reference).clip(1e-300)
        deviation = process.deviation(problem.domain.to_unit(x))[:, None] * unit
        raised: Array = np.nan_to_num(base.by_output(model, reference, x)) + bonus * deviation
        return raised

    return ErrorMeasure("function", function=optimistic)


def _error_problem(problem: Problem, process: GaussianProcess) -> Problem:
    """The error itself as a process: mean plus one deviation, against zero."""
    domain = problem.domain

    def value(x: Array) -> Array:
        u = domain.to_unit(x)
        high: Array = np.abs(process.predict(u)) + process.deviation(u)[:, None] * process.spread
        return high

    zero = Function(lambda x: np.zeros((len(x), len(process.spread))))
    return Problem(Function(value), zero, domain)


def _one_argument(error: ErrorMeasure) -> bool:
    import inspect

    return error.mask is not None and len(inspect.signature(error.mask).parameters) == 1
