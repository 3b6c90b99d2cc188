"""Three kinds of answer that are never mixed.

* `Witness`: a point that was evaluated. Its error is a *lower* bound of the worst error.
* `Estimate`: a statistical number. It holds for a sampling law, with a confidence.
* `Bound`: a rigorous *upper* bound, or a conditional one with its assumptions named.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

EDGE = 1e-6  # share of an axis: a point nearer than this to a bound counts as on it


@dataclass(frozen=True, eq=False)
class Witness:
    """A point of the domain with both values there: a lower bound of the worst error.

    Attributes:
        x: inputs, shape ``(d,)``, in the units of the domain's axes.
        model: model outputs, shape ``(m,)``.
        reference: reference outputs, shape ``(m,)``.
        error: the error measure at ``x``; ``inf`` where the model has no finite value.
        output: index of the output that has this error.
        tags: words about the point (``"glitch"``, ``"boundary"``, ``"model-side"``, ...).
        volume: fraction of the domain where the error around ``x`` is at least half of ``error``.
        volume_at_least, volume_at_most: limits of ``volume``; an upper limit only if all of the region was measured.
        prominence: error minus the highest saddle towards a higher peak, in multiples of the RMS.
        recheck: ``"confirmed"``, ``"reference-fault"`` or ``"unresolved"``; None when not rechecked.
        recheck_value: outputs of the second reference, shape ``(m,)``.
        off_data: distance to the nearest data point over the data's own spacing (r95).
        row: number of its row in a table, counted from 1 below the header; None without a table.
    """

    x: NDArray[np.float64]
    model: NDArray[np.float64]
    reference: NDArray[np.float64]
    error: float
    output: int = 0
    tags: tuple[str, ...] = ()
    volume: float | None = None
    prominence: float | None = None
    recheck: str | None = None
    recheck_value: NDArray[np.float64] | None = None
    off_data: float | None = None
    volume_at_least: float | None = None
    volume_at_most: float | None = None
    row: int | None = None

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, arrays entry by entry."""
        if not isinstance(other, Witness):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a is not None and b is not None and np.array_equal(a, b, equal_nan=True)
    return bool(a == b)


@dataclass(frozen=True)
class Estimate:
    """A statistical value: it holds for a sampling law, with a confidence, or as a plain sample number.

    Attributes:
        value: the number.
        kind: ``"sample"`` (no interval is claimed) or the name of the method of the interval.
        n: number of independent points on which it rests.
        law: the sampling law for which it holds.
        interval: lower and upper end, or None where no interval is valid.
        confidence: confidence of the interval; None without one.
    """

    value: float
    kind: str
    n: int
    law: str
    interval: tuple[float, float] | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Bound:
    """A rigorous upper bound of the worst error, or a conditional one.

    Attributes:
        value: the bound.
        kind: ``"certified"``, ``"exact-arithmetic"`` or ``"conditional"``.
        assumptions: what it rests on; empty only for ``"certified"``.
    """

    value: float
    kind: str
    assumptions: tuple[str, ...] = ()
