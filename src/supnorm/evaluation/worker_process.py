"""What a worker process does: it answers the calls that come through a pipe, one after the other.

`supnorm.evaluation.processes` starts it and attends to it from the other end of the pipe.
"""

from __future__ import annotations

import importlib
import multiprocessing
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from supnorm.evaluation.threads import share_threads
from supnorm.interrupts import again, strike, unless_interrupted
from supnorm.process import ENDS, end_with

MASKS = hasattr(signal, "pthread_sigmask")


def serve(connection: Connection, workers: int, deaf: bool) -> None:
    """Do the calls that come through the pipe, until an empty message comes."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    end_with(parent.sentinel)
    for number in ENDS:
        # A function and not SIG_IGN, because programs that a call starts would inherit SIG_IGN.
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else _left_to_the_parent)
    sys.unraisablehook, sys.excepthook = again, unless_interrupted
    if MASKS:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    share_threads(workers)
    try:
        connection.send_bytes(b"ready")
        while data := connection.recv_bytes():
            connection.send_bytes(_answer(data, deaf))
    except (EOFError, OSError):
        pass  # the parent process is gone
    sys.stdout.flush()


def load(module: str) -> None:
    """Import a module, so that the first call that needs it does not wait for that."""
    importlib.import_module(module)


def _left_to_the_parent(number: int, frame: Any) -> None:
    """SIGTERM and SIGHUP are often sent to all processes of a program: the process that waits decides."""


def _answer(data: bytes, deaf: bool) -> bytes:
    try:
        fn, args, kwargs = pickle.loads(data)  # from the process that started this one
        value = fn(*args, **kwargs) if deaf else _interruptible(fn, *args, **kwargs)
        return bytes(ForkingPickler.dumps((True, value)))
    except BaseException as error:
        error.add_note("in a worker process:\n" + traceback.format_exc())
        try:
            answer = bytes(ForkingPickler.dumps((False, error)))
            pickle.loads(answer)
        except Exception:
            answer = bytes(ForkingPickler.dumps((False, RuntimeError(f"{type(error).__name__}: {error}"))))
        return answer


def _interruptible(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    signal.signal(signal.SIGINT, strike)
    try:
        return call(*args, **kwargs)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
