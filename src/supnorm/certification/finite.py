"""What a proof needs of programs: finite numbers, which the format demands, and values where there are derivatives."""

from __future__ import annotations

import numpy as np

from supnorm.problem import Domain
from supnorm.program import Program
from supnorm.results import BadInput
from supnorm.results.numbers import count

POINTS = 1024  # at which a function of derivatives is evaluated; a call takes milliseconds


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


def demand_values(program: Program, domain: Domain, what: str) -> None:
    """Check that a function has a value somewhere: the derivative of a logarithm is a number below zero, too.

    Raises:
        BadInput: when it has none at any of `POINTS` points.

    >>> from supnorm.program import program_of
    >>> demand_values(program_of(lambda x: np.log(x[:, 0]), 1), Domain(x=(-1.0, 2.0)), "model")
    >>> demand_values(program_of(lambda x: np.log(x[:, 0]), 1), Domain(x=(-2.0, -1.0)), "model")
    Traceback (most recent call last):
    ...
    supnorm.results.status.BadInput: the model has no finite value at any of 1,024 points of the domain, so nothing can be \
said of its derivatives; choose another domain
    """
    x = domain.from_unit(np.random.default_rng(0).random((POINTS, domain.d)))
    with np.errstate(all="ignore"):
        known = np.isfinite(program.value(x)).all(axis=1)
    if not known.any():
        raise BadInput(
            f"the {what} has no finite value at any of {count(POINTS)} points of the domain, so nothing can be said of its "
            "derivatives; choose another domain"
        )
