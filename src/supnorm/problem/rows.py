"""The rows of a table. Values are paired by their rows, never by a search for equal inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.coordinates import Coordinate
from supnorm.problem.masked import unmasked
from supnorm.problem.partial_failure import PartialFailure
from supnorm.results import BadInput

Array = NDArray[np.float64]
Texts = Callable[[Sequence[int]], list[dict[str, str]]]
Key = tuple[str | int | float | Decimal, ...]


UNIT_OF_INPUT = "the unit of input {}"  # in `Rows.same`; inputs count from 1


@dataclass(frozen=True, eq=False)
class Rows:
    """Facts about the rows of a table besides inputs and values.

    Attributes:
        name: name of the table.
        source: the file; None for arrays.
        lines: the line of the file in which each row begins, shape ``(N,)``; None if this is always the row's number plus
            1 (rows count from 1 below the header), or if the file has no lines.
        sizes: the dimensions of a NetCDF file that the rows run through, in this order, each with its size.
        coordinates: its coordinates along these dimensions, and those that hold for all rows.
        variable: ``variable(name)``: another variable of that file as a coordinate; None if it is none.
        inputs: the names of its variables that are inputs.
        key: names of the columns that decide which rows of two tables belong together; empty without a key.
        key_types: how each of these columns is stored, if that is less than double precision ("float32").
        keys: the cells of these columns in each row; empty without a key.
        texts: ``texts(rows)``: the cells of the other columns in these rows (from 0), read when they are needed.
        same: facts about the inputs in all rows of the file, as text by name (their unit, ..); two tables that differ in
            one are not about the same thing.
        groups: the cells of the columns by whose values errors are reported, in each row.
        stored: how the column of each input is stored ("float32"); empty where all have double precision.
        guessed: whether the inputs are all other columns of numbers, because nobody named them.
    """

    name: str = ""
    source: Path | None = None
    lines: NDArray[np.int64] | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    coordinates: Mapping[str, Coordinate] = field(default_factory=dict)
    variable: Callable[[str], Coordinate | None] | None = None
    inputs: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    key_types: tuple[str, ...] = ()
    keys: Sequence[Key] = ()
    texts: Texts | None = None
    same: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stored: tuple[str, ...] = ()
    guessed: bool = False

    def line(self, row: int) -> int | None:
        """The line of the file in which a row (from 0) begins; None if it is the row's number plus 1, or unknown."""
        return None if self.lines is None else int(self.lines[row])

    def columns(self, rows: Sequence[int]) -> list[dict[str, str]]:
        """The other columns of some rows (from 0), by name; empty if there are none."""
        return [{} for _ in rows] if self.texts is None else self.texts(rows)


def arrays_of(table: Any, what: str) -> tuple[Array, Array]:
    """A pair of arrays as points ``(N, d)`` and values ``(N, m)``.

    Raises:
        BadInput: for anything else.

    >>> [a.shape for a in arrays_of(([0.0, 1.0], [2.0, 3.0]), "model")]
    [(2, 1), (2, 1)]
    """
    if not isinstance(table, tuple | list) or len(table) != 2:
        raise BadInput(f"{what}: table is a pair (points, values) of arrays, got {type(table).__name__}")
    parts = []
    for name, given in zip(("points", "values"), table, strict=True):
        plain = unmasked(given)
        if plain.dtype.kind not in "fiu":
            raise BadInput(f"{what}: the table's {name} must be real numbers, got an array of {plain.dtype}")
        data = plain.astype(np.float64)
        if plain.dtype.kind in "iu" and (data.astype(object) != plain.astype(object)).any():
            raise BadInput(
                f"{what}: the table's {name} contain whole numbers that double precision cannot represent (beyond "
                "2^53); subtract an offset from them first"
            )
        parts.append(data[:, None] if data.ndim == 1 else data)
    points, values = parts
    if points.ndim != 2 or values.ndim != 2 or len(points) != len(values) or not len(points):
        raise BadInput(
            f"{what}: a table needs points (N, d) and values (N,) or (N, m) with a row for each point, got "
            f"{np.shape(table[0])} and {np.shape(table[1])}"
        )
    return points, values


def rounding_words(kind: str) -> str:
    """What the precision of a column means for its differences, in words.

    >>> rounding_words("float32")
    'it has about 7 digits, and what differs beyond them is rounding'
    """
    digits = {"float16": "3", "float32": "7"}.get(kind)
    if digits is None:
        return "differences smaller than that number are its rounding"
    return f"it has about {digits} digits, and what differs beyond them is rounding"


def narrow_notes(table: Any) -> tuple[str, ...]:
    """Notes about arrays of less than double precision, for the pair that `arrays_of` takes."""
    kinds = ((name, np.asarray(a).dtype) for name, a in zip(("points", "values"), table, strict=True))
    return tuple(
        f"the table's {name} were given as {kind}: {rounding_words(str(kind))}"
        for name, kind in kinds
        if kind.kind == "f" and kind.itemsize < 8
    )


class LookUp:
    """The values of a table at its own points, for callers that have points instead of rows.

    It fails at a point that no row has, and at a point where rows have different values, because the row is not known.
    """

    def __init__(self, points: Array, values: Array) -> None:
        self.points, self.values = points, values
        self._rows: dict[bytes, int] | None = None
        self._several: set[bytes] = set()

    def __call__(self, x: Array) -> Array:
        known = self._known()
        y = np.full((len(x), self.values.shape[1]), np.nan)
        failed: dict[int, str] = {}
        for i, point in enumerate(np.ascontiguousarray(x, dtype=np.float64)):
            row = known.get(key := point.tobytes())
            if row is None:
                failed[i] = "error: the table has no such point"
            elif key in self._several:
                failed[i] = "error: the table has several values at this point"
            else:
                y[i] = self.values[row]
        if failed:
            raise PartialFailure(y, failed)
        return y

    def _known(self) -> dict[bytes, int]:
        if self._rows is None:
            rows: dict[bytes, int] = {}
            for i, point in enumerate(np.ascontiguousarray(self.points)):
                first = rows.setdefault(key := point.tobytes(), i)
                if first != i and not np.array_equal(self.values[first], self.values[i], equal_nan=True):
                    self._several.add(key)
            self._rows = rows
        return self._rows


def check_against_rows(value: Callable[[Array], Array], table: tuple[Array, Array], name: str) -> None:
    """Check that a function that is given together with a table agrees with it, row by row.

    Raises:
        BadInput: names the first row where it does not agree.
    """
    points, values = table
    try:
        computed = np.asarray(value(points.copy()), dtype=np.float64).reshape(len(points), -1)
    except Exception as error:
        raise BadInput(
            f"{name}: value fails at the rows of table ({type(error).__name__}: {error}); give table alone"
        ) from None
    if computed.shape != values.shape:
        raise BadInput(
            f"{name}: table has {values.shape[1]} outputs and value {computed.shape[1]}; give table alone"
        )
    size = np.maximum(np.abs(computed), np.abs(values))
    with np.errstate(invalid="ignore"):
        same = (computed == values) | (np.abs(computed - values) <= 1e-12 * size)
    same |= np.isnan(computed) & np.isnan(values)
    if not same.all():
        row = int(np.argmin(same.all(axis=1)))
        k = int(np.argmin(same[row]))
        raise BadInput(
            f"{name}: value and table contradict each other in {int((~same.all(axis=1)).sum()):,} of {len(points):,} rows, "
            f"first in row {row + 1}: {computed[row, k]:.9g} and {values[row, k]:.9g}; give table alone"
        )
