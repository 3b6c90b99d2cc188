"""Checks before the values of a store are used that the functions are still those that returned them.

The check is made for every resumed run, and in Python for every use of a store that has points. Without it, the values of
another function, or of this function before a change, would count as values of this one. No fingerprint covers
all files that code opens, services that it uses and libraries that it calls, so a few stored points are evaluated again
before anything else. Two values count as equal if their difference, relative to the largest of the
stored values, is at most what the function's precision explains (`ALLOWED`, as for a point alone and in a batch).
Cost: `POINTS` calls for each side.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import ALLOWED, guarded
from supnorm.evaluation.store import EvaluationStore
from supnorm.problem import Function
from supnorm.results import BadInput

Array = NDArray[np.float64]
POINTS = 8  # stored points of each side that are evaluated again
ROOM = 10.0  # times `ALLOWED`: the stored values may come from batches of another size


def spot_check(store: EvaluationStore, functions: Mapping[str, Function | None]) -> int:
    """Evaluate a few stored points of each side again; returns their number.

    Args:
        functions: the functions by the name of their side in the store.

    Raises:
        BadInput: naming the first point where the function has another value now, with both.
    """
    done = 0
    for side, function in functions.items():
        if function is not None:
            done += _one(store, side, function, "--resume", "leave --resume out to start anew")
            store.vouch(side, function.value)
    return done


def demand_same_function(store: EvaluationStore, side: str, function: Function) -> None:
    """Check that the stored values of a side come from this function, once for each function that uses the store.

    Raises:
        BadInput: naming the first point where the function has another value, with both.
    """
    if not store.vouched(side, function.value):
        _one(
            store,
            side,
            function,
            f"{store.path}",
            "give a store of its own, EvaluationStore(another path, ..)",
        )
        store.vouch(side, function.value)


def _one(store: EvaluationStore, side: str, function: Function, what: str, instead: str) -> int:
    # A call that failed may succeed now. One that gave NaN, or an infinite number, has to give the same again.
    rows = [(np.frombuffer(key), y) for key, (y, message) in store.load(side).items() if message is None]
    if not rows:
        return 0
    sizes = np.abs([y for _, y in rows])
    scale = np.max(sizes, axis=0, where=np.isfinite(sizes), initial=0.0) + np.finfo(float).tiny
    chosen = [rows[i] for i in _drawn(len(rows))]
    x, stored = np.array([p for p, _ in chosen]), np.array([y for _, y in chosen])
    allowed = ROOM * ALLOWED.get(function.precision, ALLOWED["float32"]) * scale
    if function.declared is not None:
        allowed = allowed + 2.0 * function.declared.accuracy
    now, messages = guarded(function.value, x, stored.shape[1])
    for i in range(len(x)):
        if i not in messages and now.shape == stored.shape and _same(now[i], stored[i], allowed):
            continue
        # A batch of another size may differ by rounding.
        alone, why = guarded(function.value, x[i : i + 1], stored.shape[1])
        if not why and alone.shape[1] == stored.shape[1] and _same(alone[0], stored[i], allowed):
            continue
        value = why.get(0) or _shown(alone[0])
        raise BadInput(
            f"{what}: the {side} {function.name} has changed: at {_shown(x[i])} the stored value is {_shown(stored[i])}, "
            f"now it gives {value}; {instead}, or restore the function"
        )
    return len(x)


def _same(now: Array, stored: Array, allowed: Array) -> bool:
    """Whether two rows of values agree; NaN and infinite numbers agree with themselves alone."""
    with np.errstate(invalid="ignore"):
        near = np.abs(now - stored) <= allowed
    return bool((near | (now == stored) | (np.isnan(now) & np.isnan(stored))).all())


def _drawn(count: int) -> list[int]:
    """The last of so many rows, and one of each of equal parts of the others.

    Drawn anew each time: who changes stored values does not know which of them are evaluated again. No result depends on it.
    """
    ends = np.linspace(0, count - 1, POINTS).round().astype(int)
    rng = np.random.default_rng()
    return [int(rng.integers(a, b)) for a, b in pairwise(ends) if a < b] + [count - 1]


def _shown(row: Array) -> str:
    return "(" + ", ".join(f"{v:.12g}" for v in row[:6]) + (", ...)" if len(row) > 6 else ")")
