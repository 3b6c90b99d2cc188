"""The executor of a verb whose work needs no `Calls`: processes on this machine, or the workers of a Dask scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass

from supnorm.results.option import option


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """Who shares the work of a verb: options of the command line."""

    workers: int | None = option(
        "--workers", "Processes that share the work. [default: 1]", default=None, kind=int, low=1
    )
    dask: str | None = option(
        "--dask",
        "Share the work among the workers of a Dask scheduler.",
        default=None,
        metavar="ADDRESS",
    )


@contextmanager
def executor_of(
    workers: int | None, dask: str | None = None, needs: str | None = None
) -> Iterator[Executor | None]:
    """What shares the work of a verb; None where this process does it alone. It ends with the context.

    Args:
        workers: processes, which leave Ctrl-C to this one.
        dask: address of a scheduler, all of whose workers are used.
        needs: a module that processes load at once, while this one reads what they will work on: it takes a second.

    Raises:
        BadInput: for both of them, and when no scheduler answers.
    """
    from supnorm.results.status import BadInput

    if dask is not None and workers is not None:
        raise BadInput("--dask and --workers: give one of them; the scheduler knows its workers")
    if dask is None and (workers is None or workers < 2):
        yield None
        return
    pool = _pool(workers, dask, needs)
    try:
        yield pool
    finally:
        pool.shutdown(wait=dask is None, cancel_futures=True)


def _pool(workers: int | None, dask: str | None, needs: str | None) -> Executor:
    if dask is not None:
        from supnorm.evaluation.cluster import Cluster
        from supnorm.evaluation.scheduler import connected

        return Cluster(connected(dask))
    from supnorm.evaluation.processes import Processes

    pool = Processes(workers or 1, deaf=True)
    if needs is not None:
        pool.begin(needs)
    return pool
