"""Whether a function has values where a part of a file is about its derivative.

The derivative 1/x of log x is a number below zero, too, where the logarithm is none. Every operation stands in its own
derivative, with the same singularities, except for the logarithm, whose derivative is finite on both sides of its
singularity, and for the power 0, which has no derivative and is 1 also where its argument has no value. So along a line
of the box on which a derivative has a bound, the function has a value everywhere or nowhere. A bound from above says
nothing false then, but it must be about something: a point is needed where there is a value. An extreme that a point
shows has to be at one where there is a value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from flint import arb

from supnorm.checker.document import Document
from supnorm.checker.enclosure import Program, values
from supnorm.checker.operation import Operation
from supnorm.checker.program_cost import Size
from supnorm.checker.rejected import Rejected
from supnorm.checker.verify import AT_WITNESS, bits

TRIED = 64  # points, where a file has no witness; each takes as long as a witness


def verify_valued(part: Document, functions: Sequence[tuple[Operation, ...]]) -> None:
    """Check that the functions of which the program of a part is a derivative have values.

    Args:
        part: the part of the file.
        functions: as programs of x; none where the part is about values themselves.

    Raises:
        Rejected: when one has no value at the witness, or at no point that is tried, or makes numbers that are too large.
    """
    for one in functions:
        Size.of(one)
    programs = [Program.of(one) for one in functions]
    if not programs:
        return
    if part.lower > 0.0:
        if part.witness is None or not _valued(programs, part.witness):
            raise Rejected("the function has no value at the witness of a derivative")
    elif part.upper < math.inf and not any(_valued(programs, x) for x in _points(part)):
        raise Rejected(f"the function of a derivative has no value at any of {TRIED} points")


def _valued(programs: Sequence[Program], x: Sequence[float]) -> bool:
    """Whether all outputs are numbers at a point, as far as balls show."""
    for precision in AT_WITNESS:
        with bits(precision):
            rows = [row for p in programs for row in values(p, [[arb(v)] for v in x])]
            if all(v.is_finite() for row in rows for v in row):
                return True
    return False


def _points(part: Document) -> list[list[float]]:
    """Points of the box, always the same ones."""
    random = Random(0)

    def one() -> list[float]:
        shares = [random.random() for _ in part.names]
        ends = zip(part.axis_low, part.axis_high, part.log, shares, strict=True)
        return [_between(a, b, log, u) for a, b, log, u in ends]

    return [one() for _ in range(TRIED)]


def _between(a: float, b: float, log: bool, u: float) -> float:
    """A point of an axis."""
    v = math.exp(math.log(a) * (1.0 - u) + math.log(b) * u) if log else a * (1.0 - u) + b * u
    return min(max(v, a), b)
