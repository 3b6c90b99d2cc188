"""Listens at the door and keeps what pages need, in memory that does not grow with the evaluations.

* the largest error in each cell of a grid over each pair of inputs (everything evaluated counts),
* where points had no value, along each input,
* the rows with the largest errors, spread over the box, for retraining.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation import Evaluations, PointStatus
from supnorm.problem import Domain, ErrorMeasure

Array = NDArray[np.float64]
BINS = 40
HELD = 8192  # rows that are worked off at once
NUMBERS = 150_000  # held in rows before they are thinned: about 1 MB
ROWS = 2000  # worst rows kept before thinning
DETAILED = 200_000  # evaluations whose place along each input is counted; later ones only when they fail


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
        self.pairs = list(itertools.combinations(range(d), 2))
        self._seen = np.full((len(self.pairs), cells * cells), -np.inf)
        self.evaluated, self.failed, self.outside = (np.zeros((d, BINS), dtype=np.int64) for _ in range(3))
        self._detailed = 0
        self.rows: list[Array] = []
        self.error = error
        self.by_output: Array | None = None
        self._bar = -np.inf
        self._waiting: list[tuple[Array, NDArray[np.int8], Array]] = []
        self._held = 0

    def __call__(self, batch: Evaluations) -> None:
        """Take a batch in."""
        self._keep_rows(batch, batch.score)
        ok = batch.status == PointStatus.OK
        if batch.model.shape[1] > 1 and ok.any():
            self._keep_outputs(batch, ok)
        # Climbs come in small batches: a few thousand rows at once cost little more than a hundred.
        self._waiting.append((batch.x, batch.status, batch.score))
        self._held += len(batch)
        if self._held >= HELD:
            self.flush()

    def flush(self) -> None:
        """Work off what waits; to be called before counts or panels are read."""
        if not self._held:
            return
        x, status, score = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting, self._held = [], 0
        u = self.domain.to_unit(x)
        self._count_places(u, status)
        if self.pairs:
            self._fill(u, score)

    def panel(self, pair: int) -> Array:
        """Largest error per cell, shape (cells, cells): rows along the second input; NaN where none."""
        self.flush()
        flat = self._seen[pair]
        return np.where(flat == -np.inf, np.nan, flat).reshape(self.cells, self.cells)

    def _fill(self, u: Array, score: Array) -> None:
        cell = np.clip((u.T * self.cells).astype(np.intp), 0, self.cells - 1)
        for panel, (i, j) in zip(self._seen, self.pairs, strict=True):
            np.maximum.at(panel, cell[j] * self.cells + cell[i], score)

    def _count_places(self, u: Array, status: NDArray[np.int8]) -> None:
        outside, failed = status == PointStatus.OUTSIDE, status == PointStatus.FAILED
        if self._detailed < DETAILED:
            self._detailed += len(u)
            self._add(self.evaluated, u[~outside])
        if outside.any():
            self._add(self.outside, u[outside])
        if failed.any():
            self._add(self.failed, u[failed])

    def _add(self, counts: NDArray[np.int64], u: Array) -> None:
        bins = np.clip((u * BINS).astype(np.int32), 0, BINS - 1)
        for axis in range(self.domain.d):
            counts[axis] += np.bincount(bins[:, axis], minlength=BINS)

    def _keep_rows(self, batch: Evaluations, score: Array) -> None:
        high = np.flatnonzero(score > self._bar)
        if not len(high):
            return
        rows = np.column_stack(
            [batch.x[high], batch.model[high], batch.reference[high], score[high], batch.output[high]]
        )
        self.rows.append(rows)
        if sum(map(len, self.rows)) > max(2 * ROWS, NUMBERS // rows.shape[1]):
            self._compact()

    def _keep_outputs(self, batch: Evaluations, ok: NDArray[np.bool_]) -> None:
        errors = self.error.by_output(batch.model[ok], batch.reference[ok], batch.x[ok])
        worst = np.nan_to_num(errors, nan=0.0, posinf=np.inf).max(axis=0)
        self.by_output = worst if self.by_output is None else np.maximum(self.by_output, worst)

    def _compact(self) -> None:
        """Keep the worst row of each cell of a coarse grid over all inputs: climbs end on one peak often."""
        rows = np.concatenate(self.rows)
        rows = rows[np.argsort(-rows[:, -2], kind="stable")]
        u = self.domain.to_unit(rows[:, : self.domain.d])
        along = max(4, round((2 * ROWS) ** (1 / self.domain.d)))
        # One number a cell: sorting numbers is ten times faster than sorting rows, and two cells share one
        # with a chance of 2^-62.
        weights = np.random.default_rng(0).integers(2**62, size=self.domain.d)
        first = np.unique(np.floor(u * along).astype(np.int64) @ weights, return_index=True)[1]
        rows = rows[np.sort(first)[:ROWS]]
        self.rows = [rows]
        if len(rows) == ROWS:
            self._bar = float(rows[-1, -2])

    def worst_rows(self) -> Array:
        """The worst rows, highest error first: inputs, model, reference, error, output."""
        if not self.rows:
            return np.empty((0, self.domain.d + 4))
        self._compact()
        return self.rows[0]
