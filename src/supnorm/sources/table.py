"""Opens tables of computed values (CSV, Parquet, NetCDF). They are known at their rows only: statistics, no search.

``inputs`` names the columns of the axes (by default the axis names), ``outputs`` the columns of the values, ``key`` the
columns that decide which rows of two tables belong together. The other columns are read for the rows that are shown.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function
from supnorm.problem.rows import LookUp, Rows, rounding_words
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.results.suggestion import did_you_mean
from supnorm.sources import csv_table, netcdf_table, parquet_table

Array = NDArray[np.float64]
SUFFIXES = (".csv", ".parquet", ".nc")
SHOWN_COLUMNS = 40  # largest number of other columns that are shown for a row
WIDTH = 80  # largest number of characters of a cell that are shown


class GuessedInputs(SourceSpec):
    """A table without a problem file whose inputs nobody named: they are all other columns of numbers."""


def open_table(path: Path, spec: SourceSpec, names: tuple[str, ...], where: str) -> Function:
    """A table as a `Function` that has values at its own points, its ``table`` and its ``rows``.

    A row may lack an input, which is then NaN. A table with a key may lack all inputs; then the other table has them.

    Raises:
        BadInput: for a missing column, or a cell that is no number.
    """
    what = f'{where} file = "{spec.file}"'
    inputs, key = list(spec.inputs or names), key_of(spec)
    if len(inputs) != len(names):
        raise BadInput(
            f"{where} inputs = {inputs} names {len(inputs)} columns, the domain has {len(names)} axes"
        )
    there = column_names(path, what)
    if key and spec.inputs is None and not {*inputs} & {*there}:
        inputs = []
    outputs = spec.outputs or _only_other(there, [*inputs, *key], what)
    read = _read(path, [*inputs, *outputs], there, what)
    values = read.data[:, len(inputs) :]
    points = read.data[:, : len(inputs)] if inputs else np.full((len(values), len(names)), np.nan)
    points = np.where(np.isfinite(points), points, np.nan)
    rows = Rows(
        name=path.name,
        source=path.resolve(),
        lines=read.lines,
        texts=functools.partial(_other_cells, path, [*inputs, *outputs], read.grid, what),
        groups=_groups(path, spec, read, what),
        stored=read.stored(inputs),
        guessed=isinstance(spec, GuessedInputs),
        **read.of_grid(path, inputs, what),
        **(_keys(path, key, read, what) if key else {}),
    )
    notes = (
        f"{path.name} is a table of values: statistics only, nothing was searched",
        *(
            f"{path.name}: {column} is stored as {kind}: {rounding_words(kind)}"
            for column, kind in read.narrow.items()
        ),
        *(
            f"{path.name}: {count:,} values of {column} are NetCDF's default fill value: they count as missing"
            for column, count in (read.grid.filled if read.grid else {}).items()
        ),
        *(
            f"{path.name}: {count:,} values of {column} are outside the range that the file calls valid, {valid}: they "
            "count as missing"
            for column, (count, valid) in (read.grid.outside if read.grid else {}).items()
        ),
    )
    units = {name: unit for name, unit in read.grid.units.items() if name in outputs} if read.grid else {}
    return Function(
        LookUp(points, values),
        inputs=tuple(names),
        outputs=tuple(outputs),
        output_units=tuple(units.get(o, "") for o in outputs) if units else (),
        name=spec.name or f"{path.name}: {', '.join(outputs[:3])}{', ...' if len(outputs) > 3 else ''}",
        notes=notes,
        table=(points, values),
        rows=rows,
    )


def key_of(spec: SourceSpec) -> tuple[str, ...]:
    """The columns of a key; empty without one."""
    return (spec.key,) if isinstance(spec.key, str) else tuple(spec.key or ())


def read_columns(path: Path, columns: Sequence[str], what: str) -> Array:
    """The named columns of a table, shape ``(N, len(columns))``; empty cells are NaN.

    Args:
        path: a .csv, .parquet or .nc file.
        columns: their names.
        what: file and key, for messages.
    """
    return _read(path, columns, column_names(path, what), what).data


def column_names(path: Path, what: str) -> list[str]:
    """The names of the columns of a table."""
    readers = {".csv": csv_table.names, ".parquet": parquet_table.names, ".nc": netcdf_table.names}
    return readers[path.suffix.lower()](path, what)


@dataclass(frozen=True, eq=False)
class _Read:
    """Columns of a table: numbers ``(N, k)``, the lines in which rows begin, and the types of columns of low precision."""

    data: Array
    lines: NDArray[np.int64] | None = None
    grid: netcdf_table.Grid | None = None
    narrow: dict[str, str] = field(default_factory=dict)

    def of_grid(self, path: Path, inputs: Sequence[str], what: str) -> dict[str, Any]:
        """What `Rows` says of a NetCDF file besides."""
        if (grid := self.grid) is None:
            return {}
        return {
            "sizes": grid.sizes,
            "coordinates": grid.coordinates,
            "variable": functools.partial(netcdf_table.as_coordinate, path, grid.sizes, what),
            "inputs": tuple(inputs),
            "same": netcdf_table.same_for_all(grid, inputs),
        }

    def stored(self, columns: Sequence[str]) -> tuple[str, ...]:
        """The types of columns, empty for double precision."""
        return tuple(self.narrow.get(column, "") for column in columns)


def _read(path: Path, columns: Sequence[str], there: Sequence[str], what: str) -> _Read:
    demand_columns(columns, there, what)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        data, lines = csv_table.numbers(path, columns, what)
        usual = np.array_equal(lines, np.arange(2, len(lines) + 2))
        read = _Read(data, None if usual else lines)
    elif suffix == ".parquet":
        data, narrow = parquet_table.numbers(path, columns, what)
        read = _Read(data, narrow=narrow)
    else:
        data, grid = netcdf_table.numbers(path, columns, what)
        read = _Read(data, grid=grid, narrow=dict(grid.narrow))
    if not len(read.data):
        raise BadInput(f"{what}: the table has no rows")
    return read


def _groups(path: Path, spec: SourceSpec, read: _Read, what: str) -> dict[str, list[str]]:
    """The cells, as text, of the columns by whose values errors are reported."""
    by = (spec.by,) if isinstance(spec.by, str) else tuple(spec.by or ())
    if not by:
        return {}
    columns = _cells_of(path, by, read, what)
    return {name: group_names(cells) for name, cells in zip(by, columns, strict=True)}


def group_names(cells: Sequence[Any]) -> list[str]:
    """The name of the group of each cell: short and printable, and another one for every other cell.

    >>> group_names(["north", None, "(empty)", "north"])
    ['north', '(empty)', '(empty) (2)', 'north']
    """
    names: dict[str | None, str] = {None: "(empty)"}
    taken, groups = {"(empty)"}, []
    for cell in cells:
        text = None if cell is None or cell != cell or not (plain := str(cell)) else plain
        if text not in names:
            name, free, count = _clean(text or "") or "(empty)", "", 1
            while (free := name if count == 1 else f"{name} ({count})") in taken:
                count += 1
            taken.add(free)
            names[text] = free
        groups.append(names[text])
    return groups


def _cells_of(path: Path, names: Sequence[str], read: _Read, what: str) -> Sequence[Sequence[Any]]:
    """The cells of some columns in each row, as they are."""
    demand_columns(names, column_names(path, what), what)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return csv_table.texts(path, names, what)
    if suffix == ".parquet":
        return parquet_table.cells(path, names, what)
    assert read.grid is not None
    return netcdf_table.cells(path, names, read.grid, what)


def _keys(path: Path, key: tuple[str, ...], read: _Read, what: str) -> dict[str, Any]:
    """What `Rows` says of a key: the cells in each row, and how they are stored.

    Raises:
        BadInput: for a missing column, or a row without a value in the key.
    """
    demand_columns(key, column_names(path, what), what)
    parquet = path.suffix.lower() == ".parquet"
    cells_of_key = parquet_table.key_cells(path, key, what) if parquet else _cells_of(path, key, read, what)
    columns = [_stripped(cells) for cells in cells_of_key]
    for name, cells in zip(key, columns, strict=True):
        empty = next((i for i, cell in enumerate(cells) if cell is None or cell == "" or cell != cell), None)
        if empty is not None:
            raise BadInput(
                f"{what}: row {empty + 1} has no value in the key {name}; fill it, or leave the row out"
            )
    return {"key": key, "keys": [*zip(*columns, strict=True)], "key_types": _key_types(path, key, what)}


def _key_types(path: Path, key: Sequence[str], what: str) -> tuple[str, ...]:
    readers = {".parquet": parquet_table.key_types, ".nc": netcdf_table.key_types}
    read = readers.get(path.suffix.lower())
    return () if read is None else read(path, key, what)


def _stripped(cells: Sequence[Any]) -> Sequence[Any]:
    """Cells without the blanks around text, as those of a CSV file are, if that keeps different cells different."""
    plain = [cell.strip() if isinstance(cell, str) else cell for cell in cells]
    return plain if len({*plain}) == len({*cells}) else cells


def _other_cells(
    path: Path, used: Sequence[str], grid: netcdf_table.Grid | None, what: str, rows: Sequence[int]
) -> list[dict[str, str]]:
    """The other columns in some rows, as text of at most `WIDTH` characters; empty if the file has changed."""
    if not rows:
        return []
    if grid is not None:
        return [_shown({k: v for k, v in grid.cells(row).items() if k not in used}) for row in rows]
    try:
        there = column_names(path, what)
        others = [c for c, times in Counter(there).items() if c and c not in used and times == 1]
        others = others[:SHOWN_COLUMNS]
        if path.suffix.lower() == ".csv":
            cells = csv_table.chosen(path, others, rows, what)[0]
        else:
            cells = [list(row) for row in zip(*parquet_table.cells(path, others, what, rows), strict=True)]
    except Exception:  # the file was changed meanwhile; the values were read before
        return [{} for _ in rows]
    if not others:
        return [{} for _ in rows]
    return [_shown(dict(zip(others, row, strict=True))) for row in cells]


def _shown(cells: dict[str, Any]) -> dict[str, str]:
    return {_clean(name): _clean("" if cell is None else str(cell)) for name, cell in cells.items()}


def _clean(text: str) -> str:
    """Text for a page or a terminal: one line, no control characters, not too long."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 2 * WIDTH]).strip()
    return plain if len(plain) <= WIDTH else f"{plain[: WIDTH - 1]}…"


def _only_other(there: Sequence[str], used: Sequence[str], what: str) -> list[str]:
    demand_columns(used, there, what)
    others = [name for name in there if name not in used]
    if len(others) != 1:
        raise BadInput(f"{what}: name the columns of the values, outputs = [...]; it has {', '.join(others)}")
    return others


def demand_columns(columns: Sequence[str], there: Sequence[str], what: str) -> None:
    """Check that a table has each of the columns once.

    Raises:
        BadInput: naming the first one that is absent or there twice.
    """
    times = Counter(there)
    absent = [column for column in columns if column not in times]
    if absent:
        word = "is no column" if len(absent) == 1 else "are no columns"
        near = did_you_mean(absent[0], there)
        raise BadInput(
            f"{what}: there {word} {', '.join(absent)}{near or ';'} it has {', '.join(there)}{csv_table.remedy(there)}"
        )
    double = next((column for column in columns if times[column] > 1), None)
    if double is not None:
        raise BadInput(f"{what}: it has two columns {double}; give each another name")
