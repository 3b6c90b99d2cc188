"""What model and reference of a drawn problem returned, call by call: the truth that a report is held against."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Calls:
    """Values by side and point; a point that a function was called at alone and that raised has NaN.

    Of a function that is none, every value that it gave at a point is kept.
    """

    values: dict[str, dict[bytes, list[Array]]] = field(
        default_factory=lambda: {"model": {}, "reference": {}}
    )
    log: list[tuple[str, Array, Array]] = field(default_factory=list)

    def clear(self) -> None:
        """Forget everything."""
        self.values = {"model": {}, "reference": {}}
        self.log = []

    def note(self, side: str, x: Array, y: Array) -> None:
        """Values ``y`` (n, m) at ``x`` (n, d)."""
        known = self.values[side]
        self.log.append((side, x.copy(), y.copy()))
        for point, value in zip(x, y, strict=True):
            known.setdefault(point.tobytes(), []).append(value.copy())

    def pairs(self, m: int) -> tuple[Array, Array, Array]:
        """Points that both sides were called at, with the k-th value of one beside the k-th of the other.

        Returns:
            Points (n, d), and the values of model and reference, (n, m) each; a call that raised has NaN in all.
        """
        x, y, f = [], [], []
        for key, left in self.values["model"].items():
            for a, b in zip(left, self.values["reference"].get(key, ()), strict=False):
                x.append(np.frombuffer(key))
                y.append(a if len(a) == m else np.full(m, np.nan))
                f.append(b if len(b) == m else np.full(m, np.nan))
        return (
            (np.array(x), np.array(y), np.array(f))
            if x
            else (np.empty((0, 1)), np.empty((0, m)), np.empty((0, m)))
        )

    def batches(self, m: int) -> tuple[Array, Array, Array]:
        """The same of calls of whole batches: each of the model with the next one of the reference at the same points.

        What a function that is none gave at another call is not its value at this one.
        """
        waiting: dict[bytes, Array] = {}
        found = []
        for side, x, y in self.log:
            if side == "model":
                waiting[x.tobytes()] = y
            elif (left := waiting.pop(x.tobytes(), None)) is not None and left.shape == y.shape == (
                len(x),
                m,
            ):
                found.append((x, left, y))
        if not found:
            return np.empty((0, 1)), np.empty((0, m)), np.empty((0, m))
        x, left, right = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return x, left, right


CALLS = Calls()


def noted(side: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorates a function of a batch (n, d) so that `CALLS` keeps what it returns."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def called(x: Array) -> Any:
            points = np.array(x, dtype=float, ndmin=2)
            try:
                result = function(x)
            except BaseException:
                if len(points) == 1:
                    CALLS.note(side, points, np.full((1, 1), np.nan))
                raise
            CALLS.note(side, points, np.array(result, dtype=float).reshape(len(points), -1))
            return result

        return called

    return decorate
