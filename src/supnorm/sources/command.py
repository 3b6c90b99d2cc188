"""Programs in any language, spoken to in lines on stdin and stdout.

The protocol: one line per point with its d numbers, separated by spaces, written so that they read back
exactly; the program answers with one line per point, in order: its m numbers separated by spaces, ``nan``
for no value, or ``error: text``. Nothing else may be printed on stdout; stderr is free, its last line is
quoted in messages.

* ``protocol = "batch"``: the program is started once for each batch, all lines are written, stdin is closed,
  and the answers are read until it ends. The time limit of a batch is ``timeout`` times its points.
* ``protocol = "point"``: the program stays alive; each line is answered (and flushed) before the next is
  sent.

A point without an answer, or with garbage for one, is tried again ``retries`` times in a fresh process and
then reported as failed. Each thread that calls has a process of its own, so workers are threads. The program
runs in the folder of the problem file, in a process group of its own that is killed as a whole.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, PartialFailure
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput

Array = NDArray[np.float64]
Answer = list[float] | str  # the numbers of a point, or what happened
TIMEOUT = 30.0  # seconds per point where the problem file gives none: no program may hang a run for ever


def open_command(spec: SourceSpec, root: Path, where: str) -> Function:
    """The program of a table of the problem file as a `Function`.

    Raises:
        BadInput: when there is no such program, or it may not be run.
    """
    assert spec.command is not None
    command = (_program(spec.command, root, where), *spec.command[1:])
    limit = spec.timeout or TIMEOUT
    label = spec.name or Path(spec.command[0]).name
    if spec.protocol == "batch":
        ask: Any = Batches(command, root, limit)
    else:
        ask = Points(command, root, limit)

    def value(x: Array) -> Array:
        answers = ask(x)
        for _ in range(spec.retries):
            again = [i for i, a in enumerate(answers) if isinstance(a, str)]
            if not again:
                break
            for i, answer in zip(again, ask(x[again]), strict=True):
                answers[i] = answer
        return _values(answers, len(spec.outputs) if spec.outputs else None)

    return Function(value, name=label)


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


def _program(command: list[str], root: Path, where: str) -> str:
    name = command[0]
    here = root / name
    if os.sep in name and here.exists():
        if not os.access(here, os.X_OK) or here.is_dir():
            raise BadInput(f'{where} command = ["{name}", ...]: {here} may not be run; chmod +x it')
        return str(here.resolve())
    found = None if os.sep in name else shutil.which(name)
    if found is None:
        raise BadInput(
            f'{where} command = ["{name}", ...]: there is no such program; paths start from {root}, '
            'and a program beside the problem file is written "./name"'
        )
    return found


def _values(answers: list[Answer], outputs: int | None) -> Array:
    """Answers as an array ``(n, m)``; a `PartialFailure` where some points have none."""
    given = [len(a) for a in answers if not isinstance(a, str) and not (len(a) == 1 and math.isnan(a[0]))]
    m = outputs or (max(set(given), key=given.count) if given else 1)
    values = np.full((len(answers), m), math.nan)
    messages = {}
    for i, answer in enumerate(answers):
        if isinstance(answer, str):
            messages[i] = answer
        elif len(answer) == m:
            values[i] = answer
        elif not (len(answer) == 1 and math.isnan(answer[0])):
            messages[i] = f"error: {len(answer)} numbers in the answer, {m} expected"
    if messages:
        raise PartialFailure(values, messages)
    return values


def _start(command: tuple[str, ...], folder: Path, errors: IO[bytes]) -> subprocess.Popen[bytes]:
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


def _last_line(errors: IO[bytes]) -> str:
    size = errors.seek(0, os.SEEK_END)
    errors.seek(max(0, size - 2000))
    lines = errors.read().decode(errors="replace").split("\n")
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return f": {said[:200]}" if said else ""


@dataclass(frozen=True)
class Batches:
    """Starts the program once for each batch."""

    command: tuple[str, ...]
    folder: Path
    timeout: float

    def __call__(self, x: Array) -> list[Answer]:
        text = "".join(map(write_point, x)).encode()
        late = False
        with tempfile.TemporaryFile() as errors:
            process = _start(self.command, self.folder, errors)
            try:
                output = process.communicate(text, timeout=self.timeout * len(x))[0]
            except subprocess.TimeoutExpired as expired:
                late, output = True, expired.output or b""
            finally:
                kill(process)
            return self._answers(output, len(x), late, process.returncode, _last_line(errors))

    def _answers(self, output: bytes, n: int, late: bool, code: int, said: str) -> list[Answer]:
        text = output.decode(errors="replace")
        if late:  # the last line may have been cut off in the middle of a number
            text = text[: text.rfind("\n") + 1]
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > n:
            return [f"error: {len(lines)} lines for {n} points (the first: {lines[0][:60]!r})"] * n
        answers = [read_answer(line) for line in lines]
        missing: Answer = (
            f"timeout: no answer within {self.timeout:g} s per point"
            if late
            else f"error: ended with exit code {code} after {len(lines)} of {n} answers{said}"
        )
        return answers + [missing] * (n - len(lines))


class Points:
    """Keeps one living program for each thread that calls."""

    def __init__(self, command: tuple[str, ...], folder: Path, timeout: float) -> None:
        self.command, self.folder, self.timeout = command, folder, timeout
        self._mine = threading.local()

    def __call__(self, x: Array) -> list[Answer]:
        return [self._ask(row) for row in x]

    def _ask(self, row: Array) -> Answer:
        talk: Conversation | None = getattr(self._mine, "talk", None)
        if talk is None or not talk.alive:
            talk = self._mine.talk = Conversation(self.command, self.folder)
        answer = talk.ask(write_point(row), self.timeout)
        if not talk.alive:
            self._mine.talk = None
        return answer


class Conversation:
    """A program that answers line by line; ended with its whole group when this object goes."""

    def __init__(self, command: tuple[str, ...], folder: Path) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the program)
        self._process = _start(command, folder, self._errors)
        self._end = weakref.finalize(self, _finish, self._process, self._errors)
        self._rest = b""

    @property
    def alive(self) -> bool:
        """Whether it can be asked again."""
        return self._end.alive

    def ask(self, line: str, timeout: float) -> Answer:
        """Send a line and wait for the answer; what does not answer properly is ended."""
        assert self._process.stdin is not None
        if self._rest or self._ready(0.0):
            return self._give_up("error: printed more than one line for a point")
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError:
            return self._died()
        end = time.monotonic() + timeout
        while b"\n" not in self._rest:
            if not self._ready(end - time.monotonic()):
                return self._give_up(f"timeout: no answer within {timeout:g} s")
            assert self._process.stdout is not None
            more = os.read(self._process.stdout.fileno(), 65536)
            if not more:
                return self._died()
            self._rest += more
        first, _, self._rest = self._rest.partition(b"\n")
        return read_answer(first.decode(errors="replace"))

    def _ready(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            return bool(selector.select(max(seconds, 0.0)))

    def _died(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        said = _last_line(self._errors)
        return self._give_up(
            f"error: ended with exit code {self._process.returncode} without an answer{said}"
        )

    def _give_up(self, message: str) -> str:
        self._end()
        return message


def _finish(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    kill(process)
    errors.close()
