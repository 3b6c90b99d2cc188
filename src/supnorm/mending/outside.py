"""The domain outside of some regions, as boxes: what a proof that nothing else changed has to cover."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.mending.regions import Ellipsoid
from supnorm.problem import Axis, Domain

Array = NDArray[np.float64]
Box = tuple[Array, Array]
MOST = 40  # boxes: each costs a proof of its own


def hulls(regions: Sequence[Ellipsoid]) -> list[Box]:
    """The regions as boxes of the unit box; those that overlap are joined.

    >>> two = hulls([Ellipsoid(np.array([0.2]), np.array([0.1])), Ellipsoid(np.array([0.35]), np.array([0.1]))])
    >>> [(low.round(2).tolist(), high.round(2).tolist()) for low, high in two]
    [([0.1], [0.45])]
    """
    joined: list[Box] = []
    for region in regions:
        low, high = (
            np.maximum(region.centre - region.radii, 0.0),
            np.minimum(region.centre + region.radii, 1.0),
        )
        while True:
            near = [k for k, (a, b) in enumerate(joined) if ((a <= high) & (b >= low)).all()]
            if not near:
                break
            for k in reversed(near):
                a, b = joined.pop(k)
                low, high = np.minimum(low, a), np.maximum(high, b)
        joined.append((low, high))
    return joined


def boxes_outside(holes: Sequence[Box], d: int) -> list[Box]:
    """Boxes that fill the unit box except the holes, which do not overlap.

    >>> boxes_outside([(np.array([0.25]), np.array([0.5]))], 1)
    [(array([0.]), array([0.25])), (array([0.5]), array([1.]))]
    """
    boxes: list[Box] = [(np.zeros(d), np.ones(d))]
    for low, high in holes:
        boxes = [piece for box in boxes for piece in _without(box, low, high)]
    return boxes


def _without(box: Box, low: Array, high: Array) -> list[Box]:
    """What is left of a box without a hole, in at most two pieces for each axis."""
    start, end = box[0].copy(), box[1].copy()
    if not ((low < end) & (high > start)).all():
        return [box]
    pieces = []
    for k in range(len(low)):
        if start[k] < low[k]:
            upto = end.copy()
            upto[k] = low[k]
            pieces.append((start.copy(), upto))
            start[k] = low[k]
        if high[k] < end[k]:
            after = start.copy()
            after[k] = high[k]
            pieces.append((after, end.copy()))
            end[k] = high[k]
    return pieces


def domain_of(domain: Domain, box: Box) -> Domain:
    """The part of a box-shaped domain that a box of the unit box covers."""
    ends = domain.from_unit(np.stack(box))
    return Domain.from_axes(
        {
            name: Axis(float(ends[0, k]), float(ends[1, k]), axis.unit, axis.scale)
            for k, (name, axis) in enumerate(zip(domain.names, domain.axes, strict=True))
        }
    )
