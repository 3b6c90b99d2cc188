"""Runs the service until somebody asks for its end: SIGTERM, SIGHUP or Ctrl-C; requests that came before are answered."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from supnorm.interrupts import leave, terminals
from supnorm.process import heard
from supnorm.results import BadInput
from supnorm.serving.app import app_of
from supnorm.serving.service import Service

CONNECTIONS = 200  # at once; further ones get 503
AGAIN = 1.0  # seconds after the first signal: a later one does not wait for requests, an earlier one is the same twice
AT_END = 2.0  # seconds to send what was answered last


class Server(uvicorn.Server):
    """A server whose signals are handled by `run`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: the handlers of uvicorn raise the signal again at the end, and a second Ctrl-C drops requests."""
        yield


def is_loopback(host: str) -> bool:
    """Whether a host name or address is of this machine alone.

    >>> is_loopback("localhost"), is_loopback("::1"), is_loopback("0.0.0.0"), is_loopback("example.org")
    (True, True, False, False)
    """
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A socket at an address.

    Raises:
        BadInput: when it cannot be had, such as a port that is in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise BadInput(
            f"cannot listen at {host}, port {port}: {said}; give another --host or --port"
        ) from None


def run(service: Service, at: socket.socket, token: str | None, ready: Callable[[str], None]) -> int:
    """Answer requests until SIGTERM, SIGHUP (the terminal was closed; not with ``nohup``) or Ctrl-C.

    Requests that came before are answered: each is given the time that its limits allow it. A second signal does not wait.

    Returns:
        the number of requests that came and were not answered.

    Args:
        service: what answers.
        at: where; see `listen`.
        token: see `app_of`.
        ready: gets the address once requests are answered.
    """
    host, port = at.getsockname()[:2]
    app, left = app_of(service, token), [0]

    async def counted(scope: Any, receive: Any, send: Any) -> None:
        left[0] += 1
        with suppress(asyncio.CancelledError):  # the end is told by the last line, and not by a traceback
            await app(scope, receive, send)
            left[0] -= 1

    config = uvicorn.Config(
        counted,
        log_level="warning",
        access_log=False,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=math.ceil(service.limits.reading + service.limits.seconds + AT_END),
        lifespan="off",
        server_header=False,
    )
    server, first, ours = Server(config), [0.0], terminals()

    def asked(number: int, frame: Any) -> None:
        now = time.monotonic()
        if number not in (signal.SIGINT, signal.SIGTERM):
            leave(ours)
        if not first[0]:
            first[0] = now
            server.should_exit = True
        elif now - first[0] > AGAIN:
            server.force_exit = True

    numbers = {signal.SIGINT, signal.SIGTERM, *heard()}
    before = {number: signal.signal(number, asked) for number in numbers}
    try:
        # The socket listens: what comes now waits.
        ready(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        server.run(sockets=[at])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        at.close()
        if service.shadow is not None:
            service.shadow.close()
    return left[0]
