"""Listens at the door and keeps what pages need, in memory that does not grow with the evaluations.

* the largest error in each cell of a grid over each pair of inputs (everything evaluated counts),
* where points had no value, along each input,
* the rows with the largest errors, spread over the box, for retraining.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation import Evaluations, PointStatus
from supnorm.problem import Domain, ErrorMeasure

Array = NDArray[np.float64]
BINS = 40
HELD = 8192  # rows that are worked off at once
NUMBERS = 150_000  # held in rows before they are thinned: about 1 MB
ROWS = 2000  # worst rows kept before thinning
TABLE = 1 << 18  # cells of the grid over all inputs that are looked up in a table
DETAILED = 32_768  # evaluations whose place along each input is counted; later ones only when they fail


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
        self._kept: list[list[NDArray[Any]]] = []
        self._rows_kept = 0
        self.error = error
        self._by_output: Array | None = None
        self._bar = -np.inf
        self._lowest = -np.inf
        self._waiting: list[tuple[NDArray[Any], ...]] = []
        self._held = self._width = 0

    def __call__(self, batch: Evaluations) -> None:
        """Take a batch in."""
        # Climbs come in small batches: a few thousand rows at once cost little more than a hundred.
        width = batch.model.shape[1]
        if self._waiting and width != self._width:
            self.flush()
        self._waiting.append(
            (batch.x, batch.model, batch.reference, batch.score[:, None], batch.output[:, None], batch.status)
        )
        self._width = width
        self._held += len(batch)
        if self._held >= HELD or self._held * width >= NUMBERS:
            self.flush()

    def flush(self) -> None:
        """Work off what waits; to be called before counts or panels are read."""
        if not self._held:
            return
        *columns, status = (np.concatenate(part) for part in zip(*self._waiting, strict=True))
        self._waiting, self._held = [], 0
        x, score = columns[0], columns[3][:, 0]
        self._keep_rows(columns, score)
        if self._width > 1:
            self._keep_outputs(columns, status)
        if self._detailed < DETAILED or status.any():
            self._count_places(self.domain.to_unit(x), status)
        # Once every cell of every panel holds an error, many points are too small to change any.
        high = np.flatnonzero(score > self._lowest)
        if self.pairs and len(high):
            self._fill(self.domain.to_unit(x[high]), score[high])

    @property
    def by_output(self) -> Array | None:
        """Largest error of each output; None for a single output."""
        self.flush()
        return self._by_output

    def panel(self, pair: int) -> Array:
        """Largest error per cell, shape (cells, cells): rows along the second input; NaN where none."""
        self.flush()
        flat = self._seen[pair]
        return np.where(flat == -np.inf, np.nan, flat).reshape(self.cells, self.cells)

    def _fill(self, u: Array, score: Array) -> None:
        cell = np.clip((u.T * self.cells).astype(np.intp), 0, self.cells - 1)
        rows = cell * self.cells
        for panel, (i, j) in zip(self._seen, self.pairs, strict=True):
            np.maximum.at(panel, rows[j] + cell[i], score)
        self._lowest = float(self._seen.min())

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
        bins += BINS * np.arange(self.domain.d, dtype=np.int32)
        counts += np.bincount(bins.ravel(), minlength=counts.size).reshape(counts.shape)

    def _keep_rows(self, columns: list[NDArray[Any]], score: Array) -> None:
        high = np.flatnonzero(score > self._bar)
        if not len(high):
            return
        self._kept.append(columns if len(high) == len(score) else [column[high] for column in columns])
        self._rows_kept += len(high)
        width = sum(column.shape[1] for column in columns)
        if self._rows_kept > max(2 * ROWS, NUMBERS // width):
            self._compact()

    def _keep_outputs(self, columns: list[NDArray[Any]], status: NDArray[np.int8]) -> None:
        ok = status == PointStatus.OK
        if not ok.any():
            return
        errors = self.error.by_output(columns[1][ok], columns[2][ok], columns[0][ok])
        worst = np.nan_to_num(errors, nan=0.0, posinf=np.inf).max(axis=0)
        self._by_output = worst if self._by_output is None else np.maximum(self._by_output, worst)

    def _compact(self) -> None:
        """Keep the worst row of each cell of a coarse grid over all inputs: climbs end on one peak often."""
        columns = [np.concatenate(parts) for parts in zip(*self._kept, strict=True)]
        score = columns[3][:, 0]
        keep = _worst_of_cells(self.domain.to_unit(columns[0]), score)
        if len(keep) > ROWS:
            keep = keep[np.argpartition(-score[keep], ROWS)[:ROWS]]
            self._bar = float(score[keep].min())
        self._kept, self._rows_kept = [[column[keep] for column in columns]], len(keep)

    def worst_rows(self) -> Array:
        """The worst rows, highest error first: inputs, model, reference, error, output."""
        self.flush()
        if not self._kept:
            return np.empty((0, self.domain.d + 4))
        self._compact()
        rows = np.concatenate(self._kept[0], axis=1)
        return rows[np.argsort(-rows[:, -2], kind="stable")]


def _worst_of_cells(u: Array, score: Array) -> NDArray[np.intp]:
    """The row with the largest error in each cell of a grid of about ``2 * ROWS`` cells over all inputs."""
    d = u.shape[1]
    along = max(4, round((2 * ROWS) ** (1 / d)))
    place = np.clip((u * along).astype(np.int64), 0, along - 1)
    if along**d <= TABLE:
        size, cell = along**d, place @ along ** np.arange(d)
    else:
        # One number a cell, and two cells share one with a chance of 2^-62; then counted through.
        weights = np.random.default_rng(0).integers(2**62, size=d)
        names, cell = np.unique(place @ weights, return_inverse=True)
        size = len(names)
    top = np.full(size, -np.inf)
    np.maximum.at(top, cell, score)
    best = np.flatnonzero(score == top[cell])
    one = np.full(size, -1, dtype=np.intp)
    one[cell[best]] = best  # of equal errors one
    return one[one >= 0]
