"""Finds points where rounding may be largest, for functions that run in lower precision.

The whole rounding of such a function counts in the agreement, and random points miss it if large numbers cancel in a
thin part of the domain. A proof has small boxes there. A random search starts from their centres and corners and
maximises the proved bound of the rounding at a point, without calling the function.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from supnorm.certification.boxes import Boxes
from supnorm.certification.rounding import Array
from supnorm.problem import Domain

# Numbers of boxes, those of the largest proved rounding, whose centres are tried and whose corners are tried.
BOXES, CORNERS = 1024, 256
BEST, AROUND, ROUNDS = 32, 8, 6  # best points of a round, random steps from each, rounds
LAST = 32  # random steps from each best point in the last round, of all lengths
# The points with the largest bounds are neighbours and round alike, so points with at least this share of the largest bound
# are drawn at random. Of 32 thin cancellations the comparison missed more than half of the largest difference in 20 without
# such points, in 18 with the 256 points of the largest bounds, and in 2 with this share.
SHARE = 0.5


def roughness(rounding: Array) -> Array:
    """By what boxes are chosen: their proved rounding, the largest where it is not known."""
    return np.nan_to_num(rounding, nan=np.inf)


def rough_points(boxes: Boxes, rounding: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Centres of the boxes with the largest rounding ``(B,)``, corners of some, and their half-widths, both ``(k, d)``."""
    rows = np.argsort(-roughness(rounding), kind="stable")[:BOXES]
    centre, half = boxes.take(rows).centre_and_half(low, high)
    some, reach = centre[:CORNERS], half[:CORNERS]
    return np.concatenate([centre, some - reach, some + reach]), np.concatenate([half, reach, reach])


def roughest(
    bound: Callable[[Array], Array],
    domain: Domain,
    x: Array,
    step: Array,
    most: int,
    rng: np.random.Generator,
) -> Array:
    """Points of the domain, at most ``most``, where the ``bound`` ``(k, d) -> (k, m)`` is nearly as large as anywhere met.

    They are drawn from all such points instead of taking the largest: rounding is like chance, and neighbours round alike.
    """

    def size(points: Array) -> Array:
        largest = np.nan_to_num(bound(points), nan=0.0, posinf=0.0).max(axis=1, initial=0.0)
        return np.where(domain.contains(points), largest, -1.0)

    ends = np.array([[axis.low, axis.high] for axis in domain.axes])
    value = size(x)
    for i in range(ROUNDS):
        last = i == ROUNDS - 1
        top = np.argsort(-value, kind="stable")[:BEST]
        count = LAST if last else AROUND
        near, reach = np.repeat(x[top], count, axis=0), np.repeat(step[top], count, axis=0)
        reach = reach * (10.0 ** rng.uniform(-2.0, 1.0, (len(near), 1)) if last else 0.5)
        moved = np.clip(near + reach * rng.uniform(-1.0, 1.0, near.shape), ends[:, 0], ends[:, 1])
        x, step = np.concatenate([x, moved]), np.concatenate([step, reach])
        value = np.concatenate([value, size(moved)])
    good = np.flatnonzero((value >= SHARE * value.max()) & (value >= 0.0))
    return np.asarray(x[rng.permutation(good)[:most]])
