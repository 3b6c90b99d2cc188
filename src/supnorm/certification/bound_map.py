"""The map of local upper bounds for pictures: steps (d = 1), a grid (d = 2), a grid for each pair of inputs.

Each cell of a picture gets the largest bound of all leaves that touch it, whatever the other inputs are. So the error
is nowhere in the cell larger. All cells of an axis have the same width, on a log axis in the logarithm.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Boxes
from supnorm.certification.certificate import Certificate
from supnorm.certification.rounding import Array
from supnorm.results.charts import (
    BoundMapRecord,
    BoundPanelRecord,
    BoundPanelsRecord,
    BoundStepsRecord,
    LocalBoundsRecord,
    grid,
    numbers,
)

Integers = NDArray[np.int64]
STEPS = 860  # cells of a line: one per pixel of the widest chart


def bound_map(
    certificate: Certificate, target: float, proved_volume: float
) -> BoundStepsRecord | BoundMapRecord | BoundPanelsRecord:
    """What the page draws, with the bound that was asked for and the share of the domain where it is reached."""
    leaves, names = certificate.leaves, certificate.domain.names
    d = len(names)
    asked = LocalBoundsRecord(boxes=len(leaves), target=target, proved_volume=proved_volume)
    if d == 1:
        edges, values = _steps(certificate)
        return BoundStepsRecord(**dict(asked), edges=numbers(edges), values=numbers(values))
    cells = 140 if d == 2 else 26 if d <= 4 else 16
    panels = []
    for i, j in combinations(range(d), 2):
        bounds = np.zeros((cells, cells))
        for part in leaves.parts():
            first, last = _ends(part.boxes)
            _draw(bounds, first[:, [i, j]], last[:, [i, j]], part.boxes.upper)
        panels.append(BoundPanelRecord(axes=(names[i], names[j]), values=grid(bounds)))
    if d == 2:
        return BoundMapRecord(**dict(asked), **dict(panels[0]))
    return BoundPanelsRecord(**dict(asked), panels=tuple(panels))


def _ends(boxes: Boxes) -> tuple[Array, Array]:
    """Low and high ends of the cells in the unit box."""
    return np.ldexp(boxes.index.astype(float), -boxes.level), np.ldexp(boxes.index + 1.0, -boxes.level)


def _steps(certificate: Certificate) -> tuple[Array, Array]:
    """Edges and values of a step function; leaves are merged where there are more than pixels."""
    if len(certificate.leaves) <= STEPS:
        boxes = certificate.boxes
        first = _ends(boxes)[0][:, 0]
        order = np.argsort(first)
        edges, values = np.append(first[order], 1.0), boxes.upper[order]
    else:
        edges, values = np.linspace(0.0, 1.0, STEPS + 1), np.zeros(STEPS)
        for part in certificate.leaves.parts():
            first, last = _ends(part.boxes)
            low, high = _touched(first[:, 0], last[:, 0], STEPS)
            for a, b, u in zip(low, high, part.boxes.upper, strict=True):
                values[a:b] = np.maximum(values[a:b], u)
    error = certificate.error
    t = error.low + (error.high - error.low) * edges[:, None]
    axis = certificate.domain.axes[0]
    return np.clip(error.to_x(t)[:, 0], axis.low, axis.high), values


def _draw(largest: Array, first: Array, last: Array, upper: Array) -> None:
    """Raise the largest bound in each cell to those of some leaves; row k is the k-th cell of the second input."""
    cells = len(largest)
    left, right = _touched(first[:, 0], last[:, 0], cells)
    bottom, top = _touched(first[:, 1], last[:, 1], cells)
    for a, b, c, e, u in zip(left, right, bottom, top, upper, strict=True):
        part = largest[c:e, a:b]
        np.maximum(part, u, out=part)


def _touched(first: Array, last: Array, cells: int) -> tuple[Integers, Integers]:
    """Half-open ranges of the cells that the intervals [first, last] of [0, 1] overlap."""
    low = np.floor(first * cells).astype(np.int64)
    high = np.ceil(last * cells).astype(np.int64)
    return low, np.maximum(high, low + 1)
