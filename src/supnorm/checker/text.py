"""JSON text that is not trusted: how large it may be, what reading it may take, and no key twice."""

from __future__ import annotations

import gc
import json
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from supnorm.checker.rejected import Rejected, TooCostly

LARGEST_FILE = 2**30  # bytes; a file without lines is read as a whole, which takes about ten times its size
TOO_LARGE = f"larger than the {LARGEST_FILE >> 30} GiB that a certificate may have"


@contextmanager
def opened(path: Path | str) -> Iterator[IO[bytes]]:
    """A plain file of at most `LARGEST_FILE` bytes, open for reading.

    Raises:
        Rejected: when it is none, or cannot be read.
    """
    try:
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):
            raise Rejected(f"{path}: not a plain file")
        if status.st_size > LARGEST_FILE:
            raise Rejected(f"{path}: {TOO_LARGE}")
        with Path(path).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise Rejected(f"{path}: no such file") from None
    except OSError:
        raise Rejected(f"{path}: cannot be read") from None


def parsed(raw: bytes, memory: float) -> Any:
    """The value of a JSON text.

    Raises:
        TooCostly: when reading it would take more memory, by an estimate that is made before.
        ValueError, RecursionError: for a text that is not JSON, or has a key twice.
    """
    demand_room(raw, memory)
    with _uncollected():
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once)


def reading(raw: bytes) -> float:
    """Bytes that reading a JSON text may take: for the text, its values, and the canonical text of its digest."""
    letters = 8 if raw.isascii() else 12
    return letters * len(raw) + 90.0 * sum(raw.count(mark) for mark in (b"[", b"{", b",", b":"))


def demand_room(raw: bytes, memory: float) -> None:
    """Check that reading a text stays within a limit.

    Raises:
        TooCostly: when it would exceed the limit.
    """
    if reading(raw) > memory:
        raise TooCostly(
            f"reading the file would take about {reading(raw) / 1e6:,.0f} MB; more than {memory / 1e6:,.0f} MB is "
            "refused (--memory)"
        )


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for cycles inside: JSON has none, and the searches take three quarters of the time of a large file."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)
