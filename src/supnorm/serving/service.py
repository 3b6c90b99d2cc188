"""What the service answers, without HTTP: the text of a request in, an object for JSON and a status code out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from supnorm.guarding import Answer, Flag, Guard
from supnorm.guarding.shadow import ShadowChecks
from supnorm.pages.guard_page import narrator, promise
from supnorm.results import BadInput
from supnorm.results.settings import Settings
from supnorm.serving.metrics import Metrics
from supnorm.serving.reading import Points, Refused, read_points


@dataclass(frozen=True)
class Limits(Settings):
    """What one request may ask for.

    Attributes:
        rows: points of one request.
        body: bytes of its text.
        seconds: until it is answered, that of the reference included.
        reading: seconds until its text has arrived.
    """

    # Limits of a service that anybody may call. tests/serving/test_service.py holds them.
    rows: int = 10_000
    body: int = 8_000_000
    seconds: float = 60.0
    reading: float = 10.0


@dataclass(frozen=True, eq=False)
class Service:
    """A guarded model that answers requests of several threads; the model is called by one at a time.

    Attributes:
        guard: with a reference, or without fallback.
        limits: of one request.
        shadow: checks of accepted inputs; None without.
        note: what limits the promise, in words.
        metrics: counters.
    """

    guard: Guard
    limits: Limits = Limits()
    shadow: ShadowChecks | None = None
    note: str = ""
    metrics: Metrics = field(default_factory=Metrics)
    # A text of 8 MB may hold millions of empty lists, 200 MB: one is read at a time, which Python's own lock does anyway.
    _reading: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _model: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs, in order."""
        return self.guard.domain.names

    def predict(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status code and answer of ``POST /predict``.

        A row is answered by the model where the guard accepts, else by the reference, else by nothing: null with flag 2.
        The code is 503 when the reference was asked for all rows that could be answered and failed for each.

        Raises:
            Refused: for a request that cannot be answered as a whole.
        """
        points = self._points(body)
        screened = self._screened(points)
        answer = self.guard.fall_back(points.x, screened) if points.fallback else screened
        if self.shadow is not None:
            self.shadow.offer(points.x, screened.y, screened.flag)
        asked = points.fallback and self.guard.reference is not None
        failed = (answer.flag == Flag.REFUSED) & np.isfinite(points.x).all(axis=1) & asked
        self._count(answer, points, int(failed.sum()))
        answered = self._flags(answer, points)
        answered["y"] = [[v if np.isfinite(v) else None for v in row] for row in answer.y.tolist()]
        if failed.any() and (answer.flag == Flag.REFUSED).all():
            return 503, {
                **answered,
                "error": "the reference gives no value, and the model is not trusted at these points",
            }
        return 200, answered

    def look(self, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status code and answer of ``POST /guard``: which points would be accepted; the reference is not called.

        Raises:
            Refused: as `predict`.
        """
        points = self._points(body)
        answer = self._screened(points)
        self._count(answer, points, 0)
        return 200, self._flags(answer, points)

    def _points(self, body: bytes) -> Points:
        with self._reading:
            return read_points(body, self.names, self.limits.rows)

    def about(self) -> dict[str, Any]:
        """The answer of ``GET /guard``: what is known of the guard."""
        record = self.guard.record
        say = narrator(record).text
        words = [*(say(fact) for fact in promise(record)), *([self.note] if self.note else [])]
        return {"promise": " ".join(words), "record": record.to_dict()}

    def health(self) -> dict[str, Any]:
        """The answer of ``GET /health``."""
        return {"status": "ok", "fallback": self.guard.reference is not None}

    def counters(self) -> str:
        """The answer of ``GET /metrics``."""
        return self.metrics.text(None if self.shadow is None else self.shadow.standing())

    def _screened(self, points: Points) -> Answer:
        with self._turn():
            try:
                return self.guard(points.x, fallback=False)
            # The points have the right shape: the model has another than the guard was made for.
            except BadInput as error:
                raise Refused(503, str(error)) from None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the turn to call the model, one request at a time; while the model hangs, others are refused."""
        if not self._model.acquire(timeout=self.limits.seconds):
            raise Refused(503, "the model is busy with earlier requests; try again later")
        try:
            yield
        finally:
            self._model.release()

    def _flags(self, answer: Answer, points: Points) -> dict[str, Any]:
        estimate = [v if np.isfinite(v) else None for v in answer.estimate.tolist()]
        return {"flag": answer.flag.tolist(), "estimate": estimate, "reason": _reasons(answer, points)}

    def _count(self, answer: Answer, points: Points, failures: int) -> None:
        flags = np.bincount(answer.flag, minlength=3).tolist()
        flagged = [
            r for r, f in zip(_reasons(answer, points), answer.flag, strict=True) if f != Flag.ACCEPTED
        ]
        self.metrics.rows(flags[0], flags[1], flags[2], failures, flagged)


def _reasons(answer: Answer, points: Points) -> list[str]:
    """Why each row was not accepted; what is wrong with a row that is no point stands before what the guard says."""
    return [points.faults.get(k, reason) for k, reason in enumerate(answer.reason)]
