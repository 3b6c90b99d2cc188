"""Two runs of tables with other rows, such as two months: their statistics side by side, and no verdict.

The largest error of a month is one of its inputs as well as of its model, and no row has an error of both models. So it is
never decided here whether the model became worse; what a reader can compare is stated, from the results alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from supnorm.results import BadInput
from supnorm.results.audit import AuditRecord
from supnorm.results.compare_runs import StatisticRecord
from supnorm.results.numbers import num
from supnorm.wording import Fact, fact

GROUPS = 10  # values of a column that are compared, at most
LEVELS = ("0.5", "0.99", "0.999")


class OtherRows(BadInput):
    """The tables of two runs have other rows; the message says in what."""


def demand_same_measure(old: AuditRecord, new: AuditRecord) -> None:
    """Check that inputs, outputs and error measure are the same, whatever the rows.

    Raises:
        BadInput: names what differs.
    """
    pairs = {
        "inputs": ([a.name for a in old.axes], [a.name for a in new.axes]),
        "outputs": ([o.name for o in old.outputs], [o.name for o in new.outputs]),
        "error measures": (old.measure.to_dict(), new.measure.to_dict()),
    }
    for what, (before, now) in pairs.items():
        if before != now:
            raise BadInput(f"the {what} differ: {before} and {now}; compare-runs needs the same question")


def statistics(old: AuditRecord, new: AuditRecord) -> tuple[StatisticRecord, ...]:
    """What is known of the rows of both tables."""
    return tuple(_statistics(old, new))


def _statistics(old: AuditRecord, new: AuditRecord) -> Iterator[StatisticRecord]:
    assert old.table is not None
    assert new.table is not None

    def one(code: str, before: float | None, now: float | None, **of: str) -> StatisticRecord:
        return StatisticRecord(code=code, of=of, old=before, new=now)

    yield one("rows", old.table.rows, new.table.rows)
    theirs = {a.output: a for a in new.table.accuracy}
    for a in old.table.accuracy:
        if (b := theirs.get(a.output)) is not None:
            yield one("mae", a.mae, b.mae, output=a.output)
            yield one("bias", a.bias, b.bias, output=a.output)
    for level in LEVELS:
        before, now = old.quantiles.get(level), new.quantiles.get(level)
        if before is not None and now is not None:
            yield one("quantile", before, now, share=level)
    levels = {e.above: e.fraction for e in new.exceedance}
    for e in old.exceedance:
        if e.above in levels and e.above == old.tolerance == new.tolerance:
            yield one("above", e.fraction, levels[e.above])
    groups = {(g.column, g.value): g for g in new.table.groups}
    both = [(g, groups[g.column, g.value]) for g in old.table.groups if (g.column, g.value) in groups]
    for g, h in both[:GROUPS]:
        yield one("group-worst", g.worst, h.worst, column=g.column, value=g.value)
        yield one("group-rms", g.rms, h.rms, column=g.column, value=g.value)


def remarks(old: AuditRecord, new: AuditRecord, why: str) -> list[Fact]:
    """In what the rows differ, and over which ranges the inputs of both tables go."""
    ranges = [
        fact(
            "range",
            name=a.name,
            low=num(a.low, 4),
            high=num(a.high, 4),
            low_new=num(b.low, 4),
            high_new=num(b.high, 4),
        )
        for a, b in zip(old.axes, new.axes, strict=True)
        if (a.low, a.high) != (b.low, b.high)
    ]
    found = [fact("other-rows", why=why.partition(";")[0])]
    return [*found, fact("other-ranges", ranges=tuple(ranges))] if ranges else found
