"""In which direction rows and columns without numbers run: by the latitudes and longitudes of their points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.aligning import Turn, coordinate
from supnorm.fields.grid import Grid
from supnorm.fields.side import Side
from supnorm.fields.stated import DEGREES, GRID, MOST, Partners, difference, shared, size_of
from supnorm.results import BadInput

Array = NDArray[np.float64]


def numbers_of_truth(p: Side, t: Side, grid: Grid, what: str, notes: list[str]) -> tuple[Array, Array]:
    """The numbers of the truth's rows and columns; those of the prediction where one of both sides has none.

    Args:
        grid: of the prediction.
        what: the fields, for messages.
        notes: gets a sentence for each axis of which one side has no numbers.

    Raises:
        BadInput: where one side has numbers, and nothing tells whether the points of the other one are in this order.
    """
    y, x = (coordinate(t.variable, str(t.dimension(role)), what) for role in ("y", "x"))
    found = []
    for role, words, mine, other in (("y", "rows", grid.y, y), ("x", "columns", grid.x, x)):
        sides = [side.axis(role) is not None for side in (p, t)]
        if sides[0] == sides[1] or len(mine) != len(other) or np.array_equal(mine, other):
            found.append(other)
            continue
        which, without = ("prediction", "truth") if sides[0] else ("truth", "prediction")
        name, numbers = str((p if sides[0] else t).dimension(role)), mine if sides[0] else other
        if not _points_of_both(p, t):
            ends = f"{numbers[0]:.7g} to {numbers[-1]:.7g}"
            raise BadInput(
                f"{what}: the {which} has numbers of its {words} ({name}: {ends}) and the {without} has none, so it is not "
                f"known whether they are the same: give them, as with data.assign_coords({name}=...)"
            )
        notes.append(
            f"Only the {which} has numbers of its {words} ({name}): they were paired by latitudes and longitudes of the "
            "points."
        )
        found.append(mine)
    return found[0], found[1]


def _points_of_both(p: Side, t: Side) -> list[tuple[str, Any, Any]]:
    """Latitudes and longitudes of points that both sides state, if they tell the direction of rows and columns."""
    both = [one for one in shared(p, t) if one[0] in DEGREES and size_of(p, t, *one[1:]) <= MOST]
    enough = len(both) == len(DEGREES) or all(len(one[1].dims) == 1 for one in both)
    return both if enough else []


def turned(p: Side, t: Side, turn: Turn, notes: list[str]) -> Turn:
    """How the truth is turned where rows or columns have no numbers, and another coordinate tells their direction.

    Args:
        turn: by the numbers of rows and columns.
        notes: gets a sentence for each axis that is reversed.
    """
    both = _points_of_both(p, t)
    free = {role for role in GRID if any(side.axis(role) is None for side in (p, t))}
    if not (both and free) or turn.shift or turn.at:
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
