"""Whether a wrong value exists near by in the truth: a misplaced value is another fault than one that exists nowhere.

A front that a model puts two cells too far east has large errors, but its values are found near by ("double penalty"); a
value that the truth has nowhere near was made up. `unexplained` measures how far the prediction at a point is from the range
of the truth within some cells around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RADII = (2, 6, 12)  # cells: at 0.25 degrees 55, 170 and 330 km


def unexplained(
    value: float, truth: NDArray[Any], row: int, column: int, periodic: bool, radii: Sequence[int] = RADII
) -> list[float]:
    """How far a value is from the range of the truth within each radius, in rows and columns; NaN without any truth there.

    >>> truth = np.zeros((20, 20))
    >>> truth[:, 10:] = 10.0
    >>> unexplained(10.0, truth, 5, 7, False), unexplained(24.0, truth, 5, 7, False)
    ([10.0, 0.0, 0.0], [24.0, 14.0, 14.0])
    """
    columns = truth.shape[1]
    left = []
    for r in radii:
        across = np.arange(column - r, column + r + 1)
        across = np.unique(across % columns) if periodic else across[(across >= 0) & (across < columns)]
        near = np.asarray(truth[max(row - r, 0) : row + r + 1][:, across], dtype=np.float64)
        near = near[np.isfinite(near)]
        with np.errstate(over="ignore"):  # values of opposite sign may be infinitely far apart
            left.append(max(near.min() - value, value - near.max(), 0.0) if near.size else float("nan"))
    return [float(v) for v in left]
