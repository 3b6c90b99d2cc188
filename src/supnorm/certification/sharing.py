"""Batches of boxes on the workers of an executor; workers that are lost end a proof as a request to end does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import TypeVar

from supnorm.evaluation.shared_map import shared
from supnorm.interrupts import INTERRUPTS
from supnorm.results import Interrupted

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
