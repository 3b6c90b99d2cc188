"""How the error is distributed at independent random points: a histogram, and the share above each level.

Both have a logarithmic error axis whose floor follows from the RMS, never from the largest error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from supnorm.pages.svg import FAR, Scale, area, join, line, path, picture, rect, text, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.pages.words import top_level
from supnorm.results.charts import LevelsRecord
from supnorm.results.numbers import count, num, share
from supnorm.wording import fact

HEIGHT, TOP, BASE = 250, 62.0, 210.0
LEFT = 72  # of the axis of shares: room for "1 in 100,000"
LETTER = 8.0  # width of a bold one, about


def error_scale(view: View, start: float, end: float) -> Scale | None:
    """The error axis shared by both charts."""
    charts = view.charts
    shown = [
        *(charts.histogram.edges if charts.histogram else ()),
        *(charts.levels.level if charts.levels else ()),
    ]
    finite = [v for v in (*shown, view.lower, view.tolerance) if 0 < v < math.inf]
    if not finite:
        return None
    low, high = min(finite), min(max(finite), FAR)
    return Scale(low, high * 1.25 if high > low else low * 10, start, end, log=True)


def histogram(view: View, width: int) -> Markup:
    """Bars: share of the independent points in 60 logarithmic bins; red above the tolerance."""
    data, scale = view.charts.histogram, error_scale(view, 46, width - 10)
    if scale is None or data is None:
        return Markup("")
    edges, counts = data.edges, data.counts
    total = sum(counts) + data.below + data.above
    tallest = max(100 * c / total for c in counts) or 1.0
    up = Scale(0, tallest, BASE, TOP)
    parts = [y_axis(up, 46, width - 10, 3), text(2, 52, "share of points, %", "lb")]
    for left, right, n in zip(edges, edges[1:], counts, strict=False):
        if n > 0:
            over = " over" if left >= view.tolerance * (1 - 1e-9) else ""
            x1, x2, y = scale(left), scale(right), up(100 * n / total)
            parts.append(rect(x1 + 0.4, min(y, BASE - 0.6), x2 - x1 - 0.8, max(BASE - y, 0.6), "hb" + over))
    parts.append(x_axis(scale, BASE, view.error.name, 4, view.error.bare))
    parts.append(_signposts(view, scale))
    said = view.say.text(fact("histogram", n=total, rows=view.table_only, exact=view.exact))
    return picture(width, HEIGHT, said, *parts)


def shares(view: View, width: int) -> Markup:
    """Line: share of the points above each level; dashed: its 95 % upper limit (Clopper-Pearson)."""
    data, scale = view.charts.levels, error_scale(view, LEFT, width - 10)
    if scale is None or data is None:
        return Markup("")
    level, observed, limit, n = data.level, data.count, _limits(view, data), data.n
    up = Scale(min(0.3 / n, 0.01), 1.0, BASE, TOP, log=True)
    xs = [scale(v) if v > 0 else scale.start for v in level]
    seen = [up(c / n) if c > 0 else math.nan for c in observed]
    top = [up(v) if v > 0 else BASE for v in limit]
    foot = [BASE if math.isnan(s) else s for s in seen]
    parts = [
        y_axis(up, LEFT, width - 10, 5, share),
        text(2, 52, view.say.text(fact("levels-axis", whole=view.whole)), "lb"),
    ]
    limits = [] if view.exact else [area(xs, top, foot, "band"), path(xs, top, "s-ub")]
    parts += [*limits[:1], path(xs, seen, "s-err"), *limits[1:]]
    parts += [x_axis(scale, BASE, f"{view.error.name} above", 4, view.error.bare), _signposts(view, scale)]
    hover = {
        "x": [round(x, 1) for x in xs],
        "k": ["error above", "observed share, %", "at most, %" if view.exact else "at most, % (95 %)"],
        "v": [_round(level, view.error.factor), _round([c / n for c in observed], 100), _round(limit, 100)],
        "u": [view.error.suffix.strip(), "", ""],
        "y": [TOP, BASE],
    }
    label = view.say.text(fact("levels", whole=view.whole, exact=view.exact))
    return picture(width, HEIGHT, label, *parts, hover=hover)


def _round(values: Sequence[float], factor: float) -> list[float | None]:
    return [float(f"{v * factor:.4g}") if math.isfinite(v) else None for v in values]


def _signposts(view: View, scale: Scale) -> Markup:
    """Named vertical lines: RMS, a high level, tolerance, worst; names that would meet step down."""
    part, level = top_level(view)
    posts = [
        (view.rms, "rms", "RMS"),
        (level, "q", part),
        (view.tolerance, "tol", "tolerance"),
        (view.lower, "sup", "worst"),
    ]
    parts, taken = [], [-math.inf] * 4
    for value, kind, word in sorted(p for p in posts if p[0] > 0):
        x = scale(value)
        wide = LETTER * len(word) + 12
        before = x + wide > scale.end + 4
        left = x - wide if before else x
        row = next((r for r in range(4) if taken[r] <= left), 3)
        taken[row] = left + wide
        y = 14 + 14 * row
        parts.append(line(x, y - 8, x, BASE, f"m-{kind}"))
        parts.append(text(x - 4 if before else x + 4, y, word, f"rl m-{kind}", "end" if before else "start"))
    return join(parts)


def _limits(view: View, data: LevelsRecord) -> Sequence[float]:
    """Upper limits of the shares above levels: zero above a bound that is proved."""
    if not view.settled:
        return data.at_most
    return [0.0 if above >= view.upper else v for above, v in zip(data.level, data.at_most, strict=True)]


def level_rows(view: View, most: int = 16) -> list[tuple[str, str, str]]:
    """Rows of the "numbers of this chart" table: level, observed share, limit."""
    data = view.charts.levels
    if data is None:
        return []
    limit = _limits(view, data)
    picked = np.unique(np.linspace(0, len(data.level) - 1, most).round().astype(int))
    return [
        (view.error(data.level[i]), f"{num(data.count[i])} of {count(data.n)}", share(limit[i]))
        for i in picked
    ]


def bin_rows(view: View, most: int = 20) -> list[tuple[str, str, str]]:
    """Rows of the histogram's table: from, to, points; neighbouring bins are merged down to ``most``."""
    if view.charts.histogram is None:
        return []
    edges, counts = view.charts.histogram.edges, view.charts.histogram.counts
    step = max(1, math.ceil(len(counts) / most))
    rows = []
    for i in range(0, len(counts), step):
        j = min(i + step, len(counts))
        rows.append((view.error(edges[i]), view.error(edges[j]), count(sum(counts[i:j]))))
    return [r for r in rows if r[2] != "0"]
