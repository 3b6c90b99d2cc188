"""Where no value could be had: bars of the share of failed points along each input, and the causes."""

from __future__ import annotations

import math
import re

from markupsafe import Markup

from supnorm.pages.svg import Scale, picture, rect, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.results.audit_points import AlongRecord, CauseRecord
from supnorm.results.numbers import count
from supnorm.wording import Fact, fact


def sentence(view: View) -> list[Fact]:
    """The count of failing points first; nothing is dropped."""
    failures = view.record.failures
    n, of = failures.count, failures.of or view.evaluated
    if view.exhaustive and not view.complete:
        return [fact("text", text=view.record.search.text)]
    if n == 0:
        facts = [_nowhere(view, of)]
    elif view.witness is None and not failures.masked:
        facts = [fact("failures-everywhere", n=n)]
    else:
        facts = [fact("failures", n=n, of=of, share=n / of, rows=view.table_only), *_meaning(view)]
    return [*facts, fact("failures-masked", n=failures.masked)] if failures.masked else facts


def _meaning(view: View) -> list[Fact]:
    """What a point without a value counts as, by the side that has none."""
    failures, facts = view.record.failures, []
    if failures.infinite:
        facts.append(fact("failures-infinite", n=failures.infinite, rows=view.table_only))
    elif failures.model:
        facts.append(fact("failures-ignored", n=failures.model))
    if failures.reference or not failures.model:
        facts.append(fact("failures-unknown", n=failures.reference if facts else None))
    return facts


def _nowhere(view: View, of: int) -> Fact:
    """An error is known at every point: of one output at least, and an infinite one where the model has no finite value."""
    if len(view.outputs) > 1:
        others = any(finding.code == "output-without-value" for finding in view.record.findings)
        return fact("nowhere-outputs", of=of, others=others)
    return fact("nowhere-infinite" if math.isinf(view.lower) else "nowhere", of=of)


def failure_bars(view: View, along: AlongRecord) -> Markup:
    """Percent of evaluated points without a value along one input; empty when there are none."""
    axis, edges = view.axis(along.axis), along.edges
    done, failed, outside = along.evaluated, along.failed, along.outside
    if not sum(failed) + sum(outside) > 0:
        return Markup("")
    if axis.values and len(axis.values) < len(done):
        across: Scale = axis.across(40, 242)
        k, n = len(axis.values), len(done)
        held = [int((i + 0.5) / k * n) for i in range(k)]  # the bin of each value
        done, failed, outside = (tuple(counts[i] for i in held) for counts in (done, failed, outside))
        sides = [40 + 202 * i / k for i in range(k + 1)]
    else:
        across = Scale(edges[0], edges[-1], 40, 242, log=axis.scale == "log" and edges[0] > 0)
        sides = [across(e) for e in edges]
    lost = [100 * f / (t + o) if t + o > 0 else 0.0 for f, t, o in zip(failed, done, outside, strict=False)]
    out = [100 * o / (t + o) if t + o > 0 else 0.0 for t, o in zip(done, outside, strict=False)]
    top = max(a + b for a, b in zip(lost, out, strict=True)) or 1.0
    up = Scale(0, top, 74, 20)
    parts = [y_axis(up, 40, 242, 2)]
    for left, right, a, b in zip(sides, sides[1:], lost, out, strict=False):
        x, w = left + 0.3, right - left - 0.6
        if a > 0:
            parts.append(rect(x, up(a), w, 74 - up(a), "fb failed"))
        if b > 0:
            parts.append(rect(x, up(a + b), w, up(a) - up(a + b), "fb outside"))
    parts.append(x_axis(across, 74, "", 3))
    said = view.say.text(fact("no-values", axis=axis.name, most=max(lost)))
    return picture(250, 96, said, *parts)


def causes(view: View) -> list[dict[str, str]]:
    """The causes of failures, most frequent first; messages that differ only in numbers are one cause."""
    merged: dict[tuple[str, str], tuple[int, CauseRecord]] = {}
    for cause in view.record.failures.causes:
        key = (cause_words(cause), re.sub(r"[-+.\d]+(e[-+]?\d+)?", "0", cause.message))
        seen, first = merged.get(key, (0, cause))
        merged[key] = (seen + cause.count, first)
    rows = []
    for (words, _), (total, first) in sorted(merged.items(), key=lambda item: -item[1][0]):
        at = ", ".join(f"{k} = {view.axis(k).exact(v)}" for k, v in first.x.items())
        rows.append({"words": words, "count": count(total), "message": first.message[:300], "at": at})
    return rows


def cause_words(cause: CauseRecord) -> str:
    """Who failed and how, in words."""
    kinds = {
        "non-finite": "value not finite",
        "exception": "exception",
        "timeout": "time-out",
        "error": "error",
    }
    if cause.kind == "error function":
        return "error function: no number"
    return f"{cause.where}: {kinds.get(cause.kind, cause.kind)}"
