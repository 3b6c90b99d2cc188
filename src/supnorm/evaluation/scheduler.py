"""The connection to a Dask scheduler: one for each address, however many parts of a work use it."""

from __future__ import annotations

import logging
from typing import Any

from supnorm.results import BadInput
from supnorm.results.guard import cause
from supnorm.results.install import install

ANSWER = "10s"  # to wait for the scheduler
_CLIENTS: dict[str, Any] = {}


def connected(address: str) -> Any:
    """The ``distributed.Client`` of the scheduler at an address.

    Raises:
        BadInput: without the package distributed, or when no scheduler answers at the address.
    """
    client = _CLIENTS.get(address)
    if client is not None and client.status == "running":
        return client
    try:
        from distributed import Client
    except ImportError:
        raise BadInput(f"--dask needs the package distributed: {install('dask')}") from None
    # After the import, which sets levels. Whoever loses calls by a lost scheduler says so in one line.
    for name in ("distributed", "distributed.client", "distributed.comm", "tornado", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        # Not the default client: xarray would take its locks for the files that this process writes.
        client = Client(address, timeout=ANSWER, set_as_default=False)
    except Exception as error:  # addresses that are none raise errors of many types
        raise BadInput(f"--dask {address}: no scheduler answers: {cause(error)}") from None
    _CLIENTS[address] = client
    return client
