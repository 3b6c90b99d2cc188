"""The first tests of a function: values that are not finite, and values that grow without bound.

A scan (Sobol points, corners) shows non-finite values. Then ascents follow the largest |f| (`ascend`). Near a pole
``|x - c|^-a`` every halving of the box multiplies the largest value by 2^a, and it never settles; a smooth maximum
settles. A function that grows without bound has no sup-norm budget. Cost: scan + starts * 24 * 40 calls.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.ascents import ascend
from supnorm.problem.sobol import sobol

Array = NDArray[np.float64]
# 40 halvings reach a box of 1e-13; in the last 14 a pole of order 0.1 grows by 2.6, and 1.5 counts as growth.
# `test_blow_up_is_found` and `test_no_false_alarm` pass with 15 steps and with the last 3, too.
STEPS, LAST = 40, 14


@dataclass(frozen=True)
class Hazards:
    """What stands in the way of any sup-norm budget.

    Attributes:
        scanned: points of the scan.
        not_finite: how many of them had no finite value although they are in the domain.
        first: the first such point of the unit cube.
        growth: factor by which the largest |f| grew over the last 14 steps; 1 if it did not.
        blow_up: the point where |f| grows without bound; None without one.
        largest: the largest |f| seen.
    """

    scanned: int
    not_finite: int
    first: Array | None
    growth: float
    blow_up: Array | None
    largest: float

    @property
    def hopeless(self) -> bool:
        """No sup-norm budget exists."""
        return self.blow_up is not None


def scan_points(d: int, count: int, rng: np.random.Generator) -> Array:
    """Scrambled Sobol points of the unit cube, and its corners (at most 256 of them)."""
    inner = sobol(d, rng).random_base2(int(np.ceil(np.log2(count))))[:count]
    if d <= 8:
        corners = np.array(list(itertools.product((0.0, 1.0), repeat=d)))
    else:
        corners = rng.integers(0, 2, (256, d)).astype(float)
    points: Array = np.concatenate([inner, np.full((1, d), 0.5), corners])
    return points


def hazards(
    f: Callable[[Array], Array],
    x: Array,
    values: Array,
    inside: NDArray[np.bool_],
    rng: np.random.Generator,
    starts: int = 4,
) -> Hazards:
    """Judge a scan ``x``, shape ``(n, d)``, with its ``values`` (NaN where there is none).

    Args:
        f: the function on the unit cube.
        x, values: the scan.
        inside: which of the points belong to the domain.
        rng: for the boxes.
        starts: number of ascents, from the largest values; 0 leaves them out.

    >>> rng = np.random.default_rng(0)
    >>> f = lambda u: 1.0 / np.hypot(u[:, 0] - 0.3, u[:, 1] - 0.7)
    >>> x = scan_points(2, 512, rng)
    >>> hazards(f, x, f(x), np.ones(len(x), bool), rng).hopeless
    True
    """
    bad = np.flatnonzero(inside & ~np.isfinite(values))
    size = np.where(np.isfinite(values), np.abs(values), -np.inf)
    first = x[bad[0]] if len(bad) else None
    if not np.isfinite(size).any() or starts == 0:
        return Hazards(len(x), len(bad), first, 1.0, None, float(size.max()))
    history, largest_at = follow_largest(lambda u: np.abs(f(u)), x, size, rng, starts)
    growth = history[-1] / history[-1 - LAST] if history[-1 - LAST] > 0 else 1.0
    settled = growth < 1.5 or history[-1] < 10.0 * max(float(np.median(size[np.isfinite(size)])), 1e-300)
    return Hazards(len(x), len(bad), first, float(growth), None if settled else largest_at, history[-1])


def follow_largest(
    f: Callable[[Array], Array], x: Array, size: Array, rng: np.random.Generator, starts: int
) -> tuple[list[float], Array]:
    """The largest f after each step, and where it is; ``size`` are its values at ``x``."""
    order = np.argsort(-size)[:starts]

    def known(u: Array) -> Array:
        values = f(u)
        return np.where(np.isfinite(values), values, -np.inf)

    best, history = ascend(known, x[order], size[order], 0.25, STEPS, rng)
    return history.max(axis=1).tolist(), best[int(history[-1].argmax())]
