"""The line protocol of `command`, one line at a time, and the processes that speak it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Answer = list[float] | str  # the numbers of a point, or what happened


def read_answer(line: str) -> Answer:
    """One line of the program as numbers, or as a message.

    >>> read_answer("1.5 2"), read_answer("nan"), read_answer("error: no convergence")
    ([1.5, 2.0], [nan], 'error: no convergence')
    >>> read_answer("hello")
    "error: not a line of numbers: 'hello'"
    """
    line = line.strip()
    if line.startswith("error:"):
        return " ".join(line.split())[:300]
    try:
        numbers = [float(word) for word in line.split()]
    except ValueError:
        numbers = []
    return numbers or f"error: not a line of numbers: {line[:60]!r}"


def write_point(row: Array) -> str:
    """A point as one line that reads back exactly."""
    return " ".join(map(repr, row.tolist())) + "\n"


def start(command: tuple[str, ...], folder: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a program in a process group of its own, its stderr going to a file."""
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it started; the group outlives its leader, so it is always signalled."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    process.wait()


def last_line(errors: IO[bytes]) -> str:
    """The last line of a program's stderr, as the end of a message."""
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 2000))
    lines = errors.read().decode(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said[:200]}" if said else ""
