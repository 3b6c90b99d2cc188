"""The loop of all fits: it measures the candidates in turn on the same points, until it accepts one.

A strategy offers candidates one after the other; before the next one it sees the errors of the last one. A fit of a
reference (`ActiveFit`) and a fit of fixed samples (`FixedFit`) differ in where their samples come from and in when they
accept a candidate.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from supnorm.approximants import Approximation, NotApplicable
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem
from supnorm.problem.records import measure_record
from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.training.assessment import Errors, Validation
from supnorm.training.events import Training, Tried

Trail = tuple[tuple[float, float], ...]


@dataclass(eq=False)
class Attempt:
    """A candidate inside the loop; ``audited`` tells whether an audit has searched for its worst error.

    Attributes:
        seconds: time spent on the candidate, on its samples, and on the candidate from which its training started.
        trail: processor seconds and relative training errors during the training, for networks.
    """

    approximation: Approximation
    errors: Errors
    seconds: float
    audited: bool = False
    trail: Trail = ()


@dataclass(frozen=True, eq=False)
class Offer:
    """A candidate that a strategy offers; ``before`` is the attempt from which its training started."""

    approximation: Approximation
    before: Attempt | None = None
    trail: Trail = ()


@dataclass(frozen=True)
class Skipped:
    """A candidate that was not made, and the reason."""

    name: str
    reason: str


Step = Offer | Skipped | Training


@dataclass(eq=False, kw_only=True)
class Contest(ABC):
    """State of one fit.

    Attributes:
        problem: the problem; its tolerance is the goal.
        validation: points at which the loop measures the errors of candidates.
        norm: ``"sup"`` or ``"l2"``.
        limit: of the time for fitting and, where the reference is called, of its evaluations for fitting and validation.
        interrupted: whether Ctrl-C ended the loop; candidates that were tried before count.
        attempts: candidates with their errors.
        skipped: methods that could not be used, with the reason.
    """

    problem: Problem
    validation: Validation
    norm: str
    seed: int
    limit: Limit
    observer: Callable[[Any], None]
    interrupted: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def goal(self) -> float | None:
        """The tolerance as one number."""
        return self.problem.error.limit

    def meets(self, attempt: Attempt) -> bool:
        """Whether the errors seen so far meet the goal."""
        return self.goal is not None and attempt.errors.by(self.norm) <= self.goal

    @abstractmethod
    def refuses(self, method: Any) -> str:
        """Why the method is not tried; empty if it is tried."""

    @abstractmethod
    def candidates(self, method: Any) -> Iterator[Step]:
        """The candidates that the method offers."""

    @abstractmethod
    def accepts(self, attempt: Attempt) -> bool:
        """Whether a candidate that meets the goal on the validation points ends the fit."""

    def run(self, methods: Sequence[Any]) -> None:
        """Try the methods in turn until a candidate is accepted, or until Ctrl-C if there is a candidate.

        Raises:
            KeyboardInterrupt: at Ctrl-C without a candidate.
        """
        try:
            for method in methods:
                if self._accepted(method):
                    return
        except KeyboardInterrupt:
            if not self.attempts:
                raise
            INTERRUPTS.taken()
            self.interrupted = True

    def _accepted(self, method: Any) -> bool:
        """Whether a candidate of the method was accepted."""
        name = type(method).__name__
        if reason := self.refuses(method):
            self.skipped.append((name, reason))
            return False
        start = time.perf_counter()
        try:
            for step in self.candidates(method):
                if isinstance(step, Offer):
                    if self.judge(step, time.perf_counter() - start):
                        return True
                    start = time.perf_counter()
                elif isinstance(step, Skipped):
                    self.skipped.append((step.name, step.reason))
                else:
                    self.observer(step)
        except NotApplicable as why:
            self.skipped.append((name, str(why)))
        return False

    def judge(self, offer: Offer, seconds: float) -> bool:
        """Record a candidate and its errors; returns whether it is accepted."""
        approximation = offer.approximation
        spent = seconds + (offer.before.seconds if offer.before else 0.0)
        attempt = Attempt(
            approximation, self.validation.errors(approximation.function), spent, trail=offer.trail
        )
        self.attempts.append(attempt)
        measure = measure_record(self.problem, self.validation.y.shape[1])
        unit = ErrorUnit(measure.kind, pretty_unit(measure.unit), measure.per_output)
        self.observer(Tried(approximation.method, attempt.errors.rms, attempt.errors.worst, unit))
        return self.meets(attempt) and self.accepts(attempt)
