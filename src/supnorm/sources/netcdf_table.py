"""Reads tables in NetCDF files: variables and coordinates, repeated over all dimensions that any of them has.

A row is an index along all of these dimensions; the last dimension of the file runs fastest. A dimension whose coordinate
is no input (time, if the inputs are lat and lon) still distinguishes rows: each row is compared, and its name contains the
coordinate.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.coordinates import Coordinate, over_rows
from supnorm.problem.rows import UNIT_OF_INPUT
from supnorm.results import BadInput, install
from supnorm.results.printable import first_line
from supnorm.sources.hdf5 import demand_sound
from supnorm.sources.netcdf_coordinates import calendar_of, coordinate, texts
from supnorm.sources.netcdf_whole import as_unsigned, demand_whole
from supnorm.sources.valid_range import default_fill, valid_range

Array = NDArray[np.float64]
MOST = 50_000_000  # largest number of rows: all of them are in memory with inputs and values


@dataclass(frozen=True, eq=False)
class Grid:
    """The dimensions that rows run through, in the order of the file.

    Attributes:
        sizes: the size of each dimension.
        texts: the coordinates of each dimension as text; empty for a dimension without coordinates.
        along: other coordinates along one dimension, as text, with the name of this dimension.
        narrow: the type of each column that is stored in less than double precision.
        filled: how many values of a column are the default fill value of its type, if the file names no other one.
        outside: how many values of a column are outside the range that the file calls valid, with that range in words.
        coordinates: those along these dimensions, and those without a dimension, exactly.
        dates: what the numbers 0 and 1 of a column of times stand for.
        units: the attribute ``units`` of columns that have one.
    """

    sizes: Mapping[str, int]
    texts: Mapping[str, Sequence[str]]
    along: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    narrow: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)
    outside: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    coordinates: Mapping[str, Coordinate] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def cells(self, row: int) -> dict[str, str]:
        """The coordinates of a row (from 0) as text; for a dimension without coordinates the index, from 1."""
        index = np.unravel_index(row, tuple(self.sizes.values()))
        at = {d: int(i) for d, i in zip(self.sizes, index, strict=True)}
        labels = {d: self.texts[d][i] if self.texts.get(d) else str(i + 1) for d, i in at.items()}
        return labels | {name: words[at[d]] for name, (d, words) in self.along.items()}


def names(path: Path, what: str) -> list[str]:
    """Names of variables and coordinates."""
    with _dataset(path, what) as data:
        if not data.variables and (groups := _groups(path)):
            raise BadInput(
                f"{what}: its variables are in groups ({', '.join(groups)}), which are not read: write one of them "
                "to a separate file"
            )
        return [str(name) for name in data.variables]


def _groups(path: Path) -> list[str]:
    """The groups of a file that can be opened."""
    try:
        import h5netcdf

        with h5netcdf.File(path, "r") as file:
            return [str(name) for name in file.groups][:10]
    except Exception:  # another package can read the file, but not this one
        return []


def numbers(path: Path, columns: Sequence[str], what: str) -> tuple[Array, Grid]:
    """The columns as numbers, shape ``(N, len(columns))``, and the grid that their rows run through.

    Raises:
        BadInput: for a variable without numbers, or more rows than `MOST`.
    """
    with _dataset(path, what) as data:
        variables = [data.variables[c] for c in columns]
        sizes = _sizes(data, variables, what)
        ranges = [valid_range(v, f"{what}: column {c}") for c, v in zip(columns, variables, strict=True)]
        given = zip(columns, variables, ranges, strict=True)
        table = [_column(path, v, c, valid, sizes, what) for c, v, valid in given]
        filled = {c: n for c, v in zip(columns, variables, strict=True) if (n := int(_default_fill(v).sum()))}
        labels = {d: texts(data.variables[d]) if d in data.variables else [] for d in sizes}
        along = {
            str(name): (str(c.dims[0]), texts(c.variable))
            for name, c in data.coords.items()
            if name not in columns and len(c.dims) == 1 and name not in sizes and str(c.dims[0]) in sizes
        }
        narrow = {c: kind for c, v in zip(columns, variables, strict=True) if (kind := _narrow(v))}
        outside = {
            c: (int(rows.sum()), f"{valid[0]:g} to {valid[1]:g}")
            for c, v, valid in zip(columns, variables, ranges, strict=True)
            if (rows := _outside(np.asarray(v.values), valid)).any()
        }
        return np.stack(table, axis=1), Grid(
            sizes,
            labels,
            along,
            narrow,
            filled,
            outside,
            _coordinates(path, data, sizes, what),
            *_facts(data, columns),
        )


def along(path: Path, columns: Sequence[str], values: Sequence[str], what: str) -> list[str]:
    """Those of the columns whose dimensions are all among those of the ``values``.

    Bounds of cells or a list of stations have a dimension of their own: as inputs they would repeat every row along it.
    """
    with _dataset(path, what) as data:
        there = {d for value in values for d in data.variables[value].dims}
        return [column for column in columns if {*data.variables[column].dims} <= there]


def each(path: Path, columns: Sequence[str], what: str) -> list[Array | None]:
    """Each column by itself as numbers, over its own dimensions; None for one that holds no numbers."""

    def one(data: Any, column: str) -> Array | None:
        variable = data.variables[column]
        try:
            valid = valid_range(variable, f"{what}: column {column}")
            return _column(path, variable, column, valid, _sizes(data, [variable], what), what)
        except BadInput:
            return None

    with _dataset(path, what) as data:
        return [one(data, column) for column in columns]


def cells(path: Path, columns: Sequence[str], grid: Grid, what: str) -> list[list[Any]]:
    """The columns over the rows of a grid, a list for each: numbers stay numbers, dates and everything else become text."""
    with _dataset(path, what) as data:
        columns_of_cells = []
        for column in columns:
            variable = data.variables[column]
            if not {*map(str, variable.dims)} <= {*grid.sizes}:
                raise BadInput(f"{what}: key {column} runs through dimensions that the values do not have")
            index = np.arange(max(math.prod(variable.shape), 1)).reshape(variable.shape)
            plain = variable.dtype.kind in "iuf" and " since " not in str(variable.attrs.get("units"))
            demand_whole(variable, functools.partial(_stored, path, column, what), f"{what}: column {column}")
            words = np.asarray(variable.values).ravel().tolist() if plain else texts(variable)
            if " since " in str(variable.attrs.get("units")):
                words = [None if word == "NaT" else word for word in words]
            every = over_rows(index, [str(d) for d in variable.dims], grid.sizes)
            columns_of_cells.append([words[i] for i in every.ravel()])
        return columns_of_cells


def key_types(path: Path, columns: Sequence[str], what: str) -> tuple[str, ...]:
    """The types of columns in less than double precision, empty for others."""
    with _dataset(path, what) as data:
        kinds = [np.dtype(data.variables[column].dtype) for column in columns]
        return tuple(str(kind) if kind.kind == "f" and kind.itemsize < 8 else "" for kind in kinds)


def units(path: Path, columns: Sequence[str], what: str) -> dict[str, str]:
    """The attribute ``units`` of columns that have one."""
    with _dataset(path, what) as data:
        return _facts(data, columns)[1]


def _sizes(data: Any, variables: Sequence[Any], what: str) -> dict[str, int]:
    used = {d for v in variables for d in v.dims}
    sizes = {str(d): int(n) for d, n in data.sizes.items() if d in used}
    for v in variables:
        if len(set(v.dims)) < len(v.dims):
            raise BadInput(
                f"{what}: a variable has the dimension {v.dims[0]} twice; rows cannot be made of it"
            )
    rows = math.prod(sizes.values())
    if rows > MOST:
        lengths = ", ".join(f"{d} = {n:,}" for d, n in sizes.items())
        raise BadInput(
            f"{what}: its columns run through {lengths}: {rows:,} rows; at most {MOST:,} can be read, so choose a part"
        )
    return sizes


def _column(
    path: Path, variable: Any, column: str, valid: tuple[float, float], sizes: Mapping[str, int], what: str
) -> Array:
    """One variable over all rows, shape ``(N,)``."""
    try:
        values = np.asarray(variable.values)
    except Exception as error:  # a damaged file makes the reader raise errors of many types
        raise BadInput(f"{what}: column {column} cannot be read: {first_line(error)}") from None
    if values.dtype.kind not in "fiu":
        kind = "text" if values.dtype.kind in "OSU" else values.dtype
        raise BadInput(f"{what}: column {column} contains {kind}, not numbers")
    flat = _unpacked(path, variable, column, values, what)
    missing = _default_fill(variable) | _outside(values, valid)
    demand_whole(
        variable, functools.partial(_stored, path, column, what), f"{what}: column {column}", missing, flat
    )
    if values.dtype.kind in "iu":
        large = (np.abs(flat) >= 2.0**53) & ~missing
        if (flat[large].astype(object) != values[large].astype(object)).any():
            raise BadInput(
                f"{what}: column {column}: double precision cannot represent all of its whole numbers (beyond 2^53); "
                "subtract an offset from it first"
            )
    return over_rows(np.where(missing, np.nan, flat), [str(d) for d in variable.dims], sizes).ravel()


def _unpacked(path: Path, variable: Any, column: str, values: NDArray[Any], what: str) -> Array:
    """Values in double precision; unpacked in it, too, where single precision makes one number of several steps."""
    scale = variable.encoding.get("scale_factor")
    known = values[np.isfinite(values)] if values.dtype == np.float32 and scale is not None else values[:0]
    if not known.size or np.spacing(np.abs(known).max()) <= 0.25 * abs(float(np.ravel(scale)[0])):
        return values.astype(np.float64)
    with _dataset(path, what, unpack=False) as data:
        stored = as_unsigned(np.asarray(data.variables[column].values), variable.encoding)
    offset = float(np.ravel(variable.encoding.get("add_offset", 0.0))[0])
    return np.where(
        np.isfinite(values), stored.astype(np.float64) * float(np.ravel(scale)[0]) + offset, np.nan
    )


def _default_fill(variable: Any) -> NDArray[np.bool_]:
    """Which values have the default fill value of their type, so that they are missing."""
    values, default = np.asarray(variable.values), default_fill(variable)
    if default is None or values.dtype.kind not in "fiu":
        return np.zeros(values.shape, dtype=bool)
    fill, room = default
    return np.asarray(np.abs(values - fill) <= room if room else values == fill)


def _outside(values: NDArray[Any], valid: tuple[float, float]) -> NDArray[np.bool_]:
    """Which values are outside the range that the file calls valid: by its conventions (CF) they are missing."""
    if valid == (-math.inf, math.inf) or values.dtype.kind not in "fiu":
        return np.zeros(values.shape, dtype=bool)
    return np.asarray((values < valid[0]) | (values > valid[1]))


def as_coordinate(path: Path, sizes: Mapping[str, int], what: str, name: str) -> Coordinate | None:
    """A variable that the file does not call a coordinate as one; None if there is none along dimensions of the rows."""
    with _dataset(path, what) as data:
        if name not in data.variables or not {*map(str, data.variables[name].dims)} <= {*sizes}:
            return None
        return _coordinate(path, data.variables[name], name, sizes, what)


def _coordinates(path: Path, data: Any, sizes: Mapping[str, int], what: str) -> dict[str, Coordinate]:
    """The coordinates whose dimensions are among those of the rows."""
    there = {str(name): data.variables[name] for name in data.coords}
    return {
        name: _coordinate(path, variable, name, sizes, what)
        for name, variable in there.items()
        if {*map(str, variable.dims)} <= {*sizes}
    }


def _coordinate(path: Path, variable: Any, name: str, sizes: Mapping[str, int], what: str) -> Coordinate:
    stored = functools.partial(_stored, path, name, what)
    try:
        demand_whole(variable, stored, f"{what}: coordinate {name}")
    except BadInput:
        if "scale_factor" in variable.encoding or "add_offset" in variable.encoding:
            raise
        variable = type(variable)(variable.dims, stored(), variable.attrs)
    return coordinate(variable, [*sizes])


def _stored(path: Path, name: str, what: str) -> NDArray[Any]:
    """A variable as it is stored: neither unpacked, nor without its fill values."""
    with _dataset(path, what, unpack=False) as data:
        return np.asarray(data.variables[name].values)


def _facts(data: Any, columns: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Dates of columns that are times, and units of columns, as `Grid` has them."""
    given = {c: data.variables[c].attrs.get("units") for c in columns}
    dates = {c: _counted(data.variables[c]) for c, unit in given.items() if " since " in str(unit)}
    return dates, {c: unit.strip() for c, unit in given.items() if isinstance(unit, str) and unit.strip()}


def same_for_all(grid: Grid, inputs: Sequence[str]) -> dict[str, str]:
    """Facts about the inputs in all rows of a file, by name: the dates and the calendar of times, the unit of others."""
    facts = {}
    for i, column in enumerate(inputs):
        if column in grid.dates:
            facts[f"the times of input {i + 1}"] = grid.dates[column]
        elif column in grid.units:
            facts[UNIT_OF_INPUT.format(i + 1)] = grid.units[column]
    return facts


def _counted(variable: Any) -> str:
    """The dates that the numbers 0 and 1 stand for, and the calendar if it is not the usual one."""
    calendar = calendar_of(variable)
    dates = texts(type(variable)(("n",), np.array([0.0, 1.0]), variable.attrs))
    return f"0 is {dates[0]} and 1 is {dates[1]}" + (
        "" if calendar == "standard" else f" of the calendar {calendar}"
    )


def _narrow(variable: Any) -> str:
    """The type of a variable in words, if it is stored in less than double precision."""
    packed, stored = (
        variable.encoding.get("scale_factor"),
        np.dtype(variable.encoding.get("dtype") or variable.dtype),
    )
    if packed is not None:
        return f"{stored} times {float(np.asarray(packed).ravel()[0]):g}"
    return str(stored) if stored.kind == "f" and stored.itemsize < 8 else ""


def _dataset(path: Path, what: str, unpack: bool = True) -> Any:
    try:
        import xarray
    except ImportError:
        raise BadInput(f"{what}: reading NetCDF needs xarray and h5netcdf: {install('fields')}") from None
    try:
        demand_sound(path)
        return xarray.open_dataset(path, decode_times=False, mask_and_scale=unpack)
    except Exception as error:  # a damaged file makes the reader raise errors of many types
        raise BadInput(f"{what} cannot be read as NetCDF: {first_line(error)}") from None
