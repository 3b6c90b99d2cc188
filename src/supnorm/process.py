"""What the processes of supnorm know of one another: each ends with the one that started it, and says what it calls.

A process that was killed cannot say so. It therefore writes what it is about to call into a page of memory that it
shares with the process that started it (`Page`), and holds one end of a pipe whose other end closes when that process
is gone (`end_with`). On Linux the kernel kills it then (signal-driven input, ``fcntl`` F_SETSIG), compiled code or not;
elsewhere a thread does.
"""

from __future__ import annotations

import functools
import itertools
import mmap
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

SIZE = 4096  # bytes of the shared page: one page of memory on common systems
VERDICT = 16  # bytes at the beginning of a page
SHOWN = 8  # coordinates of a point
MARK = b"verdict "
ENDS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def heard() -> list[signal.Signals]:
    """The signals that ask for an end, but those that whoever started the program wants ignored (``nohup``)."""
    return [n for n in ENDS if signal.getsignal(n) is not signal.SIG_IGN]


class Page:
    """Memory that two processes share: the verdict of one of them, and what it was calling last.

    >>> page = Page(mmap.mmap(-1, SIZE))
    >>> page.call("reference", [0.5, 2.0], 1)
    >>> page.verdict, page.in_call
    (None, 'calling the reference at (0.5, 2)')
    >>> page.done()
    >>> page.give_verdict(4)
    >>> page.verdict, page.in_call
    (4, '')
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self.memory, self.owner = memory, os.getpid()

    def call(self, side: str, x: Iterable[float], n: int) -> None:
        """A side of the problem is called at ``x`` (d,), and at ``n - 1`` other points."""
        shown = [f"{float(v):.12g}" for v in itertools.islice(x, SHOWN + 1)]
        where = ", ".join(shown[:SHOWN] + ["..."] * (len(shown) > SHOWN))
        first = "" if n == 1 else f"{n:,} points, the first of them "
        self.doing(f"calling the {side} at {first}({where})")

    def call_unseen(self, side: str) -> None:
        """A side is called where writing the point would take as long as the call."""
        data = _calling(side)
        self.memory[VERDICT : VERDICT + len(data)] = data

    def doing(self, text: str) -> None:
        """What is being done, in words that follow "while"; "" for nothing that could end the process."""
        data = text.encode("utf-8", "replace")[: SIZE - VERDICT - 1] + b"\0"
        self.memory[VERDICT : VERDICT + len(data)] = data

    def done(self) -> None:
        """Nothing is called any more."""
        self.memory[VERDICT] = 0

    @property
    def in_call(self) -> str:
        """What was being done at the end."""
        return self.memory[VERDICT:].partition(b"\0")[0].decode("utf-8", "replace")

    def give_verdict(self, code: int) -> None:
        """The exit code, once all is written; not of a process that the problem's own code has forked."""
        if os.getpid() == self.owner:
            self.memory[:VERDICT] = (MARK + str(code).encode()).ljust(VERDICT, b"\0")

    @property
    def verdict(self) -> int | None:
        """The exit code that was given; None when none was."""
        text = self.memory[:VERDICT].rstrip(b"\0")
        return int(text.removeprefix(MARK)) if text.startswith(MARK) else None


@functools.cache
def _calling(side: str) -> bytes:
    return f"calling the {side}\0".encode()


class Calls:
    """The call of the problem's own code that is at work in this process.

    Attributes:
        page: shared with the process that started this one; None where nobody listens.
        expensive: whether it may take long: an interrupt does not wait for its end.
    """

    def __init__(self) -> None:
        self.page: Page | None = None
        self.expensive = False

    def begin(self, side: str, x: Iterable[float] | None, n: int, expensive: bool) -> None:
        """A call begins; ``x`` (d,) is its first point, None where that takes longer to write than the call."""
        self.expensive = expensive
        if self.page is not None:
            if x is None:
                self.page.call_unseen(side)
            else:
                self.page.call(side, x, n)

    @contextmanager
    def importing(self, name: str) -> Iterator[None]:
        """Inside, the problem's own file of this name is imported."""
        if self.page is not None:
            self.page.doing(f"importing {name}")
        try:
            yield
        finally:
            self.end()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Inside, calls in other processes are waited for, which may take long."""
        self.expensive = True
        try:
            yield
        finally:
            self.expensive = False

    def end(self) -> None:
        """It has come back, or raised."""
        self.expensive = False
        if self.page is not None:
            self.page.done()


CALLS = Calls()


def how_it_ended(status: int) -> str:
    """The exit status of a process in words; negative for a signal.

    >>> how_it_ended(0), how_it_ended(-11)
    ('exit status 0', 'signal 11, SIGSEGV')
    """
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name if -status in set(signal.Signals) else "unknown"
    return f"signal {-status}, {name}" + (", as where memory runs out" if name == "SIGKILL" else "")


def cut_off(error: BaseException) -> str:
    """The compiled file of Python's that a full disk has cut off, and what to do; empty for other errors.

    Python before 3.12.8 keeps such a file, and no later import of its module works.

    >>> cut_off(EOFError("marshal data too short")), cut_off(EOFError())
    ('a compiled file of Python (.pyc) was cut off, as by a full disk: delete the folders __pycache__', '')
    """
    if not isinstance(error, EOFError | ValueError) or "marshal data" not in str(error):
        return ""
    name, at = "", error.__traceback__
    while at is not None:
        name, at = at.tb_frame.f_locals.get("bytecode_path") or name, at.tb_next
    if not name:
        return (
            "a compiled file of Python (.pyc) was cut off, as by a full disk: delete the folders __pycache__"
        )
    return f"{name} was cut off, as by a full disk: delete it"


def is_stopped(pid: int) -> bool:
    """Whether a signal (SIGSTOP, a debugger) has stopped a process; False where the system does not say so.

    >>> is_stopped(os.getpid())
    False
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"T", b"t")
    except (OSError, IndexError):
        return False


def end_with(descriptor: int) -> None:
    """Kill this process when the other end of a pipe, of which ``descriptor`` is read, closes."""
    if sys.platform == "linux":
        import fcntl
        import select

        fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(descriptor, fcntl.F_SETFL, fcntl.fcntl(descriptor, fcntl.F_GETFL) | os.O_ASYNC)
        poll = select.poll()
        poll.register(descriptor, select.POLLHUP)
        if poll.poll(0):  # it has closed before the kernel was asked
            os.kill(os.getpid(), signal.SIGKILL)
    else:
        threading.Thread(target=_wait_and_end, args=(descriptor,), daemon=True).start()


def _wait_and_end(descriptor: int) -> None:
    from multiprocessing.connection import wait

    wait([descriptor])  # on Windows the handle of a process
    os._exit(1)
