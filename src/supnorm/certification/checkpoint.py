"""Saves the certificate so far from time to time: a killed run loses little, and ``resume`` goes on from the file."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from supnorm.results import NotWritten

EVERY = 10.0  # seconds
SHARE = 50.0  # the time between two writings is at least this many times what a writing takes


class Saved(Protocol):
    """A proof that can be written to a file."""

    def save(self, path: Path | str) -> None:
        """Write the file."""


def keeping(path: Path | None, observer: Callable[[Any], None]) -> Callable[[Any], None]:
    """An observer that also writes the proof so far of each event (`PartNarrowed.so_far`), as often as `Checkpoint` does."""
    latest: list[Callable[[], Saved]] = []
    keep = Checkpoint(path, lambda: latest[-1]())

    def tell(event: Any) -> None:
        latest[:] = [event.so_far]
        observer(event)
        keep(event)

    return tell


class Checkpoint:
    """Writes a file at most every `EVERY` seconds, and takes at most a fiftieth of the time.

    Args:
        path: the file; None writes nothing.
        certificate: makes the certificate so far.

    Attributes:
        written: how often the file was written.
    """

    def __init__(self, path: Path | None, certificate: Callable[[], Saved]) -> None:
        self.path, self.certificate = path, certificate
        self.due = time.monotonic() + EVERY
        self.written = 0

    def __call__(self, event: Any) -> None:
        """After a batch of boxes."""
        began = time.monotonic()
        if self.path is None or began < self.due:
            return
        try:
            self.certificate().save(self.path)
        except NotWritten:  # the last writing, at the end of the work, reports such a failure
            self.path = None
            return
        self.written += 1
        now = time.monotonic()
        self.due = now + max(EVERY, SHARE * (now - began))
