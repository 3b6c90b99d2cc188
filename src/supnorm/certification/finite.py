"""No program of a proof may have a number that is infinite or none: the format has none, and `check` refuses the file."""

from __future__ import annotations

import numpy as np

from supnorm.program import Program
from supnorm.results import BadInput


def demand_finite(program: Program, what: str) -> None:
    """Check that all numbers of a program are finite, before anything is proved about it.

    Args:
        program: of the function.
        what: "model", for the message.

    Raises:
        BadInput: naming the first operation with another number.

    >>> from supnorm.program import program_of
    >>> demand_finite(program_of(lambda x: x[:, 0] / 3.0, 1), "model")
    >>> demand_finite(program_of(lambda x: x[:, 0] / float("inf"), 1), "model")
    Traceback (most recent call last):
    ...
    supnorm.results.status.BadInput: the model has the number inf in its operation constant; a proof is about finite ones \
alone: write a finite one, or leave the operation out
    """
    for node in program.nodes:
        for numbers in (node.weight, node.bias, node.value, node.parameter, node.second):
            held = np.atleast_1d(np.asarray(0.0 if numbers is None else numbers, dtype=float))
            if not np.isfinite(held).all():
                odd = float(held[~np.isfinite(held)][0])
                raise BadInput(
                    f"the {what} has the number {odd} in its operation {node.op}; a proof is about finite ones alone: "
                    "write a finite one, or leave the operation out"
                )
