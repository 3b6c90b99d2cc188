"""Searches for jumps of the labels of fixed samples, where the reference cannot be evaluated.

For one input see `line_jumps`. For several inputs each sample is paired with the one of its 2 d + 1 nearest neighbours
whose label differs most. A linear function is fitted to the 6 d + 8 samples around the middle of the pair. Along its
steepest direction these samples are split in two where two constants fit best, and each side gets its own linear function.
The pair straddles a jump if the step between its labels is

* more than 3 times the rise of either linear function between the two points, and 3 times the median of all steps,
* confirmed from both sides: at the split the two linear functions differ by at least half of the step, and by 3 times the
  larger root mean square of their residuals (curvature, noise),
* more than 2 % of the range of the labels.

About n^(1 - 1/d) pairs of neighbours cross a jump along a surface. A jump is reported if a twentieth of this number of
pairs, and at least four, straddle it without a common sample; single bad labels do not suffice. Samples cannot distinguish
a jump from a rise that they do not resolve. `python -m benchmarks.fit --part jumps` counts the errors (docs/fit.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.approximants import line_jumps
from supnorm.problem import Domain
from supnorm.results.powers import unit
from supnorm.wording import Fact, fact

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
# The numbers of the rules above; `python -m benchmarks.fit --part jumps` counts wrong and missed jumps.
RISE, STEP, AGREE, LEFT, RANGE = 3.0, 3.0, 0.5, 3.0, 0.02
PAIRS, SHARE = 4, 0.05
MOST, PAIRED = 5000, 2000  # largest numbers of samples and of pairs, for several inputs


@dataclass(frozen=True, eq=False)
class LabelJump:
    """A jump between two samples: its size (largest over the outputs) and both points, shape ``(d,)``."""

    size: float
    low: Array
    high: Array

    def fact(self, domain: Domain) -> Fact:
        """Where it is."""
        return fact(
            "label-jump", size=self.size, near=domain.describe(self.low), far=domain.describe(self.high)
        )


def label_jump(x: Array, y: Array, domain: Domain) -> LabelJump | None:
    """The largest jump for one input, a typical one for several; None if there is none. ``x (n, d)``, ``y (n, m)``.

    >>> x = np.random.default_rng(0).random((400, 2))
    >>> found = label_jump(x, np.where(x[:, :1] > 0.5, 1.0, 0.0) + x, Domain(a=(0.0, 1.0), b=(0.0, 1.0)))
    >>> found is not None and 0.9 < found.size < 1.2
    True
    """
    looked = len(x) if domain.d == 1 else MOST
    x, y = x[:looked], y[:looked]
    u = domain.to_unit(x)
    if domain.d == 1:
        order = np.argsort(u[:, 0], kind="stable")
        gaps = line_jumps(u[order, 0], y[order])
        pairs = np.stack([order[gaps], order[gaps + 1]], axis=1)
    else:
        pairs = np.concatenate([_straddling(u, column / unit(column, 2.0)) for column in y.T])
    if not len(pairs):
        return None
    sizes = np.abs(y[pairs[:, 0]] - y[pairs[:, 1]]).max(axis=1)
    k = int(np.argsort(sizes)[len(sizes) - 1 if domain.d == 1 else len(sizes) // 2])
    low, high = x[pairs[k, 0]], x[pairs[k, 1]]
    return LabelJump(float(sizes[k]), low, high)


def _straddling(u: Array, y: Array) -> Rows:
    """Pairs without a common sample on two sides of a jump of one output; no pairs if they are too few."""
    from scipy.spatial import cKDTree

    n, d = u.shape
    around, none = 6 * d + 8, np.empty((0, 2), dtype=np.int64)
    if n < 2 * around:
        return none
    tree = cKDTree(u)
    near = tree.query(u, 2 * d + 2)[1][:, 1:]
    steps = np.abs(y[near] - y[:, None])
    other, step = near[np.arange(n), steps.argmax(axis=1)], steps.max(axis=1)
    likely = (step > STEP * np.median(step)) & (step > RANGE * float(np.ptp(y)))
    if not likely.any():
        return none
    first = np.flatnonzero(likely)
    first = first[:: -(-len(first) // PAIRED)]
    pairs, step = np.stack([first, other[first]], axis=1), step[first]
    across = u[pairs[:, 1]] - u[pairs[:, 0]]
    middle = u[pairs[:, 0]] + 0.5 * across
    rows = tree.query(middle, around)[1].reshape(-1, around)
    offset, labels = u[rows] - middle[:, None], y[rows]
    steepest = _linear(offset, labels, np.ones_like(labels))[0][:, 1:]
    steepest /= np.maximum(np.linalg.norm(steepest, axis=1, keepdims=True), 1e-300)
    along = np.einsum("kqd,kd->kq", offset, steepest)
    split = _split(along, labels, d + 3)
    offset = offset - (split[:, None] * steepest)[:, None]
    sides = [_linear(offset, labels, inside) for inside in (along <= split[:, None], along > split[:, None])]
    rise = np.max([np.abs(np.sum(c[:, 1:] * across, axis=1)) for c, _ in sides], axis=0)
    left = np.maximum(sides[0][1], sides[1][1])
    gap = np.abs(sides[0][0][:, 0] - sides[1][0][:, 0])
    jumps = _disjoint(pairs[(step > RISE * rise) & (gap > AGREE * step) & (gap > LEFT * left)])
    return jumps if len(jumps) >= max(PAIRS, SHARE * n ** (1.0 - 1.0 / d)) else none


def _split(along: Array, y: Array, least: int) -> Array:
    """For each row the position along its direction where two constants fit the labels best."""
    order = np.argsort(along, axis=1)
    s, y = np.take_along_axis(along, order, axis=1), np.take_along_axis(y, order, axis=1)
    total, count, q = np.cumsum(y, axis=1), np.arange(1, y.shape[1]), y.shape[1]
    before, after = total[:, :-1], total[:, -1:] - total[:, :-1]
    explained = before**2 / count + after**2 / (q - count)
    best = least - 1 + np.argmax(explained[:, least - 1 : q - least], axis=1)
    k = np.arange(len(y))
    middle: Array = 0.5 * (s[k, best] + s[k, best + 1])
    return middle


def _linear(offset: Array, y: Array, inside: NDArray[Any]) -> tuple[Array, Array]:
    """Linear fits to the samples ``offset (k, q, d)`` that are inside: coefficients, root mean square of the residual."""
    d, weight = offset.shape[2], inside.astype(np.float64)
    scale = np.sqrt(np.mean(np.sum(offset**2, axis=2), axis=1))[:, None, None]
    basis = np.concatenate([np.ones((*offset.shape[:2], 1)), offset / scale], axis=2)
    normal = np.einsum("kqi,kq,kqj->kij", basis, weight, basis) + 1e-9 * np.eye(d + 1)
    right = np.einsum("kqi,kq->ki", basis, weight * y)
    c = np.linalg.solve(normal, right[..., None])[..., 0]
    residual = weight * (y - np.einsum("kqi,ki->kq", basis, c))
    left = np.sqrt(np.sum(residual**2, axis=1) / np.maximum(weight.sum(axis=1) - d - 1, 1.0))
    c[:, 1:] /= scale[:, 0]
    return c, left


def _disjoint(pairs: Rows) -> Rows:
    used: set[int] = set()
    disjoint = []
    for i, j in pairs.tolist():
        if i not in used and j not in used:
            used |= {i, j}
            disjoint.append((i, j))
    return np.array(disjoint, dtype=np.int64).reshape(-1, 2)
