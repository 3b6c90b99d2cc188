"""Talks to a program that keeps running and answers line by line: the protocol ``"point"`` of `command`."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from supnorm.sources.lines import MOST, Answer, kill, last_line, read_answer, start, write_point

Array = NDArray[np.float64]
TOO_MUCH = "error: printed more than one line for a point"
GRACE = 0.2  # seconds to watch a new program for a second line after its first answer


class Points:
    """Keeps one running program for each calling thread."""

    def __init__(self, command: tuple[str, ...], folder: Path, timeout: float) -> None:
        self.command, self.folder, self.timeout = command, folder, timeout
        self._mine = threading.local()

    def __call__(self, x: Array) -> list[Answer]:
        answers: list[Answer] = []
        since = 0  # the first point that was sent to the running program in this call
        for row in x:
            self._withdraw(answers, since)
            talk, answer = self._ask(row)
            since = len(answers) if talk is not self._talk else since
            self._talk = talk
            answers.append(answer)
        self._withdraw(answers, since)
        return answers

    def _withdraw(self, answers: list[Answer], since: int) -> None:
        """After a stray line, withdraw all answers of the program."""
        if self._talk is not None and self._talk.stray():
            answers[since:] = [TOO_MUCH] * (len(answers) - since)

    def _ask(self, row: Array) -> tuple[Conversation, Answer]:
        talk = self._talk
        if talk is None or talk.ended():
            talk = Conversation(self.command, self.folder)
        before = talk.answered
        answer = talk.ask(write_point(row), self.timeout)
        if before and talk.lost:  # the program ended after its last answer, not because of this point
            talk = Conversation(self.command, self.folder)
            answer = talk.ask(write_point(row), self.timeout)
        return talk, answer

    @property
    def _talk(self) -> Conversation | None:
        talk: Conversation | None = getattr(self._mine, "talk", None)
        return talk

    @_talk.setter
    def _talk(self, talk: Conversation) -> None:
        self._mine.talk = talk


class Conversation:
    """A program that answers line by line; it is ended with its whole group when this object is deleted.

    Any output other than exactly one line of numbers for each point ends it: after a stray line it is not known which
    point the next answer belongs to.
    """

    def __init__(self, command: tuple[str, ...], folder: Path) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the program)
        self._process = start(command, folder, self._errors)
        self._end = weakref.finalize(self, _finish, self._process, self._errors)
        self._rest = b""
        self.answered = False  # whether it has answered at least once
        self.lost = False  # whether it ended without an answer

    def ended(self) -> bool:
        """Whether the program was stopped or has ended by itself, so that it cannot be called."""
        # Ready without output: the program has ended.
        if self._end.alive and not self.stray() and self._ready(0.0):
            self._end()
        return not self._end.alive

    def stray(self) -> bool:
        """Whether the program has printed more than one line for a point; then none of its answers is reliable."""
        if self._end.alive and not self._rest and self._ready(0.0):
            self._read()
        if self._rest:
            self._end()
        return bool(self._rest)

    def ask(self, line: str, timeout: float) -> Answer:
        """Send a line and wait for the answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except OSError:
            return self._died()
        end = time.monotonic() + timeout
        while b"\n" not in self._rest:
            if len(self._rest) > MOST:
                return self._give_up(f"error: {MOST:,} bytes without an end of the line")
            if not self._ready(end - time.monotonic()):
                return self._give_up(f"timeout: no answer within {timeout:g} s")
            if not self._read():
                return self._died()
        first, _, self._rest = self._rest.partition(b"\n")
        if not self.answered and self._ready(GRACE):
            self._read()
        self.answered = True
        answer = read_answer(first.decode(errors="replace"))
        garbage = isinstance(answer, str) and not first.lstrip().startswith(b"error:")
        return self._give_up(str(answer)) if garbage else answer

    def _read(self) -> bool:
        """Read the available output; False at its end."""
        assert self._process.stdout is not None
        more = os.read(self._process.stdout.fileno(), 65536)
        self._rest += more
        return bool(more)

    def _ready(self, seconds: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
            return bool(selector.select(max(seconds, 0.0)))

    def _died(self) -> str:
        self.lost = True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1.0)
        message = last_line(self._errors)
        return self._give_up(
            f"error: ended with exit code {self._process.returncode} without an answer{message}"
        )

    def _give_up(self, message: str) -> str:
        self._rest = b""
        self._end()
        return message


def _finish(process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
    kill(process)
    errors.close()
