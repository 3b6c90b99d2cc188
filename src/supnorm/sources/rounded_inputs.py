"""Rows of a table whose inputs are an end of the domain, or a value of a discrete axis, but for rounding.

0.3 in single precision is 0.300000012, and 3 times 0.1 is 0.30000000000000004: such rows were outside of a domain that ends
at 0.3, and were not compared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Axis, Domain, Function
from supnorm.problem.rows import LookUp

Array = NDArray[np.float64]
ULPS = 4.0  # units in the last place of double precision: sums and products of a few numbers that round


def on_the_axes(table: Function, domain: Domain) -> Function:
    """The table with such inputs moved onto the axes, and a note of it; any other function as it is.

    >>> from supnorm.problem.rows import Rows
    >>> x, y = np.array([[0.1 + 0.2], [0.5]]), np.zeros((2, 1))
    >>> f = Function(LookUp(x, y), table=(x, y), rows=Rows("t.csv"))
    >>> on_the_axes(f, Domain(x=(0.0, 0.3))).table[0].tolist()
    [[0.3], [0.5]]
    """
    if table.table is None or table.rows is None:
        return table
    points, values = table.table
    moved, notes = points.copy(), []
    for k, axis in enumerate(domain.axes):
        stored = table.rows.stored[k] if table.rows.stored else ""
        near, close = _near(points[:, k], axis, stored)
        moved[close, k] = near[close]
        n = int(close.sum())
        if n:
            what = "a value" if axis.values is not None else "an end"
            rows = "row has" if n == 1 else "rows have"
            notes.append(
                f"{table.rows.name}: {n:,} {rows} {what} of {domain.names[k]} but for rounding: compared as such"
            )
    if not notes:
        return table
    return replace(table, value=LookUp(moved, values), table=(moved, values), notes=(*table.notes, *notes))


def _near(x: Array, axis: Axis, stored: str) -> tuple[Array, NDArray[np.bool_]]:
    """The nearest end or value of the axis for each input ``(N,)``, and which inputs only rounding keeps from it."""
    ends = np.array((axis.low, axis.high) if axis.values is None else axis.values)
    above = np.minimum(np.searchsorted(ends, x), len(ends) - 1)
    below = np.maximum(above - 1, 0)
    near = np.where(x - ends[below] <= ends[above] - x, ends[below], ends[above])
    off = ~np.isin(x, ends) if axis.values is not None else (x < axis.low) | (x > axis.high)
    reach = np.abs(x - near) <= ULPS * np.spacing(np.abs(near))
    if stored in ("float16", "float32"):
        with np.errstate(over="ignore"):
            reach |= x == near.astype(stored).astype(np.float64)
    return near, off & reach
