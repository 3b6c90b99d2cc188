"""Why the work on a bracket ended, what that says of the tolerance, and what to do next: the status of a result."""

from __future__ import annotations

import math
from dataclasses import dataclass

from supnorm.certification.bracket import Goal
from supnorm.certification.measured import BEYOND, Agreement
from supnorm.problem import Problem
from supnorm.results import ExitCode, Status, rounded_down, rounded_up

WHY = {  # the words of `narrow`
    "rounding": "Float64 rounding is as large as the gap that is left; the bracket cannot be narrowed.",
    "elsewhere": "The upper bound is of the whole box, and points that do not count (mask, constraint, between discrete "
    "values) have errors nearly as large: shrink the domain to what counts.",
    "seconds": "The time is spent; give more seconds, more workers, or a larger ratio, or resume.",
    "boxes": "The budget of boxes is spent; give more boxes or a larger ratio, or resume.",
    "unbounded": "A box that cannot be halved further has no bound.",
    "interrupted": "You stopped it; resume.",
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is known when the work has ended.

    Attributes:
        problem, goal: what was asked.
        lower, upper: the bracket, as it is claimed.
        end: a word of `narrow`, or "infinite" where the error itself has no finite value.
        conditional: whether the upper bound rests on more than exact arithmetic.
        obstacle: what stands in the way of an upper bound, where there is none.
        seen: how far functions as they run are from what was read.
    """

    problem: Problem
    goal: Goal
    lower: float
    upper: float
    end: str
    conditional: bool
    obstacle: str
    seen: Agreement

    @property
    def limit(self) -> float | None:
        """The tolerance that was asked for, else that of the problem."""
        return self.problem.error.limit if self.goal.tolerance is None else self.goal.tolerance

    @property
    def unit(self) -> str:
        """Unit of the error, with a blank before it."""
        if isinstance(self.problem.error.tolerance, tuple):
            return " times the tolerance of its output"
        unit = unit_of(self.problem)
        return f" {unit}" if unit else ""

    @property
    def how(self) -> str:
        """How the upper bound is proved."""
        if self.seen.hidden:
            return "Proved of what was read, and measured that it runs so"
        return "Proved on the declared assumptions" if self.conditional else "Proved"

    @property
    def run(self) -> str:
        """What is said of functions below float64, in a sentence with a blank before it."""
        if not self.seen.lower_precision:
            return ""
        return (
            f" In exact arithmetic: the {self.seen.largest(exact=False).side} as it runs was seen up to "
            f"{rounded_up(self.seen.lower_precision, 2):.2g} from it."
        )


def unit_of(problem: Problem) -> str:
    """The unit of the outputs, where they share one and the error is a difference of theirs."""
    measure = problem.error
    if measure.kind != "absolute" or measure.per_output:
        return ""
    units = {u for f in (problem.model, problem.reference) if f is not None for u in f.output_units}
    return units.pop() if len(units) == 1 else ""


def status_of(ended: Ended) -> Status:
    """The first rule that applies gives the status."""
    rules = (_exceeded, _without_value, _within, _stopped, _apart_from_what_runs, _proved, _nothing_seen)
    return next(status for rule in (*rules, _undecided) if (status := rule(ended)) is not None)


def _exceeded(ended: Ended) -> Status | None:
    limit, seen = ended.limit, ended.seen
    if limit is None:
        return None
    advice = ""
    if ended.lower > limit:
        advice = f"The witness has an error of {ended.lower:.4g}{ended.unit}, above {limit:g}."
    elif seen.worst > limit:
        advice = (
            f"Model and reference as they run have an error of {seen.worst:.4g}{ended.unit}, above {limit:g}, at "
            f"{list(seen.worst_x or ())}."
        )
    return Status("tolerance-exceeded", advice, ExitCode.EXCEEDED) if advice else None


def _without_value(ended: Ended) -> Status | None:
    if ended.end != "infinite":
        return None
    if ended.limit is not None and ended.obstacle.startswith("The model"):
        return Status("tolerance-exceeded", ended.obstacle, ExitCode.EXCEEDED)
    return Status("no-bound", ended.obstacle, ExitCode.UNDECIDED)


def _within(ended: Ended) -> Status | None:
    limit, upper, goal = ended.limit, ended.upper, ended.goal
    if limit is None or not upper + BEYOND * ended.seen.lower_precision <= limit:
        return None
    advice = (
        f"{ended.how}: nowhere above {rounded_up(upper, 4):.4g}{ended.unit}, within {limit:g}.{ended.run}"
    )
    if goal.ratio is not None and ended.end in WHY and upper > goal.target(ended.lower):
        why = WHY[ended.end]
        advice = f"{advice} The ratio {goal.ratio:g} was not reached: {why[0].lower()}{why[1:]}"
    return Status("within-tolerance", advice)


def _stopped(ended: Ended) -> Status | None:
    if ended.end == "interrupted":
        advice = "Stopped by you; save the certificate and resume from it."
        return Status("interrupted", advice, ExitCode.INTERRUPTED)
    if ended.end == "unbounded":
        return Status("no-bound", ended.obstacle, ExitCode.UNDECIDED)
    return None


def _apart_from_what_runs(ended: Ended) -> Status | None:
    """The bound of what was read would do, but what runs differs from it."""
    seen, limit, upper = ended.seen, ended.limit, ended.upper
    apart = seen.hidden + seen.lower_precision
    decides = limit is not None and upper - BEYOND * seen.size <= limit
    if apart and (ended.end == "agreement" or decides):
        return Status(
            "undecided",
            f"No error above {limit:g}{ended.unit} is known of the programs that were read. But model and reference as they "
            f"run were seen to differ from these programs by up to {rounded_up(apart, 3):.3g}, and twice that does not fit "
            "under the tolerance.",
            ExitCode.UNDECIDED,
        )
    if ended.end == "proved" and limit is None and upper > ended.goal.target(ended.lower) and seen.hidden:
        return Status(
            "undecided",
            "The bracket of what was read is as narrow as asked, but model and reference as they run were seen "
            f"{rounded_up(apart, 3):.3g} from it: together the worst error is between {ended.lower:.4g} and "
            f"{rounded_up(upper, 4):.4g}.",
            ExitCode.UNDECIDED,
        )
    return None


def _proved(ended: Ended) -> Status | None:
    if ended.end != "proved" or ended.limit is not None:
        return None
    low, high = _ends(ended.lower, ended.upper)
    return Status(
        "proved", f"{ended.how}: the worst error is between {low} and {high}{ended.unit}.{ended.run}"
    )


def _nothing_seen(ended: Ended) -> Status | None:
    """No ratio can be reached from a lower bound of zero."""
    spent = ended.end in ("seconds", "boxes") and ended.goal.ratio is not None
    if ended.lower or not math.isfinite(ended.upper) or not (spent or ended.end in ("rounding", "elsewhere")):
        return None
    more = f", or more {ended.end}" if spent else ""
    return Status(
        "undecided",
        "No point that counts was found to have an error beyond rounding, and no ratio can be reached from zero; it is "
        f"nowhere above {rounded_up(ended.upper, 4):.4g}{ended.unit}: give a tolerance{more}.",
        ExitCode.UNDECIDED,
    )


def _undecided(ended: Ended) -> Status:
    advice = WHY.get(ended.end, "Not decided.")
    if ended.end == "proved":
        advice = f"The bracket is as narrow as asked but {ended.limit} lies inside; give a smaller ratio."
    return Status("undecided", f"{advice} {ended.obstacle}".rstrip(), ExitCode.UNDECIDED)


def _ends(lower: float, upper: float) -> tuple[str, str]:
    """Both ends in as few digits as tell them apart, rounded outwards.

    >>> _ends(0.001, 0.0010004999)
    ('0.001', '0.001001')
    """
    for digits in range(4, 17):
        ends = f"{rounded_down(lower, digits):.{digits}g}", f"{rounded_up(upper, digits):.{digits}g}"
        if ends[0] != ends[1]:
            break
    return ends
