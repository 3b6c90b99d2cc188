"""Batches of boxes on the workers of an executor; workers that are lost end a proof as a request to end does.

What workers return is checked, because they may have another supnorm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

import numpy as np

from supnorm.certification.cut_parts import BY_PARTS
from supnorm.certification.leaf import PIECES, Bounded
from supnorm.evaluation.shared_map import shared
from supnorm.interrupts import INTERRUPTS
from supnorm.results import BadInput, Interrupted

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_workers(
    executor: Executor | None, work: Callable[[Item], Result], batches: Sequence[Item]
) -> Iterator[Result]:
    """``work(batch)`` for each batch, in order; see `shared`.

    Raises:
        KeyboardInterrupt: when the workers are lost: whoever proves something then ends with what is proved, so that
            ``resume`` goes on with it. `INTERRUPTS.cause` says why.
    """
    try:
        yield from shared(executor, work, batches)
    except Interrupted as why:
        INTERRUPTS.because(str(why).partition("; ")[0])
        raise KeyboardInterrupt from why


# Of each array of a `Bounded`: its type, and the least number in it. Nothing follows from the numbers without a least one.
KINDS: dict[str, tuple[str, float]] = {
    "upper": ("f8", 0.0),
    "rounding": ("f8", 0.0),
    "rho": ("f8", BY_PARTS),
    "points": ("f8", math.nan),
    "limited": ("b1", 0.0),
    "proved": ("b1", 0.0),
    "axis": ("i8", 0.0),
    "second": ("i8", -1.0),
    "degree": ("i8", PIECES),
    "grid": ("i8", 0.0),
    "graded": ("i8", -1.0),
    "bits": ("i8", 0.0),
}


def demand_fitting(bounded: object, boxes: int, alternatives: int, d: int) -> None:
    """Check that what a worker returned is the result of a batch: another supnorm may return other fields or numbers.

    Args:
        bounded: what it returned.
        boxes, alternatives, d: how many boxes the batch has, alternatives the error, and inputs the domain.

    Raises:
        BadInput: naming the field that is none.

    >>> demand_fitting(Bounded.nothing(1, 2), 1, 1, 2)
    >>> demand_fitting(Bounded.nothing(1, 2), 2, 1, 2)
    Traceback (most recent call last):
    ...
    supnorm.results.status.BadInput: a worker returned what is no bound of the boxes that it was given (upper); its supnorm \
or its packages are others; supnorm doctor compares them
    """
    wrong = "" if type(bounded) is Bounded else type(bounded).__name__
    for name, (kind, least) in () if wrong else KINDS.items():
        array: Any = getattr(bounded, name, None)
        shape = (boxes, alternatives) if name in ("degree", "rho", "grid", "graded", "bits") else (boxes,)
        if name == "points" and type(array) is np.ndarray:
            shape = (len(array) if array.ndim else 0, d)
        fits = type(array) is np.ndarray and array.dtype.str[1:] == kind and array.shape == shape
        fits = fits and (math.isnan(least) or bool((array >= least).all()))  # no number may be NaN either
        if not fits or (name in ("axis", "second") and bool((array >= d).any())):
            wrong = name
            break
    if wrong:
        raise BadInput(
            f"a worker returned what is no bound of the boxes that it was given ({wrong}); its supnorm or its packages are "
            "others; supnorm doctor compares them"
        )
