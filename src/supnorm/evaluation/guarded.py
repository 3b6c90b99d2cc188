"""Calls a function and isolates the points that raise: a batch that raises is called again in smaller parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from supnorm.interrupts import INTERRUPTS
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
    """The same, for a caller that has silenced NumPy's warnings.

    Within a part that raised, the first point that raises is found by bisection; behind it parts grow from one point on,
    twice as many each time (group testing; Hwang 1972). At most about 2 log n further calls for a point that raises. Of
    8,192 points, a tenth of which raised, each took 0.61 calls and was in 4.1 of them; to call both halves of what raised
    took 0.72 and 12.
    """
    parts: list[Array] = []
    messages: Messages = {}
    done, size, raised = 0, len(x), 0  # a point before `raised` raises
    while done < len(x) or not parts:
        if done < raised:
            size = max((raised - done) // 2, 1)
        piece, struck = x[done : done + size], INTERRUPTS.struck
        try:
            y, texts = as_columns(value(piece), len(piece), "the function"), {}
            _demand_width(y, piece, outputs)
        except PartialFailure as failure:
            y, texts = failure.values, failure.messages
        except (BadInput, KeyboardInterrupt):
            raise
        # A call of a function must not end the program; a panic of Rust code is no Exception.
        except BaseException as error:
            INTERRUPTS.demand_none_since(struck, failed=True)
            if len(piece) > 1:
                raised = done + len(piece)
                continue
            y, texts = np.full((1, outputs or 1), np.nan), {0: described(error)}
            size, raised = 1, 0
        else:
            size, outputs = 2 * len(piece), y.shape[1]
        # A stored failure, or half a value, would be that of the point for ever.
        INTERRUPTS.demand_none_since(struck, failed=bool(texts))
        messages |= {done + i: text for i, text in texts.items()}
        parts.append(y)
        done += len(piece)
    if len(parts) == 1:
        return parts[0], messages
    width = max(part.shape[1] for part in parts)
    parts = [part if part.shape[1] == width else np.full((len(part), width), np.nan) for part in parts]
    return np.concatenate(parts), messages


def _demand_width(y: Array, x: Array, outputs: int | None) -> None:
    """Check the number of outputs.

    Raises:
        BadInput: when it is another one than before.
    """
    if outputs is not None and y.shape[1] != outputs:
        raise BadInput(
            f"a function (model, reference or recheck) returned {y.shape[1]} outputs for {len(x)} points, the first of them "
            f"{x[0].tolist()}, and {outputs} before; return the same number at all points"
        )
