"""Many initial value problems at once, each with steps of its own: the pair of orders 8, 5 and 3 of Dormand and Prince.

All problems run over [0, 1]. Each has its own position and step; one that has ended leaves. The coefficients and the
estimate of the error are those of DOP853 (Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, II.5 and
II.10). Cost: 12 evaluations a step; the pendulum over 10 s takes some 60 steps at the tolerance of `TOLERANCE`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Field = Callable[[Array, Array, NDArray[np.intp]], Array]

# A step's estimated error as a share of the largest size of a component so far; the estimate is of order 7, the step of
# order 8. With 1e-13, 1e-14 and 1e-15 the pendulum over 10 s was 3e-13, 4e-14 and 2e-14 from its elliptic function.
TOLERANCE = 1e-15
STEPS = 5_000  # of one problem; at this tolerance a smooth one takes 10 to 200
# From half of the steps on: in a stiff equation rounding alone makes errors that `TOLERANCE` refuses. y' = -1000 (y - cos t)
# over [0, 1] did not end in 5,000 steps; so it takes 3,100 and is within 1e-15.
COARSER = 1e-12
SMALLEST = 1e-13  # step; near a pole steps fall below any bound


def solve(field: Field, y0: Array, tolerance: float = TOLERANCE) -> tuple[Array, NDArray[np.bool_]]:
    """The states at 1 of y' = field(s, y, rows), y(0) = y0, and which problems have one.

    Args:
        field: rates ``(q, k)`` from positions s ``(q,)``, states ``(q, k)`` and the numbers ``(q,)`` of their problems.
        y0: ``(n, k)``.
        tolerance: of a step, see `TOLERANCE`.

    >>> y, good = solve(lambda s, y, rows: y, np.ones((1, 1)))
    >>> bool(abs(y[0, 0] - np.e) < 1e-14), good.tolist()
    (True, [True])
    """
    from scipy.integrate import DOP853

    A, B, C, E3, E5 = DOP853.A, DOP853.B, DOP853.C, DOP853.E3, DOP853.E5
    n, k = y0.shape
    result, good = np.full((n, k), np.nan), np.zeros(n, dtype=bool)
    rows = np.flatnonzero(np.isfinite(y0).all(1))
    y, s, h = y0[rows], np.zeros(len(rows)), np.full(len(rows), 1e-2)
    lost = np.zeros_like(y)  # what the sum of the steps has lost to rounding (Kahan)
    scale = np.abs(y)
    with np.errstate(all="ignore"):
        first = field(s, y, rows) if len(rows) else y
        for step_number in range(STEPS):
            if not len(rows):
                break
            if step_number == STEPS // 2:
                tolerance = max(tolerance, COARSER)
            last = h >= 1.0 - s
            h = np.where(last, 1.0 - s, h)
            K = [first]
            for a, c in zip(A[1:], C[1:], strict=True):
                inner = y + h[:, None] * sum(w * r for w, r in zip(a, K, strict=False) if w)
                K.append(field(s + c * h, inner, rows))
            step = h[:, None] * sum(w * r for w, r in zip(B, K, strict=False) if w) + lost
            new = y + step
            rest = step - (new - y)
            end = field(s + h, new, rows)
            K.append(end)
            size = np.maximum(scale, np.abs(new)) * tolerance
            size = np.where(
                size > 0.0, size, tolerance * np.maximum(np.abs(new).max(1, keepdims=True), 1e-300)
            )
            five, three = ((sum(w * r for w, r in zip(E, K, strict=True) if w) / size) for E in (E5, E3))
            five, three = (five**2).sum(1), (three**2).sum(1)
            error = h * five / np.sqrt(np.maximum(five + 0.01 * three, 1e-300) * k)
            fine = np.isfinite(error) & np.isfinite(new).all(1)
            # Rounding alone is an estimate of a few units: a step of that error is as good as a smaller one.
            taken = fine & ((error <= 1.0) | (h * np.abs(end).max(1) <= 1e-15 * scale.max(1)))
            factor = np.where(fine, np.clip(0.9 * np.maximum(error, 1e-9) ** -0.125, 0.2, 8.0), 0.2)
            s = np.where(taken, s + h, s)
            y, lost = np.where(taken[:, None], new, y), np.where(taken[:, None], rest, lost)
            first = np.where(taken[:, None], end, first)
            scale = np.where(taken[:, None], np.maximum(scale, np.abs(new)), scale)
            h = h * factor
            done = taken & last
            result[rows[done]], good[rows[done]] = y[done], True
            on = ~done & (h > SMALLEST)
            rows, y, s, h, lost, scale, first = (v[on] for v in (rows, y, s, h, lost, scale, first))
    return result, good
