"""Where no value could be had: bars of the share of failed points along each input, and the causes."""

from __future__ import annotations

import math
import re

from markupsafe import Markup

from supnorm.pages.svg import Scale, picture, rect, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.pages.words import m
from supnorm.results.audit_points import AlongRecord, CauseRecord
from supnorm.results.numbers import count, percent


def sentence(view: View) -> Markup:
    """Section 7: the count of failing points first; nothing is dropped."""
    failures = view.record.failures
    n, of, masked = failures.count, failures.of or view.evaluated, failures.masked
    if view.exhaustive and not view.complete:
        return m("{}", view.record.search.text)
    if n == 0:
        words = _nowhere(view, of)
    elif view.witness is None and not masked:
        words = m("Everywhere: <b>none of {} points</b> gave a finite error.", count(n))
    else:
        head = f"no finite value at {count(n)} of {count(of)} points"
        words = m("The reference or the model gave <b>{}</b> ({}).", head, percent(n / of))
        words += _meaning(view)
    if masked:
        words += m(" At {} points the error does not count, by the mask of the problem.", count(masked))
    return words


def _meaning(view: View) -> str:
    """What a point without a value counts as, by the side that has none."""
    failures = view.record.failures
    model, reference, infinite = failures.model, failures.reference, failures.infinite
    words = ""
    if infinite:
        words += f" At {count(infinite)} of them the reference has a value and the model none: an infinite error each."
    elif model:
        words += (
            f" At {count(model)} of them the model has none: no error is counted there, as the problem asks."
        )
    if reference or not model:
        where = f"At {count(reference)} of them" if infinite or model else "There"
        words += f" {where} the error is unknown."
    return words


def _nowhere(view: View, of: int) -> Markup:
    """An error is known at every point: of one output at least, and an infinite one where the model has no finite value."""
    if len(view.outputs) > 1:
        words = m("Nowhere: at all {} points the error of at least one output is known.", count(of))
        if any(f.code == "output-without-value" for f in view.record.findings):
            words += " But at some of them none is known of others."
    elif math.isinf(view.lower):
        words = m("Nowhere: an error, finite or infinite, is known at all {} points.", count(of))
    else:
        words = m("Nowhere: all {} evaluations gave finite values.", count(of))
    return words


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
    said = f"Share of points without a value along {axis.name}: at most {max(lost):.3g} % in a bin"
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
