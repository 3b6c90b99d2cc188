"""Records points without a value: which side failed, why, and how the point counts.

If the model has no value where the reference has one, the error is infinite, unless the problem ignores such points
(`ErrorMeasure.failures`). The cause makes no difference: the model raised, took too long, ended the program, or returned
a number that is not finite. Where the reference has no value, no error is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.evaluations import Evaluations, PointStatus
from supnorm.evaluation.guarded import Messages
from supnorm.problem import ErrorMeasure

Array = NDArray[np.float64]
FUNCTION = "error function"  # a kind of failure: the user's own error function returned no number
MOST = 50  # number of causes that are distinguished


@dataclass
class Failure:
    """One cause of points without a value, with the first point where it happened."""

    where: str
    kind: str
    message: str
    x: Array
    count: int = 0


@dataclass
class Failures:
    """The points without a value of a run.

    Attributes:
        causes: by side, kind and message.
        failed: points without an error, by the side that failed there.
        infinite: points where the model has no value and the reference has one, if this counts as an infinite error.
        masked: points where the error does not count.
    """

    causes: dict[tuple[str, str, str], Failure] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=lambda: {"model": 0, "reference": 0})
    infinite: int = 0
    masked: int = 0

    @property
    def without_value(self) -> dict[str, int]:
        """Points where a side has no value, however they count; for the model only points where the reference has one."""
        return {"model": self.failed["model"] + self.infinite, "reference": self.failed["reference"]}

    def sort_out(
        self, measure: ErrorMeasure, done: Evaluations, model_messages: Messages, reference_messages: Messages
    ) -> None:
        """Record for each point without a finite error why: the model or the reference failed, or the mask left it out."""
        x, f, status = done.x, done.reference, done.status
        none = np.isnan(done.error)
        for i, text in reference_messages.items():
            kind, _, rest = text.partition(": ")
            self._fail(kind, rest, x[i : i + 1])
            status[i] = PointStatus.FAILED
        counted = measure.counts(x, f)
        self._sort_out_model(measure, done, counted, model_messages)
        lost = none & ~np.isfinite(f).any(axis=1) & (status == PointStatus.OK) & counted
        self._fail("non-finite", "the value is not finite", x[lost])
        status[lost] = PointStatus.FAILED
        masked = none & (status == PointStatus.OK)
        if measure.function is not None and masked.any():
            # If the mask does not leave the point out, a missing error is a fault of the user's error function.
            lost = masked & counted
            whole = np.isfinite(f).all(axis=1)
            self._fail(FUNCTION, "it gives no number here", x[lost & whole])
            text = "the value is not finite in some outputs"
            self._fail("non-finite", text, x[lost & ~whole])
            status[lost] = PointStatus.FAILED
            masked &= ~lost
        status[masked] = PointStatus.MASKED
        self.masked += int(masked.sum())

    def _sort_out_model(
        self, measure: ErrorMeasure, done: Evaluations, counted: NDArray[np.bool_], messages: Messages
    ) -> None:
        """Record points where the model has no value and the reference has one."""
        missing = (np.isfinite(done.reference) & ~np.isfinite(done.model)).any(axis=1)
        missing &= counted & (done.status == PointStatus.OK)
        ignored = measure.failures == "ignore"
        missing &= np.isnan(done.error) if ignored else done.error == np.inf
        unsaid = missing.copy()
        for i, text in messages.items():
            if missing[i]:
                kind, _, rest = text.partition(": ")
                self._note("model", kind, rest, done.x[i : i + 1])
                unsaid[i] = False
        self._note("model", "non-finite", "the value is not finite", done.x[unsaid])
        if ignored:
            self.failed["model"] += int(missing.sum())
            done.status[missing] = PointStatus.FAILED
        else:
            self.infinite += int(missing.sum())

    def _fail(self, kind: str, message: str, x: Array) -> None:
        """Record that there is no error at points ``x`` (n, d), because the reference has no value."""
        self.failed["reference"] += len(x)
        self._note("reference", kind, message, x)

    def _note(self, where: str, kind: str, message: str, x: Array) -> None:
        """Record one cause for points ``x`` (n, d) without a value."""
        if not len(x):
            return
        # Messages that differ only in their numbers have one cause.
        key = (where, kind, re.sub(r"[0-9.eE+-]+", "#", message)[:120])
        if key not in self.causes and len(self.causes) >= MOST:
            key = (where, kind, "")  # too many different messages: all further ones share one entry
        entry = self.causes.setdefault(key, Failure(where, kind, message, x[0].copy()))
        entry.count += len(x)
