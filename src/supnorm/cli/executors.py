"""The executors of a verb: processes on this machine, or a Dask scheduler."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from supnorm.evaluation.processes import Processes


@contextmanager
def processes(workers: int | None) -> Iterator[Processes | None]:
    """Workers that leave Ctrl-C to the parent and end with the context."""
    if workers is None or workers < 2:
        yield None
        return
    from supnorm.evaluation.processes import Processes

    pool = Processes(workers, deaf=True)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def dask_executor(address: str | None) -> Any:
    """The client of a running Dask scheduler, which `Calls` takes as an executor; None without an address.

    Raises:
        BadInput: without the package distributed, or when nothing answers at the address.
    """
    from supnorm.results import BadInput, install
    from supnorm.results.guard import cause

    if address is None:
        return None
    try:
        from distributed import Client
    except ImportError:
        raise BadInput(f"--dask needs the package distributed: {install('dask')}") from None
    # After the import, which sets levels. Whoever loses calls by a lost scheduler says so in one line.
    for name in ("distributed", "distributed.client", "distributed.comm", "tornado", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # Not the default client: xarray would take its locks for the files that this process writes.
        return Client(address, timeout="10s", set_as_default=False)
    except Exception as error:  # addresses that are none raise errors of many types
        raise BadInput(f"--dask {address}: no scheduler answers: {cause(error)}") from None
