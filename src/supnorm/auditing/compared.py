"""What came out of comparing the rows of a table of computed pairs, and what that says."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.peak import Peak
from supnorm.auditing.row_statistics import RowStatistics
from supnorm.auditing.statistics import Sample
from supnorm.problem import Problem
from supnorm.problem.pairs import Pairs
from supnorm.results.audit_points import TableRecord
from supnorm.wording import Fact, Narrator, fact

Array = NDArray[np.float64]
Index = NDArray[np.intp]
NAMED = 20  # rows without a value that are named


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What came out of comparing the rows.

    Attributes:
        pairs: all rows, and which of them lie in the domain.
        sample: the errors of those; ``finite``: of the finite ones.
        peaks: the worst rows.
        worst: pairs with the largest errors, `POINTS` at most, and their numbers: inputs, model, reference, error.
        used: names of outputs of both sides, which are shown as values of model and reference.
        called: of a model that is no table the pairs that it was called at, and its values there.
        truths: values of a reference that is no table, shape ``(N, m)``; NaN in rows that were not reached.
        left: rows that were not reached, because the audit was stopped.
        statistics: accuracy, errors by group, and rows for pictures.
        without: rows (from 1) in which a side has no value, by side; of the model those where the reference has one.
        with_error: which of the pairs have an error, shape ``(N,)``.
    """

    pairs: Pairs
    inside: NDArray[np.bool_]
    sample: Sample
    peaks: list[Peak]
    worst: Index
    numbers: Array
    without: dict[str, Index] = field(default_factory=dict)
    with_error: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=bool))
    used: frozenset[str] = frozenset()
    called: tuple[Index, Array | None] = (np.empty(0, dtype=np.intp), None)
    truths: Array | None = None
    left: int = 0
    statistics: RowStatistics = RowStatistics()

    @property
    def finite(self) -> Sample:
        """The sample without infinite errors."""
        errors = self.sample.errors
        return replace(self.sample, errors=errors[np.isfinite(errors)])

    def columns(self, pairs: Sequence[int]) -> list[dict[str, str]]:
        """What the columns of the table hold in some pairs that are neither inputs nor outputs, by name."""
        return [{k: v for k, v in row.items() if k not in self.used} for row in self.pairs.columns(pairs)]

    def record(self, say: Narrator) -> TableRecord:
        """The part ``table`` of an audit's record."""
        pairs, key = self.pairs, None
        if pairs.by == "key" and pairs.partner:
            key = {"model": tuple(pairs.partner[1].key), "reference": tuple(pairs.rows.key)}
        return TableRecord(
            rows=len(pairs) + pairs.alone[0],
            compared=self.sample.n,
            paired_by=pairs.by,
            key=key,
            alone=dict(zip(("model", "reference"), pairs.alone, strict=True)),
            left=self.left,
            outside=int((~self.inside).sum()),
            incomplete=int((~pairs.complete & self.inside).sum()),
            without_value={side: len(rows) for side, rows in self.without.items()},
            without_value_rows={side: tuple(rows[:NAMED].tolist()) for side, rows in self.without.items()},
            text=say.text(*self.facts),
            accuracy=self.statistics.accuracy,
            groups=self.statistics.groups,
            groups_total=self.statistics.groups_total,
            rows_hash=self._hash(
                self.inside, pairs.x, pairs.reference if self.truths is None else self.truths
            ),
            errors_hash=self._hash(self.with_error),
        )

    def _hash(self, which: NDArray[np.bool_], *columns: Array | None) -> str:
        """SHA-256 of the numbers of some rows and of what these columns hold there; every NaN has the same bytes."""
        digest = hashlib.sha256(self.pairs.row[which].astype("<i8").tobytes())
        for column in columns:
            if column is not None:
                given = column[which].astype("<f8") + 0.0  # minus zero has other bytes
                digest.update(np.where(np.isnan(given), np.nan, given).tobytes())
        return digest.hexdigest()

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What the largest error means: it is that of the rows, and of nothing else."""
        n, drawn = self.sample.n, self.sample.drawn
        if not n:
            return ()
        if self.left:
            return (fact("some-rows", n=drawn, of=drawn + self.left),)
        return (fact("rows-with-error", n=n, of=drawn) if n < drawn else fact("all-rows", n=n),)


def is_table(problem: Problem) -> bool:
    """Whether model or reference is a table of computed values."""
    return any(f is not None and f.table is not None for f in (problem.model, problem.reference))


def rows_name(problem: Problem) -> str:
    """What the averages of a table are over, whatever law the problem names."""
    tables = [f for f in (problem.reference, problem.model) if f is not None and f.table is not None]
    name = tables[0].rows.name if tables[0].rows is not None else tables[0].name
    return f"rows of {name or 'the table'}"
