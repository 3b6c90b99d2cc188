"""The command line in two processes: one works, the other one knows whether it came to an end.

What runs the problem's own code may be ended by it at any moment: ``os._exit(0)``, a STOP in Fortran, a crash of
compiled code, memory. Its exit status then says nothing. So the process that was started only waits. It passes on the
verdict that the working one has left in memory that both share, once all files are written (`Page`), and no other
number: without a verdict nothing is found or proved by the run, and the exit code is 3.

Signals that ask for an end (Ctrl-C, SIGTERM, SIGHUP) are passed on; a process that waits ends when the other one does.
One in compiled code that does not return hears none of them: the third request kills it (`Requests`).
Where it is killed the kernel kills the working one (`end_with`). Costs about 1 ms; nothing of supnorm is imported here.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from supnorm.process import CALLS, ENDS, SIZE, Page, end_with, heard, how_it_ended

INTERRUPTED = 3  # ExitCode.INTERRUPTED; importing it takes as long as all of this
BAD_INPUT = 2  # ExitCode.BAD_INPUT
SAID = "supnorm: interrupted"
STILL = "supnorm: it is still at work: it writes a result, or compiled code does not return; one more request kills it"
LEFT = 10.0  # seconds after the verdict for threads and exit hooks of the problem's code, which may never end
AGAIN = 1.0  # seconds between two requests to end; within them a request is the same that came twice
FORCE = 5.0  # seconds after the second request in which the working process ends, if it hears it
PAGE = "SUPNORM_PAGE"  # where processes do not fork: the file that both map


def open_streams() -> None:
    """Open standard streams that were closed (``>&-``): the next file would take their number, and Python has None for them.

    Nothing can be written to an output that was closed, as to a full disk, so that a lost verdict is told. Messages to a
    standard error that was closed are dropped.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR if number == 2 else os.O_RDONLY), True)
        if getattr(sys, name) is None:
            stream = os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        if number and getattr(getattr(sys, name), "errors", "") == "strict":  # a terminal that is not UTF-8
            getattr(sys, name).reconfigure(errors="backslashreplace")


def supervise(work: Callable[[], int], forks: bool = hasattr(os, "fork")) -> int:
    """Do ``work`` in a process of its own; its exit code, `INTERRUPTED` when it ended without one.

    Only the waiting process comes back from here; the working one exits.
    """
    if PAGE in os.environ:
        return _started(work)
    return _forked(work) if forks else _spawned()


def _forked(work: Callable[[], int]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        page = Page(mmap.mmap(-1, SIZE))
        read, write = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # until both know what to do with them
        child = os.fork()
    except OSError as error:  # an exit code 1, of Python's own traceback, would read as a verdict
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        print(
            f"supnorm: no process can be started: {error.strerror}; allow more processes (ulimit -u) or more memory",
            file=sys.stderr,
        )
        return BAD_INPUT
    if child == 0:
        os.close(write)
        end_with(read)
        page.owner = os.getpid()
        end_at_once(page)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
        _work(work, page)
    os.close(read)
    requests = Requests(child)
    for number in heard():
        signal.signal(number, requests.pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    status = os.waitpid(child, 0)[1]
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    for (
        number
    ) in heard():  # Python ends without its handlers: a second Ctrl-C would end it without the exit code
        signal.signal(number, signal.SIG_IGN)
    return outcome(page, os.waitstatus_to_exitcode(status))


def end_at_once(page: Page | None = None) -> None:
    """Until `work` listens itself, when there is nothing to keep yet, a request ends this process where it is.

    A KeyboardInterrupt would strike among Python's own imports, which make another error of it (``__set_name__``
    before Python 3.12) or catch it.
    """

    def end(number: int, frame: object) -> None:
        with suppress(OSError):
            os.write(2, f"{SAID}\n".encode())
        if page is not None:
            page.give_verdict(INTERRUPTED)
        os._exit(INTERRUPTED)

    for number in heard():
        signal.signal(number, end)


class Requests:
    """The requests to end that the working process gets, which ends at once at the second one.

    In compiled code that does not return, Python runs no handler of a signal. If the process is still there after `FORCE`
    seconds, this is said, and the next request kills it.
    """

    def __init__(self, child: int) -> None:
        self._child, self._last, self._count, self._late = child, float("-inf"), 0, False

    def pass_on(self, number: int, frame: object) -> None:
        """A signal handler of the process that waits."""
        now = time.monotonic()
        if now - self._last > AGAIN:
            self._last, self._count = now, self._count + 1
            if self._count == 2:
                signal.signal(signal.SIGALRM, self._not_heard)
                signal.setitimer(signal.ITIMER_REAL, FORCE)
        with suppress(ProcessLookupError):
            os.kill(self._child, signal.SIGKILL if self._late else number)

    def _not_heard(self, number: int, frame: object) -> None:
        self._late = True
        with suppress(OSError):
            os.write(2, f"{STILL}\n".encode())


def _work(work: Callable[[], int], page: Page) -> None:
    """Do the work, leave the verdict, exit."""
    page.owner, CALLS.page = os.getpid(), page
    try:
        _end(work(), page)
    except KeyboardInterrupt:  # the work is done, its verdict is not given
        print(SAID, file=sys.stderr)
        page.give_verdict(INTERRUPTED)
        sys.exit(INTERRUPTED)


def _end(code: int, page: Page) -> None:
    """Leave the verdict once all is printed, and exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # nobody has seen all of it: no pass
            code = code or 2
            _to_nowhere(stream.fileno())
        except ValueError:  # the problem's code has closed it
            code = code or 2
    page.give_verdict(code)
    _end_within(LEFT, code)
    sys.exit(code)


def _end_within(seconds: float, code: int) -> None:
    """End this process then, even if Python is being cleared away: no thread of Python's could do it by that time."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGALRM])
        signal.setitimer(signal.ITIMER_REAL, seconds)
    else:
        last = threading.Timer(seconds, os._exit, [code])
        last.daemon = True
        with suppress(RuntimeError):  # no thread can be started
            last.start()


def _to_nowhere(descriptor: int) -> None:
    """What is left in the buffer would fail again at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def outcome(page: Page, status: int) -> int:
    """The verdict; where there is none, say so, and what ended the process as far as that can be known."""
    if page.verdict is not None:
        return page.verdict
    # No import of supnorm.results, which needs NumPy: where memory is short that ends this process too, with exit code 1.
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in page.in_call)
    doing = f" while {shown[:300]}" if shown else ""
    isolated = ""
    if page.in_call.startswith("calling the reference at "):
        isolated = (
            "; with --workers 2 long calls of the reference run in processes of their own, where one that ends its "
            "process is a failed call"
        )
    print(
        f"supnorm: the process ended before a verdict ({how_it_ended(status)}){doing}; nothing is found or proved "
        f"by this run; what was stored is kept{isolated}",
        file=sys.stderr,
    )
    return INTERRUPTED


# -- where processes do not fork -----------------------------------------------------------------------------


def _spawned() -> int:
    import subprocess
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="supnorm-")
    try:
        os.write(descriptor, bytes(SIZE))
        page = Page(mmap.mmap(descriptor, SIZE))
        command = [sys.executable, "-m", "supnorm", *sys.argv[1:]]
        child = subprocess.Popen(command, env={**os.environ, PAGE: f"{os.getpid()}:{path}"})
        requests = Requests(child.pid)
        for number in heard():
            # A console sends Ctrl-C to both; passing on a signal would end the other at once on Windows.
            signal.signal(number, lambda n, frame: None if os.name == "nt" else requests.pass_on(n, frame))
        while True:
            try:
                return outcome(page, child.wait())
            except KeyboardInterrupt:
                continue
    finally:
        os.close(descriptor)
        with suppress(OSError):
            os.unlink(path)


def _started(work: Callable[[], int]) -> int:
    """In the working process: what the other one named in the environment, where what is started here has no use for it."""
    parent, _, path = os.environ.pop(PAGE).partition(":")
    with open(path, "r+b") as file:
        page = Page(mmap.mmap(file.fileno(), SIZE))
    if sys.platform == "win32":
        import _winapi

        end_with(_winapi.OpenProcess(0x00100000, False, int(parent)))  # SYNCHRONIZE
    end_at_once(page)
    _work(work, page)
    return INTERRUPTED  # never reached
