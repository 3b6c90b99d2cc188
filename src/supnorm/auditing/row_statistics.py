"""What is said of the rows of a table beside the largest error: accuracy, errors by group, and rows for pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation import Evaluations, PointStatus
from supnorm.problem import Problem
from supnorm.problem.pairs import Pairs
from supnorm.results.charts import PlottedRowsRecord
from supnorm.results.table_rows import AccuracyRecord, FiniteGroupRecord, GroupRecord

Array = NDArray[np.float64]
Index = NDArray[np.intp]
PLOTTED, WORST = 1200, 300  # rows in a picture: more dots hide one another at 420 pixels
AXES = 12  # inputs with a picture, as many as the page has cuts
OUTPUTS = 50  # with an accuracy of their own; a picture is made of at most so many
GROUPS = 200  # that are listed, the worst first


@dataclass(frozen=True)
class RowStatistics:
    """The results: see the records.

    Attributes:
        accuracy: of each output.
        groups: the worst first, for each column in turn.
        groups_total: how many there are, by column.
        plotted: rows for pictures.
    """

    accuracy: tuple[AccuracyRecord, ...] = ()
    groups: tuple[GroupRecord, ...] = ()
    groups_total: dict[str, int] = field(default_factory=dict)
    plotted: PlottedRowsRecord | None = None


class Gathered:
    """Takes batches of rows in; memory grows with the groups and not with the rows."""

    def __init__(self, problem: Problem, pairs: Pairs) -> None:
        self.problem, self.pairs = problem, pairs
        self.differences = _Differences()
        self.groupings = [_Grouping(name, cells, pairs) for name, cells in pairs.groups().items()]
        self.stride = max(1, -(-len(pairs) // PLOTTED))
        self.kept: list[Array] = []

    def take(self, part: Index, done: Evaluations) -> None:
        """Rows with these numbers among the pairs."""
        self.differences.take(done)
        for grouping in self.groupings:
            grouping.take(part, done, self.problem.error.limit)
        if done.model.shape[1] <= OUTPUTS:
            # A point without a prediction has no place in a picture; its row is named beside it.
            chosen = np.flatnonzero((part % self.stride == 0) & np.isfinite(done.error))
            self.kept.append(_numbers(part[chosen], done, chosen))

    def results(self, worst: Index, numbers: Array, outputs: tuple[str, ...]) -> RowStatistics:
        """What was taken in.

        Args:
            worst: pairs with the largest errors, shape ``(k,)``.
            numbers: their inputs, model, reference and error, shape ``(k, d + 2 m + 1)``.
            outputs: names.
        """
        groups = [group for grouping in self.groupings for group in grouping.records(self.pairs)]
        totals = {grouping.name: len(grouping.names) for grouping in self.groupings}
        return RowStatistics(
            self.differences.records(outputs), tuple(groups), totals, self._plotted(worst, numbers, outputs)
        )

    def _plotted(self, worst: Index, numbers: Array, outputs: tuple[str, ...]) -> PlottedRowsRecord | None:
        finite = np.flatnonzero(np.isfinite(numbers[:, -1]))[:WORST]
        if not self.kept or not len(finite):
            return None
        first = np.column_stack([worst[finite], numbers[finite]])
        rest = np.concatenate(self.kept)
        rows = np.concatenate([first, rest[~np.isin(rest[:, 0], first[:, 0])]])
        d = self.problem.domain.d
        m = (rows.shape[1] - d - 2) // 2
        model, reference = rows[:, 1 + d : 1 + d + m], rows[:, 1 + d + m : 1 + d + 2 * m]
        k = int(np.nanargmax(np.append(np.abs(model[0] - reference[0]), -1.0)[:m])) if m > 1 else 0
        return PlottedRowsRecord(
            output=outputs[k],
            rows=tuple((self.pairs.row[rows[:, 0].astype(np.intp)] + 1).tolist()),
            worst=len(first),
            model=tuple(model[:, k].tolist()),
            reference=tuple(reference[:, k].tolist()),
            error=tuple(rows[:, -1].tolist()),
            inputs={
                name: tuple(rows[:, 1 + i].tolist())
                for i, name in enumerate(self.problem.domain.names[:AXES])
            },
        )


def _numbers(pairs: Index, done: Evaluations, rows: Index) -> Array:
    parts = (pairs[:, None], done.x[rows], done.model[rows], done.reference[rows], done.error[rows, None])
    return np.concatenate(parts, axis=1)


class _Differences:
    """Sums of prediction minus truth by output, and the variance of the truth (Chan, Golub, LeVeque 1983)."""

    def __init__(self) -> None:
        self.n = self.size = self.sum = self.square = self.mean = self.spread = np.zeros(0)

    def take(self, done: Evaluations) -> None:
        m = min(done.model.shape[1], OUTPUTS)
        if not len(self.n):
            self.n = self.size = self.sum = self.square = self.mean = self.spread = np.zeros(m)
        counted = (done.status != PointStatus.MASKED)[:, None]
        truth, model = done.reference[:, :m], done.model[:, :m]
        both = np.isfinite(model) & np.isfinite(truth) & counted
        with np.errstate(all="ignore"):
            gap = np.where(both, model - truth, 0.0)
            n = both.sum(axis=0)
            mean = np.where(both, truth, 0.0).sum(axis=0) / np.maximum(n, 1)
            spread = np.where(both, (truth - mean) ** 2, 0.0).sum(axis=0)
            every = np.maximum(self.n + n, 1)
            self.spread = self.spread + spread + (mean - self.mean) ** 2 * self.n * n / every
            self.mean = self.mean + (mean - self.mean) * n / every
            self.size = self.size + np.abs(gap).sum(axis=0)
            self.sum = self.sum + gap.sum(axis=0)
            self.square = self.square + (gap**2).sum(axis=0)
        self.n = self.n + n

    def records(self, outputs: tuple[str, ...]) -> tuple[AccuracyRecord, ...]:
        return tuple(
            AccuracyRecord(
                output=name,
                n=int(n),
                mae=float(size / n),
                rmse=float(np.sqrt(square / n)),
                bias=float(total / n),
                r2=float(1.0 - square / spread) if spread > 0 else None,
            )
            for name, n, size, square, total, spread in zip(
                outputs, self.n, self.size, self.square, self.sum, self.spread, strict=False
            )
            if n
        )


class _Grouping:
    """Errors by the value of one column; an infinite error, as of a missing prediction, is the largest of its group."""

    def __init__(self, name: str, cells: list[str], pairs: Pairs) -> None:
        self.name = name
        self.names = sorted({*cells})  # no array of text: it gives every name the room of the longest one
        number = {name: k for k, name in enumerate(self.names)}
        self.codes = np.fromiter((number[cell] for cell in cells), dtype=np.intp, count=len(pairs))
        k = len(self.names)
        self.rows, self.missing, self.without_truth, self.above, self.both = (
            np.zeros(k, dtype=np.int64) for _ in range(5)
        )
        self.gap = np.zeros(k)
        self.finite, self.infinite = _Largest(k), _Largest(k)
        self.single, self.limited = True, False

    def take(self, part: Index, done: Evaluations, limit: float | None) -> None:
        codes = self.codes[part]
        model, truth = np.isfinite(done.model), np.isfinite(done.reference)
        counted = done.status != PointStatus.MASKED
        np.add.at(self.rows, codes[counted], 1)
        np.add.at(self.missing, codes[counted & (~model & truth).any(axis=1)], 1)
        np.add.at(self.without_truth, codes[counted & ~truth.any(axis=1)], 1)
        known = (done.status == PointStatus.OK) & ~np.isnan(done.error)
        finite = known & np.isfinite(done.error)
        for largest, which in ((self.finite, finite), (self.infinite, known & ~finite)):
            largest.take(codes[which], done.error[which], part[which])
        self.single = done.model.shape[1] == 1
        if self.single:
            both = counted & (model & truth)[:, 0]
            np.add.at(self.both, codes[both], 1)
            np.add.at(self.gap, codes[both], (done.model - done.reference)[both, 0])
        if limit is not None:
            self.limited = True
            np.add.at(self.above, codes[known], done.error[known] > limit)

    def records(self, pairs: Pairs) -> list[GroupRecord]:
        by_name = np.arange(len(self.names))
        order = np.lexsort((by_name, -self.missing, -self.finite.worst, -self.infinite.n))
        return [self._record(int(k), pairs) for k in order[self.rows[order] > 0][:GROUPS]]

    def _record(self, k: int, pairs: Pairs) -> GroupRecord:
        finite, infinite = self.finite.values(k, pairs), self.infinite.n[k] > 0
        n = int(self.both[k])
        return GroupRecord(
            column=self.name,
            value=self.names[k],
            rows=int(self.rows[k]),
            missing=int(self.missing[k]),
            without_truth=int(self.without_truth[k]),
            **(self.infinite if infinite else self.finite).values(k, pairs),
            bias=float(self.gap[k] / n) if n and self.single else None,
            above=int(self.above[k]) if self.limited else None,
            finite=FiniteGroupRecord(n=int(self.finite.n[k]), **finite) if infinite else None,
        )


class _Largest:
    """The largest error of each of ``k`` groups with its pair, the mean and the root mean square."""

    def __init__(self, k: int) -> None:
        self.n = np.zeros(k, dtype=np.int64)
        self.total, self.square = np.zeros(k), np.zeros(k)
        self.worst, self.at = np.full(k, -np.inf), np.full(k, -1, dtype=np.intp)

    def take(self, group: Index, error: Array, pair: Index) -> None:
        """Errors of pairs, shape ``(n,)`` each, with the number of the group."""
        np.add.at(self.n, group, 1)
        np.add.at(self.total, group, error)
        with np.errstate(over="ignore"):
            np.add.at(self.square, group, error**2)
        # Of equal errors the row that comes first: the smallest error first, so that the last one written is the largest.
        order = np.lexsort((-pair, error))
        best, where = np.full(len(self.n), -np.inf), np.full(len(self.n), -1, dtype=np.intp)
        best[group[order]], where[group[order]] = error[order], pair[order]
        better = best > self.worst
        self.worst, self.at = np.where(better, best, self.worst), np.where(better, where, self.at)

    def values(self, k: int, pairs: Pairs) -> dict[str, Any]:
        """Worst error, its row, mean and root mean square of a group; None where no row has such an error."""
        n = int(self.n[k])
        if not n:
            return dict.fromkeys(("worst", "row", "mean", "rms"))
        return {
            "worst": float(self.worst[k]),
            "row": int(pairs.row[self.at[k]]) + 1,
            "mean": float(self.total[k] / n),
            "rms": float(np.sqrt(self.square[k] / n)),
        }
