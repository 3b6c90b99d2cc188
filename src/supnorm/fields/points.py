"""Describes places of a variable, with values from the data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.displacement import RADII, Move, best_move, nearest
from supnorm.fields.events import Event
from supnorm.fields.grid import Grid
from supnorm.fields.moments import added, time_text
from supnorm.fields.pairing import Pair
from supnorm.fields.reading import Reader
from supnorm.fields.sizes import FieldPoint
from supnorm.fields.state import FieldState
from supnorm.fields.times import moments
from supnorm.results.fields import EventRecord, FieldPointRecord, MoveRecord

PATCH = 12  # grid points around the peak in each direction
At = Mapping[str, str | float]


class Points:
    """Describes places of a variable, with values from the data."""

    def __init__(self, pair: Pair, state: FieldState) -> None:
        self._pair, self._state, self._reader = pair, state, Reader(pair)
        self._moments = _moments(pair)

    def at(self, key: int) -> At:
        """The coordinates of a place."""
        spot, pair = self._state.point(key, 0.0), self._pair
        found: dict[str, str | float] = {}
        for name, texts, index in (("init", pair.inits, spot.init), ("lead", pair.leads, spot.lead)):
            if texts[index]:
                found[name] = texts[index]
        if self._moments is not None and pair.leads != ("",):
            found["valid"] = time_text(added(self._moments[spot.init], pair.lead_values[spot.lead]))
        for name, texts, index in (
            ("level", pair.levels, spot.level),
            ("member", pair.members, spot.member),
        ):
            if texts[index]:
                found[name] = texts[index]
        return found | pair.grid.coordinates(spot.index)

    def fields(self, spot: FieldPoint) -> tuple[NDArray[Any], NDArray[Any]]:
        """Both fields of a place."""
        numbers = (spot.init, spot.lead, spot.level, spot.member)
        truth = self._reader.truth(*numbers)
        assert truth is not None  # it was compared
        return self._reader.prediction(*numbers), truth

    def point(self, spot: FieldPoint) -> FieldPointRecord:
        """Both values at a place."""
        prediction, truth = self.fields(spot)
        row, column = self._pair.grid.at(spot.index)
        p, t = float(prediction[row, column]), float(truth[row, column])
        periodic = self._pair.grid.periodic
        left = nearest(p, truth, row, column, periodic)
        found = best_move(prediction, truth, row, column, periodic)
        key = (
            self._state.sizes.unit(spot.init, spot.lead, spot.level, spot.member) * self._pair.grid.size
            + spot.index
        )
        scale = self._state.rms(spot.lead, spot.level)
        return FieldPointRecord(
            at=self.at(key),
            prediction=p,
            truth=t,
            error=abs(p - t),
            ratio=abs(p - t) / scale if scale > 0 else math.nan,
            unexplained={str(r): v for r, v in zip(RADII, left, strict=True)},
            cell=self._pair.grid.cell(row),
            moved=None if found is None else _moved(found, self._pair.grid, row, abs(p - t)),
        )

    def event(self, event: Event, pictured: bool) -> EventRecord:
        """An event with the values at its peak."""
        pair, grid = self._pair, self._pair.grid
        return EventRecord(
            peak=self.point(event.peak),
            points=event.points,
            area=event.area if grid.sphere else None,
            leads=(pair.leads[event.leads[0]], pair.leads[event.leads[1]]),
            levels=(pair.levels[event.levels[0]], pair.levels[event.levels[1]]),
            rows=(float(grid.y[event.rows[0]]), float(grid.y[event.rows[1]])),
            columns=(float(grid.x[event.columns[0]]), float(grid.x[event.columns[1]])),
            same_sign=event.same_sign,
            patch=self._patch(event.peak) if pictured else None,
        )

    def _patch(self, spot: FieldPoint) -> dict[str, Any]:
        grid = self._pair.grid
        row, column = grid.at(spot.index)
        rows = np.arange(max(row - PATCH, 0), min(row + PATCH + 1, grid.shape[0]))
        columns = np.arange(column - PATCH, column + PATCH + 1)
        columns = columns % grid.shape[1] if grid.periodic and grid.shape[1] > 2 * PATCH else columns
        columns = columns[(columns >= 0) & (columns < grid.shape[1])]
        prediction, truth = (_short(f[rows][:, columns]) for f in self.fields(spot))
        return {
            "y": grid.y[rows].tolist(),
            "x": grid.x[columns].tolist(),
            "prediction": prediction,
            "truth": truth,
        }


def _moved(found: Move, grid: Grid, row: int, error: float) -> MoveRecord:
    along, between = grid.spacing
    km = math.hypot(found.rows * between, found.columns * float(along[row]))
    known = grid.sphere and not 0 < km < 1e-6 * between  # columns of a pole are one place
    return MoveRecord(**vars(found), km=km if known else None, explains=found.explains(error))


def _short(values: NDArray[Any]) -> list[list[float | None]]:
    """Numbers with five digits, for a picture."""
    return [
        [float(f"{v:.5g}") if math.isfinite(v) else None for v in row]
        for row in values.astype(float).tolist()
    ]


def _moments(pair: Pair) -> list[Any] | None:
    """When the forecasts begin, to which lead times can be added."""
    found = moments(pair.prediction, pair.name)
    clock = pair.prediction.clock()
    return None if clock is None or found is None or isinstance(found[0], str) else found
