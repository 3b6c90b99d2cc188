"""Statistics of a table of computed pairs: there is no search, and the report says so.

Where model or reference is a table, only its rows can be compared: each once, with its own values. Over them the maximum
is exact, as computed; what lies between the rows is unknown. With a ``[recheck]`` reference the worst rows are tested
against it, so that wrong labels come out as reference faults and not as errors of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.compared import Compared, rows_name
from supnorm.auditing.halt import HALTS, come_back, halted
from supnorm.auditing.joint import with_output
from supnorm.auditing.landscape import Landscape
from supnorm.auditing.many_outputs import output_names
from supnorm.auditing.peak import INFINITE, PEAKS, Peak, where_in
from supnorm.auditing.row_statistics import Gathered
from supnorm.auditing.statistics import Moments, Sample
from supnorm.auditing.strategy import Search, Strategy, Traits
from supnorm.evaluation import Evaluations, Evaluator, PointStatus
from supnorm.problem import Domain, Problem
from supnorm.problem.pairs import Pairs
from supnorm.results import BadInput, Witness

Array = NDArray[np.float64]
Index = NDArray[np.intp]
BATCH = 8192  # rows at a time
POINTS = 500  # of the worst rows that are kept
NUMBERS = 300_000  # held in them, at most: some MB
INFINITE_POINTS = 100  # of these without a value of the model, at most: they must not crowd out the others


@dataclass(frozen=True)
class CompareRows:
    """Every row of a table of computed pairs, once, with its own values."""

    @property
    def traits(self) -> Traits:
        """Nothing is drawn: the statistics are over the rows."""
        return Traits(regime="table", samples=False, rounds=False)

    def lean(self, calls: int) -> Strategy:
        """The same: nothing is repeated with a table."""
        return self

    def run(
        self,
        landscape: Landscape,
        search: Search,
        rng: np.random.Generator,
    ) -> Search:
        """Compare all rows, whatever the budget; the random numbers are not used.

        Raises:
            BadInput: when no row lies in the domain.
        """
        evaluator = landscape.evaluator
        problem: Problem = evaluator.problem
        pairs = problem.pairs
        assert pairs is not None
        inside = pairs.inside(problem.domain)
        chosen = np.flatnonzero(inside)
        if not len(chosen):
            raise BadInput(f"none of the {len(pairs)} rows of the table lies in the domain")
        tally = _Tally(problem, pairs, search.norms)
        # What listeners were told is never lost, though an end be asked for at once.
        taken: list[Evaluations] = []
        evaluator.listeners.append(taken.append)
        reached = 0
        try:
            while reached < len(chosen) and not search.halted:
                part = chosen[reached : reached + BATCH]
                taken.clear()
                try:
                    _paired(evaluator, pairs, part)
                except HALTS as why:
                    search.halted = halted(why)
                    if not taken:
                        part = part[come_back(evaluator, pairs.x[part])]
                        if len(part):
                            _paired(evaluator, pairs, part)
                        elif not reached:
                            raise
                if taken:
                    tally.take(part, taken[0])
                    reached += len(part)
        finally:
            evaluator.listeners.pop()
        compared = replace(tally.compared(evaluator, reached), inside=inside, left=len(chosen) - reached)
        search.compared, search.sample = compared, compared.sample
        return search


def _paired(evaluator: Evaluator, pairs: Pairs, part: Index) -> None:
    given = [None if side is None else side[part] for side in (pairs.model, pairs.reference)]
    evaluator.paired(pairs.x[part], given[0], given[1], "statistics")


class _Tally:
    """Takes the batches in."""

    def __init__(self, problem: Problem, pairs: Pairs, norms: Sequence[float]) -> None:
        self.problem, self.pairs, self.moments = problem, pairs, Moments(norms)
        self.errors: list[Array] = [np.empty(0)]
        self.best = _Worst(_most(problem, pairs))
        self.with_error = np.zeros(len(pairs), dtype=bool)
        self.without: dict[str, list[Index]] = {"model": [], "reference": []}
        self.model: dict[str, list[Any]] = {"part": [], "values": []}
        self.truths: Array | None = None
        self.gathered = Gathered(problem, pairs)

    def take(self, part: Index, done: Evaluations) -> None:
        """Rows with these numbers."""
        ok = done.status == PointStatus.OK
        self.errors.append(done.error[ok])
        self.with_error[part[ok]] = True
        self.moments.add(self.problem.error.in_units(done.model[ok], done.reference[ok], done.x[ok]))
        for side, rows in _without_value(done).items():
            self.without[side].append(self.pairs.row[part[rows]] + 1)
        self.best.add(part, done)
        self.gathered.take(part, done)
        if self.pairs.model is None:
            self.model["part"].append(part)
            self.model["values"].append(done.model)
        if self.pairs.reference is None:
            if self.truths is None:
                self.truths = np.full((len(self.pairs), done.reference.shape[1]), np.nan)
            self.truths[part] = done.reference

    def compared(self, evaluator: Evaluator, reached: int) -> Compared:
        """What was taken in."""
        problem, pairs = self.problem, self.pairs
        errors, failed = np.concatenate(self.errors), dict(evaluator.failures.without_value)
        sample = Sample(errors, rows_name(problem), reached, self.moments, failed)
        worst, numbers, output = self.best.rows()
        first = np.flatnonzero(numbers[:, -1] == np.inf)[INFINITE:]
        listed = np.setdiff1d(np.arange(len(worst)), first)[:PEAKS]
        peaks = [_peak(problem, pairs, int(worst[k]), numbers[k], int(output[k])) for k in listed]
        lost = {side: np.concatenate(rows) for side, rows in self.without.items()}
        used = frozenset((*problem.model.outputs, *problem.reference.outputs))
        called = np.concatenate([*self.model["part"], np.empty(0, dtype=np.intp)])
        values = np.concatenate(self.model["values"]) if self.model["values"] else None
        none = np.zeros(len(pairs), dtype=bool)
        return Compared(
            pairs=pairs,
            inside=none,
            sample=sample,
            peaks=peaks,
            worst=worst,
            numbers=numbers,
            without=lost,
            with_error=self.with_error,
            used=used,
            called=(called, values),
            truths=self.truths,
            statistics=self.gathered.results(worst, numbers, tuple(output_names(problem, evaluator))),
        )


class _Worst:
    """The rows of a stream with the largest errors: infinite ones, `INFINITE_POINTS` at most, and finite ones."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: list[tuple[Index, Array, Index]] = []

    def add(self, pair: Index, done: Evaluations) -> None:
        known = ~np.isnan(done.error)
        numbers = np.concatenate([done.x, done.model, done.reference, done.error[:, None]], axis=1)
        self._kept.append((pair[known], numbers[known], done.output[known]))
        self._sort_out()

    def rows(self) -> tuple[Index, Array, Index]:
        """Pairs, their numbers and the output that carries the error; the largest error first."""
        return self._kept[0]

    def _sort_out(self) -> None:
        pair, numbers, output = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        # Of equal errors the row that comes first.
        order = np.lexsort((pair, -numbers[:, -1]))
        infinite = numbers[order, -1] == np.inf
        finite = order[~infinite][: self.most]
        order = np.concatenate([order[infinite][:INFINITE_POINTS], finite])[: max(self.most, 1)]
        self._kept = [(pair[order], numbers[order], output[order])]


def _most(problem: Problem, pairs: Pairs) -> int:
    """Rows that are kept: thousands of outputs leave room for fewer."""
    values = pairs.model if pairs.model is not None else pairs.reference
    assert values is not None
    return int(min(POINTS, max(2 * PEAKS, NUMBERS // (problem.domain.d + 2 * values.shape[1] + 1))))


def _without_value(done: Evaluations) -> dict[str, Index]:
    """Rows of a batch in which a side has no value, where the error would count."""
    counted = done.status != PointStatus.MASKED
    model, reference = np.isfinite(done.model), np.isfinite(done.reference)
    return {
        "model": np.flatnonzero((~model & reference).any(axis=1) & counted),
        "reference": np.flatnonzero(~reference.any(axis=1) & counted),
    }


def _peak(problem: Problem, pairs: Pairs, pair: int, numbers: Array, output: int) -> Peak:
    domain, d = problem.domain, problem.domain.d
    m = (len(numbers) - d - 1) // 2
    x = numbers[:d]
    u = domain.to_unit(x[None])[0]
    witness = Witness(
        x,
        numbers[d : d + m],
        numbers[d + m : d + 2 * m],
        float(numbers[-1]),
        output,
        tags=_tags(domain, u, x),
        row=int(pairs.row[pair]) + 1,
    )
    return Peak(u, with_output(problem.error, witness), np.full(d, 0.1))


def _tags(domain: Domain, u: Array, x: Array) -> tuple[str, ...]:
    return (where_in(domain, u, x),) if np.isfinite(x).all() else ()
