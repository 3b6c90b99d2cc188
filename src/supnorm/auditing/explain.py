"""Why the average and the maximum differ: the facts behind the ``explanation`` of a result, which pages show as well."""

from __future__ import annotations

import math
from typing import Any

from supnorm.results.audit import AuditRecord
from supnorm.wording import Fact, fact

# Findings that say why an error is infinite.
INFINITE = ("no-model-value", "zero-reference", "infinite-error")
NARROW = 0.1  # of the domain: a region that fills more says nothing about why tests miss it
SAME = 1.005  # a ratio of less is printed as 1
EXPECTED = 3.0  # random points in a region, of which then at least one lies in it in 95 of 100 samples
NOTICED = 0.2  # of the mean square: a region that makes up less does not show in the average


def explanation(record: AuditRecord) -> list[Fact]:
    """How a small RMS and a large worst error go together, in order."""
    if record.witness is None:
        return [fact("nothing-to-explain")]
    facts = _of_the_worst(record)
    # What was evaluated of a finite domain, and what that means, belongs to any explanation of its worst error.
    return [*facts, fact("text", text=record.search.text)] if record.search.text else facts


def _of_the_worst(record: AuditRecord) -> list[Fact]:
    rms, worst, n = record.rms.value, record.sup.lower, record.rms.n
    if worst == math.inf:
        known = [fact("text", text=f.text) for f in record.findings if f.code in INFINITE]
        return known[:1] or [fact("infinite")]
    if record.table_only:
        rows = fact("rows", n=n, rms=rms, worst=worst)
        text = "" if record.table is None else record.table.text
        return [rows, fact("text", text=text)] if text else [rows]
    if worst == 0:
        return [_zero(record)]
    if not math.isfinite(rms):
        return [fact("no-average", worst=worst)]
    if record.rms.kind == "exact" and n == 1:
        return [fact("one-point", worst=worst)]
    return [_ratio(record, worst, rms), *_region(record), *_of_the_sample(record, worst, rms)]


def _ratio(record: AuditRecord, worst: float, rms: float) -> Fact:
    """The worst error beside the average over what the statistics are over."""
    n, peak = record.rms.n, record.witness
    values: dict[str, Any] = {"worst": worst, "rms": rms, "n": n, "exhaustive": record.search.exhaustive}
    if peak is not None and len(record.outputs) > 1 and not record.measure.joint:
        values["output"] = peak.output
    if record.rms.kind == "exact":
        values |= {"of": record.search.points, "every": n == record.search.points}
    if not rms > 0:
        return fact("beside-zero", **values)
    return fact("ratio", times=worst / rms, same=worst < SAME * rms, **values)


def _region(record: AuditRecord) -> list[Fact]:
    """The facts of `region`, where the averages are sampled evenly over the domain."""
    peak, plain = record.witness, record.plain_sample
    if peak is None or record.rms.kind == "exact" or not record.law_uniform:
        return []
    volumes = (peak.volume, peak.volume_at_least, peak.volume_at_most)
    known = (math.nan if v is None else v for v in volumes)
    drawn, seen = plain.drawn or plain.n, plain.worst >= record.sup.lower / 2
    counted = plain.n / drawn if drawn else 1.0
    return region(
        *known, worst=record.sup.lower, rms=record.rms.value, drawn=drawn, seen=seen, counted=counted
    )


def _of_the_sample(record: AuditRecord, worst: float, rms: float) -> list[Fact]:
    """What the random points saw of the worst error."""
    plain, exact = record.plain_sample.worst, record.rms.kind == "exact"
    if plain == 0 and not exact:
        return [fact("sample-zero")]
    if plain < 0.8 * worst and not exact:
        return [fact("sample-most", plain=plain)]
    return [fact("close")] if worst < 2 * rms else []


def _zero(record: AuditRecord) -> Fact:
    """What it means that every error was zero."""
    side = {"over": "over", "under": "under"}.get(record.measure.side, "agree")
    what = {"function" if record.measure.kind == "function" else side: True}
    if record.search.exhaustive:
        return fact("zero-everywhere", complete=record.search.complete, **what)
    return fact("zero-found", n=record.rms.n, **what)


def region(
    volume: float,
    at_least: float,
    at_most: float,
    *,
    worst: float,
    rms: float,
    drawn: int,
    seen: bool,
    counted: float = 1.0,
) -> list[Fact]:
    """How much of the domain the region around the worst error fills, and what that means for tests and for the RMS.

    Nothing where no size was measured, and where it is no small part of the domain. It holds for a uniform law, and for
    an RMS that was sampled.

    Args:
        volume, at_least, at_most: of the region where the error is at least half of the worst, with its limits; NaN where
            they are not known.
        drawn: number of independent random points.
        seen: whether one of them has at least half of the worst error; otherwise none lay in the region.
        counted: share of them that have an error: the mean square is over these.
    """
    if not 0 < volume < NARROW or not worst < math.inf or not drawn or math.isnan(rms):
        return []
    values = {"whole": not math.isnan(at_most) or math.isnan(at_least), "part": 1 / volume, "drawn": drawn}
    test = fact("region-hit", hits=drawn * volume, **values)
    if drawn * volume < 1:
        test = fact("region-missed", tests=1 / (drawn * volume), **values)
    surely = volume if math.isnan(at_least) or at_least == 0 else at_least
    ratio = worst / rms if rms > 0 else math.inf
    share = surely * (ratio / 2) * (ratio / 2)  # a power would raise an error where the square is no double
    if share > 1:
        least = (
            {"times": math.sqrt(surely) * ratio / 2} if rms > 0 else {"least": math.sqrt(surely) * worst / 2}
        )
        return [test, fact("region-dominates", **least)]
    # NaN without an upper limit of the size, infinite if no error is known.
    most = at_most * ratio * ratio / counted if counted > 0 else math.inf
    if not seen:  # the points' mean square is that of the rest of the domain
        share, most = share / (1 + share), most / (1 + most)
    # Of a flat region, or of one whose size has no upper limit, the share may be far above the least one.
    if most < NOTICED:
        return [test, fact("region-hidden", share=share)]
    if not seen:
        return [test, fact("region-unseen", share=share, least=rms / math.sqrt(1 - share))]
    if share < NOTICED:
        return [test, fact("region-share", share=share)]
    # Where few points are expected in the region, the large error that one of them has may be at another peak.
    return [test, fact("region-shows", share=share)] if drawn * volume >= EXPECTED else [test]
