"""The problem of a table of predictions and truths, without a problem file: its inputs are the other columns of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.specification import AxisSpec, ErrorSpec, ProblemSpec, SourceSpec
from supnorm.results import BadInput
from supnorm.results.door import reading_table
from supnorm.sources import csv_table, netcdf_table, parquet_table
from supnorm.sources.table import GuessedInputs, column_names, demand_columns, read_columns

Array = NDArray[np.float64]
MOST_INPUTS = 30  # taken by themselves: of more the page shows maps of 45 pairs at most


@dataclass(frozen=True, kw_only=True)
class TableColumns:
    """Which columns of a table are what.

    Attributes:
        truth, prediction: columns of the values, as many of both, in the same order.
        by: columns by whose values errors are reported.
        inputs: columns of the inputs; none: all other columns of numbers that vary, `MOST_INPUTS` at most; in a NetCDF file
            those along the dimensions of the values.
        tolerance: the largest error that is allowed.
        kind: of the error, ``"absolute"``, ``"relative"`` or ``"ulp"``.
        failures: what a missing prediction counts as, ``"error"`` or ``"ignore"``.
    """

    truth: Sequence[str]
    prediction: Sequence[str]
    by: Sequence[str] = ()
    inputs: Sequence[str] = ()
    tolerance: float | None = None
    kind: str = "absolute"
    failures: str = "error"

    def __post_init__(self) -> None:
        if len(self.truth) != len(self.prediction) or not self.truth:
            raise BadInput(
                f"truth names {len(self.truth)} columns and prediction {len(self.prediction)}; "
                "give a prediction for each truth"
            )
        twice = [n for n in (*self.truth, *self.prediction) if [*self.truth, *self.prediction].count(n) > 1]
        if twice:
            raise BadInput(f"column {twice[0]} is named twice among truth and prediction")

    @property
    def floor(self) -> float | None:
        """Of a relative error: it stays relative however small the truth is."""
        return 0.0 if self.kind == "relative" else None

    @property
    def values(self) -> tuple[str, ...]:
        """The columns that are compared."""
        return (*self.truth, *self.prediction)


def table_specification(path: Path, columns: TableColumns) -> ProblemSpec:
    """What a problem file of this table would say; its paths start from the working directory.

    Raises:
        BadInput: for a file that is no table, a missing column, or values that are no numbers.
    """
    what = str(path)
    with reading_table(path, what):
        there = column_names(path, what)
        demand_columns([*columns.values, *columns.by, *columns.inputs], there, what)
        read_columns(path, columns.values, what)  # so that a message names their cells before any other's
        ranges = _ranges(path, columns, there, what)
    inputs = [*ranges]
    sides: dict[str, Any] = {"file": str(path), "inputs": inputs, "by": list(columns.by) or None}
    side = SourceSpec if columns.inputs else GuessedInputs
    return ProblemSpec(
        title=path.stem,
        model=side(**sides, outputs=list(columns.prediction)),
        reference=side(**sides, outputs=list(columns.truth)),
        error=ErrorSpec(
            kind=columns.kind,
            floor=columns.floor,
            tolerance=columns.tolerance,
            failures=columns.failures,  # type: ignore[arg-type]
        ),
        domain={name: AxisSpec(low=low, high=high) for name, (low, high) in ranges.items()},
    )


def _ranges(
    path: Path, columns: TableColumns, there: Sequence[str], what: str
) -> dict[str, tuple[float, float]]:
    """The inputs and their ranges; a truth or prediction itself if no other column of numbers varies."""
    if columns.inputs:
        data = read_columns(path, columns.inputs, what)
        numeric = {name: ends(column) for name, column in zip(columns.inputs, data.T, strict=True)}
        constant = next((name for name, range_ in numeric.items() if range_ is None), None)
        if constant is not None:
            raise BadInput(f"{what}: input {constant} never varies; leave it out of inputs")
    else:
        used = {*columns.values, *columns.by}
        free = [n for n in _unique(there) if n not in used]
        if path.suffix.lower() == ".nc":
            free = netcdf_table.along(path, free, columns.values, what)
        numeric = dict(_numbers(path, free, what)[:MOST_INPUTS])
    ranges = {name: range_ for name, range_ in numeric.items() if range_ is not None}
    if ranges:
        return ranges
    values = read_columns(path, columns.values, what)
    return first_that_varies(zip(columns.values, values.T, strict=True), what)


def first_that_varies(columns: Iterable[tuple[str, Array]], what: str) -> dict[str, tuple[float, float]]:
    """The range of the first of the columns that varies, by its name.

    Raises:
        BadInput: when none does.
    """
    for name, column in columns:
        if (range_ := ends(column)) is not None:
            return {name: range_}
    raise BadInput(
        f"{what}: no column of numbers has two different values; add one, such as the number of the row, as an input"
    )


def ranges_of(path: Path, names: Sequence[str], what: str) -> dict[str, tuple[float, float]]:
    """Those of the columns that hold numbers and vary, with their ranges."""
    return dict(_numbers(path, _unique(names), what))


def _unique(names: Sequence[str]) -> list[str]:
    """The names that only one column has."""
    return [name for name, times in Counter(names).items() if name and times == 1]


def _numbers(path: Path, names: Sequence[str], what: str) -> list[tuple[str, tuple[float, float]]]:
    """Those of the columns that hold numbers and vary, with their ranges."""
    numeric = []
    for name, cells in zip(names, _cells(path, names, what), strict=True):
        if cells is not None and (range_ := ends(cells)) is not None:
            numeric.append((name, range_))
    return numeric


def _cells(path: Path, names: Sequence[str], what: str) -> list[Array | None]:
    if path.suffix.lower() == ".csv":  # one pass for all columns
        return [csv_table.as_numbers(cells) for cells in csv_table.texts(path, names, what)] if names else []
    # None: dates, text: a column to show, and no input
    read = parquet_table.each if path.suffix.lower() == ".parquet" else netcdf_table.each
    return read(path, names, what)


def ends(column: Array) -> tuple[float, float] | None:
    """The smallest and the largest finite number; None if there are not two different ones.

    >>> ends(np.array([3.0, np.nan, 1.0])), ends(np.array([2.0, 2.0]))
    ((1.0, 3.0), None)
    """
    finite = column[np.isfinite(column)]
    if not len(finite) or not finite.min() < finite.max():
        return None
    return float(finite.min()), float(finite.max())
