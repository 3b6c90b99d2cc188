"""The certificate so far, written now and then while the work goes on: a kill loses little, ``resume`` goes on with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from supnorm.certification.certificate import Certificate
from supnorm.results import NotWritten

EVERY = 10.0  # seconds
SHARE = 50.0  # of what a writing takes: the time between two, at least


class Checkpoint:
    """Writes a file at most every `EVERY` seconds, and in no more than a fiftieth of the time.

    Args:
        path: of the file; None writes nothing.
        certificate: makes the certificate so far.

    Attributes:
        written: how often it was.
    """

    def __init__(self, path: Path | None, certificate: Callable[[], Certificate]) -> None:
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
        except NotWritten:  # the end of the work, which writes as well, will say it
            self.path = None
            return
        self.written += 1
        now = time.monotonic()
        self.due = now + max(EVERY, SHARE * (now - began))
