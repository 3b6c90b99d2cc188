"""Operations of JAX that only move entries of an array, by NumPy: JAX would compile each for each shape, in 10 to 20 ms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Moved = NDArray[Any]


def moved(name: str, params: Any, array: Moved) -> Moved | None:
    """What the operation makes of an array; None if it is none of these.

    >>> moved("transpose", {"permutation": (1, 0)}, np.array([[1, 2]])).tolist(), moved("sin", {}, np.zeros(1))
    ([[1], [2]], None)
    """
    known = MOVES.get(name)
    return None if known is None else known(np.asarray(array), params)


def _broadcast(array: Moved, params: Any) -> Moved:
    lifted = [1] * len(params["shape"])
    for size, axis in zip(array.shape, params["broadcast_dimensions"], strict=True):
        lifted[axis] = size
    return np.broadcast_to(array.reshape(lifted), params["shape"])


def _slice(array: Moved, params: Any) -> Moved:
    ends = params["start_indices"], params["limit_indices"], params["strides"] or (1,) * array.ndim
    result: Moved = array[tuple(slice(*one) for one in zip(*ends, strict=True))]
    return result


def _reshape(array: Moved, params: Any) -> Moved | None:
    return None if params.get("dimensions") is not None else array.reshape(params["new_sizes"])


MOVES: dict[str, Callable[[Moved, Any], Moved | None]] = {
    "broadcast_in_dim": _broadcast,
    "reshape": _reshape,
    "rev": lambda array, params: np.flip(array, params["dimensions"]),
    "slice": _slice,
    "squeeze": lambda array, params: np.squeeze(array, params["dimensions"]),
    "transpose": lambda array, params: np.transpose(array, params["permutation"]),
}
