"""Keeps standard output free for the answer of ``--json``.

Until the answer is printed, standard output is redirected to standard error: for Python's ``print``, for compiled code
and for processes that are started, because the output of the problem's code is no part of the answer.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import typer

from supnorm.results.printable import printable

# While standard output is redirected: the stream and a copy of descriptor 1.
_redirected: list[tuple[TextIO, int]] = []
_unwritten: list[bool] = []  # not empty while a result that could not be written is printed


@contextmanager
def alone() -> Iterator[None]:
    """A context in which only `answer` writes to standard output."""
    try:
        sys.stdout.flush()
        copy = os.dup(1)
        os.dup2(2, 1)
    except (OSError, ValueError):  # the stream has no descriptor: it is closed, or belongs to a notebook
        copy = -1
    _redirected.append((sys.stdout, copy))
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        _give_back()


def say(text: str, err: bool = False) -> None:
    """Print text for a reader; control characters in names and messages cannot move the cursor or hide other text.

    Everything that a verb prints goes through here, or through `supnorm.pages`, which takes the same care.
    """
    typer.echo(printable(text), err=err)


def show(drawn: str) -> None:
    """Print what `supnorm.pages` drew for a terminal, with its colours; names in it are harmless already."""
    typer.echo(drawn)


@contextmanager
def printed_if_lost(tell: Callable[[], None]) -> Iterator[None]:
    """A context for writing files: if one cannot be written, the result is printed before the error, also with ``--quiet``.

    A fault of supnorm, such as one in a picture of the page, does not lose the result either.
    """
    try:
        yield
    except Exception:
        _unwritten.append(True)
        try:
            tell()
        finally:
            _unwritten.pop()
        raise


def summarised(quiet: bool) -> bool:
    """Whether a summary is printed: without ``--quiet``, and where the result would be lost without it."""
    return not quiet or bool(_unwritten)


def answer(text: str) -> None:
    """Print the answer on standard output."""
    _give_back()
    typer.echo(text)


def _give_back() -> None:
    if not _redirected:
        return
    stream, copy = _redirected.pop()
    with suppress(ValueError):  # the problem's code has closed it
        sys.stdout.flush()
    sys.stdout = stream
    if copy >= 0:
        os.dup2(copy, 1)
        os.close(copy)
