"""How an audit of fields ended, and what is worth knowing, in sentences."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence

from supnorm.results import ExitCode, Status
from supnorm.results.fields import FieldVariableRecord
from supnorm.results.numbers import num, pretty_unit
from supnorm.results.parts import Sentence
from supnorm.wording import Fact, fact
from supnorm.wording.fields import narrator

# Share of an error that no value of the truth near by explains: below the first it is misplaced, above the second made up.
MISPLACED, NOWHERE = 0.1, 0.5


def status_of(variables: Sequence[FieldVariableRecord], interrupted: bool, complete: bool) -> Status:
    """The status of the whole: what is certain comes first, also of a run that was cut short."""
    say = narrator()
    code, facts = _faults(variables)
    if interrupted or not complete:
        stopped = fact("stopped", done=sum(v.fields for v in variables), of=sum(v.of for v in variables))
        return Status("interrupted", say.text(*facts, stopped), ExitCode.INTERRUPTED)
    if code:
        return Status(code, say.text(*facts), ExitCode.EXCEEDED)
    empty = tuple(fact("name", name=v.name) for v in variables if v.n == 0)
    if empty:
        return Status("nothing-compared", say.text(fact("nothing", names=empty)), ExitCode.UNDECIDED)
    if variables and all(v.tolerance is not None for v in variables):
        return Status("within-tolerance", say.text(fact("within")), ExitCode.DONE)
    return Status("no-tolerance", say.text(fact("no-tolerance")), ExitCode.DONE)


def _faults(variables: Sequence[FieldVariableRecord]) -> tuple[str, list[Fact]]:
    """The code of the worst fault, empty for none, and what is said of all."""
    over = [v.name for v in variables if v.tolerance is not None and v.sup.lower > v.tolerance]
    missing = sum(v.missing for v in variables)
    outside = sum(v.bounds.below + v.bounds.above for v in variables if v.bounds is not None)
    facts = []
    if over:
        facts.append(fact("exceeded", names=tuple(fact("name", name=name) for name in over), n=len(over)))
    if missing:
        facts.append(fact("missing", n=missing))
    if outside:
        facts.append(fact("outside", n=outside))
    code = (
        "tolerance-exceeded" if over else "missing-values" if missing else "out-of-bounds" if outside else ""
    )
    return code, facts


def findings_of(variables: Sequence[FieldVariableRecord], notes: Sequence[str]) -> tuple[Sentence, ...]:
    """The findings of all variables."""
    say, facts = narrator(), []
    for v in variables:
        worst = v.sup.witness
        if worst is not None and worst.error > 0:
            both = {"prediction": worst.prediction, "truth": worst.truth, "ratio": worst.ratio}
            at = at_text(worst.at)
            facts.append(
                fact("largest", name=v.name, error=worst.error, unit=pretty_unit(v.unit), at=at, **both)
            )
            radius, left = list(worst.unexplained.items())[-1]
            size = min(worst.error, sys.float_info.max)  # values of opposite sign may be infinitely far apart
            if left <= MISPLACED * size:
                facts.append(fact("misplaced", name=v.name, radius=int(radius)))
            elif left >= NOWHERE * size:
                facts.append(
                    fact("nowhere", name=v.name, radius=int(radius), left=left, unit=pretty_unit(v.unit))
                )
        if v.missing:
            facts.append(fact("missing-at", name=v.name, n=v.missing, at=at_text(v.first_missing)))
        if v.bounds is not None and v.bounds.worst is not None:
            b = v.bounds
            ends = {name: end for name, end in (("low", b.low), ("high", b.high)) if math.isfinite(end)}
            many = {
                "n": b.below + b.above,
                "usual": b.by == "usual",
                "worst": b.worst,
                "both": len(ends) == 2,
                **ends,
            }
            facts.append(fact("outside-at", name=v.name, at=at_text(b.at), **many))
        if v.spectrum is not None and v.spectrum.resolved is not None:
            facts.append(
                fact("unresolved", name=v.name, k=v.spectrum.resolved, power=v.spectrum.by == "power")
            )
    return tuple(say.say(one) for one in (*facts, *(fact("note", text=note) for note in notes)))


def at_text(at: Mapping[str, str | float]) -> str:
    """A place in words."""
    return ", ".join(
        f"{name} {value if isinstance(value, str) else num(value, 6)}" for name, value in at.items()
    )
