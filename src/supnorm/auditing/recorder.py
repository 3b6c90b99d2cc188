"""Listens at the door and keeps what pages need, in memory that does not grow with the evaluations.

* the largest error in each cell of a grid over each pair of inputs (everything evaluated counts),
* where points had no value, along each input,
* the rows with the largest errors, spread over the box, for retraining.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.pair_maps import PairMaps
from supnorm.auditing.worst_rows import NUMBERS, WorstRows, cells
from supnorm.evaluation import Evaluations, PointStatus
from supnorm.problem import Domain, ErrorMeasure

Array = NDArray[np.float64]
BINS = 40  # of each axis, in which the points of the search are counted: bars on the page
HELD = 8192  # rows that are worked off at once
INPUTS = 4_000_000  # most inputs of these rows together: working them off takes 40 bytes for each
FIELDS = ("x", "model", "reference", "score", "output", "status")


class Recorder:
    """A listener of an `Evaluator`.

    Args:
        domain: of the problem.
        cells: of each pair's grid, along one side.
        error: the measure; for several outputs the largest error of each is kept.
    """

    def __init__(self, domain: Domain, cells: int, error: ErrorMeasure) -> None:
        self.domain, self.cells = domain, cells
        d = domain.d
        self._rows = min(HELD, max(1, INPUTS // d))
        self._maps = PairMaps(d, cells)
        self.pairs = self._maps.pairs
        self.evaluated, self.failed, self.outside = (np.zeros((d, BINS), dtype=np.int64) for _ in range(3))
        self._worst = WorstRows(domain.d)
        self.error = error
        self._by_output: Array | None = None
        self._waiting: list[Evaluations] = []
        self._held = 0

    def __call__(self, batch: Evaluations) -> None:
        """Take a batch in."""
        # Ascents come in small batches: a few thousand rows at once cost little more than a hundred.
        width = batch.model.shape[1]
        if len(batch) >= self._rows // 4:
            self._take([batch])
            return
        if self._waiting and width != self._waiting[0].model.shape[1]:
            self.flush()
        self._waiting.append(batch)
        self._held += len(batch)
        if self._held >= self._rows or self._held * width >= NUMBERS:
            self.flush()

    def flush(self) -> None:
        """Work off what waits; to be called before counts or panels are read."""
        waiting, self._waiting, self._held = self._waiting, [], 0
        if waiting:
            self._take(waiting)

    def _take(self, batches: list[Evaluations]) -> None:
        fields = [_joined(batches, name) for name in FIELDS]
        for i in range(0, len(fields[0]), self._rows):
            self._work_off(*(field[i : i + self._rows] for field in fields))

    def _work_off(
        self,
        x: Array,
        model: Array,
        reference: Array,
        score: Array,
        output: NDArray[Any],
        status: NDArray[Any],
    ) -> None:
        if model.shape[1] > 1:
            self._keep_outputs(x, model, reference, status)
        with np.errstate(over="ignore", invalid="ignore"):  # inputs may be so large that their sum overflows
            lacking = np.isnan(x.sum())
        if lacking:  # rows of tables may lack inputs: they lie nowhere
            whole = np.isfinite(x).all(axis=1)
            x, model, reference = x[whole], model[whole], reference[whole]
            score, output, status = score[whole], output[whole], status[whole]
        u = self.domain.to_unit_rows(x)
        self._count_cells(u, status, (score == np.inf) & ~np.isfinite(model).all(axis=1))
        self._fill(u, score)
        rows = (score > self._worst.bar).nonzero()[0]
        if len(rows):
            self._worst.add(
                u.take(rows, axis=1).T,
                score[rows],
                rows,
                [x, model, reference, score[:, None], output[:, None]],
            )

    @property
    def by_output(self) -> Array | None:
        """Largest error of each output; None for a single output."""
        self.flush()
        return self._by_output

    def panel(self, pair: int) -> Array:
        """Largest error per cell, shape (cells, cells): rows along the second input; NaN where none."""
        self.flush()
        panel = self._maps.panel(pair)
        return np.where(panel == -np.inf, np.nan, panel)

    def _fill(self, u: Array, score: Array) -> None:
        high = (score > self._maps.lowest).nonzero()[0]
        if len(high) < 0.8 * len(score):
            u, score = u.take(high, axis=1), score[high]
        self._maps.add(cells(u.T, self.cells), score)

    def _count_cells(self, u: Array, status: NDArray[np.int8], infinite: NDArray[np.bool_]) -> None:
        outside, failed = status == PointStatus.OUTSIDE, (status == PointStatus.FAILED) | infinite
        self._add(self.evaluated, u[:, ~outside] if outside.any() else u)
        if outside.any():
            self._add(self.outside, u[:, outside])
        if failed.any():
            self._add(self.failed, u[:, failed])

    def _add(self, counts: NDArray[np.int64], u: Array) -> None:
        for row, cell in zip(counts, cells(u.T, BINS), strict=True):
            row += np.bincount(cell, minlength=BINS)

    def _keep_outputs(self, x: Array, model: Array, reference: Array, status: NDArray[np.int8]) -> None:
        ok = status == PointStatus.OK
        if not ok.any():
            return
        errors = self.error.in_units(model[ok], reference[ok], x[ok])
        worst = np.nan_to_num(errors, nan=0.0, posinf=np.inf).max(axis=0)
        self._by_output = worst if self._by_output is None else np.maximum(self._by_output, worst)

    def worst_rows(self) -> Array:
        """The worst rows, highest error first: inputs, model, reference, error, output."""
        self.flush()
        columns = self._worst.rows()
        return np.concatenate(columns, axis=1) if columns else np.empty((0, self.domain.d + 4))


def _joined(batches: list[Evaluations], name: str) -> NDArray[Any]:
    """One field of all batches in a row."""
    parts = [getattr(batch, name) for batch in batches]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
