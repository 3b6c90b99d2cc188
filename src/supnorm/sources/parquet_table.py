"""Reads tables in Parquet files. A null means no value; columns of text, dates, categories or booleans are refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput, install
from supnorm.results.printable import first_line

Array = NDArray[np.float64]
SINGLE = {"halffloat": "float16", "float": "float32"}  # keys: the names of these types in Parquet


def names(path: Path, what: str) -> list[str]:
    """Names of the columns."""
    with _file(path, what) as file:
        return list(file.schema_arrow.names)


def numbers(path: Path, columns: Sequence[str], what: str) -> tuple[Array, dict[str, str]]:
    """The columns as numbers, shape ``(N, len(columns))``; and the types of columns in less than double precision.

    Raises:
        BadInput: for a column without numbers, or with whole numbers that double precision cannot represent.
    """
    with _file(path, what) as file:
        table = _read(file, columns, what)
    data = np.empty((table.num_rows, len(columns)))
    narrow = {}
    for j, column in enumerate(columns):
        data[:, j] = _numbers(table[column], column, what)
        if (stored := SINGLE.get(str(table[column].type))) is not None:
            narrow[column] = stored
    return data, narrow


def each(path: Path, columns: Sequence[str], what: str) -> list[Array | None]:
    """Each column by itself as numbers; None for one that holds no numbers, or that double precision cannot represent."""

    def one(file: Any, column: str) -> Array | None:
        try:
            return _numbers(_read(file, [column], what)[column], column, what)
        except BadInput:
            return None

    with _file(path, what) as file:
        return [one(file, column) for column in columns]


def cells(
    path: Path, columns: Sequence[str], what: str, rows: Sequence[int] | None = None
) -> list[list[Any]]:
    """The columns as Python objects, a list for each, in some rows (from 0) or all; dates as text, nulls as None."""
    with _file(path, what) as file:
        table = _read(file, columns, what)
    if rows is not None:
        table = table.take(list(rows))
    return [[_plain(v) for v in table[column].to_pylist()] for column in columns]


def key_cells(path: Path, columns: Sequence[str], what: str) -> list[list[Any]]:
    """The same of all rows for a key: a time with a zone is that in UTC, so that one moment has one name."""
    with _file(path, what) as file:
        table = _read(file, columns, what)
    return [[_plain(_in_utc(v)) for v in table[column].to_pylist()] for column in columns]


def key_types(path: Path, columns: Sequence[str], what: str) -> tuple[str, ...]:
    """The types of columns in less than double precision, empty for others."""
    with _file(path, what) as file:
        return tuple(SINGLE.get(str(file.schema_arrow.field(column).type), "") for column in columns)


def _in_utc(value: Any) -> Any:
    zoned = isinstance(value, datetime) and value.tzinfo is not None
    return value.astimezone(UTC) if zoned else value


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return value


def _numbers(values: Any, column: str, what: str) -> Array:
    from pyarrow import float64, types

    kind = values.type
    if types.is_null(kind):
        return np.full(len(values), np.nan)
    if not (types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind)):
        hint = ""
        if types.is_temporal(kind):
            hint = "; write a date or time as a number, such as days since the first one"
        elif types.is_boolean(kind):
            hint = "; write yes or no as 1 or 0"
        raise BadInput(f"{what}: column {column} contains {kind}, not numbers{hint}")
    if types.is_floating(kind):
        return np.asarray(values.cast(float64()).to_numpy(), dtype=np.float64)
    # The cast refuses 2^60, which double precision holds, and rounds one decimal in five to the second nearest number.
    exact = [math.nan if cell is None else cell for cell in values.to_pylist()]
    held = np.array(exact, dtype=np.float64)
    for i in np.flatnonzero(np.abs(held) >= 2.0**53).tolist():
        if exact[i] == int(exact[i]) and int(exact[i]) != int(held[i]):
            raise BadInput(
                f"{what}: row {i + 1}, column {column}: double precision cannot represent the whole number {exact[i]} "
                "(beyond 2^53); subtract an offset from the column first"
            )
    return held


def _read(file: Any, columns: Sequence[str], what: str) -> Any:
    try:
        return file.read(columns=list(columns))
    except Exception as error:  # a damaged file makes the reader raise errors of many types
        raise BadInput(f"{what} cannot be read as Parquet: {first_line(error)}") from None


def _file(path: Path, what: str) -> Any:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError:
        raise BadInput(f"{what}: reading Parquet needs pyarrow: {install('parquet')}") from None
    try:
        return ParquetFile(path)
    except Exception as error:  # a damaged file makes the reader raise errors of many types
        raise BadInput(f"{what} cannot be read as Parquet: {first_line(error)}") from None
