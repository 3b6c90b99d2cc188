"""Before a search: is the function a function? Same point, same value; alone or in a batch.

A model with dropout, normalisation in training mode or a Monte-Carlo reference has no worst error.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.caller import EXPENSIVE, Caller, guarded
from supnorm.results import BadInput

Array = NDArray[np.float64]
# A batch and a single row may differ by summation order: measured 1e-15 (float64), 4e-7 (float32).
ALLOWED = {"float64": 1e-12, "float32": 1e-5, "float16": 1e-2, "bfloat16": 1e-1}


def probe(caller: Caller, x: Array, file_hint: str = "") -> None:
    """Evaluate ``x`` (a few points) and compare repeated and single calls.

    An expensive function is repeated at one point only.

    Raises:
        BadInput: when every point fails, when the same point gives different values, or when the value of
            a point depends on the other points of the batch.
    """
    resumed = bool(caller.known)
    y, messages = caller.values(x, "probe")
    name = f"{caller.side} {caller.function.name}".strip()
    if len(messages) == len(x):
        first = next(iter(messages.values()))
        raise BadInput(f"{file_hint}{name} failed at all {len(x)} points tried: {first}")
    if resumed:
        return
    good = [i for i in range(len(x)) if i not in messages and np.isfinite(y[i]).all()]
    if not good:
        caller.decide(caller.cost)
        return
    caller.decide(cost_of(caller, x[good]))
    chosen = good[:1] if caller.expensive else good
    parts = caller.expensive or bool(messages)
    # The same batch where it was called as a whole: in a smaller one, without the points that have no value, sums may be
    # ordered otherwise.
    again = guarded(caller.function.value, x[chosen] if parts else x, caller.outputs)[0]
    again = again if parts else again[good]
    scale = np.abs(y[good]).max(axis=0) + np.finfo(float).tiny
    allowed = ALLOWED.get(caller.function.precision, 1e-5)
    # An expensive call repeats one row of a batch, and a batch in which a point raised was called in parts: that compares
    # both things at once, so rounding is allowed.
    same = np.abs(again - y[chosen]) <= (allowed * scale if parts else 0.0)
    if not same.all():
        i = int(np.argmin(same.all(axis=1)))
        raise BadInput(
            f"{file_hint}{name} gives different values at the same point "
            f"({_show(y[chosen[i]])} and {_show(again[i])}): a random function has no worst error; "
            "switch off dropout (model.eval()) or fix its seed"
        )
    if caller.expensive or len(good) < 2:
        return
    single = guarded(caller.function.value, x[good[:1]], caller.outputs)[0]
    apart = np.abs(single - y[good[:1]])
    if not (apart <= allowed * scale).all():
        close = bool((apart <= ALLOWED["float32"] * scale).all())
        digits = 15 if close else 9
        values = f"{_show(single[0], digits)} for a point alone and {_show(y[good[0]], digits)} in a batch"
        why = "the value depends on the other points; put normalisation layers in evaluation mode (model.eval())"
        if close:
            why = (
                f"apart by {(apart / scale).max():.1g} of its size, more than {caller.function.precision} rounds; either "
                "the value depends on the other points, or digits cancel inside, as in a Gaussian process of little "
                'noise; in that case, or if it computes in single precision, say so: precision = "float32"'
            )
        raise BadInput(f"{file_hint}{name} gives {values}: {why}")


def cost_of(caller: Caller, x: Array, matters: float = EXPENSIVE) -> float:
    """Seconds a point. The first calls may pay for compilation and imports, so dear ones are repeated.

    Args:
        caller: has been called at ``x`` before.
        x: points with a value, ``(n, d)``.
        matters: below this it is of no importance how cheap a point is.
    """
    cost = caller.cost
    # One row twice: the second call compiles nothing. A batch then, where a call itself may be what is dear.
    for rows, most in ((x[:1], np.inf), (x[:1], np.inf), (x, 0.02)):
        if not matters <= cost < most:
            break
        start = time.perf_counter()
        guarded(caller.function.value, rows, caller.outputs)
        cost = min(cost, (time.perf_counter() - start) / len(rows))
    return cost


def _show(row: Array, digits: int = 9) -> str:
    shown = ", ".join(f"{v:.{digits}g}" for v in row[:3])
    return shown + (", ..." if len(row) > 3 else "")
