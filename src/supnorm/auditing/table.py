"""Statistics of a table of computed pairs: there is no search, and the report says so.

Where model or reference is a table, only its rows can be compared: each once, with its own values. Over them the maximum
is exact, as computed; what lies between the rows is unknown. With a ``[recheck]`` reference the worst rows are tested
against it, so that wrong labels come out as reference faults and not as errors of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.halt import HALTS, halted
from supnorm.auditing.joint import with_output
from supnorm.auditing.places import INFINITE, PLACES, Place, where_in
from supnorm.auditing.statistics import NORMS, Moments, Sample
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
NAMED = 20  # rows without a value that are named


@dataclass
class Compared:
    """What came out of comparing the rows.

    Attributes:
        pairs: all rows, and which of them lie in the domain.
        sample: the errors of those; ``finite``: of the finite ones.
        places: the worst rows.
        worst: pairs with the largest errors, `POINTS` at most, and their numbers: inputs, model, reference, error.
        used: names of outputs of both sides, which are shown as values of model and reference.
        called: of a model that is no table the pairs that it was called at, and its values there.
        left: rows that were not reached, because the audit was ``stopped``: why.
        without: rows (from 1) in which a side has no value, by side; of the model those where the reference has one.
    """

    pairs: Pairs
    inside: NDArray[np.bool_]
    sample: Sample
    places: list[Place]
    worst: Index
    numbers: Array
    without: dict[str, Index] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    called: tuple[Index, Array | None] = (np.empty(0, dtype=np.intp), None)
    left: int = 0
    stopped: str = ""

    @property
    def finite(self) -> Sample:
        """The sample without infinite errors."""
        errors = self.sample.errors
        return replace(self.sample, errors=errors[np.isfinite(errors)])

    def columns(self, pairs: Sequence[int]) -> list[dict[str, str]]:
        """What the columns of the table hold in some pairs that are neither inputs nor outputs, by name."""
        return [{k: v for k, v in row.items() if k not in self.used} for row in self.pairs.columns(pairs)]

    def to_json(self, problem: Problem) -> dict[str, Any]:
        """The key ``table`` of an audit's document."""
        pairs, n = self.pairs, self.sample.n
        key = (
            {"model": list(pairs.partner[1].key), "reference": list(pairs.rows.key)}
            if pairs.partner
            else None
        )
        return {
            "rows": len(pairs) + pairs.alone[0],
            "compared": n,
            "paired_by": pairs.by,
            "key": key if pairs.by == "key" else None,
            "alone": dict(zip(("model", "reference"), pairs.alone, strict=True)),
            "left": self.left,
            "outside": int((~self.inside).sum()),
            "incomplete": int((~pairs.complete & self.inside).sum()),
            "without_value": {side: len(rows) for side, rows in self.without.items()},
            "without_value_rows": {side: rows[:NAMED].tolist() for side, rows in self.without.items()},
            "text": self.text,
        }

    @property
    def text(self) -> str:
        """What the largest error means: it is that of the rows, and of nothing else."""
        n = self.sample.n
        if not n:
            return ""
        if self.left:
            every = self.sample.drawn + self.left
            return f"{self.sample.drawn:,} of {every:,} rows were compared; what the others hold is unknown."
        if n < self.sample.drawn:
            return (
                f"Over the {n:,} of {self.sample.drawn:,} rows with an error the maximum is exact. Nothing is "
                "known about the other rows, or between rows."
            )
        rows = "this row" if n == 1 else f"these {n:,} rows"
        return f"Over {rows} the maximum is exact. Nothing is known between them."


def is_table(problem: Problem) -> bool:
    """Whether model or reference is a table of computed values."""
    return any(f is not None and f.table is not None for f in (problem.model, problem.reference))


def rows_name(problem: Problem) -> str:
    """What the averages of a table are over, whatever law the problem names."""
    tables = [f for f in (problem.reference, problem.model) if f is not None and f.table is not None]
    name = tables[0].rows.name if tables[0].rows is not None else tables[0].name
    return f"rows of {name or 'the table'}"


def compare_rows(evaluator: Evaluator, norms: Sequence[float] = NORMS) -> Compared:
    """Every row once, with its own values.

    Raises:
        BadInput: when no row lies in the domain.
    """
    problem: Problem = evaluator.problem
    pairs = problem.pairs
    assert pairs is not None
    inside = pairs.inside(problem.domain)
    chosen = np.flatnonzero(inside)
    if not len(chosen):
        raise BadInput(f"none of the {len(pairs)} rows of the table lies in the domain")
    tally = _Tally(problem, pairs, norms)
    # What listeners were told is never lost, though an end be asked for at once.
    taken: list[Evaluations] = []
    evaluator.listeners.append(taken.append)
    stopped, reached = "", 0
    try:
        while reached < len(chosen) and not stopped:
            part = chosen[reached : reached + BATCH]
            taken.clear()
            try:
                _paired(evaluator, pairs, part)
            except HALTS as why:
                stopped = halted(why)
                if not taken:
                    part = part[_come_back(evaluator, pairs.x[part])]
                    if len(part):
                        _paired(evaluator, pairs, part)
                    elif not reached:
                        raise
            if taken:
                tally.take(part, taken[0])
                reached += len(part)
    finally:
        evaluator.listeners.pop()
    return replace(
        tally.compared(evaluator, reached), inside=inside, left=len(chosen) - reached, stopped=stopped
    )


def _paired(evaluator: Evaluator, pairs: Pairs, part: Index) -> None:
    given = [None if side is None else side[part] for side in (pairs.model, pairs.reference)]
    evaluator.paired(pairs.x[part], given[0], given[1], "statistics")


def _come_back(evaluator: Evaluator, x: Array) -> Index:
    """Rows of a batch (n, d) that was interrupted whose expensive values have come back."""
    dear = [side for side in (evaluator.model, evaluator.reference) if side.expensive]
    rows = [i for i, row in enumerate(x) if dear and all(row.tobytes() in side.known for side in dear)]
    return np.array(rows, dtype=np.intp)


class _Tally:
    """Takes the batches in."""

    def __init__(self, problem: Problem, pairs: Pairs, norms: Sequence[float]) -> None:
        self.problem, self.pairs, self.moments = problem, pairs, Moments(norms)
        self.errors: list[Array] = [np.empty(0)]
        self.best = _Worst(_most(problem, pairs))
        self.without: dict[str, list[Index]] = {"model": [], "reference": []}
        self.model: dict[str, list[Any]] = {"part": [], "values": []}

    def take(self, part: Index, done: Evaluations) -> None:
        """Rows with these numbers."""
        ok = done.status == PointStatus.OK
        self.errors.append(done.error[ok])
        self.moments.add(self.problem.error.in_units(done.model[ok], done.reference[ok], done.x[ok]))
        for side, rows in _without_value(done).items():
            self.without[side].append(self.pairs.row[part[rows]] + 1)
        self.best.add(part, done)
        if self.pairs.model is None:
            self.model["part"].append(part)
            self.model["values"].append(done.model)

    def compared(self, evaluator: Evaluator, reached: int) -> Compared:
        """What was taken in."""
        problem, pairs = self.problem, self.pairs
        errors, failed = np.concatenate(self.errors), dict(evaluator.failures.without_value)
        sample = Sample(errors, rows_name(problem), reached, self.moments, failed)
        worst, numbers, output = self.best.rows()
        first = np.flatnonzero(numbers[:, -1] == np.inf)[INFINITE:]
        listed = np.setdiff1d(np.arange(len(worst)), first)[:PLACES]
        places = [_place(problem, pairs, int(worst[k]), numbers[k], int(output[k])) for k in listed]
        lost = {side: np.concatenate(rows) for side, rows in self.without.items()}
        used = frozenset((*problem.model.outputs, *problem.reference.outputs))
        called = np.concatenate([*self.model["part"], np.empty(0, dtype=np.intp)])
        values = np.concatenate(self.model["values"]) if self.model["values"] else None
        none = np.zeros(len(pairs), dtype=bool)
        return Compared(pairs, none, sample, places, worst, numbers, lost, used, (called, values))


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
    return int(min(POINTS, max(2 * PLACES, NUMBERS // (problem.domain.d + 2 * values.shape[1] + 1))))


def _without_value(done: Evaluations) -> dict[str, Index]:
    """Rows of a batch in which a side has no value, where the error would count."""
    counted = done.status != PointStatus.MASKED
    model, reference = np.isfinite(done.model), np.isfinite(done.reference)
    return {
        "model": np.flatnonzero((~model & reference).any(axis=1) & counted),
        "reference": np.flatnonzero(~reference.any(axis=1) & counted),
    }


def _place(problem: Problem, pairs: Pairs, pair: int, numbers: Array, output: int) -> Place:
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
    return Place(u, with_output(problem.error, witness), np.full(d, 0.1))


def _tags(domain: Domain, u: Array, x: Array) -> tuple[str, ...]:
    return (where_in(domain, u, x),) if np.isfinite(x).all() else ()
