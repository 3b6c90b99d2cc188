"""What is said of two runs: the reason of the verdict, and what a reader has to know besides."""

from __future__ import annotations

import math
from typing import Any

from supnorm.gates.run_points import is_expensive
from supnorm.gates.run_verdict import SHORT, Known, has_less_power
from supnorm.results.audit import AuditRecord
from supnorm.results.compare_runs import RunRecord
from supnorm.results.numbers import num
from supnorm.wording import Fact, Sentence, fact
from supnorm.wording.compare_runs import narrator


def advice(code: str, basis: str, old: RunRecord, new: RunRecord, record: AuditRecord) -> str:
    """The reason of a verdict in one or two sentences."""
    decisive = new if code == "worse" else old
    bounded = old if code == "worse" else new
    values: dict[str, Any] = {
        "old": old.worst,
        "new": new.worst,
        "bound": bounded.upper,
        "there": decisive.other,
    }
    values |= dict(zip(("fewer", "more"), sorted(run.infinite or 0 for run in (old, new)), strict=True))
    return narrator(record.measure).text(fact(f"{code}-{basis}", at=decisive.at, **values))


def same_law(old: AuditRecord, new: AuditRecord) -> bool:
    """Whether the statistics of both runs are over the same points.

    The rows of two tables were compared before. Where some have no prediction, these can be other ones in each run.
    """
    tables = [record.table for record in (old, new) if record.table is not None]
    whole = len(tables) == 2 and all(table.compared == table.rows for table in tables)
    return whole or old.law == new.law


def remarks(before: AuditRecord, now: AuditRecord, old: RunRecord, new: RunRecord) -> tuple[Sentence, ...]:
    """What limits the comparison, as facts with their sentences."""
    facts: list[Fact] = []
    for name, run in (("old", old), ("new", new)):
        if run.raised:
            facts.append(fact("raised", run=name, worst=run.worst, at=run.at, found=run.found))
        if run.left_out:
            facts.append(fact("not-evaluated", run=name, why=run.left_out))
        if run.upper_kind == "conditional":
            facts.append(fact("conditional", run=name))
    if any(run.evaluated and is_expensive(record) for run, record in ((old, before), (new, now))):
        facts.append(fact("reference-not-called"))
    for name, run, other in (("old", old, new), ("new", new, old)):
        if run.evaluations < SHORT * other.evaluations:
            facts.append(fact("fewer-evaluations", run=name, n=run.evaluations, of=other.evaluations))
        if has_less_power(_planted(run), _planted(other)):
            counts = {"other": other.planted_found, "others": other.planted}
            facts.append(fact("less-power", run=name, found=run.planted_found, runs=run.planted, **counts))
    if old.tolerance != new.tolerance:
        shown = ("none" if run.tolerance is None else num(run.tolerance, 6) for run in (old, new))
        facts.append(fact("tolerances-differ", **dict(zip(("old", "new"), shown, strict=True))))
    if not same_law(before, now):
        facts.append(fact("laws-differ", old=before.law, new=now.law))
    if math.isinf(old.worst) and math.isinf(new.worst) and before.finite and now.finite:
        ends = (record.finite.worst for record in (before, now) if record.finite is not None)
        known = [math.nan if end is None else end for end in ends]
        facts.append(fact("both-infinite", old=known[0], new=known[1]))
    if new.no_value > old.no_value:
        facts.append(fact("more-failures", old=old.no_value, new=new.no_value))
    say = narrator(now.measure)
    return tuple(say.say(one) for one in facts)


def _planted(run: RunRecord) -> Known:
    return Known(run.worst, planted=(run.planted_found, run.planted))
