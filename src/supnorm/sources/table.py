"""Tables of computed values: CSV, Parquet, NetCDF. Known at their points only: statistics, no search.

``inputs`` names the columns of the axes (the axis names by default), ``outputs`` those of the values. In a
NetCDF file columns are variables or coordinates; they are spread over all their dimensions and flattened.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput, install

Array = NDArray[np.float64]
SUFFIXES = (".csv", ".parquet", ".nc")


def open_table(path: Path, spec: SourceSpec, names: tuple[str, ...], where: str) -> Function:
    """A table as a `Function` that has values at its own points, and its ``table``.

    Raises:
        BadInput: for a missing column, a cell that is no number, or an input without a value.
    """
    what = f'{where} file = "{spec.file}"'
    inputs = spec.inputs or list(names)
    if len(inputs) != len(names):
        raise BadInput(
            f"{where} inputs = {inputs} names {len(inputs)} columns, the domain has {len(names)} axes"
        )
    outputs = spec.outputs or _only_other(path, inputs, what)
    data = read_columns(path, [*inputs, *outputs], what)
    points, values = data[:, : len(inputs)], data[:, len(inputs) :]
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        column = inputs[int(np.flatnonzero(~np.isfinite(points[bad[0]]))[0])]
        raise BadInput(
            f"{what}: row {bad[0] + 1}, column {column} has no value ({len(bad):,} of {len(points):,} rows lack an input; "
            "they count from 1 below the header); every input needs one: fill it, or leave these rows out"
        )
    known = {row.tobytes(): i for i, row in reversed(list(enumerate(points)))}

    def value(x: Array) -> Array:
        rows = [known.get(row.tobytes()) for row in np.ascontiguousarray(x)]
        y = np.array([values[i] if i is not None else [math.nan] * len(outputs) for i in rows])
        missing = {k: "error: the table has no such point" for k, i in enumerate(rows) if i is None}
        if missing:
            raise PartialFailure(y.reshape(len(x), len(outputs)), missing)
        return y.reshape(len(x), len(outputs))

    notes = (f"{path.name} is a table of values: statistics only, nothing was searched",)
    return Function(
        value,
        inputs=tuple(names),
        outputs=tuple(outputs),
        name=spec.name or path.name,
        notes=notes,
        table=(points, values),
    )


_MARKS = {";": "semicolons (and write decimals with a point)", "\t": "tabs"}


def read_columns(path: Path, columns: Sequence[str], what: str) -> Array:
    """The named columns of a table, shape ``(N, len(columns))``; empty cells are NaN.

    Args:
        path: a .csv, .parquet or .nc file.
        columns: their names.
        what: file and key, for messages.
    """
    readers = {".csv": _csv, ".parquet": _parquet, ".nc": _netcdf}
    data = readers[path.suffix.lower()](path, columns, what)
    if not len(data):
        raise BadInput(f"{what}: the table has no rows")
    return data


def column_names(path: Path, what: str) -> list[str]:
    """Which columns a table has."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        with _text(path, what) as file:
            return _header(csv.reader(file), what)
    if suffix == ".parquet":
        return list(_parquet_file(path, what).schema_arrow.names)
    with _dataset(path, what) as data:
        return [str(name) for name in data.variables]


def _only_other(path: Path, inputs: Sequence[str], what: str) -> list[str]:
    there = column_names(path, what)
    _missing(inputs, there, what)
    others = [name for name in there if name not in inputs]
    if len(others) != 1:
        raise BadInput(f"{what}: name the columns of the values, outputs = [...]; it has {', '.join(others)}")
    return others


def _missing(columns: Sequence[str], there: Sequence[str], what: str) -> None:
    absent = [column for column in columns if column not in there]
    if absent:
        word = "is no column" if len(absent) == 1 else "are no columns"
        other = next((mark for mark in ";\t" if len(there) == 1 and mark in there[0]), None)
        remedy = "" if other is None else f"; separate its cells by commas, not by {_MARKS[other]}"
        raise BadInput(f"{what}: there {word} {', '.join(absent)}; it has {', '.join(there)}{remedy}")
    double = next((column for column in columns if list(there).count(column) > 1), None)
    if double is not None:
        raise BadInput(f"{what}: it has two columns {double}; give each another name")


def _text(path: Path, what: str) -> Any:
    try:
        return path.open(newline="", encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{what}: cannot be read: {error.strerror}") from None


def _header(rows: Any, what: str) -> list[str]:
    try:
        header = [cell.strip() for cell in next(rows)]
    except (StopIteration, UnicodeDecodeError, csv.Error):
        raise BadInput(
            f"{what}: must be text (UTF-8), cells separated by commas, the column names in its first line"
        ) from None
    if all(_is_number(cell) for cell in header):
        raise BadInput(
            f"{what}: its first line has numbers ({', '.join(header[:4])}); it must name the columns"
        )
    return header


def _csv(path: Path, columns: Sequence[str], what: str) -> Array:
    with _text(path, what) as file:
        rows = csv.reader(file)
        header = _header(rows, what)
        _missing(columns, header, what)
        places = [header.index(column) for column in columns]
        data: list[list[float]] = []
        for row in _decoded(rows, what):
            if not row:
                continue
            if len(row) != len(header):
                raise BadInput(f"{what}: line {rows.line_num} has {len(row)} cells, the header {len(header)}")
            try:
                data.append([float(row[i]) if row[i].strip() else math.nan for i in places])
            except ValueError:
                i = next(i for i in places if row[i].strip() and not _is_number(row[i]))
                raise BadInput(
                    f"{what}: line {rows.line_num}, column {header[i]}: got {row[i]!r}; numbers are read, an "
                    "empty cell is no value"
                ) from None
    return np.array(data, dtype=np.float64).reshape(len(data), len(columns))


def _decoded(rows: Any, what: str) -> Iterator[list[str]]:
    try:
        yield from rows
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{what}: after line {rows.line_num}: not UTF-8 text with cells ({error})") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _parquet_file(path: Path, what: str) -> Any:
    try:
        from pyarrow import ArrowInvalid
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise BadInput(f"{what}: reading Parquet needs pyarrow: {install('parquet')}") from None
    try:
        return ParquetFile(path)
    except (ArrowInvalid, OSError) as error:
        raise BadInput(f"{what} cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _parquet(path: Path, columns: Sequence[str], what: str) -> Array:
    with _parquet_file(path, what) as file:
        _missing(columns, file.schema_arrow.names, what)
        table = file.read(columns=list(columns))
    return np.stack([_numbers(table[c].to_numpy(), c, what) for c in columns], axis=1)


def _numbers(values: Any, column: str, what: str) -> Array:
    try:
        numbers = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput(f"{what}: column {column} holds {np.asarray(values).dtype}, not numbers") from None
    return numbers


def _dataset(path: Path, what: str) -> Any:
    try:
        import xarray
    except ImportError:
        raise BadInput(f"{what}: reading NetCDF needs xarray and h5netcdf: {install('fields')}") from None
    try:
        return xarray.open_dataset(path, decode_times=False)
    except (OSError, ValueError) as error:
        raise BadInput(f"{what} cannot be read as NetCDF: {str(error).splitlines()[0][:160]}") from None


def _netcdf(path: Path, columns: Sequence[str], what: str) -> Array:
    import xarray

    with _dataset(path, what) as data:
        _missing(columns, [str(name) for name in data.variables], what)
        spread = xarray.broadcast(*(data[c].reset_coords(drop=True) for c in columns))
        return np.stack(
            [_numbers(s.values.ravel(), c, what) for s, c in zip(spread, columns, strict=True)], 1
        )
