"""``audit_table``: the audit of a data frame, or of a table's file, that holds truths and predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.audit import audit
from supnorm.auditing.report import AuditReport
from supnorm.evaluation import Observer, silent
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Problem
from supnorm.problem.masked import unmasked
from supnorm.problem.rows import Rows
from supnorm.results import BadInput
from supnorm.results.suggestion import did_you_mean
from supnorm.sources.csv_table import WHOLE
from supnorm.sources.open import open_specification
from supnorm.sources.table import group_names
from supnorm.sources.table_problem import (
    MOST_INPUTS,
    TableColumns,
    ends,
    first_that_varies,
    table_specification,
)

Array = NDArray[np.float64]
Names = str | Sequence[str]
SHOWN, WIDTH = 40, 80  # other columns of a row that are shown, and their characters, as of a file


def audit_table(
    data: Any,
    *,
    truth: Names,
    prediction: Names,
    by: Names = (),
    inputs: Names = (),
    tolerance: float | None = None,
    kind: str = "absolute",
    failures: str = "error",
    observer: Observer = silent,
) -> AuditReport:
    """Compare the predictions of a table with its truths, row by row: the maximum over the rows is exact.

    Args:
        data: a data frame of pandas or polars, a mapping of columns, or the path of a .csv or .parquet file.
        truth, prediction: names of the columns; of several outputs as many of both, in the same order.
        by: columns by whose values the errors are reported, such as a site.
        inputs: columns against which the error is shown; by default all other columns of numbers that vary.
        tolerance: the largest error that is allowed.
        kind: ``"absolute"``, ``"relative"`` or ``"ulp"`` (units in the last place of the truth).
        failures: what a row without a prediction counts as: ``"error"`` (an infinite error) or ``"ignore"``.
        observer: gets progress events.

    Returns:
        The report; ``report.record.table`` has accuracy and groups. Rows count from 1: row 1 is ``data.iloc[0]``.

    Raises:
        BadInput: for a column that is absent, or one of values that are no numbers.

    >>> data = {"x": [1, 2, 3, 4], "y": [1.0, 2.0, 3.0, 4.0], "y_pred": [1.1, 2.0, 5.0, 4.0], "site": ["A", "A", "B", "B"]}
    >>> report = audit_table(data, truth="y", prediction="y_pred", by="site", tolerance=0.5)
    >>> report.worst.row, report.worst.error, report.status.code
    (3, 2.0, 'tolerance-exceeded')
    >>> [(group.value, round(group.worst, 9)) for group in report.record.table.groups]
    [('B', 2.0), ('A', 0.1)]
    """
    columns = TableColumns(
        truth=_names(truth, "truth"),
        prediction=_names(prediction, "prediction"),
        by=_names(by, "by"),
        inputs=_names(inputs, "inputs"),
        tolerance=tolerance,
        kind=kind,
        failures=failures,
    )
    if isinstance(data, str | Path):
        path = Path(data)
        problem = open_specification(table_specification(path, columns), path.name)
    else:
        problem = _problem(_Frame(data), columns)
    return audit(problem, observer=observer)


def _names(given: Names, what: str) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    wrong = next((name for name in names if not isinstance(name, str)), None)
    if wrong is not None or not isinstance(given, Iterable):
        raise BadInput(
            f"audit_table: {what} takes names of columns, such as {what} = 'y', got {given!r}"[:200]
        )
    return names


def _problem(frame: _Frame, columns: TableColumns) -> Problem:
    for name in (*columns.values, *columns.by, *columns.inputs):
        frame.demand(name)
    used = {*columns.values, *columns.by}
    free = columns.inputs or [name for name in frame.names if name not in used]
    numbers = {name: values for name in free if (values := frame.numbers(name)) is not None}
    text = next((name for name in columns.inputs if name not in numbers), None)
    if text is not None:
        raise BadInput(f"the table: input {text} holds no numbers; leave it out of inputs")
    axes = {name: range_ for name, v in numbers.items() if (range_ := ends(v)) is not None}
    axes = axes if columns.inputs else dict([*axes.items()][:MOST_INPUTS])
    if not axes:  # nothing else varies: the error is shown against the truth
        axes = first_that_varies(((name, frame.values(name)) for name in columns.values), "the table")
    x = np.column_stack([np.where(np.isfinite(v := frame.values(n)), v, np.nan) for n in axes])
    rows = Rows(
        "the table",
        texts=lambda chosen: frame.texts(chosen, {*axes, *columns.values}),
        groups={name: frame.cells(name) for name in columns.by},
        guessed=not columns.inputs,
    )
    sides = [
        Function(
            table=(x, np.column_stack([frame.values(n) for n in names])),
            inputs=tuple(axes),
            outputs=tuple(names),
            name=f"the table: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}",
            rows=rows,
        )
        for names in (columns.prediction, columns.truth)
    ]
    domain = Domain.from_axes({name: Axis(low, high) for name, (low, high) in axes.items()})
    error = ErrorMeasure(
        kind=columns.kind, floor=columns.floor, tolerance=columns.tolerance, failures=columns.failures
    )
    return Problem(sides[0], sides[1], domain, error=error)


class _Frame:
    """The columns of a data frame, as arrays."""

    def __init__(self, data: Any) -> None:
        if hasattr(data, "column_names") and hasattr(data, "itercolumns"):  # of pyarrow
            data = _unique(data.column_names, data.itercolumns())
        columns = data.keys() if isinstance(data, Mapping) else getattr(data, "columns", None)
        if columns is None:
            raise BadInput(
                f"audit_table takes a data frame, a mapping of columns or the path of a table, got {type(data).__name__}"
            )
        self.data, self.names = data, [str(name) for name in columns]
        self.label = dict(zip(self.names, columns, strict=True))
        alone = next((n for n, name in self.label.items() if not hasattr(data[name], "__len__")), None)
        if alone is not None:
            raise BadInput(f"the table: column {alone} is a single {type(data[self.label[alone]]).__name__}")
        sizes = {len(data[name]) for name in columns}
        if len(sizes) != 1 or sizes == {0}:
            raise BadInput("the table: all columns need the same number of rows, and at least one")
        self.rows = sizes.pop()
        if isinstance(data, Mapping):
            _demand_aligned(data)

    def demand(self, name: str) -> None:
        """See that there is one such column.

        Raises:
            BadInput: if there is none, or more than one.
        """
        count = self.names.count(name)
        if count != 1:
            near = did_you_mean(name, self.names) or ";"
            which = "there is no column" if not count else "there are two columns"
            raise BadInput(f"the table: {which} {name}{near} it has {', '.join(self.names[:SHOWN])}")

    def numbers(self, name: str) -> Array | None:
        """A column as numbers ``(N,)``, NaN for no value; None if it holds something else."""
        column = self.data[self.label[name]]
        if self.names.count(name) != 1:
            return None
        plain = _plain(column)
        if isinstance(plain, np.ndarray) and plain.dtype.kind == "O":  # numbers beside None
            plain = plain.tolist()
        if isinstance(plain, list):
            cells = [None if _missing(cell) else cell for cell in plain]
            if not all(
                cell is None
                or (isinstance(cell, int | float | np.integer | np.floating) and not isinstance(cell, bool))
                for cell in cells
            ):
                return None
            _demand_held((int(cell) for cell in cells if isinstance(cell, int | np.integer)), name)
            wide = [cell for cell in cells if isinstance(cell, np.longdouble)]
            _demand_held(_whole(np.array(wide)), name)
            plain = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
        if plain.dtype.kind not in "fiu" or plain.ndim != 1:
            return None
        if plain.dtype.kind in "iu" or plain.itemsize > 8:
            _demand_held(_whole(plain), name)
        return plain.astype(np.float64)

    def values(self, name: str) -> Array:
        """A column that has to hold numbers.

        Raises:
            BadInput: if it does not.
        """
        values = self.numbers(name)
        if values is None:
            raise BadInput(
                f"the table: column {name} holds no plain numbers ({unmasked(self.data[self.label[name]]).dtype})"
            )
        return values

    def cells(self, name: str) -> list[str]:
        """The group of each row, by this column."""
        return group_names(
            [None if _missing(cell) else cell for cell in _listed(self.data[self.label[name]])]
        )

    def texts(self, rows: Sequence[int], used: set[str]) -> list[dict[str, str]]:
        """The other columns in some rows, and the index where it is no mere number of the row."""
        others = [name for name in self.names if name not in used and self.names.count(name) == 1][:SHOWN]
        given = {name: self.data[self.label[name]] for name in others}
        columns: dict[str, Any] = {name: getattr(c, "iloc", None) or unmasked(c) for name, c in given.items()}
        index = getattr(self.data, "index", None)
        if index is not None and type(index).__name__ != "RangeIndex" and "index" not in self.names:
            columns = {"index": np.asarray(index), **columns}
        return [
            {name: "" if _missing(column[i]) else str(column[i])[:WIDTH] for name, column in columns.items()}
            for i in rows
        ]


def _plain(column: Any) -> NDArray[Any] | list[Any]:
    """A column as NumPy's array, or as a list where an array would round whole numbers (lists, missing cells)."""
    if isinstance(column, np.ma.MaskedArray) and np.ma.is_masked(column) and column.dtype.kind in "iu":
        hidden = np.ma.getmaskarray(column)
        return [
            None if h else v for v, h in zip(np.ma.getdata(column).tolist(), hidden.tolist(), strict=True)
        ]
    if isinstance(column, list | tuple):
        return [*column] if any(isinstance(cell, int) for cell in column) else unmasked(column)
    typed = getattr(column, "dtype", None)
    if isinstance(column, np.ndarray) or isinstance(typed, np.dtype):
        return unmasked(column)
    nulls = getattr(column, "null_count", None)  # of pyarrow and polars
    missing = column.isna().any() if hasattr(column, "isna") else nulls() if callable(nulls) else nulls
    return _listed(column) if missing else unmasked(column)


def _listed(column: Any) -> list[Any]:
    """The cells of a column as Python has them, so that none is rounded: a date stays one, a missing number is none."""
    plain = _plain(column) if isinstance(column, np.ndarray) else column
    if (
        isinstance(plain, np.ndarray) and plain.dtype.kind in "mM"
    ):  # some would become whole numbers of nanoseconds
        return [None if np.isnat(v) else str(v) for v in plain]
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(plain, name):
            return [*getattr(plain, name)()]
    return [*plain]


def _whole(plain: NDArray[Any]) -> list[int]:
    """The numbers of an array that double precision may not hold: whole ones beyond 2^53, and those beyond its range.

    Numbers in extended precision are no counts above 2^64, and are rounded as the digits of a text are.
    """
    large = plain[(plain >= WHOLE) | (plain <= -WHOLE)]
    if plain.dtype.kind in "iu":
        size = np.where(large < 0, -(large + 1), large).astype(np.uint64) + (large < 0).astype(np.uint64)
        lowest = size & (
            ~size + np.uint64(1)
        )  # the lowest bit: the others are 53 at most in a number that is held
        return [int(v) for v in large[size // lowest >= np.uint64(2**53)]]
    counted = np.isfinite(large) & (large == np.trunc(large)) & (np.abs(large) < 2.0**64)
    return [
        int(v) for v in large[counted | (np.isfinite(large) & (np.abs(large) > np.finfo(np.float64).max))]
    ]


def _demand_held(whole: Iterable[int], name: str) -> None:
    """Check that double precision holds the whole numbers of a column.

    Raises:
        BadInput: names the first that it does not hold.
    """
    large = (int(n) for n in whole if abs(int(n)) >= WHOLE)
    lost = next((n for n in large if abs(n) >= 2**1024 or int(float(n)) != n), None)
    if lost is not None:
        raise BadInput(
            f"the table: column {name}: double precision cannot represent the whole number {str(lost)[:40]} (beyond 2^53); "
            "subtract an offset from the column first"
        )


def _demand_aligned(columns: Mapping[Any, Any]) -> None:
    """Check that the Series among columns that are no data frame have one index: a row is one place in all of them.

    Raises:
        BadInput: names two that differ.
    """
    indexed = [(name, column.index) for name, column in columns.items() if hasattr(column, "iloc")]
    for name, index in indexed[1:]:
        if not index.equals(indexed[0][1]):
            raise BadInput(
                f"the table: columns {indexed[0][0]} and {name} are Series with different indexes; give a data frame, or "
                "arrays (.to_numpy()) to pair them by position"
            )


def _unique(names: Sequence[str], columns: Iterable[Any]) -> dict[str, Any]:
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadInput(f"the table: there are two columns {twice[0]}; give each another name")
    return dict(zip(names, columns, strict=True))


def _missing(cell: Any) -> bool:
    """Whether a cell is empty: None, NaN, NaT, pandas' NA."""
    if cell is None or type(cell).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(cell, float | np.floating) and bool(np.isnan(cell))
