"""Whether JAX code that runs in single precision is the same program as in JAX's 64-bit mode, in which it is read.

There integers have 64 bits instead of 32: ``jnp.array(65536) * 65536`` is 2^32 as it is read and 0 as it runs. Code may also
ask for the type of its numbers. So the code is read in 32-bit mode, too; both programs have to be the same operations, with
the same numbers but for their rounding.
"""

from __future__ import annotations

from itertools import chain

import numpy as np

from supnorm.program.node import Node
from supnorm.program.program import Program
from supnorm.program.watched import Unlike

# Constants that are computed in single precision may differ by more than its unit, 6e-8: sums of some numbers of order 1.
RELATIVE, ABSOLUTE = 1e-5, 1e-6


def demand_same_in_single(double: Program, single: Program) -> None:
    """Compare a program with that of the same code in JAX's 32-bit mode.

    Raises:
        Unlike: where they are not the same but for rounding.
    """
    nodes = list(zip(double.nodes, single.nodes, strict=False))
    if len(double.nodes) != len(single.nodes) or not all(_same(*both) for both in nodes):
        raise Unlike(
            "code that JAX computes otherwise in single precision than in double (integers of 32 bits, numbers that "
            "depend on the type)",
            "the same numbers in both, as floats",
        )


def _same(one: Node, other: Node) -> bool:
    if (one.op, one.args, one.width) != (other.op, other.args, other.width):
        return False
    if not np.array_equal(_array(one.columns), _array(other.columns)):
        return False
    held = ("weight", "bias", "value")
    arrays = chain(
        ((_array(getattr(one, name)), _array(getattr(other, name))) for name in held),
        [(np.array(one.parameters), np.array(other.parameters))],
    )
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)
        for a, b in arrays
    )


def _array(held: object) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.zeros(0) if held is None else np.asarray(held, dtype=float)
