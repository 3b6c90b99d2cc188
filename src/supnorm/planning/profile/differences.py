"""Partial derivatives of a function on the unit cube, by central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Of an axis: the differences miss the derivative by 2e-9 times the third derivative, and float64 rounding adds 1e-12.
# With 1e-2 `test_inner_function_of_two_inputs` fails, with 1e-8 that of a ridge.
STEP = 1e-4


def slopes(f: Callable[[Array], Array], x: Array, axes: Sequence[int]) -> Array:
    """The derivatives along ``axes`` at the rows of ``x``, shape ``(n, d)``; shape ``(n, len(axes))``.

    >>> slopes(lambda u: u[:, 0] ** 2 + u[:, 1], np.array([[0.5, 0.5]]), [0]).round(6)
    array([[1.]])
    """
    n, d = x.shape
    steps = STEP * np.eye(d)[list(axes)]
    points = np.concatenate([x[None] + sign * steps[:, None, :] for sign in (1.0, -1.0)])
    values = f(points.reshape(-1, d)).reshape(2, len(axes), n)
    slope: Array = ((values[0] - values[1]) / (2.0 * STEP)).T
    return slope
