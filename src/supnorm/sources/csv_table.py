"""Tables as text: CSV with the names of the columns in its first line.

A cell is a number, or empty, or one of `NO_VALUE`. Python accepts texts that nobody means as numbers ("1_000", digits of
other scripts), and changes numbers that do not fit (whole numbers beyond 2^53, 1e999). Such cells are refused.
"""

from __future__ import annotations

import csv
import math
import operator
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.results import BadInput

Array = NDArray[np.float64]
NO_VALUE = frozenset(
    ("", "nan", "-nan", "+nan", "na", "n/a", "<na>", "#n/a", "null", "none")
)  # in upper or lower case
INFINITE = frozenset(("inf", "infinity"))
MOST_COLUMNS = 1_000_000  # their names take 100 MB; `test_table.py` has a table of more
WHOLE = 2.0**53  # a float represents every whole number up to this one
DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[./]\d\d?[./]\d{2,4}|\d\d?:\d\d")
_MARKS = {";": "semicolons (and write decimals with a point)", "\t": "tabs", "|": "bars"}


def names(path: Path, what: str) -> list[str]:
    """Names of the columns.

    Raises:
        BadInput: when there is no first line of names.
    """
    with _text(path, what) as file:
        return _header(csv.reader(file, strict=True), what)


def remedy(there: Sequence[str]) -> str:
    """Advice if the cells of the first line are not separated by commas; otherwise an empty text."""
    other = next((mark for mark in _MARKS if len(there) == 1 and mark in there[0]), None)
    return "" if other is None else f"; separate its cells by commas, not by {_MARKS[other]}"


def numbers(path: Path, columns: Sequence[str], what: str) -> tuple[Array, NDArray[np.int64]]:
    """The columns as numbers, shape ``(N, len(columns))``, NaN for no value, and the line where each row begins, ``(N,)``.

    Raises:
        BadInput: names line and column of a cell that is not a number.
    """
    cells, lines = _cells(path, columns, what)
    data = np.empty((len(lines), len(columns)))
    for j, column in enumerate(columns):
        data[:, j] = _as_numbers(cells[j], column, lines, what)
    return data, np.array(lines, dtype=np.int64)


def texts(path: Path, columns: Sequence[str], what: str) -> list[list[str]]:
    """The columns as text without the blanks around it, a list for each column."""
    return _cells(path, columns, what)[0]


def as_numbers(cells: Sequence[str]) -> Array | None:
    """A column of cells as numbers, NaN for no value; None if a cell is neither.

    >>> as_numbers(["1", "", "2.5"]), as_numbers(["1", "B"])
    (array([1. , nan, 2.5]), None)
    """
    try:
        return _as_numbers(list(cells), "", range(len(cells)), "")
    except BadInput:
        return None


def chosen(
    path: Path, columns: Sequence[str], rows: Sequence[int], what: str
) -> tuple[list[list[str]], list[int]]:
    """The columns as text in some rows (from 0), a list for each row, and the lines in which these rows begin."""
    wanted, cells, lines = set(rows), {}, {}
    with _text(path, what) as file:
        reader = csv.reader(file, strict=True)
        header = _header(reader, what)
        positions = _positions(header, columns)
        for i, (line, row) in enumerate(_rows(reader, len(header), what)):
            if i in wanted:
                cells[i], lines[i] = [row[k].strip() for k in positions], line
    return [cells[i] for i in rows], [lines[i] for i in rows]


def _cells(path: Path, columns: Sequence[str], what: str) -> tuple[list[list[str]], list[int]]:
    with _text(path, what) as file:
        reader = csv.reader(file, strict=True)
        header = _header(reader, what)
        positions = _positions(header, columns)
        picked, lines = [], []
        pick = operator.itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)
        for line, row in _rows(reader, len(header), what):
            lines.append(line)
            picked.append(pick(row))
    return [list(map(str.strip, cells)) for cells in zip(*picked, strict=True)] or [
        [] for _ in columns
    ], lines


def _positions(header: Sequence[str], columns: Sequence[str]) -> list[int]:
    index = dict(zip(reversed(header), reversed(range(len(header))), strict=True))
    return [index[column] for column in columns]


def _rows(reader: Any, width: int, what: str) -> Iterator[tuple[int, list[str]]]:
    """Line and cells of each row; blank lines are not rows.

    Raises:
        BadInput: for a row with more or fewer cells than the header, or a file that is not UTF-8 text.
    """
    last = reader.line_num
    try:
        for row in reader:
            if row:
                if len(row) != width:
                    raise BadInput(
                        f"{what}: line {last + 1} has {len(row)} cells, the header {width}; give it as many, and put a "
                        "cell that contains a comma between quotation marks"
                    )
                yield last + 1, row
            last = reader.line_num
    except UnicodeDecodeError as error:
        raise BadInput(f"{what}: after line {reader.line_num}: not UTF-8 text with cells ({error})") from None
    except (
        csv.Error
    ) as error:  # a quotation mark that nothing closes would take the rest of the file for one cell
        raise BadInput(
            f"{what}: from line {last + 1} on, its cells cannot be told apart ({error}); is a quotation mark missing?"
        ) from None


def _as_numbers(cells: list[str], column: str, lines: Sequence[int], what: str) -> Array:
    joined = "".join(cells)
    try:
        if not joined.isascii() or "_" in joined:  # Python would read such cells as numbers
            raise ValueError
        data = np.array([float(c) if c else math.nan for c in cells], dtype=np.float64)
    except ValueError:
        data = np.array([_number(c, column, lines[i], what) for i, c in enumerate(cells)])
    zeros = [i for i in np.flatnonzero(data == 0.0).tolist() if cells[i].strip("+-0.")]
    for i in zeros + np.flatnonzero(np.abs(data) >= WHOLE).tolist():
        _demand_held(cells[i], float(data[i]), column, lines[i], what)
    return data


def _number(cell: str, column: str, line: int, what: str) -> float:
    if cell.lower() in NO_VALUE:
        return math.nan
    if cell.isascii() and "_" not in cell:
        try:
            return float(cell)
        except ValueError:
            pass
    hint = ""
    if DATE.search(cell):
        hint = "; write a date or time as a number, such as days since the first one"
    elif cell.lower() in ("true", "false", "yes", "no"):
        hint = "; write yes or no as 1 or 0"
    elif re.fullmatch(r"[+-]?\d+,\d+", cell):
        hint = "; write decimals with a point"
    raise BadInput(
        f"{what}: line {line}, column {column}: got {cell[:40]!r}; a cell must be a number, or empty for no value{hint}"
    )


def _demand_held(cell: str, value: float, column: str, line: int, what: str) -> None:
    plain = cell.lower().lstrip("+-")
    if (math.isinf(value) and plain not in INFINITE) or (not value and plain.partition("e")[0].strip("0.")):
        raise BadInput(f"{what}: line {line}, column {column}: {cell[:40]} is beyond double precision")
    digits, _, rest = plain.partition(".")
    if digits.isdecimal() and not rest.strip("0") and len(digits) <= 400 and int(digits) != abs(value):
        raise BadInput(
            f"{what}: line {line}, column {column}: double precision cannot represent the whole number {cell[:40]} "
            "(beyond 2^53); subtract an offset from the column first"
        )


def _text(path: Path, what: str) -> Any:
    try:
        return path.open(newline="", encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{what}: cannot be read: {error.strerror}") from None


def _header(rows: Any, what: str) -> list[str]:
    try:
        header = list(map(str.strip, next(rows)))
    except (StopIteration, UnicodeDecodeError, csv.Error):
        raise BadInput(
            f"{what}: must be text (UTF-8) with cells separated by commas and the column names in its first line"
        ) from None
    if len(header) > MOST_COLUMNS:
        raise BadInput(f"{what}: its first line has {len(header):,} columns, more than {MOST_COLUMNS:,}")
    if not header:
        raise BadInput(f"{what}: its first line is blank; it must name the columns")
    if all(_is_number(cell) for cell in header):
        raise BadInput(
            f"{what}: its first line has numbers ({', '.join(header[:4])}); it must name the columns"
        )
    return header


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
