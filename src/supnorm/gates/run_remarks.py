"""What is said of two runs: the reason of the verdict, and what a reader has to know besides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from supnorm.gates.run_points import is_expensive
from supnorm.gates.run_verdict import SHORT, Known, has_less_power
from supnorm.results.audit import AuditRecord
from supnorm.results.compare_runs import RunRecord
from supnorm.results.numbers import num
from supnorm.wording import Fact, Sentence, fact
from supnorm.wording.compare_runs import narrator


def advice(
    code: str,
    basis: str,
    old: RunRecord,
    new: RunRecord,
    record: AuditRecord,
    factor: float = 1.0,
    differ: tuple[str, ...] = (),
) -> str:
    """The reason of a verdict in one or two sentences."""
    decisive = new if code == "worse" else old
    bounded = old if code == "worse" else new
    values: dict[str, Any] = {
        "old": old.worst,
        "new": new.worst,
        "bound": bounded.upper,
        "there": decisive.other,
        "rows": record.table is not None,
        "row": decisive.row,
    }
    if differ:
        values["differ"] = ", ".join(differ)
    if factor > 1.0:
        values["factor"] = factor
    values |= dict(zip(("fewer", "more"), sorted(run.infinite or 0 for run in (old, new)), strict=True))
    return narrator(record.measure, record.axes).text(fact(f"{code}-{basis}", at=decisive.at, **values))


def same_points(old: AuditRecord, new: AuditRecord) -> bool:
    """Whether the statistics of both runs are over the same points: one law, or the same rows of a table with an error."""
    if old.table is not None and new.table is not None:
        return bool(old.table.errors_hash) and old.table.errors_hash == new.table.errors_hash
    return old.law == new.law


def remarks(
    before: AuditRecord,
    now: AuditRecord,
    old: RunRecord,
    new: RunRecord,
    truths: bool,
    common: Mapping[str, Any],
) -> tuple[Sentence, ...]:
    """What limits the comparison, as facts with their sentences.

    Args:
        before, now: the audits.
        old, new: what is known of them.
        truths: whether those of all rows were compared.
        common: what `common_rows` returned; empty where both are over the same rows, or where that is not known.
    """
    facts: list[Fact] = []
    for name, run in (("old", old), ("new", new)):
        if run.raised:
            facts.append(fact("raised", run=name, worst=run.worst, at=run.at, found=run.found))
        if run.left_out:
            facts.append(fact("not-evaluated", run=name, why=run.left_out))
        if run.upper_kind == "conditional":
            facts.append(fact("conditional", run=name))
    if any(run.evaluated and is_expensive(record) for run, record in ((old, before), (new, now))):
        same = bool(before.reference_code) and before.reference_code == now.reference_code
        facts.append(fact("reference-not-called", hashed=same))
    for name, run, other in (("old", old, new), ("new", new, old)):
        if run.evaluations < SHORT * other.evaluations:
            facts.append(fact("fewer-evaluations", run=name, n=run.evaluations, of=other.evaluations))
        if has_less_power(_planted(run), _planted(other)):
            counts = {"other": other.planted_found, "others": other.planted}
            facts.append(fact("less-power", run=name, found=run.planted_found, runs=run.planted, **counts))
    if old.tolerance != new.tolerance:
        shown = ("none" if run.tolerance is None else num(run.tolerance, 6) for run in (old, new))
        facts.append(fact("tolerances-differ", **dict(zip(("old", "new"), shown, strict=True))))
    facts += _other_points(before, now, truths, common)
    if math.isinf(old.worst) and math.isinf(new.worst) and before.finite and now.finite:
        ends = (record.finite.worst for record in (before, now) if record.finite is not None)
        known = [math.nan if end is None else end for end in ends]
        facts.append(fact("both-infinite", old=known[0], new=known[1]))
    if new.no_value > old.no_value:
        facts.append(fact("more-failures", old=old.no_value, new=new.no_value))
    say = narrator(now.measure, now.axes)
    return tuple(say.say(one) for one in facts)


def _other_points(
    before: AuditRecord, now: AuditRecord, truths: bool, common: Mapping[str, Any]
) -> Iterator[Fact]:
    """Why the statistics of both runs cannot be compared; nothing where they can."""
    if not truths:
        yield fact("truths-not-compared")
    if same_points(before, now):
        return
    if before.table is None or now.table is None:
        yield fact("laws-differ", old=before.law, new=now.law)
        return
    tables = before.table, now.table
    if not all(table.errors_hash for table in tables):
        yield fact("rows-unknown")
        return
    first = [frozenset(table.without_value_rows.get("model", ())) for table in tables]
    whole = [
        len(rows) == table.without_value.get("model", 0) for rows, table in zip(first, tables, strict=True)
    ]
    only = {
        name: sorted(rows - others) if known else []
        for name, rows, others, known in zip(("old", "new"), first, first[::-1], whole[::-1], strict=True)
    }
    counts = {"old": before.table.compared, "new": now.table.compared}
    yield fact("rows-differ", **counts, only_old=only["old"], only_new=only["new"], **common)


def _planted(run: RunRecord) -> Known:
    return Known(run.worst, planted=(run.planted_found, run.planted))
