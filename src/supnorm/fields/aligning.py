"""The grid of a prediction, and how the grid of the truth is turned into it: by flips and shifts, never by interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.grid import Grid
from supnorm.fields.roles import UNITS
from supnorm.problem.narrower import in_narrower
from supnorm.results import BadInput
from supnorm.results.printable import one_line

Array = NDArray[np.float64]
CLOSE = 1e-3  # of a cell: coordinates that differ by less are the same; 32-bit longitudes differ by 1e-5 of a cell
# Of a cell: single precision is taken for the reason of a difference where its unit is at most so much. Axes in steps of
# 0.001 degrees near 180 have units of 0.015 cells; half a cell, a grid with other points, is far beyond.
FINE = 0.05
LATITUDES, LONGITUDES = ("lat", "latitude"), ("lon", "longitude")


@dataclass(frozen=True)
class Turn:
    """How a field of the truth is turned into the prediction's grid: rows reversed, columns reversed, then shifted.

    Where no shift does it, ``at`` has the number in the truth of each column.
    """

    rows: bool = False
    columns: bool = False
    shift: int = 0
    at: tuple[int, ...] = ()

    def __call__(self, field: NDArray[Any]) -> NDArray[Any]:
        """The field, whose last two dimensions are rows and columns."""
        field = field[..., ::-1, :] if self.rows else field
        field = field[..., ::-1] if self.columns else field
        field = field[..., list(self.at)] if self.at else field
        return np.roll(field, -self.shift, axis=-1) if self.shift else field


def grid_of(variable: Any, roles: dict[str, str], area: bool, weights: Any, what: str) -> Grid:
    """The grid of a variable.

    Args:
        area: whether rows of latitudes are weighed by their area.
        weights: of each row, instead; None for none.

    Raises:
        BadInput: for coordinates or weights that fit no grid.
    """
    names = [next(d for d, role in roles.items() if role == axis) for axis in ("y", "x")]
    y, x = (coordinate(variable, d, what) for d in names)
    sphere = _is_sphere(variable, names[0], names[1], y, what)
    given = np.empty(0) if weights is None else np.asarray(_of_rows(weights, names[0], y), dtype=float)
    if given.ndim == 2 and given.shape == (len(y), len(x)):
        if not np.allclose(given, given[:, :1], rtol=1e-6, equal_nan=False):
            raise BadInput("weights: the weights of one row differ; only weights of rows are read")
        given = given[:, 0]
    if sphere:
        grid = Grid.sphere_of(y, x, (names[0], names[1]), area)
        return Grid(y, x, grid.names, given if given.size else grid.weights, grid.periodic, True)
    return Grid(y, x, (names[0], names[1]), given)


def _of_rows(weights: Any, name: str, y: Array) -> Any:
    """Weights in the order of the rows ``y``: labelled ones may have another one.

    Raises:
        BadInput: where the labels are not those of the rows.
    """
    labels = getattr(weights, "coords", {}).get(name)
    if labels is None:
        return weights
    there = np.asarray(labels.values, dtype=float)
    order, rows = np.argsort(there, kind="stable"), np.argsort(np.argsort(y, kind="stable"), kind="stable")
    if there.shape != y.shape or not np.allclose(there[order], np.sort(y), rtol=0.0, atol=1e-6 * np.ptp(y)):
        raise BadInput(f"weights: their {one_line(name, 40)} is not that of the fields")
    return weights.isel({name: order[rows]})


def coordinate(variable: Any, dimension: str, what: str) -> Array:
    """The numbers of a coordinate, or those of the points where there is none.

    Raises:
        BadInput: for coordinates that are no finite numbers.
    """
    if dimension not in variable.coords:
        return np.arange(float(variable.sizes[dimension]))
    values = np.asarray(variable.coords[dimension].values)
    if values.ndim != 1 or values.dtype.kind not in "fiu" or not np.isfinite(values).all():
        raise BadInput(f"{what}: the coordinate {dimension} must have finite numbers, got {values.dtype}")
    return values.astype(np.float64)


def _is_sphere(variable: Any, y: str, x: str, values: Array, what: str) -> bool:
    """Whether rows and columns are latitudes and longitudes in degrees.

    Raises:
        BadInput: for such in radians: their areas and distances would be those of a few degrees at the equator.
    """

    def degrees(dimension: str, names: tuple[str, ...], standard: str) -> bool:
        attributes = variable.coords[dimension].attrs if dimension in variable.coords else {}
        if str(attributes.get("units", "")).strip().lower().startswith("rad"):
            raise BadInput(
                f"{what}: the coordinate {dimension} is in radians; areas and distances need degrees: convert it, as with "
                f"data.assign_coords({dimension}=np.degrees(data[{dimension!r}]))"
            )
        return (
            dimension.lower() in names
            or attributes.get("standard_name") == standard
            or any(pattern.match(str(attributes.get("units", ""))) for pattern, _ in UNITS)
        )

    named = degrees(y, LATITUDES, "latitude") and degrees(x, LONGITUDES, "longitude")
    return named and y in variable.coords and bool(np.abs(values).max() <= 90.0 + 1e-6)


def turn_of(
    grid: Grid, y: Array, x: Array, notes: list[str], single: tuple[bool, bool] = (False, False)
) -> Turn:
    """How the truth, with these coordinates, is turned.

    Args:
        notes: gets a sentence for each turn.
        single: whether one side has rows, and columns, in single precision.

    Raises:
        BadInput: when the grids differ by more than an order.
    """
    if (len(y), len(x)) != grid.shape:
        raise BadInput(
            f"the prediction has {grid.shape[0]} by {grid.shape[1]} grid points and the truth {len(y)} by {len(x)}: bring "
            "one to the grid of the other first (nothing is interpolated here)"
        )
    rows = not _same(grid.y, y, single[0])
    if rows and not _same(grid.y, y[::-1], single[0]):
        raise _differ(grid.names[0], grid.y, y)
    if rows:
        notes.append(
            f"The rows ({grid.names[0]}) of the truth run in the other direction; they were reversed."
        )
    if _same(grid.x, x, single[1]):
        return Turn(rows)
    if grid.sphere:
        shift = int(np.argmin(np.abs(_angle(x - grid.x[0]))))
        if _same_angle(grid.x, np.roll(x, -shift), single[1]):
            if shift:
                notes.append(
                    f"The longitudes of the truth begin at {x[0]:g}; they were shifted to begin at {grid.x[0]:g}."
                )
            else:
                notes.append("The longitudes of prediction and truth differ by multiples of 360 degrees.")
            return Turn(rows, False, shift)
        if at := _by_angle(grid.x, x, single[1]):
            unused = [f"{v:g}" for k, v in enumerate(x) if k not in at]
            notes.append(
                f"The longitudes of the truth go from {x[0]:g} to {x[-1]:g}; each column of the prediction was compared "
                "with that of its longitude modulo 360 degrees."
                + (
                    f" The truth has the column {', '.join(unused)} twice: it was read once."
                    if unused
                    else ""
                )
            )
            return Turn(rows, False, 0, at)
    if _same(grid.x, x[::-1], single[1]):
        notes.append(
            f"The columns ({grid.names[1]}) of the truth run in the other direction; they were reversed."
        )
        return Turn(rows, True)
    raise _differ(grid.names[1], grid.x, x)


def _by_angle(a: Array, b: Array, single: bool) -> tuple[int, ...]:
    """The number in the longitudes ``b`` of each longitude of ``a``; empty unless all of both have a partner."""
    step = float(np.abs(np.diff(a)).min()) if len(a) > 1 else 1.0
    room = _room(np.append(a, b), step, single)
    at, back = _nearest(a, b), _nearest(b, a)
    apart = max(np.abs(_angle(a - b[at])).max(), np.abs(_angle(b - a[back])).max())
    return tuple(at.tolist()) if apart <= room else ()


def _nearest(a: Array, b: Array) -> NDArray[np.intp]:
    """The number of the longitude among ``b`` that is nearest to each of ``a``."""
    order = np.argsort(b % 360.0, kind="stable")
    k = np.searchsorted(b[order] % 360.0, a % 360.0)
    sides = order[np.stack([(k - 1) % len(b), k % len(b)])]
    closer = np.abs(_angle(b[sides] - a)).argmin(axis=0)
    nearest: NDArray[np.intp] = sides[closer, np.arange(len(a))]
    return nearest


def _same(a: Array, b: Array, single: bool) -> bool:
    step = float(np.abs(np.diff(a)).min()) if len(a) > 1 else max(abs(float(a[0])), 1.0)
    if np.abs(a - b).max() <= _room(a, step, single):
        return True
    narrow = in_narrower([a, b], np.float32) if single else None
    return narrow is not None and np.array_equal(narrow[0], narrow[1])


def room_of(values: Array, single: bool) -> float:
    """How far a coordinate may be from the number that it stands for."""
    return _room(values, float(np.abs(np.diff(values)).min()) if len(values) > 1 else 0.0, single)


def _room(a: Array, step: float, single: bool) -> float:
    """How far two coordinates that are the same may be apart, with steps of this size."""
    unit = float(np.spacing(np.float32(np.abs(a).max()))) if single else 0.0
    return max(CLOSE * step, unit if unit <= FINE * step else 0.0)


def _angle(values: Array) -> Array:
    turned: Array = (values + 180.0) % 360.0 - 180.0
    return turned


def _same_angle(a: Array, b: Array, single: bool) -> bool:
    step = float(np.abs(np.diff(a)).min()) if len(a) > 1 else 1.0
    # Longitudes from 180 on have twice the unit of those that are less by 360.
    return bool(np.abs(_angle(a - b)).max() <= _room(np.append(a, b), step, single))


def nearly(a: NDArray[Any], b: NDArray[Any], circular: bool) -> bool:
    """Whether numbers over rows and columns differ by no more than coordinates of a grid may.

    A cell is here the usual difference of neighbours, along the axis in which it is larger.

    Args:
        a, b: of the same shape, with one axis or two.
        circular: whether they are longitudes, the same after 360 degrees.
    """
    a, b = a.astype(np.float64), b.astype(np.float64)
    other = ~np.isfinite(a) | ~np.isfinite(b)
    if not np.array_equal(a[other], b[other], equal_nan=True):
        return False
    with np.errstate(invalid="ignore"):
        steps = [np.diff(a, axis=axis) for axis in range(a.ndim)]
        apart = a - b
        if circular:
            steps, apart = [*map(_angle, steps)], _angle(apart)
    sizes = [np.abs(step[np.isfinite(step)]) for step in steps]
    cell = max((float(np.median(size)) for size in sizes if size.size), default=0.0)
    return bool((np.abs(apart[np.isfinite(a)]) <= CLOSE * cell).all())


def _differ(name: str, mine: Array, other: Array) -> BadInput:
    ends = [f"{v[0]:.7g} to {v[-1]:.7g}" for v in (mine, other)]
    if ends[0] == ends[1]:
        at = int(np.argmax(np.abs(mine - other)))
        ends = [
            f"{text} ({v[at]:.12g} at position {at + 1})" for text, v in zip(ends, (mine, other), strict=True)
        ]
    return BadInput(
        f"the coordinate {name} differs: the prediction has {ends[0]}, the truth {ends[1]}: bring one to the grid of the "
        "other first (nothing is interpolated here)"
    )
