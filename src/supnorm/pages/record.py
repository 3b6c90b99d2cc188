"""What a run was made of, as rows of a table: evaluations, time, seed, machine, versions, notes."""

from __future__ import annotations

import math

from supnorm.pages.view import View, number
from supnorm.results.numbers import count, num

PURPOSES = {
    "statistics": "independent random points",
    "search": "search",
    "pictures": "pictures",
    "power": "planted tests",
    "recheck": "re-check",
}


def record(view: View) -> list[tuple[str, str]]:
    """The rows that have something to say."""
    rows = [
        ("evaluations", _evaluations(view)),
        ("budget", _budget(view)),
        ("time", _time(view)),
        ("seed", view.text("seed")),
        ("precision of the model", view.text("model", "precision")),
        ("gradients from", view.text("gradients")),
        ("sampling law", f"{view.law}, all points of the domain" if view.exact else view.law),
        ("error", _measure(view)),
        ("finished", view.text("finished")),
        ("machine", view.text("machine")),
        ("versions", ", ".join(f"{k} {v}" for k, v in view.part("versions").items())),
        ("fingerprint of the problem", view.text("fingerprint")),
    ]
    rows += [("note", str(n)) for n in view.data.get("notes") or []]
    return [(name, value) for name, value in rows if value]


def _evaluations(view: View) -> str:
    total = view.evaluated
    if not total:
        return ""
    parts = [
        f"{count(view.count('evaluations', k))} {'rows' if view.table_only and k == 'statistics' else v}"
        for k, v in PURPOSES.items()
        if view.count("evaluations", k)
    ]
    failed = view.count("evaluations", "failed")
    ending = f"; {count(failed)} of them without a value" if failed else ""
    return f"{count(total)} of model and reference: {', '.join(parts)}{ending}"


def _budget(view: View) -> str:
    given = view.part("budget")
    parts = []
    if number(given.get("evaluations")) > 0:
        parts.append(f"{count(number(given.get('evaluations')))} evaluations")
    if number(given.get("seconds")) > 0:
        parts.append(
            f"{num(number(given.get('seconds')))} s (a run limited by time is not repeatable to the digit)"
        )
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
    whole = duration(number(view.data.get("seconds")))
    each = view.part("seconds_per_point")
    model, reference = (duration(number(each.get(k))) for k in ("model", "reference"))
    if model and reference:
        return f"{whole}; model {model}, reference {reference} a point"
    return whole


def _measure(view: View) -> str:
    measure = view.part("measure")
    names = {"absolute": "|model − reference|", "function": "the function given in the problem"}
    kind = view.error.kind
    words = names.get(kind, "")
    if kind == "relative":
        floor = number(measure.get("floor"))
        words = "|model − reference| / |reference|"
        words += f", the reference counting as at least {num(floor)}" if floor > 0 else ""
    if kind == "scaled":
        words = f"|model − reference| / {measure.get('scale')}"
    side = {
        "over": "; only a model above the reference counts",
        "under": "; only a model below the reference counts",
    }
    words += side.get(str(measure.get("side")), "")
    return words + ("; in multiples of each output’s tolerance" if view.per_output else "")
