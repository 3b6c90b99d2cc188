"""What is known of the code behind the values of a function: what is traced, who runs it, the precision it has shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem.double_precision import precision_of
from supnorm.problem.rows import LookUp

Array = NDArray[np.float64]
Value = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Coded:
    """Values that code of a user computes. A function that gets other values has other code, too: both stand together.

    Attributes:
        run: batch to batch.
        code: what a program is read from; it raises `Unsupported` where that is known to be impossible.
        kind: ``"jax"`` for code that JAX alone runs, ``"torch"`` for code that takes tensors, ``"composed"`` for a
            composition that makes its own program (`supnorm.program.source.Composed`), ``"point"`` for code of one
            point, else empty.
        shown: the precision that values have shown, once it is below double; the functions made from one share the list.
        derivatives: whether the values are followed by derivatives; the step where these are differences.
        made_of: the `Function` that gives these values as it runs; None where that is this code. What is known of the values
            may come from what was read of it.
        compiled: what JAX has compiled of the code and calls again; None where the code itself is called.
    """

    run: Value
    code: Any
    kind: str = ""
    shown: list[str] = field(default_factory=list)
    derivatives: float | bool = False
    made_of: Any = None
    compiled: Any = None

    def __call__(self, x: Array) -> Array:
        """Values ``(n, m)`` at points ``x (n, d)``."""
        return self.run(x)

    def show(self, result: Any) -> None:
        """Record the precision of a result if it is below double."""
        show(self.shown, result)


def show(shown: list[str], result: Any) -> None:
    """Record the precision of a result among the precisions that values have shown, if it is below double."""
    if not shown and (lower := precision_of(result)) != "float64":
        shown.append(lower)


def around(inner: Value, run: Value) -> Value:
    """Values ``run`` that only call ``inner``: what is known of its code stays known."""
    if isinstance(inner, Coded):
        return replace(inner, run=run)
    return Coded(run, inner) if isinstance(inner, LookUp) else run


def code_of(value: Value) -> Any:
    """The code of a user behind values; None where there is none or where it is not known."""
    return value.code if isinstance(value, Coded) else None
