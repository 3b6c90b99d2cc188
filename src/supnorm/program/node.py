"""One operation of a straight-line program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from supnorm.program.discrepancies import Discrepancy
from supnorm.program.operations import Array


@dataclass(frozen=True, eq=False)
class Node:
    """One operation.

    Attributes:
        op: name of the operation.
        args: positions of its arguments in the program.
        width: number of features of the result.
        weight, bias: for ``affine``: ``y = weight @ x + bias``, shapes ``(width, k)`` and ``(width,)``.
        value: for ``constant``, shape ``(width,)``.
        columns: for ``take``: the features of the argument that are taken, shape ``(width,)``.
        parameter: the exponent of ``pow``, the slope of ``leaky_relu``, the order or shape of a special function.
        second: the second shape of ``betainc``.
        discrepancies: how far the values of the runtime may be from the operation; not part of the JSON text.
    """

    op: str
    args: tuple[int, ...]
    width: int
    weight: Array | None = None
    bias: Array | None = None
    value: Array | None = None
    columns: NDArray[np.intp] | None = None
    parameter: float | None = None
    discrepancies: tuple[Discrepancy, ...] = ()
    second: float | None = None

    @property
    def parameters(self) -> tuple[float, ...]:
        """What the operation takes beside its argument: no number, one or two."""
        return tuple(p for p in (self.parameter, self.second) if p is not None)

    def of(self, args: tuple[int, ...]) -> Node:
        """The same operation of other arguments; the node itself where these are its own.

        Proofs of integrals, flows and roots put millions of nodes together, and `dataclasses.replace` took a third of the
        time for it.
        """
        if args == self.args:
            return self
        other = object.__new__(Node)
        other.__dict__.update(self.__dict__, args=args)
        return other


@dataclass(frozen=True)
class Limit:
    """The interval of an argument outside of which the code of a program has other values: a table without extrapolation.

    Attributes:
        node, column: the argument, a feature of a node.
        low, high: ends of the interval.
        name: the table, for messages.
    """

    node: int
    column: int
    low: float
    high: float
    name: str
