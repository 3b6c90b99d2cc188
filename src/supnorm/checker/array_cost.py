"""The cost of interpolants whose values are computed in arrays: their ranges, and how rounding is bounded.

One product of a large transform takes 0.1 to 1 ns and one of its results 5 to 30 ns, by the size of the arrays. Adjoints
take 2.9 to 4.1 times as long as the values alone for one output, 3.3 to 3.8 times for two. Measured for networks of 2 x 16
to 3 x 128 and a formula in one to three inputs, with 11 to 9,261 nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from flint import arb

from supnorm.checker import adjoints, batch
from supnorm.checker.cost import SECOND, Cost, watch
from supnorm.checker.declared import lebesgue
from supnorm.checker.enclosure import Program
from supnorm.checker.leaves import SHARE
from supnorm.checker.program_cost import ARRAY_CALL, BYTES, Size

PRODUCT, NUMBER = 0.012, 1.2  # one product of a transform, and one number of its result
FORWARD, BACKWARD = 2.5, 1.0  # of the values: with slopes, and back from one output
ROOM = 4.0  # rounding on a cell, as a multiple of that in the middle and the corners of the box
CORNERS = 5  # inputs up to which the corners are asked


def interpolant(n: int, grid: int, d: int) -> Cost:
    """The range of one interpolant from its values, with the bytes that the same takes in FLINT's balls."""
    total, size = ARRAY_CALL, (n + 1.0) ** d
    for count in (n + 1.0, float(grid * n)):
        for axis in range(d if count else 0):
            after = (n + 1.0) ** (d - axis - 1) * count ** (axis + 1)
            total += after * ((n + 1.0) * PRODUCT + NUMBER)
            size = max(size, after)
    return Cost(total, 3.0 * BYTES * size)


def rounding(p: Size, low: Sequence[float], high: Sequence[float]) -> float:
    """Radii of the outputs in arrays, the largest of some points; infinite where to ask would take long."""
    watch()  # a file may have many programs
    ends = list(product((-1.0, 1.0), repeat=len(low))) if len(low) <= CORNERS else []
    if p.batch(1.0 + len(ends)).operations > SECOND:
        return float("inf")
    centre, half = ([arb((b + sign * a) / 2) for a, b in zip(low, high, strict=True)] for sign in (1, -1))
    points = batch.points_on(np.array([[0.0] * len(low), *ends]), batch.U, centre, half)
    return float(batch.all_values(Program.of(p.operations), points)[-1].rad.max())


def in_arrays(p: Size, n: int, grid: int, d: int, bits: int, radius: float, claimed: float) -> Cost | None:
    """The part of the bound of an interpolant that is in arrays; None where they leave it undecided.

    Args:
        p: the program.
        n, grid, d: degree, grid and inputs.
        bits: of the leaf.
        radius: as `rounding` gave it.
        claimed: the smallest claim of the leaves that share this cost.
    """
    values = p.batch((n + 1.0) ** d)
    cost, lost = Cost() if bits else values, ROOM * radius * float(lebesgue(n).upper()) ** d
    if bits or not lost <= SHARE * claimed:
        if p.outputs > adjoints.MOST_OUTPUTS or not all(o.op in adjoints.KNOWN for o in p.operations):
            return None
        # with slopes, and back from each output
        more = values.operations * (FORWARD + BACKWARD * p.outputs)
        cost = cost + Cost(more, 4.0 * values.bytes)
    one = interpolant(n, grid, d)
    return cost + Cost(p.outputs * one.operations, one.bytes)
