"""How an audit of fields ended, and what is worth knowing, in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from supnorm.fields.displacement import FARTHEST, chance_level
from supnorm.results import ExitCode, Status
from supnorm.results.fields import FieldVariableRecord
from supnorm.results.numbers import num, pretty_unit
from supnorm.results.parts import Sentence
from supnorm.wording import Fact, fact
from supnorm.wording.fields import narrator

# Share of an error by which the truth near by differs from the predicted value at least, when it has no such value near.
NOWHERE = 0.5


def status_of(variables: Sequence[FieldVariableRecord], pairs: int | None, resumable: bool) -> Status:
    """The status of the whole: what is certain comes first, also of a run that was cut short.

    Args:
        variables: those that were compared.
        pairs: of fields of all variables, where the run was cut short.
        resumable: it can be gone on with, because a state is stored.
    """
    say = narrator()
    code, facts = _faults(variables)
    if pairs is not None:
        stopped = fact("stopped", done=sum(v.fields for v in variables), of=pairs, stored=resumable)
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
    over = [v.name for v in variables if v.tolerance is not None and v.compared_sup > v.tolerance]
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
        facts += _worst(v)
        if v.missing:
            facts.append(fact("missing-at", name=v.name, n=v.missing, at=at_text(v.first_missing)))
        for one in v.invalid:
            ends = {name: end for name, end in (("low", one.low), ("high", one.high)) if math.isfinite(end)}
            fills = tuple(fact("fill", fill=f) for f in one.fills)
            ranged = {"range": bool(ends), "both": len(ends) == 2, "or": bool(ends and fills), **ends}
            where = {"side": one.side, "n": one.n, "at": at_text(one.at)}
            facts.append(fact("invalid", name=v.name, fills=fills, **where, **ranged))
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


def _worst(v: FieldVariableRecord) -> list[Fact]:
    """What is said of the largest error: its size, and how its value stands to the truth around it."""
    worst, unit = v.sup.witness, pretty_unit(v.unit)
    if worst is None or not worst.error > 0:
        return []
    both = {"prediction": worst.prediction, "truth": worst.truth}
    said = {"name": v.name, "error": worst.error, "unit": unit, "at": at_text(worst.at), **both}
    chance, moved = chance_level(v.n), worst.moved
    misplaced = moved is not None and moved.explains
    more = {"ratio": worst.ratio, **v.ratio_of} if math.isfinite(worst.ratio) else {}
    if not misplaced and worst.ratio <= chance < math.sqrt(v.n):  # of very few points none can stand out
        more |= {"chance": chance, "n": v.n}
    found = [fact("largest", **said, **more)]
    if moved is not None and moved.explains:
        ends = {"before": moved.before, "after": moved.after, "error": worst.error, "left": moved.left}
        move = {"rows": float(moved.rows), "columns": float(moved.columns), "km": moved.km}
        found.append(fact("misplaced", name=v.name, unit=unit, **move, **ends))
    elif worst.ratio > chance:
        (radius, left), *others = worst.unexplained.items()
        wider = tuple(fact("reach", radius=int(r), left=d, unit=unit, sides=not d > 0) for r, d in others)
        km = None if worst.cell is None else int(radius) * worst.cell
        near = {"name": v.name, "radius": int(radius), "km": km, "left": left, "unit": unit}
        if left >= NOWHERE * worst.error:
            found.append(fact("nowhere", **near, wider=wider))
        else:
            found.append(fact("near", **near, sides=not left > 0, farthest=FARTHEST))
    return found


def at_text(at: Mapping[str, str | float]) -> str:
    """A place in words; a moment of data without lead times is a time, and not the init of a forecast.

    >>> at_text({"init": "2023-03-04", "lat": 28.0}), at_text({"init": "2023-03-04", "lead": "6 h", "lat": 28.0})
    ('time 2023-03-04, lat 28', 'init 2023-03-04, lead 6 h, lat 28')
    """
    return ", ".join(
        f"{'time' if name == 'init' and 'lead' not in at else name} {value if isinstance(value, str) else num(value, 6)}"
        for name, value in at.items()
    )
