"""Reads tables in NetCDF files: variables and coordinates, repeated over all dimensions that any of them has.

A row is an index along all of these dimensions; the last dimension of the file runs fastest. A dimension whose coordinate
is no input (time, if the inputs are lat and lon) still distinguishes rows: each row is compared, and its name contains the
coordinate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.rows import UNIT_OF_INPUT
from supnorm.results import BadInput, install
from supnorm.results.printable import first_line
from supnorm.sources.hdf5 import demand_sound
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
        single: coordinates without a dimension, as text.
        dates: what the numbers 0 and 1 of a column of times stand for.
        units: the attribute ``units`` of columns that have one.
    """

    sizes: Mapping[str, int]
    texts: Mapping[str, Sequence[str]]
    along: Mapping[str, tuple[str, Sequence[str]]] = field(default_factory=dict)
    narrow: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)
    outside: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    single: Mapping[str, str] = field(default_factory=dict)
    dates: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def cells(self, row: int) -> dict[str, str]:
        """The coordinates of a row (from 0) as text; for a dimension without coordinates the index, from 1."""
        index = np.unravel_index(row, tuple(self.sizes.values()))
        at = {d: int(i) for d, i in zip(self.sizes, index, strict=True)}
        labels = {d: self.texts[d][i] if self.texts.get(d) else str(i + 1) for d, i in at.items()}
        return labels | {name: texts[at[d]] for name, (d, texts) in self.along.items()}


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
        table = [_column(v, c, valid, sizes, what) for c, v, valid in given]
        filled = {c: n for c, v in zip(columns, variables, strict=True) if (n := int(_default_fill(v).sum()))}
        texts = {d: _texts(data.variables[d]) if d in data.variables else [] for d in sizes}
        along = {
            str(name): (str(c.dims[0]), _texts(c.variable))
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
            sizes, texts, along, narrow, filled, outside, *_facts(data, columns)
        )


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
            texts = np.asarray(variable.values).ravel().tolist() if plain else _texts(variable)
            every = _broadcast(index, [str(d) for d in variable.dims], grid.sizes)
            columns_of_cells.append([texts[i] for i in every.ravel()])
        return columns_of_cells


def units(path: Path, columns: Sequence[str], what: str) -> dict[str, str]:
    """The attribute ``units`` of columns that have one."""
    with _dataset(path, what) as data:
        return _facts(data, columns)[2]


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
    variable: Any, column: str, valid: tuple[float, float], sizes: Mapping[str, int], what: str
) -> Array:
    """One variable over all rows, shape ``(N,)``."""
    try:
        values = np.asarray(variable.values)
    except Exception as error:  # a damaged file makes the reader raise errors of many types
        raise BadInput(f"{what}: column {column} cannot be read: {first_line(error)}") from None
    if values.dtype.kind not in "fiu":
        kind = "text" if values.dtype.kind in "OSU" else values.dtype
        raise BadInput(f"{what}: column {column} contains {kind}, not numbers")
    flat, missing = values.astype(np.float64), _default_fill(variable) | _outside(values, valid)
    if values.dtype.kind in "iu":
        large = (np.abs(flat) >= 2.0**53) & ~missing
        if (flat[large].astype(object) != values[large].astype(object)).any():
            raise BadInput(
                f"{what}: column {column}: double precision cannot represent all of its whole numbers (beyond 2^53); "
                "subtract an offset from it first"
            )
    return _broadcast(np.where(missing, np.nan, flat), [str(d) for d in variable.dims], sizes).ravel()


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


def _facts(data: Any, columns: Sequence[str]) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Coordinates without a dimension, dates of columns that are times, and units of columns, as `Grid` has them."""
    single = {str(n): _texts(data.variables[n])[0] for n, c in data.coords.items() if not c.dims}
    given = {c: data.variables[c].attrs.get("units") for c in columns}
    dates = {c: _counted(data.variables[c]) for c, unit in given.items() if " since " in str(unit)}
    return (
        single,
        dates,
        {c: unit.strip() for c, unit in given.items() if isinstance(unit, str) and unit.strip()},
    )


def same_for_all(grid: Grid, inputs: Sequence[str]) -> dict[str, str]:
    """Facts that hold for all rows of a file, by name: coordinates without a dimension (such as one level), and the dates
    and the calendar of the times among the inputs, or their unit.
    """
    texts = {name: text for name, text in grid.single.items() if name not in inputs}
    for i, column in enumerate(inputs):
        if column in grid.dates:
            texts[f"the times of input {i + 1}"] = grid.dates[column]
        elif column in grid.units:
            texts[UNIT_OF_INPUT.format(i + 1)] = grid.units[column]
    return texts


def _counted(variable: Any) -> str:
    """The dates that the numbers 0 and 1 stand for, and the calendar if it is not the usual one."""
    calendar = str(variable.attrs.get("calendar", "standard")).lower()
    dates = _texts(type(variable)(("n",), np.array([0.0, 1.0]), variable.attrs))
    usual = calendar in ("standard", "gregorian", "proleptic_gregorian")
    return f"0 is {dates[0]} and 1 is {dates[1]}" + ("" if usual else f" of the calendar {calendar}")


def _broadcast(values: NDArray[Any], dims: Sequence[str], sizes: Mapping[str, int]) -> NDArray[Any]:
    order = [d for d in sizes if d in dims]
    turned = values.transpose([list(dims).index(d) for d in order])
    shape = [n if d in dims else 1 for d, n in sizes.items()]
    return np.broadcast_to(turned.reshape(shape), tuple(sizes.values()))


def _texts(variable: Any) -> list[str]:
    """Values as text; times become dates if the file's units define them."""
    since, values = variable.attrs.get("units"), np.asarray(_decoded(variable)).ravel()
    # A calendar that no installed package knows.
    if isinstance(since, str) and " since " in since and values.dtype.kind in "iuf":
        return [f"{v:.15g} {since}" for v in values.tolist()]
    if values.dtype.kind == "M":
        return [_date(str(v)) for v in np.datetime_as_string(values.astype("datetime64[s]"))]
    if values.dtype.kind == "f":
        single = 7 if values.dtype.itemsize <= 4 else 15
        return [f"{v:.{single}g}" for v in values.tolist()]
    if values.dtype.kind == "S":
        return [v.decode("utf-8", "replace").strip() for v in values.tolist()]
    return [_date(str(v).replace(" ", "T")) if hasattr(v, "calendar") else str(v) for v in values.tolist()]


def _decoded(variable: Any) -> Any:
    since = variable.attrs.get("units")
    if isinstance(since, str) and " since " in since:
        import xarray

        try:
            return xarray.conventions.decode_cf_variable("time", variable).values
        except Exception:  # a calendar or unit that cannot be read: keep the numbers
            return variable.values
    return variable.values


def _date(text: str) -> str:
    """A date as text; the time of day is left out if it is midnight."""
    return text.removesuffix("T00:00:00")


def _narrow(variable: Any) -> str:
    """The type of a variable in words, if it is stored in less than double precision."""
    packed, stored = (
        variable.encoding.get("scale_factor"),
        np.dtype(variable.encoding.get("dtype") or variable.dtype),
    )
    if packed is not None:
        return f"{stored} times {float(np.asarray(packed).ravel()[0]):g}"
    return str(stored) if stored.kind == "f" and stored.itemsize < 8 else ""


def _dataset(path: Path, what: str) -> Any:
    try:
        import xarray
    except ImportError:
        raise BadInput(f"{what}: reading NetCDF needs xarray and h5netcdf: {install('fields')}") from None
    try:
        demand_sound(path)
        return xarray.open_dataset(path, decode_times=False)
    except Exception as error:  # a damaged file makes the reader raise errors of many types
        raise BadInput(f"{what} cannot be read as NetCDF: {first_line(error)}") from None
