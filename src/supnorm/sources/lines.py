"""The line protocol of `command`, for one line at a time, and the processes that use it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
MORE = 1000  # largest number of lines beyond the expected ones
MOST = 500_000_000  # largest number of bytes of the answers to one batch
Answer = list[float] | str  # the numbers of a point, or a message


def read_answer(line: str) -> Answer:
    """One line of the program as numbers, or as a message.

    >>> read_answer("1.5 2"), read_answer("nan"), read_answer("error: no convergence")
    ([1.5, 2.0], [nan], 'error: no convergence')
    >>> read_answer("hello")
    "error: not a line of numbers: 'hello'"
    >>> read_answer("1_000")
    "error: not a line of numbers: '1_000'"
    """
    line = line.strip()
    if line.startswith("error:"):
        return " ".join(line.split())[:300]
    if not line.isascii() or "_" in line:  # Python would read "1_000" and digits of other scripts as numbers
        return f"error: not a line of numbers: {line[:60]!r}"
    try:
        numbers = [float(word) for word in line.split()]
    except ValueError:
        numbers = []
    return numbers or f"error: not a line of numbers: {line[:60]!r}"


def write_point(row: Array) -> str:
    """A point as one line that reads back exactly."""
    return " ".join(map(repr, row.tolist())) + "\n"


def start(command: tuple[str, ...], folder: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program in its own process group; its stderr goes to a file."""
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )


@dataclass(frozen=True)
class ProgramOutput:
    """The output of a program up to its end, its limit of time or its limit of size.

    Attributes:
        output: the output as bytes.
        late: whether the time ended first.
        flooded: whether the program wrote too much, so that its output was not read to the end.
    """

    output: bytes
    late: bool
    flooded: bool


def talk(process: subprocess.Popen[bytes], text: bytes, seconds: float, lines: int) -> ProgramOutput:
    """Give a program its whole input and read its output of about ``lines`` lines, to the end or for a limited time.

    If a program never stops writing, reading ends after `MORE` further lines or `MOST` bytes.
    """
    parts: list[bytes] = []
    flooded = False

    def write() -> None:
        assert process.stdin is not None
        # The program ended, or was killed, before it read everything.
        with contextlib.suppress(OSError, ValueError):
            process.stdin.write(text)
            process.stdin.close()

    def read() -> None:
        nonlocal flooded
        assert process.stdout is not None
        size = count = 0
        with contextlib.suppress(OSError, ValueError):
            while part := os.read(process.stdout.fileno(), 1 << 16):
                parts.append(part)
                size, count = size + len(part), count + part.count(b"\n")
                if count > lines + MORE or size > MOST:
                    flooded = True
                    return

    end = time.monotonic() + seconds
    threads = [threading.Thread(target=work, daemon=True) for work in (write, read)]
    for thread in threads:
        thread.start()
    threads[1].join(max(seconds, 0.0))
    late = threads[1].is_alive()
    if not late and not flooded:
        try:
            process.wait(max(end - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            late = True
    if late or flooded:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for thread in threads:  # the threads end with the program, and must end before its pipes are closed
        thread.join(2.0)
    return ProgramOutput(b"".join(parts), late, flooded)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all processes that it started; their group exists even after its leader has ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def last_line(errors: IO[bytes]) -> str:
    """The last line of a program's stderr, in the form of the end of a message."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 2000))
    lines = errors.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {last[:200]}" if last else ""
