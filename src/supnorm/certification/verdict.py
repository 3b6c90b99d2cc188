"""The status of a result: why the work ended, what this means for the tolerance, and what to do next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from supnorm.certification.balls import available
from supnorm.certification.bracket import Goal
from supnorm.certification.measured import BEYOND, Agreement
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Problem
from supnorm.problem.records import axis_records
from supnorm.results import ExitCode, Status, rounded_down, rounded_up
from supnorm.results.install import install
from supnorm.wording import Fact, fact, units_of
from supnorm.wording.certify import narrator

# The words of `narrow` that leave a goal open.
WHY = ("rounding", "elsewhere", "seconds", "boxes", "unbounded", "interrupted")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The facts when the work has ended.

    Attributes:
        problem, goal: the problem and what was asked for.
        lower, upper: the bracket that is claimed.
        end: a word that `narrow` returns, or "infinite" where the error itself has no finite value.
        conditional: whether the upper bound assumes more than exact arithmetic.
        obstacle: what prevents an upper bound, if there is none.
        seen: the measured agreement of the functions as they run with their programs.
        beyond_float64: what evaluation in float64 can add to the upper bound, if the proof needed more than float64.
    """

    problem: Problem
    goal: Goal
    lower: float
    upper: float
    end: str
    conditional: bool
    obstacle: Fact | None
    seen: Agreement
    beyond_float64: float | None = None

    @property
    def limit(self) -> float | None:
        """The tolerance that was asked for, else that of the problem."""
        return self.problem.error.limit if self.goal.tolerance is None else self.goal.tolerance

    @property
    def how(self) -> dict[str, bool]:
        """How the upper bound is proved, for the facts that begin with it."""
        return {"measured": self.seen.hidden > 0, "declared": self.conditional and not self.seen.hidden}

    def why(self, end: str) -> Fact:
        """The fact of a word of `narrow`: its advice speaks of a ratio or of a tolerance, as was asked for."""
        values: dict[str, Any] = {"tolerance": self.limit} if end == "proved" else {}
        if end in ("seconds", "boxes"):
            values = {"ratio": self.goal.ratio is not None}
        if end == "rounding" and not available():
            values = {"install": install("checker")}
        return fact(f"end-{end}", **values)

    @property
    def run(self) -> list[Fact]:
        """Facts about what is added when the functions run: in lower precision, and in float64 where errors are tiny."""
        tiny = [] if self.beyond_float64 is None else [fact("beyond-float64", rounding=self.beyond_float64)]
        return [*tiny, *self.seen.below_float64]

    @property
    def obstacles(self) -> list[Fact]:
        """The obstacle, if there is one."""
        return [] if self.obstacle is None else [self.obstacle]

    def status(self, code: str, ending: ExitCode, *facts: Fact) -> Status:
        """A status with the words of these facts."""
        problem = self.problem
        units = units_of(axis_records(problem.domain))
        say = narrator(unit_of(problem), isinstance(problem.error.tolerance, tuple), units)
        return Status(code, say.text(*facts), ending)


def unit_of(problem: Problem) -> str:
    """The unit of the outputs, if they share one and the error is a difference of outputs."""
    measure = problem.error
    if measure.kind != "absolute" or measure.per_output:
        return ""
    units = {u for f in (problem.model, problem.reference) if f is not None for u in f.output_units}
    return units.pop() if len(units) == 1 else ""


def status_of(ended: Ended) -> Status:
    """The status by the first rule that applies."""
    rules = (_exceeded, _without_value, _within, _stopped, _differs_from_what_runs, _proved, _nothing_seen)
    return next(status for rule in (*rules, _undecided) if (status := rule(ended)) is not None)


def _exceeded(ended: Ended) -> Status | None:
    limit, seen = ended.limit, ended.seen
    if limit is None:
        return None
    if ended.lower - seen.lower_precision > limit:
        above = fact("witness-above", error=ended.lower, tolerance=limit)
    elif seen.worst > limit:
        x = seen.worst_x or ()
        at = dict(zip(ended.problem.domain.names, x, strict=False))
        above = fact("run-above", error=seen.worst, tolerance=limit, at=at)
    else:
        return None
    return ended.status("tolerance-exceeded", ExitCode.EXCEEDED, above)


def _without_value(ended: Ended) -> Status | None:
    if ended.end != "infinite":
        return None
    failed = ended.obstacle is not None and ended.obstacle.code == "model-without-value"
    if ended.limit is not None and failed:
        return ended.status("tolerance-exceeded", ExitCode.EXCEEDED, *ended.obstacles)
    return ended.status("no-bound", ExitCode.UNDECIDED, *ended.obstacles)


def _within(ended: Ended) -> Status | None:
    limit, upper, goal = ended.limit, ended.upper, ended.goal
    if limit is None or not upper + BEYOND * ended.seen.lower_precision <= limit:
        return None
    facts = [fact("proved-within", upper=upper, tolerance=limit, **ended.how), *ended.run]
    if goal.ratio is not None and ended.end in WHY and upper > goal.target(ended.lower):
        facts += [fact("ratio-missed", ratio=goal.ratio), ended.why(ended.end)]
    return ended.status("within-tolerance", ExitCode.DONE, *facts)


def _stopped(ended: Ended) -> Status | None:
    if ended.end == "interrupted":
        return ended.status("interrupted", ExitCode.INTERRUPTED, fact("stopped", cause=INTERRUPTS.cause))
    if ended.end == "unbounded":
        return ended.status("no-bound", ExitCode.UNDECIDED, *ended.obstacles)
    return None


def _differs_from_what_runs(ended: Ended) -> Status | None:
    """The bracket of the programs would decide, but the functions as they run differ from them."""
    seen, limit, upper = ended.seen, ended.limit, ended.upper
    difference = seen.hidden + seen.lower_precision
    if limit is not None and ended.lower > limit:  # in exact arithmetic alone
        above = fact("exact-above", error=ended.lower, tolerance=limit, difference=difference)
        return ended.status("undecided", ExitCode.UNDECIDED, above)
    decides = limit is not None and upper - BEYOND * seen.size <= limit
    if difference and (ended.end == "agreement" or decides):
        no_room = fact("no-room", tolerance=math.nan if limit is None else limit, difference=difference)
        return ended.status("undecided", ExitCode.UNDECIDED, no_room)
    if ended.end == "proved" and limit is None and upper > ended.goal.target(ended.lower) and seen.hidden:
        bracket = fact("bracket-of-programs", difference=difference, lower=ended.lower, upper=upper)
        return ended.status("undecided", ExitCode.UNDECIDED, bracket)
    return None


def _proved(ended: Ended) -> Status | None:
    if ended.end != "proved" or ended.limit is not None:
        return None
    lower, upper = ended.lower, ended.upper
    bracket = fact("proved-between", lower=lower, upper=upper, digits=digits_of(lower, upper), **ended.how)
    return ended.status("proved", ExitCode.DONE, bracket, *ended.run)


def _nothing_seen(ended: Ended) -> Status | None:
    """The lower bound is zero, and no ratio can be reached from zero."""
    spent = ended.end in ("seconds", "boxes") and ended.goal.ratio is not None
    if ended.lower or not math.isfinite(ended.upper) or not (spent or ended.end in ("rounding", "elsewhere")):
        return None
    if ended.goal.ratio is None:  # a tolerance was asked for
        nothing = fact("nothing-above", upper=ended.upper, tolerance=ended.limit)
        return ended.status("undecided", ExitCode.UNDECIDED, nothing, *ended.run, ended.why(ended.end))
    more = ended.end if spent else ""
    nothing = fact("nothing-seen", upper=ended.upper, tolerance=ended.limit, more=more)
    return ended.status("undecided", ExitCode.UNDECIDED, nothing, *ended.run)


def _undecided(ended: Ended) -> Status:
    end = ended.end if ended.end in WHY or ended.end == "proved" else "agreement"
    return ended.status("undecided", ExitCode.UNDECIDED, ended.why(end), *ended.obstacles)


def digits_of(lower: float, upper: float) -> int:
    """As few digits, at least 4, as show that both ends differ when they are rounded outwards.

    >>> digits_of(0.001, 0.0010004999), digits_of(0.1, 0.2)
    (4, 4)
    """
    different = (d for d in range(4, 17) if rounded_down(lower, d) != rounded_up(upper, d))
    return next(different, 17)
