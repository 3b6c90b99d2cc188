"""In which direction rows and columns without numbers run: by the latitudes and longitudes of their points."""

from __future__ import annotations

import numpy as np

from supnorm.fields.aligning import Turn
from supnorm.fields.side import Side
from supnorm.fields.stated import DEGREES, GRID, MOST, Partners, difference, shared, size_of


def turned(p: Side, t: Side, turn: Turn, notes: list[str]) -> Turn:
    """How the truth is turned where rows or columns have no numbers, and another coordinate tells their direction.

    Args:
        turn: by the numbers of rows and columns.
        notes: gets a sentence for each axis that is reversed.
    """
    both = [one for one in shared(p, t) if one[0] in DEGREES and size_of(p, t, *one[1:]) <= MOST]
    free = {role for role in GRID if any(side.axis(role) is None for side in (p, t))}
    enough = len(both) == len(DEGREES) or all(len(one[1].dims) == 1 for one in both)
    if not (both and enough and free) or turn.shift or turn.at:
        return turn
    zero = np.zeros((1, 1), dtype=np.int64)
    for rows in (False, True) if "y" in free else (turn.rows,):
        for columns in (False, True) if "x" in free else (turn.columns,):
            one = Turn(rows, columns)
            partners = Partners(zero, zero, zero[0], zero[0], one)
            if all(difference(p, t, *points, partners) is None for points in both):
                said = [(rows and not turn.rows, "rows", "y"), (columns and not turn.columns, "columns", "x")]
                notes += [
                    f"The {what} ({p.dimension(role)}) of the truth run in the other direction; they were reversed."
                    for new, what, role in said
                    if new
                ]
                return one
    return turn
