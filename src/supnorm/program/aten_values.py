"""Arguments of ATen operators: tensors of the program, or constants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.tracing import Tensor, Value


def value(x: Any) -> Value:
    """A tensor as it is, and a constant as real float64 numbers."""
    return x if isinstance(x, Tensor) else entry.constant(x, "a torch operation")


def moved(x: Any, move: Callable[[Any], Any]) -> Any:
    """The argument after a function of arrays that only moves entries; a list where it gives several arrays."""
    if not isinstance(x, Tensor):
        return move(np.asarray(x))
    index = move(x.index)
    if isinstance(index, list):
        return [Tensor(x.node, np.asarray(part)) for part in index]
    return x.arrange(lambda i: index)


def row(x: Any, k: int) -> Any:
    """The entries at ``k`` of the first axis."""
    return moved(x, lambda i: i[k])


def axes_of(x: Value, dims: Any) -> list[int]:
    """The axes that an operator names by ``dims``, one or a list; all where it names none, not negative."""
    rank = len(x.shape)
    named = range(rank) if dims is None or dims == [] else np.atleast_1d(dims).tolist()
    return [int(a) % rank for a in named]


def with_axes(x: Value, axes: list[int], keepdim: bool) -> Value:
    """A result without these axes, with axes of length one in their places where they are to stay."""
    return moved(x, lambda i: np.expand_dims(i, tuple(axes))) if keepdim else x
