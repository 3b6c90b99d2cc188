"""Searches for jumps of the reference by bisection along random lines through the domain.

On each line the interval with the largest step between neighbouring points is halved until its ends differ by 1e-9 of
the line. The step of a continuous function vanishes with the interval; a jump stays. The error of a continuous model is
at least J/2 at a jump of size J, so the fit reports the jump before anything is trained. A jump that no line crosses is
not found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Domain

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Jump:
    """A discontinuity: its size (largest over the outputs) and a point next to it."""

    size: float
    x: Array


def find_jump(
    value: Callable[[Array], Array],
    domain: Domain,
    rng: np.random.Generator,
    lines: int = 8,
    points: int = 65,
    late: Callable[[], bool] = lambda: False,
) -> Jump | None:
    """The largest jump found along ``lines`` random lines, or None.

    Args:
        value: the reference, (n, d) to (n, m); some 200 calls one after the other.
        lines, points: how many lines, and points on each.
        late: asked before each call; once it is true, what was found so far is returned.

    >>> domain = Domain(x=(0.0, 1.0), y=(0.0, 1.0))
    >>> found = find_jump(lambda x: np.sign(x[:, :1] - 0.3), domain, np.random.default_rng(0))
    >>> round(found.size, 6), round(float(found.x[0]), 6)
    (2.0, 0.3)
    """
    best: Jump | None = None
    for _ in range(lines):
        if late():
            break
        a, b = rng.random(domain.d), rng.random(domain.d)
        a, b = _to_the_faces(a, b)
        s = np.linspace(0.0, 1.0, points)
        u = np.clip(a + s[:, None] * (b - a), 0.0, 1.0)
        jump = _bisect(value, domain, u, late)
        if jump is not None and (best is None or jump.size > best.size):
            best = jump
    return best


def _to_the_faces(a: Array, b: Array) -> tuple[Array, Array]:
    """The line through both points, extended to the faces of the unit box."""
    step = b - a
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)
    to_zero, to_one = -a / step, (1.0 - a) / step
    low = np.max(np.minimum(to_zero, to_one))
    high = np.min(np.maximum(to_zero, to_one))
    return a + low * step, a + high * step


def _bisect(
    value: Callable[[Array], Array], domain: Domain, u: Array, late: Callable[[], bool]
) -> Jump | None:
    y = value(domain.from_unit(u))
    steps = np.abs(np.diff(y, axis=0)).max(axis=1)
    if not np.isfinite(steps).any():
        return None
    k = int(np.nanargmax(steps))
    first, range_seen = float(steps[k]), float(np.nanmax(y) - np.nanmin(y))
    if first <= 1e-6 * range_seen:
        return None
    left, right, y_left, y_right = u[k], u[k + 1], y[k : k + 1], y[k + 1 : k + 2]
    for _ in range(26):
        if late():  # half a bisection says nothing: the step may be a slope
            return None
        middle = 0.5 * (left + right)
        y_middle = value(domain.from_unit(middle[None]))
        if not np.isfinite(y_middle).all():
            return None
        if np.abs(y_middle - y_left).max() >= np.abs(y_right - y_middle).max():
            right, y_right = middle, y_middle
        else:
            left, y_left = middle, y_middle
        size = float(np.abs(y_right - y_left).max())
        if size < 0.05 * first:
            return None
    return Jump(size, domain.from_unit(right[None])[0])
