"""The error ruler: one logarithmic axis with RMS, a high level, tolerance, random tests, worst point, bound.

Solid: above the tolerance, up to the worst found. Hatched: not excluded, up to the bound, if any.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from supnorm.pages.svg import Scale, el, join, line, picture, rect, text, widened
from supnorm.pages.view import View
from supnorm.pages.words import top_level
from supnorm.wording import fact


@dataclass(frozen=True)
class Mark:
    """One number on the ruler."""

    value: float
    kind: str
    long: str
    short: str


def marks(view: View) -> list[Mark]:
    """The marks in ascending order; what has no value is left out."""
    n, plain = view.plain
    (share, level), say = top_level(view), view.say.text
    of = {"rows": view.table_only, "exact": view.exact, "finite": bool(view.finite)}
    long, short = fact("mark-level", share=share, **of), fact("mark-level-short", share=share)
    found = [
        Mark(view.rms, "rms", "typical (RMS)", "typical (RMS)"),
        Mark(level, "q", say(long), say(short)),
        Mark(view.tolerance, "tol", "your tolerance", "your tolerance"),
    ]
    if n and not view.table_only and not view.exact:
        tests = say(fact("mark-random-long", n=n)), say(fact("mark-random", n=n))
        found.append(Mark(plain, "pl", *tests))
    worst = "worst error" if view.exhaustive or view.every_row else "worst found"
    found.append(Mark(view.lower, "sup", worst, worst))
    if view.finite:
        found.append(Mark(view.highest, "sup", "worst finite error", "worst finite"))
    if view.bounded:
        word = {"certified": "upper bound, proven", "exact-arithmetic": "upper bound, exact arithmetic"}
        name = word.get(view.upper_kind, "upper bound, on assumptions")
        found.append(Mark(view.limit, "up", name, "upper bound"))
    return sorted((m for m in found if m.value > 0), key=lambda m: m.value)


def span_of(items: list[Mark]) -> tuple[float, float]:
    """Range of the ruler: a margin of an eighth of the whole on both sides."""
    finite = [m.value for m in items if math.isfinite(m.value)]
    low, high = min(finite), max(finite)
    return widened(low, high, 0.12)


def ruler(view: View, width: int) -> Markup:
    """The ruler ``width`` pixels wide; empty when no error is positive."""
    items = marks(view)
    if not any(math.isfinite(m.value) for m in items):
        return Markup("")
    low, high = span_of(items)
    scale = Scale(low, high, 8, width - 8, log=True)
    base = 11 + 19 * len(items)
    parts = [_track(view, scale, base)]
    for row, mark in enumerate(items):
        parts.append(_stair(view, mark, scale, 18 + 19 * row, base, width))
    for value in scale.ticks(4 if width > 500 else 3):
        shown = view.error.bare(value)
        unit = (
            f" {view.error.unit}"
            if view.error.unit and view.error.factor == 1 and not view.per_output
            else ""
        )
        half = 3.4 * len(shown + unit)
        at = min(max(scale(value), half), width - half)
        parts.append(text(at, base + 27, shown + unit, "tk", "middle"))
    named = tuple(fact("mark", name=mark.long, error=mark.value) for mark in items)
    return picture(width, base + 35, view.say.text(fact("ruler", marks=named)), *parts)


def _track(view: View, scale: Scale, y: float) -> Markup:
    parts = [rect(scale.start, y, scale.end - scale.start, 10, "track", rx=2)]
    worst = scale(view.lower) if view.lower > 0 else scale.start
    if view.exceeded:
        first = scale(view.tolerance)
        parts.append(rect(first, y, worst - first, 10, "bad"))
    last = worst if view.exhaustive or view.every_row else scale(view.upper) if view.bounded else scale.end
    if not math.isinf(view.lower) and last - worst > 0.5:  # below half a pixel nothing is seen
        parts.append(rect(worst, y, last - worst, 10, "unk"))
    return join(parts)


def _stair(view: View, mark: Mark, scale: Scale, y: float, base: float, width: int) -> Markup:
    x = scale(mark.value)
    words = mark.long if width > 500 else mark.short
    shown = view.error(mark.value)
    if width <= 500:
        shown = shown.replace(" × tolerance", " × tol")
    long = 7.4 * (len(words) + len(shown) + 1)
    right, left = x + 6 + long <= width, x - 6 >= long
    after = (right and x < 0.65 * width) or not left
    # Words that fit on neither side of their line stand on it.
    at = (x + 6.0 if right else max(2.0, width - long)) if after else x - 6.0
    # Words to the left stand on the lines of smaller marks: where these would show between them is blank.
    blank = [] if after and right else [rect(at if after else at - long, y - 12.0, long, 16, "blank")]
    return join(
        [
            line(x, y - 8, x, base + 11, f"m-{mark.kind}"),
            *blank,
            el(
                "text",
                words + " ",
                el("tspan", shown, class_="b"),
                class_=f"rl m-{mark.kind}",
                x=at,
                y=float(y),
                text_anchor="start" if after else "end",
            ),
        ]
    )
