"""Starts the command line without importing it anew: forks of a process that has it, each in a session of its own.

A hundred runs then take a third of the time. From the fork on all is as in ``python -m supnorm``: a process that waits, one
that works, workers that are spawned.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

_RUNNING: set[Driver] = set()


def end_all() -> None:
    """End what still runs, where a test is broken off."""
    for driver in list(_RUNNING):
        driver.kill()


class Driver:
    """A run of the command line.

    Args:
        folder: where it runs; its messages are in a file beside it.
        words: verb and options.

    Attributes:
        pid: of the process that waits, and number of the session of all that it starts.
    """

    def __init__(self, folder: Path, words: list[str]) -> None:
        self.messages = folder / f"messages-{time.monotonic_ns()}.txt"
        sys.stdout.flush()
        sys.stderr.flush()
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _become(folder, words, self.messages)
        _RUNNING.add(self)

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
                _RUNNING.discard(self)
        return self._code is not None

    def finish(self, seconds: float) -> tuple[int, str]:
        """Wait for its end: exit code (negative for a signal) and messages."""
        end = time.monotonic() + seconds
        while not self.ended:
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"it hangs: {self.messages}")
            time.sleep(0.02)
        assert self._code is not None
        return self._code, self.messages.read_text(encoding="utf-8", errors="replace")

    def members(self) -> list[int]:
        """The processes of its session that have not ended."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError, IndexError):
                fields = (path / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.pid and fields[0] != "Z":
                    found.append(int(path.name))
        return found

    def kill(self) -> None:
        """End all of its processes."""
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def parent(pid: int) -> int:
    """The process that started another one; 0 if that has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def command(pid: int) -> str:
    """The command line of a process; empty if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    return ""


def preload() -> None:
    """Import what the verbs import, once; none of it starts a thread."""
    import distributed  # noqa: F401
    import jax.numpy  # noqa: F401

    import supnorm.auditing
    import supnorm.certification
    import supnorm.cli.main
    import supnorm.mending
    import supnorm.pages
    import supnorm.planning
    import supnorm.training  # noqa: F401


def _become(folder: Path, words: list[str], messages: Path) -> None:
    """In the fork: run the command line; never comes back."""
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        for number, path, flags in (
            (1, os.devnull, os.O_WRONLY),
            (2, str(messages), os.O_WRONLY | os.O_CREAT),
        ):
            os.dup2(os.open(path, flags, 0o644), number)
        main = sys.modules["__main__"]
        main.__spec__ = None  # workers would import this program again
        with suppress(AttributeError):
            del main.__file__
        for signals in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signals, signal.default_int_handler if signals == signal.SIGINT else signal.SIG_DFL)
        sys.argv = ["supnorm", *words]
        from supnorm.__main__ import main as supnorm_main

        supnorm_main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
