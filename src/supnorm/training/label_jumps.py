"""Do labels jump? For fixed samples, where the reference cannot be asked.

One input: `line_jumps`. Several: each sample is paired with that of its 2 d + 1 nearest neighbours whose label
differs most. Linear functions are fitted on either side of the middle of the pair, to the samples around it. The
pair straddles a jump when the step is

* more than 3 times what either linear function rises from one to the other, and 3 times the median of all steps,
* told by both sides: extrapolated to the middle they differ by half of it, and by 3 times the root mean square
  of what either leaves (curvature, noise),
* more than 2 % of the range of the labels;

three such pairs without a common sample make a jump: one bad label makes one. Samples cannot tell a jump from a
rise that they do not resolve. How often it errs: docs/fit.md, counted by `python -m benchmarks.fit --part jumps`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import line_jumps
from supnorm.problem import Domain

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
RISE, STEP, AGREE, LEFT, RANGE = 3.0, 3.0, 0.5, 3.0, 0.02
PAIRS = 3
MOST = 20_000  # samples looked at


@dataclass(frozen=True, eq=False)
class LabelJump:
    """A jump between two samples: its size (largest over the outputs) and both points, shape ``(d,)``."""

    size: float
    low: Array
    high: Array

    def describe(self, domain: Domain) -> str:
        """Where it is, and what that means."""
        near, far = domain.describe(self.low), domain.describe(self.high)
        places = [", ".join(f"{name} = {v:.6g}" for name, v in point.items()) for point in (near, far)]
        return (
            f"the labels jump by {self.size:.3g} between {places[0]} and {places[1]}, or rise more steeply than the "
            "samples resolve: a continuous model misses by at least half"
        )


def label_jump(x: Array, y: Array, domain: Domain) -> LabelJump | None:
    """The largest jump of one input, a typical one of several; None where none is seen. ``x (n, d)``, ``y (n, m)``.

    >>> x = np.random.default_rng(0).random((400, 2))
    >>> found = label_jump(x, np.where(x[:, :1] > 0.5, 1.0, 0.0) + x, Domain(a=(0.0, 1.0), b=(0.0, 1.0)))
    >>> found is not None and 0.9 < found.size < 1.2
    True
    """
    u, y = domain.to_unit(x[:MOST]), y[:MOST]
    if domain.d == 1:
        order = np.argsort(u[:, 0], kind="stable")
        places = line_jumps(u[order, 0], y[order])
        pairs = np.stack([order[places], order[places + 1]], axis=1)
    else:
        pairs = np.concatenate([_straddling(u, column) for column in y.T])
    if not len(pairs):
        return None
    sizes = np.abs(y[pairs[:, 0]] - y[pairs[:, 1]]).max(axis=1)
    k = int(np.argsort(sizes)[len(sizes) - 1 if domain.d == 1 else len(sizes) // 2])
    low, high = x[pairs[k, 0]], x[pairs[k, 1]]
    return LabelJump(float(sizes[k]), low, high)


def _straddling(u: Array, y: Array) -> Rows:
    """Pairs without a common sample on two sides of a jump of one output; none where fewer than three."""
    from scipy.spatial import cKDTree

    n, d = u.shape
    around = 6 * d + 8
    if n < 2 * around:
        return np.empty((0, 2), dtype=np.int64)
    tree = cKDTree(u)
    near = tree.query(u, 2 * d + 2)[1][:, 1:]
    steps = np.abs(y[near] - y[:, None])
    other, step = near[np.arange(n), steps.argmax(axis=1)], steps.max(axis=1)
    likely = (step > STEP * np.median(step)) & (step > RANGE * float(np.ptp(y)))
    pairs = np.stack([np.flatnonzero(likely), other[likely]], axis=1)
    step, across = step[likely], u[pairs[:, 1]] - u[pairs[:, 0]]
    middle = u[pairs[:, 0]] + 0.5 * across
    rows = tree.query(middle, around)[1].reshape(-1, around)
    sides = [_one_side(u[rows] - middle[:, None], y[rows], sign * across) for sign in (-1.0, 1.0)]
    rise = np.maximum(np.abs(sides[0].rise), np.abs(sides[1].rise))
    left = np.maximum(sides[0].left, sides[1].left)
    gap = np.abs(sides[0].middle - sides[1].middle)
    enough = np.minimum(sides[0].count, sides[1].count) >= d + 3
    found = _disjoint(pairs[enough & (step > RISE * rise) & (gap > AGREE * step) & (gap > LEFT * left)])
    return found if len(found) >= PAIRS else found[:0]


@dataclass(frozen=True, eq=False)
class _Side:
    """Linear functions: value at the middle, rise along the pair, root mean square left, samples."""

    middle: Array
    rise: Array
    left: Array
    count: Array


def _one_side(offset: Array, y: Array, across: Array) -> _Side:
    """Fits to the samples ``offset (k, q, d)`` with a positive component along ``across (k, d)``."""
    d = offset.shape[2]
    inside = (np.einsum("kqd,kd->kq", offset, across) > 0).astype(np.float64)
    scale = np.sqrt(np.mean(np.sum(offset**2, axis=2), axis=1))[:, None, None]
    basis = np.concatenate([np.ones((*offset.shape[:2], 1)), offset / scale], axis=2)
    normal = np.einsum("kqi,kq,kqj->kij", basis, inside, basis) + 1e-9 * np.eye(d + 1)
    right = np.einsum("kqi,kq->ki", basis, inside * y)
    c = np.linalg.solve(normal, right[..., None])[..., 0]
    residual = inside * (y - np.einsum("kqi,ki->kq", basis, c))
    count = inside.sum(axis=1)
    left = np.sqrt(np.sum(residual**2, axis=1) / np.maximum(count - d - 1, 1.0))
    return _Side(c[:, 0], np.sum(c[:, 1:] * across, axis=1) / scale[:, 0, 0], left, count)


def _disjoint(pairs: Rows) -> Rows:
    used: set[int] = set()
    kept = []
    for i, j in pairs.tolist():
        if i not in used and j not in used:
            used |= {i, j}
            kept.append((i, j))
    return np.array(kept, dtype=np.int64).reshape(-1, 2)
