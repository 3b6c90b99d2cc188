"""Ascents without gradients: random points in a box round the best one, which is halved where none is better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Points of a box: a judgement. With 4 `test_blow_up_is_found` and
# `test_errors_find_a_narrow_peak_that_the_sample_misses` pass, too.
TRIALS = 24


def ascend(
    f: Callable[[Array], Array], x: Array, values: Array, width: float, steps: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Follow ``f`` upwards from every row of ``x``, in the unit cube.

    Args:
        f: ``(n, d) -> (n,)``; minus infinity where there is no value.
        x, values: the starts, shape ``(k, d)``, and f there.
        width: of the first boxes.
        steps: boxes of each ascent; an ascent calls f ``TRIALS`` times a step.
        rng: draws the points.

    Returns:
        where the ascents end, shape ``(k, d)``, and their values after each step, shape ``(steps + 1, k)``.

    >>> f = lambda u: -np.abs(u - 0.3).max(axis=1)
    >>> top, values = ascend(f, np.full((1, 2), 0.5), np.array([-0.2]), 0.5, 40, np.random.default_rng(0))
    >>> bool(values[-1, 0] > -1e-6), top.round(3)
    (True, array([[0.3, 0.3]]))
    """
    k, d = x.shape
    row, widths, history = np.arange(k), np.full(k, width), [values]
    for _ in range(steps):
        offset = rng.random((k, TRIALS, d)) - 0.5
        trial = np.clip(x[:, None, :] + widths[:, None, None] * offset, 0.0, 1.0)
        new = f(trial.reshape(-1, d)).reshape(k, TRIALS)
        top = new.argmax(axis=1)
        better = new[row, top] > values
        values = np.where(better, new[row, top], values)
        x = np.where(better[:, None], trial[row, top], x)
        widths = np.where(better, widths, 0.5 * widths)
        history.append(values)
    return x, np.array(history)
