"""Refuses a domain on which the code of a program has other values: beyond the ends of a table that does not extrapolate."""

from __future__ import annotations

import numpy as np

from supnorm.certification.boxes import Boxes
from supnorm.certification.propagation import propagate
from supnorm.certification.rounding import Array
from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.program.node import Limit
from supnorm.results import BadInput
from supnorm.results.numbers import num

HALVINGS = 8  # of the domain: arguments of tables that are computed are enclosed on 256 boxes


def demand_within(program: Program, domain: Domain, what: str) -> None:
    """Check that the arguments of all tables stay within their ends.

    Raises:
        BadInput: names the table, its ends and the range of its argument.
    """
    for limit in program.limits:
        low, high = _range(program, domain, limit)
        if low >= limit.low and high <= limit.high:
            continue
        which = domain.names[limit.column] if limit.node == 0 else "its argument"
        raise BadInput(
            f"the {what} has a table ({limit.name}) that ends at {num(limit.low, 8)} and {num(limit.high, 8)} and has no "
            f"polynomial beyond, and {which} takes values from {num(low, 8)} to {num(high, 8)}; shrink the domain, or let "
            "the table extrapolate"
        )


def _range(program: Program, domain: Domain, limit: Limit) -> tuple[float, float]:
    """The range of an argument: exactly that of an input, else an enclosure."""
    ends: Array = np.array([[a.low, a.high] for a in domain.axes])
    if limit.node == 0:
        return float(ends[limit.column, 0]), float(ends[limit.column, 1])
    boxes = Boxes.root(domain.d)
    for k in range(HALVINGS):
        boxes = boxes.split(np.full(len(boxes), k % domain.d))
    centre, half = boxes.centre_and_half(ends[:, 0], ends[:, 1])
    model, _ = propagate(Program(program.nodes[: limit.node + 1]), centre, half, np.ones(1))
    c, r = model.c[:, limit.column], model.reach[:, 0, limit.column]
    return float(np.min(c - r)), float(np.max(c + r))
