"""What a run was made of, as rows of a table: evaluations, time, seed, machine, versions, notes."""

from __future__ import annotations

from supnorm.pages.view import View
from supnorm.wording import Fact, fact


def record(view: View) -> list[tuple[str, str]]:
    """The rows that have something to say."""
    made, say = view.record, view.say.text
    rows = [
        ("evaluations", say(*_evaluations(view))),
        ("budget", say(_limits(view))),
        ("time", say(_time(view))),
        ("seed", str(made.seed)),
        *(() if view.table_only else _calls(view)),
        ("sampling law", say(fact("law", law=view.law, exact=view.exact))),
        ("error", say(_measure(view))),
        ("finished", made.finished),
        ("machine", made.machine),
        ("versions", ", ".join(f"{k} {v}" for k, v in made.versions.items())),
        ("fingerprint of the problem", made.fingerprint),
    ]
    rows += [("note", note) for note in made.notes]
    return [(name, value) for name, value in rows if value]


def _calls(view: View) -> tuple[tuple[str, str], ...]:
    """How model and reference were called; of a table nothing was."""
    return ("precision of the model", view.record.model.precision), ("gradients from", view.record.gradients)


def _evaluations(view: View) -> list[Fact]:
    made = view.record.evaluations
    spent = {"points": made.statistics, "search": made.search, "pictures": made.pictures}
    spent |= {"power": made.power, "recheck": made.recheck}
    rows = view.table_only
    parts = tuple(fact("spent", n=n, rows=rows, **{purpose: True}) for purpose, n in spent.items() if n)
    return [fact("evaluations", total=view.evaluated, parts=parts, failed=made.failed)] if parts else []


def _limits(view: View) -> Fact:
    given = view.record.budget
    both = bool(given.evaluations and given.seconds)
    return fact("limits", evaluations=given.evaluations, seconds=given.seconds, both=both)


def _time(view: View) -> Fact:
    each = view.record.seconds_per_point
    called = {} if view.table_only else {"model": each.model, "reference": each.reference}
    return fact("time", seconds=view.record.seconds, **called)


def _measure(view: View) -> Fact:
    """How the error is measured, in a formula."""
    measure = view.record.measure
    divisors = {
        "relative": "|reference|",
        "scaled": f"{list(measure.scale or ())}",
        "ulp": f"the unit in the last place of the reference as {measure.precision}",
    }
    divisor = divisors.get(measure.kind)
    error = fact("error-function") if measure.kind == "function" else fact("error-of", divisor=divisor)
    floor = measure.floor if measure.kind in ("relative", "ulp") and measure.floor else None
    over, under = measure.side == "over", measure.side == "under"
    return fact(
        "error-counts", error=(error,), floor=floor, over=over, under=under, multiples=view.per_output
    )
