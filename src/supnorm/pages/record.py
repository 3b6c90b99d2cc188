"""What a run was made of, as rows of a table: evaluations, time, seed, machine, versions, notes."""

from __future__ import annotations

import math

from supnorm.pages.view import View
from supnorm.results.numbers import count, num

RANDOM = "independent random points"
PURPOSES = {
    "statistics": RANDOM,
    "search": "search",
    "pictures": "pictures",
    "power": "planted tests",
    "recheck": "re-check",
}


def record(view: View) -> list[tuple[str, str]]:
    """The rows that have something to say."""
    made = view.record
    rows = [
        ("evaluations", _evaluations(view)),
        ("budget", _budget(view)),
        ("time", _time(view)),
        ("seed", str(made.seed)),
        ("precision of the model", made.model.precision),
        ("gradients from", made.gradients),
        ("sampling law", f"{view.law}, all points of the domain" if view.exact else view.law),
        ("error", _measure(view)),
        ("finished", made.finished),
        ("machine", made.machine),
        ("versions", ", ".join(f"{k} {v}" for k, v in made.versions.items())),
        ("fingerprint of the problem", made.fingerprint),
    ]
    rows += [("note", note) for note in made.notes]
    return [(name, value) for name, value in rows if value]


def _evaluations(view: View) -> str:
    total = view.evaluated
    if not total:
        return ""
    made = view.record.evaluations
    done = {v: getattr(made, k) for k, v in PURPOSES.items()}
    parts = [f"{count(n)} {'rows' if view.table_only and v == RANDOM else v}" for v, n in done.items() if n]
    failed = made.failed
    ending = f"; {count(failed)} of them without a value" if failed else ""
    return f"{count(total)} of model and reference: {', '.join(parts)}{ending}"


def _budget(view: View) -> str:
    given, parts = view.record.budget, []
    if given.evaluations:
        parts.append(f"{count(given.evaluations)} evaluations")
    if given.seconds:
        parts.append(f"{num(given.seconds)} s (a run limited by time is not repeatable to the digit)")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in words.

    >>> duration(2.91), duration(4e-5), duration(7300)
    ('2.9 s', '40 µs', '2 h 2 min')
    """
    if math.isnan(seconds):
        return ""
    for factor, unit in ((1e-6, "µs"), (1e-3, "ms")):
        if seconds < 1000 * factor:
            return f"{num(seconds / factor, 2)} {unit}"
    if seconds < 100:
        return f"{num(seconds, 2)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _time(view: View) -> str:
    each = view.record.seconds_per_point
    sides = f"model {duration(each.model)}, reference {duration(each.reference)} a point"
    return f"{duration(view.record.seconds)}; {sides}"


def _measure(view: View) -> str:
    measure = view.record.measure
    names = {"absolute": "|model − reference|", "function": "the function given in the problem"}
    kind = view.error.kind
    words = names.get(kind, "")
    if kind == "relative":
        floor = measure.floor or 0.0
        words = "|model − reference| / |reference|"
        words += f", the reference counting as at least {num(floor)}" if floor > 0 else ""
    if kind == "scaled":
        words = f"|model − reference| / {list(measure.scale or ())}"
    side = {
        "over": "; only a model above the reference counts",
        "under": "; only a model below the reference counts",
    }
    words += side.get(measure.side, "")
    return words + ("; in multiples of each output’s tolerance" if view.per_output else "")
