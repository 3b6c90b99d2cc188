"""The map of local upper bounds for pictures: steps (d = 1), a grid (d = 2), a grid for each pair of inputs.

Each cell of a picture gets the largest bound of all leaves that touch it, whatever the other inputs are. So the error
is nowhere in the cell larger. All cells of an axis have the same width, on a log axis in the logarithm.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

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
    boxes, names = certificate.boxes, certificate.domain.names
    first = np.ldexp(boxes.index.astype(float), -boxes.level)
    last = np.ldexp(boxes.index + 1.0, -boxes.level)
    d = first.shape[1]
    asked = LocalBoundsRecord(boxes=len(boxes), target=target, proved_volume=proved_volume)
    if d == 1:
        edges, values = _steps(certificate, first[:, 0], last[:, 0], boxes.upper)
        return BoundStepsRecord(**dict(asked), edges=numbers(edges), values=numbers(values))
    cells = 140 if d == 2 else 26 if d <= 4 else 16
    panels = []
    for i, j in combinations(range(d), 2):
        bounds = _grid(first[:, [i, j]], last[:, [i, j]], boxes.upper, cells)
        panels.append(BoundPanelRecord(axes=(names[i], names[j]), values=grid(bounds)))
    if d == 2:
        return BoundMapRecord(**dict(asked), **dict(panels[0]))
    return BoundPanelsRecord(**dict(asked), panels=tuple(panels))


def _steps(certificate: Certificate, first: Array, last: Array, upper: Array) -> tuple[Array, Array]:
    """Edges and values of a step function; leaves are merged where there are more than pixels."""
    if len(upper) <= STEPS:
        order = np.argsort(first)
        edges, values = np.append(first[order], 1.0), upper[order]
    else:
        edges, values = np.linspace(0.0, 1.0, STEPS + 1), np.zeros(STEPS)
        low, high = _touched(first, last, STEPS)
        for a, b, u in zip(low, high, upper, strict=True):
            values[a:b] = np.maximum(values[a:b], u)
    error = certificate.error
    t = error.low + (error.high - error.low) * edges[:, None]
    axis = certificate.domain.axes[0]
    return np.clip(error.to_x(t)[:, 0], axis.low, axis.high), values


def _grid(first: Array, last: Array, upper: Array, cells: int) -> Array:
    """Largest bound in each cell; row k is the k-th cell of the second input."""
    largest = np.zeros((cells, cells))
    left, right = _touched(first[:, 0], last[:, 0], cells)
    bottom, top = _touched(first[:, 1], last[:, 1], cells)
    for a, b, c, e, u in zip(left, right, bottom, top, upper, strict=True):
        part = largest[c:e, a:b]
        np.maximum(part, u, out=part)
    return largest


def _touched(first: Array, last: Array, cells: int) -> tuple[Integers, Integers]:
    """Half-open ranges of the cells that the intervals [first, last] of [0, 1] overlap."""
    low = np.floor(first * cells).astype(np.int64)
    high = np.ceil(last * cells).astype(np.int64)
    return low, np.maximum(high, low + 1)
