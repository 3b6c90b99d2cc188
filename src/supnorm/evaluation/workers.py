"""What a call on workers may come back as: executors of users can refuse calls, cancel them, or return something else."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from supnorm.evaluation.processes import Processes
from supnorm.results import BadInput, Interrupted

POLL = 1.0  # seconds after which cancelled calls are looked for


def is_ours(executor: Executor | None) -> bool:
    """Whether the workers are those of supnorm, whose failures are told by `broken_workers_explained`."""
    return isinstance(executor, Processes | ThreadPoolExecutor)


def first_done(futures: Collection[Future[Any]]) -> set[Future[Any]]:
    """Wait until at least one call has ended; returns those that have.

    ``wait`` of the standard library does not see a call that was cancelled before it began, and would wait forever.
    """
    while True:
        done = wait(futures, timeout=POLL, return_when=FIRST_COMPLETED).done
        if done or (done := {f for f in futures if f.cancelled()}):
            return done


def seats(executor: Executor) -> int:
    """Calls that an executor runs at once, now; the number of cores where it does not tell."""
    number = getattr(executor, "seats", None) or getattr(executor, "workers", None)
    return max(1, number or getattr(executor, "_max_workers", None) or os.cpu_count() or 1)


def sent(executor: Executor, what: Any, *given: Any) -> Future[Any]:
    """A call that an executor takes.

    Raises:
        Interrupted: when an executor of the user takes none; values that are stored are not lost.
    """
    try:
        return executor.submit(what, *given)
    except Exception as error:
        if isinstance(executor, Processes) or isinstance(error, BadInput | Interrupted):
            raise
        raise Interrupted(
            f"the executor takes no calls ({type(error).__name__}: {error}); stored evaluations are kept, and --resume "
            "goes on with them"
        ) from error


def demand_result(result: Any, n: int) -> Any:
    """The result of a call of ``n`` points: values ``(n, m)``, messages by row, seconds.

    Raises:
        TypeError: when an executor returned something else.
    """
    values, messages, seconds = result
    good = isinstance(values, np.ndarray) and values.dtype == np.float64 and values.ndim == 2
    if not (good and len(values) == n and isinstance(messages, dict) and isinstance(seconds, float)):
        raise TypeError(f"it did not return the values of a call of {n} points")
    return values, messages, seconds
