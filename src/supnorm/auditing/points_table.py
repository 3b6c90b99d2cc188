"""The worst points of an audit as a table, ready for retraining."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.compared import Compared
from supnorm.auditing.run import Run
from supnorm.auditing.thinning import linkage_radius, thin
from supnorm.results.table import Table, input_columns

Array = NDArray[np.float64]
NUMBERS, MOST_NUMBERS = 300_000, 1_000_000  # in the table: some MB, and up to 20 of them


def points_table(run: Run, names: Sequence[str]) -> Table:
    """The worst rows, thinned so that they do not crowd at one peak; of a table its worst rows, all of them."""
    domain = run.problem.domain
    others = (*(f"model_{n}" for n in names), *(f"reference_{n}" for n in names), "error")
    columns = (*input_columns(domain.names, others), *others)
    if run.search.compared is not None:
        return _rows_of_table(run.search.compared, columns)
    rows = _with_the_worst(run, run.recorder.worst_rows())
    if len(rows):
        u = domain.to_unit(rows[:, : domain.d])
        radius = 0.1 * linkage_radius(max(run.evaluator.total, 3), domain.d)
        # Thousands of outputs: fewer points, of a hundred thousand five.
        most = min(500, max(5, min(20, MOST_NUMBERS // len(columns)), NUMBERS // len(columns)), len(rows))
        kept = thin(u, rows[:, -2], radius, most, fill=False).tolist()
        # The first row is the worst point, by which `load_report` knows the table; thousands may have the same error.
        rows = rows[kept if 0 in kept else [0, *kept[: most - 1]]]
    return Table(columns, rows[:, :-1] if len(rows) else np.empty((0, len(columns))))


def _with_the_worst(run: Run, rows: Array) -> Array:
    """The rows of all batches, first the worst point: another one may have the same error, or a smaller one, where a call
    of the worst point alone or of the probe had the largest.
    """
    worst, d = run.witness, run.problem.domain.d
    if worst is None or (len(rows) and (rows[0, :d] == worst.x).all() and not worst.error > rows[0, -2]):
        return rows
    first = np.concatenate([worst.x, worst.model, worst.reference, [worst.error, worst.output]])[None]
    others = rows[(rows[:, :d] != worst.x).any(axis=1)]
    return np.concatenate([first, others]) if len(others) else first


def _rows_of_table(compared: Compared, columns: tuple[str, ...]) -> Table:
    """The worst rows of a table with their numbers, lines and other columns."""
    pairs = [int(pair) for pair in compared.worst]
    index = [int(compared.pairs.row[pair]) for pair in pairs]
    cells = compared.columns(pairs)
    labels = {"row": tuple(str(row + 1) for row in index)}
    if compared.pairs.rows.lines is not None:
        labels["line"] = tuple(str(compared.pairs.rows.line(row)) for row in index)
    for name in dict.fromkeys(name for row in cells for name in row):
        free = name
        while free in labels or free in columns:
            free = f"table_{free}"
        labels[free] = tuple(row.get(name, "") for row in cells)
    return Table(columns, compared.numbers, labels)
