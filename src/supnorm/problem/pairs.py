"""Pairs the rows of a table of predictions with the rows of a table of truths.

* One table alone: its rows; the other side is called at their inputs.
* Both columns in one file: row by row.
* Two files, or arrays, without a key: row by row; they must have the same length and equal inputs in the same order.
* Two files with a key: rows with equal keys. A key must be unique in both files. For a row of the truth without a
  partner the prediction is missing; a prediction without a partner has no truth, is not compared, and is counted.

Inputs are coordinates of a row and never decide which rows belong together: of rows that share their inputs, each is
compared with its own value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.narrower import in_narrower, narrower_of
from supnorm.problem.rows import UNIT_OF_INPUT, Key, Rows
from supnorm.problem.shared_coordinates import (
    completed,
    demand_constants,
    demand_coordinates,
    demand_dimensions,
    demand_one_for_all,
    in_the_order_of,
    one_sided,
)
from supnorm.problem.units import same_unit
from supnorm.results import BadInput

if TYPE_CHECKING:
    from supnorm.problem.domain import Domain
    from supnorm.problem.function import Function

Array = NDArray[np.float64]
Index = NDArray[np.intp]
WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.0*)?")  # as programs write a whole number
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
CLOSE = 1e-6  # of a column's range: in a text file the inputs of two rows with one key may differ by rounding


@dataclass(frozen=True, eq=False)
class Pairs:
    """The rows to compare.

    Attributes:
        x: inputs, shape ``(N, d)``; NaN where a row of two tables lacks an input.
        model, reference: values ``(N, m)``; None for a side that is no table and is called at ``x``.
        row: the row (from 0) of each pair in ``rows``, shape ``(N,)``.
        rows: rows of the reference's table if there is one, otherwise of the model's table.
        partner: the row of each pair in the model's table, if the tables are in different files; -1 without such a row.
        by: ``"row"``, ``"key"`` or ``"order"`` (two tables without a key); ``"table"`` if one side is called.
        alone: how many rows of model and of reference have no partner; those of the reference are among the pairs.
        notes: what of two files was not compared, as text.
    """

    x: Array
    model: Array | None
    reference: Array | None
    row: Index
    rows: Rows
    partner: tuple[Index, Rows] | None = None
    by: str = "table"
    alone: tuple[int, int] = (0, 0)  # rows without a partner: of the model, of the reference
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """Which rows have all of their inputs, shape ``(N,)``."""
        return np.asarray(np.isfinite(self.x).all(axis=1))

    def inside(self, domain: Domain) -> NDArray[np.bool_]:
        """Which rows lie in the domain, shape ``(N,)``; if a row lacks inputs, only its other inputs are checked."""
        inside = domain.contains(self.x)
        lacking = ~self.complete
        if lacking.any():
            on = np.ones((int(lacking.sum()), domain.d), dtype=bool)
            for k, axis in enumerate(domain.axes):
                v = self.x[lacking, k]
                known = (axis.low <= v) & (v <= axis.high) if axis.values is None else np.isin(v, axis.values)
                on[:, k] = known | np.isnan(v)
            inside[lacking] = on.all(axis=1)
        return np.asarray(inside)

    def groups(self) -> dict[str, list[str]]:
        """The columns by whose values errors are reported, with the cell of each pair; the reference's table comes first."""
        theirs: dict[str, list[str]] = {}
        if self.partner is not None:
            index, rows = self.partner
            theirs = {name: ["" if i < 0 else cells[i] for i in index] for name, cells in rows.groups.items()}
        return theirs | {name: [cells[i] for i in self.row] for name, cells in self.rows.groups.items()}

    def columns(self, pairs: Sequence[int]) -> list[dict[str, str]]:
        """The other columns of some pairs, by name; the columns of the reference come first."""
        columns = self.rows.columns([int(self.row[i]) for i in pairs])
        if self.partner is None:
            return columns
        index, rows = self.partner
        there = [k for k, i in enumerate(pairs) if index[i] >= 0]
        others: list[dict[str, str]] = [{} for _ in columns]
        for k, cells in zip(there, rows.columns([int(index[pairs[k]]) for k in there]), strict=True):
            others[k] = cells
        return [b | a for a, b in zip(columns, others, strict=True)]


def pairs_of(model: Function, reference: Function) -> Pairs:
    """The pairs of two sides, at least one of which is a table.

    Raises:
        BadInput: when two tables cannot be paired row by row, or when rows lack an input that the other side needs.
    """
    if model.table is None or reference.table is None:
        table = reference if model.table is None else model
        assert table.table is not None
        demand_inputs(table)
        points, values = table.table
        y, f = (None, values) if model.table is None else (values, None)
        return Pairs(points, y, f, np.arange(len(points)), _rows(table))
    _same_width(model, reference)
    a, b = _rows(model), _rows(reference)
    if a is b or (a.source is not None and a.source == b.source):
        return _in_order(model, reference, "row")
    a, b = completed(a, b, (*model.outputs, *reference.outputs))
    model, reference = replace(model, rows=a), replace(reference, rows=b)
    _demand_same(model, reference)
    if a.key or b.key:
        return _by_key(model, reference)
    return _in_order(model, reference, "order")


def demand_inputs(table: Function, what: str = "") -> None:
    """Check that every row has all of its inputs, because the other side is called there; ``what`` names the table.

    Raises:
        BadInput: names the first row and column without an input.
    """
    assert table.table is not None
    points = table.table[0]
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if not len(bad):
        return
    k = int(np.flatnonzero(~np.isfinite(points[bad[0]]))[0])
    column = table.inputs[k] if k < len(table.inputs) else f"{k + 1}"
    raise BadInput(
        f"{what or _name(table)}: row {bad[0] + 1}, column {column} has no value ({len(bad):,} of {len(points):,} rows lack "
        "an input; rows count from 1 below the header); every input needs a value: fill it, or leave these rows out"
    )


def _rows(table: Function) -> Rows:
    return table.rows or Rows(table.name)


def _name(table: Function) -> str:
    return _rows(table).name or table.name or "the table"


def _same_width(model: Function, reference: Function) -> None:
    assert model.table is not None
    assert reference.table is not None
    m, k = (side.table[1].shape[1] for side in (model, reference) if side.table is not None)
    if m != k:
        raise BadInput(
            f"the model has {m} outputs and the reference {k}; choose the same ones (outputs = [...])"
        )


def _demand_same(model: Function, reference: Function) -> None:
    """Check that the two files do not contradict each other in a fact that holds for all of their rows."""
    a, b = _rows(model), _rows(reference)
    names = f"{_name(model)} (model) and {_name(reference)} (reference)"
    unit = UNIT_OF_INPUT.partition("{")[0]
    for name in a.same:
        one, other = a.same[name], b.same.get(name, a.same[name])
        if not (same_unit(one, other) if name.startswith(unit) else one == other):
            raise BadInput(
                f"{names} differ in {name}: {one} against {other}; give two tables with the same value, or correct the "
                "wrong one"
            )
    demand_constants(a, b, names)


def _in_order(model: Function, reference: Function, by: str) -> Pairs:
    """Pair row i with row i; the inputs must be the same."""
    assert model.table is not None
    assert reference.table is not None
    (p, y), (x, f) = model.table, reference.table
    names = f"{_name(model)} (model) and {_name(reference)} (reference)"
    if by == "row":
        names = f"the columns of model and reference in {_name(reference)}"
    given, b = _rows(model), _rows(reference)
    a, every = given, np.arange(len(x))
    if given.sizes and len(p) == len(x):
        a, every = in_the_order_of(given, b)
        p, y = p[every], y[every]
    remedy = "put both in one order, or name the column that says which rows belong together: key = [...]"
    if by == "row":
        remedy = "name the same columns as inputs of both, and outputs with the same dimensions"
    fields = "; supnorm fields compares gridded forecasts with analyses" if by != "row" else ""
    demand_dimensions(a, b, names, remedy + fields)
    if len(p) != len(x):
        raise BadInput(f"{names} have {len(p):,} and {len(x):,} rows: {remedy}")
    if by != "row":  # of one file they are the same
        demand_coordinates(a, b, names, remedy)
    p = _in_one_precision(p, x, a.stored, b.stored)
    if not np.array_equal(p, x, equal_nan=True):
        same = (p == x) | (np.isnan(p) & np.isnan(x))
        i = int(np.argmin(same.all(axis=1)))
        k = int(np.argmin(same[i]))
        axis = reference.inputs[k] if k < len(reference.inputs) else f"input {k + 1}"
        digits = 9 if f"{p[i, k]:.9g}" != f"{x[i, k]:.9g}" else 17  # enough to tell two numbers apart
        raise BadInput(
            f"{names} have different inputs, first in row {i + 1}: {axis} is {p[i, k]:.{digits}g} and "
            f"{x[i, k]:.{digits}g}: {remedy}"
        )
    return Pairs(
        x=x,
        model=y,
        reference=f,
        row=np.arange(len(x)),
        rows=b,
        partner=None if by == "row" else (every, given),
        by=by,
        notes=() if by == "row" else one_sided(a, b),
    )


def _in_one_precision(p: Array, x: Array, *stored: Sequence[str]) -> Array:
    """The inputs ``p`` of the model's table, where a column of one table is in single precision: those of the reference.

    That is so where they are the same in single precision, and no two different numbers of either become one there. The
    reference's stay as they are, because a domain that nobody gave ends at them.
    """
    p = p.copy()
    for k in range(min(map(len, stored))):
        kind = narrower_of([columns[k] for columns in stored])
        narrow = in_narrower([p[:, k], x[:, k]], kind) if kind else None
        if narrow is not None:
            rows = (narrow[0] == narrow[1]) & (np.isfinite(p[:, k]) == np.isfinite(x[:, k]))
            p[rows, k] = x[rows, k]
    return p


def _by_key(model: Function, reference: Function) -> Pairs:
    """Pair rows with equal keys, in the order of the reference."""
    assert model.table is not None
    assert reference.table is not None
    a, b = _rows(model), _rows(reference)
    for table, rows in ((model, a), (reference, b)):
        if not rows.key:
            raise BadInput(
                f"{_name(table)} has no key, but the other table has one: give key = [...] in both"
            )
    if len(a.key) != len(b.key):
        raise BadInput(
            f"key names {len(a.key)} columns of {_name(model)} and {len(b.key)} of {_name(reference)}; name as many of both"
        )
    keys_a, keys_b = _comparable(model, reference)
    known = _unique(keys_a, model)
    _unique(keys_b, reference)
    partner = np.array([known.get(key, -1) for key in keys_b], dtype=np.intp)
    row = np.flatnonzero(partner >= 0)
    if not len(row):
        raise BadInput(
            f"no row of {_name(model)} has the key of a row of {_name(reference)}: "
            f"{_words(a.key, keys_a[0])} there, {_words(b.key, keys_b[0])} here, in the first rows"
        )
    demand_one_for_all(
        a, b, (partner[row], row), f"{_name(model)} (model) and {_name(reference)} (reference)"
    )
    (p, y), (x, f) = model.table, reference.table
    given = np.full_like(x, np.nan)
    given[row] = p[partner[row]]
    if np.isnan(x).all() and not np.isnan(given).all():  # only the predictions have inputs
        x = given
    reach = CLOSE * (np.nanmax(x, axis=0) - np.nanmin(x, axis=0)) if np.isfinite(x).any(axis=0).all() else 0.0
    with np.errstate(invalid="ignore"):
        differs = np.abs(given - x) > reach
    if differs.any():
        i = int(np.argmax(differs.any(axis=1)))
        k = int(np.argmax(differs[i]))
        axis = reference.inputs[k] if k < len(reference.inputs) else f"input {k + 1}"
        raise BadInput(
            f"rows with the key {_words(b.key, keys_b[i])} have different inputs: {axis} is {given[i, k]:.9g} in row "
            f"{partner[i] + 1} of {_name(model)} and {x[i, k]:.9g} in row {i + 1} of {_name(reference)}; is it the "
            "right key?"
        )
    values = np.full((len(keys_b), y.shape[1]), np.nan)
    values[row] = y[partner[row]]
    alone = len(keys_a) - len(row), len(keys_b) - len(row)
    every = np.arange(len(keys_b))
    return Pairs(
        x=np.where(np.isnan(x), given, x),
        model=values,
        reference=f,
        row=every,
        rows=b,
        partner=(partner, a),
        by="key",
        alone=alone,
        notes=one_sided(a, b),
    )


def _comparable(model: Function, reference: Function) -> tuple[list[Key], list[Key]]:
    """The keys of both tables; if one table has numbers and the other text, the text must consist of numbers too.

    Where every cell of both tables is text of a number, the numbers are compared, unless two rows of one table would become
    equal. Beside other text only 1 and 1.0 are one number, because programs write the same identifier both ways: 1e5 and
    100000, or 007 and 7, may be names of two things.
    """
    a, b = _rows(model), _rows(reference)
    columns, read = [], []
    for k in range(len(a.key)):
        pair = [[key[k] for key in rows.keys] for rows in (a, b)]
        numeric = [not any(isinstance(cell, str) for cell in column) for column in pair]
        if numeric[0] != numeric[1]:
            side, rows = ((model, a), (reference, b))[numeric[0]]
            pair[numeric[0]] = [
                _as_number(cell, i, rows.key[k], side) for i, cell in enumerate(pair[numeric[0]])
            ]
        if any(numeric):
            pair = _in_one_type(pair, [rows.key_types[k] if rows.key_types else "" for rows in (a, b)])
        columns.append(pair)
        read.append(pair if any(numeric) else _read_together(pair))
    as_text, as_numbers = (
        [[*zip(*(c[i] for c in made), strict=True)] for i in (0, 1)] for made in (columns, read)
    )
    alike = all(len({*t}) == len({*n}) for t, n in zip(as_text, as_numbers, strict=True))
    keys = as_numbers if alike else as_text
    return keys[0], keys[1]


def _in_one_type(pair: Sequence[Sequence[Any]], stored: Sequence[str]) -> list[list[Any]]:
    """Numbers of a key's column in both tables, in the precision of the narrower one if no two become one there."""
    kind = narrower_of(stored)
    columns = [np.array(column, dtype=np.float64) for column in pair] if kind else []
    exact = all(len({*column}) == len(np.unique(c)) for column, c in zip(pair, columns, strict=False))
    narrow = in_narrower(columns, kind) if kind and exact else None
    return [[*column] for column in pair] if narrow is None else [column.tolist() for column in narrow]


def _read_together(pair: Sequence[Sequence[str | int | float | Decimal]]) -> list[list[str | Decimal]]:
    """The cells of a key's column in both tables, of text that is a number the number."""
    every = all(_is_number(cell) for column in pair for cell in column)
    form = NUMBER if every else WHOLE
    return [[Decimal(cell) if form.fullmatch(cell) else cell for cell in map(str, column)] for column in pair]


def _is_number(cell: str | int | float | Decimal) -> bool:
    return NUMBER.fullmatch(str(cell)) is not None


def _as_number(cell: str | int | float | Decimal, row: int, column: str, side: Function) -> int | float:
    text = str(cell)
    if not _is_number(text):
        raise BadInput(
            f"{_name(side)}: key {column} is {cell!r} in row {row + 1}, and the other table's key is a number"
        )
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _unique(keys: Sequence[Key], table: Function) -> dict[Key, int]:
    """The row of each key.

    Raises:
        BadInput: when two rows have the same key.
    """
    rows: dict[Key, int] = {}
    for i, key in enumerate(keys):
        if (first := rows.setdefault(key, i)) != i:
            raise BadInput(
                f"{_name(table)}: rows {first + 1} and {i + 1} have the same key, {_words(_rows(table).key, key)}; a key "
                "must differ in every row: add a column to it, key = [..., ...]"
            )
    return rows


def _words(names: Sequence[str], key: Key) -> str:
    return ", ".join(
        f"{name} = {f'{cell:.15g}' if isinstance(cell, float) else cell}"
        for name, cell in zip(names, key, strict=True)
    )
