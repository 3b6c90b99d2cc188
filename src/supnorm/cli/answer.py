"""The answer of ``--json``, alone on standard output.

Until it is given, standard output is standard error: for Python's ``print``, for compiled code and for
processes that are started, because what the problem's own code prints is no part of the answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

from supnorm.results.printable import printable

# Standard output while it is kept free: the stream and a copy of descriptor 1.
_kept: list[tuple[TextIO, int]] = []


@contextmanager
def alone() -> Iterator[None]:
    """Inside, nothing but `answer` writes to standard output."""
    try:
        sys.stdout.flush()
        copy = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError):  # no descriptors to speak of: closed, or a notebook's
        copy = -1
    _kept.append((sys.stdout, copy))
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        _give_back()


def say(text: str, err: bool = False) -> None:
    """Print text for a reader: names and messages in it cannot move the cursor or hide what else is said.

    Everything that a verb prints goes through here, or is drawn by `supnorm.pages`, which does the same.
    """
    typer.echo(printable(text), err=err)


def show(drawn: str) -> None:
    """Print what `supnorm.pages` drew for a terminal: its colours are obeyed, names in it are harmless already."""
    typer.echo(drawn)


@contextmanager
def printed_if_lost(tell: Callable[[], None]) -> Iterator[None]:
    """Inside, files are written; where one cannot be, the result is told all the same before that is said.

    Nor may a fault of ours, in a picture of the page say, take the result away.
    """
    try:
        yield
    except Exception:
        tell()
        raise


def answer(text: str) -> None:
    """Print the answer on standard output."""
    _give_back()
    typer.echo(text)


def _give_back() -> None:
    if not _kept:
        return
    stream, copy = _kept.pop()
    sys.stdout.flush()
    sys.stdout = stream
    if copy >= 0:
        os.dup2(copy, 1)
        os.close(copy)
