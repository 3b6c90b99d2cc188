"""Columns that are taken as inputs of a table and look like another prediction, or like the truth in another column.

Such a column is no input: an error drawn against it explains nothing, and it becomes an axis of the problem unnoticed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEAST = 10  # rows: fewer agree by chance
# R² of the column as a prediction of the values, as it is: at most a tenth of their variance is left.
EQUAL = 0.9
CORRELATED = 0.99  # other units or an offset: the correlation of a column with the values, either sign


def likeness(column: Array, values: Array) -> tuple[str, float] | None:
    """``("equal", R²)`` or ``("correlated", r)`` if a column looks like these values; None if it does not.

    Args:
        column, values: shape ``(N,)``; rows in which one of them is missing are left out.

    >>> truth = np.arange(20.0)
    >>> likeness(truth + 0.1, truth)[0], likeness(40.0 - 2.0 * truth, truth)[0], likeness(truth % 3, truth)
    ('equal', 'correlated', None)
    >>> likeness(1e-200 * truth, truth % 3), likeness(1e200 * truth, 1e-200 * truth)[0]
    (None, 'correlated')
    """
    both = np.isfinite(column) & np.isfinite(values)
    if both.sum() < LEAST:
        return None
    with np.errstate(all="ignore"):
        a, b = column[both] - column[both].mean(), values[both] - values[both].mean()
        variance = float(b @ b)
        gap = column[both] - values[both]
        equal = 1.0 - float(gap @ gap) / variance if variance > 0 else np.nan
        a, b = a / np.abs(a).max(), b / np.abs(b).max()  # so that no square is too small or large for a float
        correlation = float(a @ b / np.sqrt((a @ a) * (b @ b)))  # NaN if one never varies
    if equal >= EQUAL:
        return "equal", equal
    return ("correlated", correlation) if abs(correlation) >= CORRELATED else None


def second_predictions(
    inputs: Mapping[str, Array], values: Mapping[str, Array]
) -> list[tuple[str, str, str, float]]:
    """Inputs that look like one of the compared columns: input, that column, ``equal`` or ``correlated``, and by how much.

    Of several columns an input is named beside the one that it is most like.

    >>> t = np.arange(20.0)
    >>> [one[:3] for one in second_predictions({"v2": t + 0.2, "flow": t % 3}, {"power": t, "v1": t + 1})]
    [('v2', 'power', 'equal')]
    """
    alike_ones = []
    for name, column in inputs.items():
        like = [(*alike, of) for of, v in values.items() if (alike := likeness(column, v)) is not None]
        if like:
            kind, number, of = max(like, key=lambda one: (one[0] == "equal", abs(one[1])))
            alike_ones.append((name, of, kind, number))
    return alike_ones
