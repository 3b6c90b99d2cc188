"""The values of a solved reference as they run beside the functions that a proof has in its place.

These functions are no program of what runs: a distance is allowed as far as the proof allows it, with room for the rounding
of the method that solves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.certification.agreement import Compared, Record
from supnorm.certification.measured import Batch, Measuring
from supnorm.certification.rounding import Array
from supnorm.problem import Function
from supnorm.results import BadInput

# Of the largest value: float64 through some hundred steps, and what the equation makes of it.
ROUNDING = 1e-11


@dataclass(frozen=True, eq=False)
class Near:
    """What stands for the reference.

    Attributes:
        function: the reference as it runs.
        values: the functions of the proof, ``(n, d) -> (n, m)``.
        m: number of outputs.
        off: from these values how far the exact reference may be from them, proved.
    """

    function: Function
    values: Callable[[Array], Array]
    m: int
    off: Callable[[Array], Array]
    nodes: tuple[Any, ...] = ()  # no operations: it has no branches

    def value(self, x: Array) -> Array:
        """Values at points."""
        return self.values(x)


class ComparedNear(Compared):
    """Compares a solved reference with what stands for it."""

    def __init__(self, near: Near, record: Record) -> None:
        super().__init__(near.function, near, "reference", record)  # type: ignore[arg-type]
        self.near = near

    def _take(self, label: str, x: Array, run: Array, read: Array, slack: Array, why: str) -> None:
        lost = np.isfinite(read).all(1) & ~np.isfinite(run).all(1)
        if lost.any():
            raise BadInput(
                f"the reference {self.near.function.name} exists at {x[lost][0].tolist()}, but gives no value there as it "
                "runs: its equation changes too fast for the method that solves it (it may be stiff); take a smaller domain "
                "or a shorter time"
            )
        super()._take(label, x, run, read, slack, why)

    def _slack(self, x: Array, run: Array, read: Array) -> Array:
        size = np.max(np.abs(read), axis=0, where=np.isfinite(read), initial=0.0)
        return np.broadcast_to(
            self.near.off(read) * (1.0 + 1e-9) + ROUNDING * np.maximum(self.size, size), read.shape
        )


def enter(measuring: Measuring, near: Near) -> None:
    """Compare the reference with what stands for it at points of the whole domain.

    Raises:
        BadInput: when they differ by more than 1e-7 of the largest value beside what is allowed.
    """
    problem = measuring.problem

    def record(label: str, *values: Array) -> None:
        measuring.batches["reference", label] = Batch(*values)

    compared = ComparedNear(near, record)
    measuring.compared["reference"] = compared
    x = problem.domain.from_unit(np.random.default_rng(0).random((compared.n, problem.domain.d)))
    inside = problem.domain.contains(x)
    x = x[inside] if inside.any() else x
    read = near.value(x)
    compared.size = np.max(np.abs(read), axis=0, where=np.isfinite(read), initial=1e-300)
    compared.at(x, "batch")
