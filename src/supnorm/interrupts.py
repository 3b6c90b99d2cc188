"""Requests to end: Ctrl-C and, on the command line, SIGTERM and SIGHUP. What was done until then is kept.

A KeyboardInterrupt may strike between any two instructions. Work whose state must stay whole asks instead to be
interrupted between batches only (`Interrupts.between_batches`): the request is noted, and whoever has taken a batch in
calls `Interrupts.poll`, which raises. A call that may take long is not waited for, nor a batch beyond `PATIENCE`.
Whoever catches the KeyboardInterrupt to write down what was done says so by `Interrupts.taken`; until then `poll`
raises again, so that code of the user's that catches everything does not make the request unheard. An audit or a proof
that is one part of a larger work ends with what it has; `Interrupts.handed_on` then ends the larger work too.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any

from supnorm.process import CALLS

PATIENCE = 2.0  # seconds
LOADING = (
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
)  # the files of Python's own import
SOON = 0.05  # seconds until a request is tried again that came while a compiled package was being loaded
AGAIN = 1.0  # seconds after the first request: a later one ends the program, an earlier one is the same that came twice


class Interrupts:
    """The requests to end that this process has heard of.

    Attributes:
        asked: somebody has asked for an end, and nobody has taken it in yet.
        cause: what ended the last work that ended early, such as lost workers; empty where the user did.
        struck: how often a request has raised KeyboardInterrupt where the program was.

    >>> requests = Interrupts()
    >>> with requests.between_batches():
    ...     requests.hear(signal.SIGINT, None)
    ...     try:
    ...         requests.poll()
    ...     except KeyboardInterrupt:
    ...         requests.taken()
    >>> requests.asked
    False
    """

    def __init__(self) -> None:
        self.asked, self.cause, self.struck = False, "", 0
        self._first: float | None = None
        self._waiting = self._taken = 0
        self._why: BaseException | None = None
        self._forced = self._spare = False

    def listen(self, numbers: list[signal.Signals], at_once: Callable[[], None]) -> None:
        """From here on these signals ask for an end; ``at_once`` is called where one comes a second time."""

        ours = terminals()

        def handle(number: int, frame: Any) -> None:
            now = time.monotonic()
            if number == getattr(signal, "SIGHUP", None):
                leave(ours)
            if self._forced or self._first is None:
                self._first = self._first or now
                self.hear(number, frame)
            elif now - self._first > AGAIN and self._spare:
                self._first, self._spare = now, False
                self.hear(number, frame)
            elif now - self._first > AGAIN:
                at_once()

        self._first = None
        for number in numbers:
            signal.signal(number, handle)

    @property
    def heard(self) -> bool:
        """Whether anybody has asked for an end since `listen`."""
        return self._first is not None

    def hear(self, number: int, frame: Any) -> None:
        """A signal handler: raises KeyboardInterrupt, or makes the next `poll` raise it."""
        again, forced, self.cause = self.asked, self._forced, ""
        self.asked, self._forced = True, False
        if not self._waiting or CALLS.expensive or again or forced:
            if _in_compiled_import(frame):
                soon = threading.Timer(SOON, self._unless_taken)
                soon.daemon = True
                soon.start()
                return
            self.struck += 1
            raise KeyboardInterrupt
        timer = threading.Timer(PATIENCE, self._lost_patience)
        timer.daemon = True
        timer.start()

    def note(self, number: int, frame: Any) -> None:
        """A signal handler that raises nothing: the next `poll` does, in the part of the work that follows, if any does."""
        if number == getattr(signal, "SIGHUP", None):
            leave(terminals())
        self.asked, self._first = True, self._first or time.monotonic()

    def _unless_taken(self) -> None:
        if self.asked:
            self.send_again()

    def _lost_patience(self) -> None:
        if self.asked and self._waiting:
            self.send_again()

    def send_again(self) -> None:
        """Raise KeyboardInterrupt in the main thread: the request was dropped, or has waited for too long."""
        self._forced = True
        os.kill(os.getpid(), signal.SIGINT)

    def because(self, cause: str) -> None:
        """The KeyboardInterrupt that follows is not the user's; ``cause`` says what it comes from."""
        self.cause = cause

    def poll(self) -> None:
        """Raise KeyboardInterrupt when somebody has asked for an end."""
        if self.asked:
            raise KeyboardInterrupt

    def demand_none_since(self, struck: int, failed: bool = False) -> None:
        """Raise KeyboardInterrupt again where one has struck since `struck` was so many.

        Code of the user's that was at work may have caught it, and then returned what it had, or raised an error of its own:
        neither is what it says of its input.

        Args:
            struck: what `struck` was before the code was called.
            failed: the code has raised an error; then a request that waits for the end of a batch counts too, because Ctrl-C
                also ends the programs that the code has started.
        """
        if threading.current_thread() is not threading.main_thread():
            return
        if self.struck != struck or (failed and self.asked):
            raise KeyboardInterrupt

    def taken(self, why: BaseException | None = None) -> None:
        """Whoever calls it has caught the interrupt and ends its work in good order.

        Args:
            why: what was caught, if that was no KeyboardInterrupt: `handed_on` raises it again.
        """
        self.asked, self._why = False, why
        self._taken += 1

    @contextmanager
    def handed_on(self) -> Iterator[None]:
        """Inside is a part of a work, such as an audit, that ends at a request with what it has done; so does the work then.

        Raises:
            KeyboardInterrupt: when the part has taken a request in, or what `taken` was called with.
        """
        before = self._taken
        yield
        if self._taken != before:
            raise self._why or KeyboardInterrupt

    def spare(self, on: bool = True) -> None:
        """The next request ends only what now follows, not the program; ``on`` False takes that back."""
        self._spare = on

    @contextmanager
    def between_batches(self) -> Iterator[None]:
        """Inside, a request waits for the next `poll`, as described in the module's text."""
        if not self._waiting:
            self.cause = ""  # of earlier work
        before = signal.getsignal(signal.SIGINT)
        own = threading.current_thread() is threading.main_thread() and before in (
            signal.default_int_handler,
            strike,
        )
        if own:
            signal.signal(signal.SIGINT, self.hear)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1
            if own:
                signal.signal(signal.SIGINT, before)
                if not self._waiting:
                    self.asked, left = False, self.asked
                    if left:
                        raise KeyboardInterrupt


def strike(number: int, frame: FrameType | None) -> None:
    """A signal handler of a worker during a call: raises KeyboardInterrupt, but not while a compiled package is loaded."""
    if not _in_compiled_import(frame):
        raise KeyboardInterrupt
    soon = threading.Timer(SOON, INTERRUPTS.send_again)
    soon.daemon = True
    soon.start()


def again(dropped: Any) -> None:
    """Send Ctrl-C once more if it came during a callback of the garbage collector, which would print and forget it.

    This is a ``sys.unraisablehook``.
    """
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        soon = threading.Timer(0.02, INTERRUPTS.send_again)
        soon.daemon = True
        soon.start()
    else:
        sys.__unraisablehook__(dropped)


def unless_interrupted(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Print no traceback of Ctrl-C: compiled code that cannot raise prints it here before it drops it (`again`).

    This is a ``sys.excepthook``.
    """
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


def _in_compiled_import(frame: FrameType | None) -> bool:
    """Whether a compiled module is being loaded: an error that Python code raises below it ends the process (jaxlib).

    So does one between the two halves of its loading (``create_module``, ``exec_module``): half a module is thrown away.
    """
    while frame is not None:
        if frame.f_code.co_filename in LOADING:
            names = frame.f_locals
            loaders = names.get("self"), getattr(names.get("spec"), "loader", None)
            if any(isinstance(loader, ExtensionFileLoader) for loader in loaders):
                return True
        frame = frame.f_back
    return False


def terminals() -> list[int]:
    """The descriptors of standard output and standard error that are terminals."""
    return [n for n in (1, 2) if _is_terminal(n)]


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def leave(ours: list[int]) -> None:
    """Write no more to those of these terminals that were closed: it would fail, and what is left to do is worth more."""
    import termios

    for descriptor in ours:
        try:
            termios.tcgetattr(descriptor)
        except termios.error:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)


INTERRUPTS = Interrupts()
