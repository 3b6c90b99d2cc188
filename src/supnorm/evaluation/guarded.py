"""Calls a function and isolates the points that raise, by halving a batch that raises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure, as_columns
from supnorm.problem.users_error import described
from supnorm.results import BadInput

Array = NDArray[np.float64]
Messages = dict[int, str]
# Relative differences between a batch and a single row that the order of sums explains: 1e-15 (float64) and 4e-7 (float32)
# were seen for networks. A note reports larger ones; `tests/evaluation/test_caller.py` probes functions on both sides.
ALLOWED = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 1e-1}


def guarded(value: Callable[[Array], Array], x: Array, outputs: int | None) -> tuple[Array, Messages]:
    """Call ``value`` so that points that raise become NaN rows with a message.

    Raises:
        BadInput: when the function returns something that cannot be values.
    """
    with np.errstate(all="ignore"):
        return halved(value, x, outputs)


def values_of(function: Function, x: Array, outputs: int | None = None) -> Array:
    """Values ``(n, m)`` of a function at points ``x (n, d)``; NaN where it raises or has none.

    Args:
        outputs: m, so that it is known where the function raises at all points; 1 then, if None.

    Raises:
        BadInput: when the function returns something that cannot be values.

    >>> values_of(Function(lambda x: 1.0 / x if x.min() > 0.2 else int("none")), np.array([[0.1], [0.5]])).tolist()
    [[nan], [2.0]]
    """
    return guarded(function.value, x, outputs)[0]


def halved(value: Callable[[Array], Array], x: Array, outputs: int | None) -> tuple[Array, Messages]:
    """The same, for a caller that has silenced NumPy's warnings; log n extra calls for each failing point."""
    try:
        y = as_columns(value(x), len(x), "the function")
    except PartialFailure as failure:
        return failure.values, failure.messages
    except (BadInput, KeyboardInterrupt):
        raise
    # A call of a function must not end the program; a panic of Rust code is no Exception.
    except BaseException as error:
        if len(x) == 1:
            return np.full((1, outputs or 1), np.nan), {0: described(error)}
        half = len(x) // 2
        left, right = halved(value, x[:half], outputs), halved(value, x[half:], outputs)
        width = max(left[0].shape[1], right[0].shape[1])
        rows = [y if y.shape[1] == width else np.full((len(y), width), np.nan) for y in (left[0], right[0])]
        return np.concatenate(rows), left[1] | {half + i: text for i, text in right[1].items()}
    if outputs is not None and y.shape[1] != outputs:
        raise BadInput(
            f"a function (model, reference or recheck) returned {y.shape[1]} outputs for {len(x)} points, the first of them "
            f"{x[0].tolist()}, and {outputs} before; return the same number at all points"
        )
    return y, {}
