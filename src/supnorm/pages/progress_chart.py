"""Did searching longer help? Best error so far of the search against plain random sampling, log-log."""

from __future__ import annotations

import math

from markupsafe import Markup

from supnorm.pages.svg import Scale, area, line, path, picture, span, text, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.results.charts import RandomRecord
from supnorm.results.numbers import count
from supnorm.wording import fact


def steps(view: View) -> list[tuple[int, float]]:
    """(evaluations, best so far) of the search, positive ones."""
    return [(n, e) for n, e in view.charts.progress.search if n > 0 and e > 0]


def progress(view: View, width: int) -> Markup:
    """The chart ``width`` pixels wide; empty when the search has no record."""
    search, random = steps(view), view.charts.progress.random
    finite = [e for _, e in search if math.isfinite(e)]
    if not finite:
        return Markup("")
    sampled = (*random.median, *random.low, *random.high) if random else ()
    limits = span([*finite, *sampled, view.tolerance], log=True)
    assert limits is not None
    counts = [*(random.n if random else ()), *(k for k, _ in search)]
    right = width - (96.0 if width > 500 else 12.0)
    first, last = min(counts), max(counts)
    across = Scale(first, last if last > first else first * 10, 62, right, log=True)
    up = Scale(*limits, 244, 20, log=True)
    parts = [y_axis(up, 62, right, 4, view.error.bare), text(2, 12, "worst error found so far", "lb")]
    parts += _random(random, across, up, limits[0]) if random else []
    xs, ys = _stairs([(across(k), up(min(e, limits[1]))) for k, e in search])
    parts += [path(xs, ys, "s-sup"), x_axis(across, 244, "evaluations of model and reference", 4)]
    if limits[0] < view.tolerance < limits[1]:
        y = up(view.tolerance)
        parts += [line(62, y, right, y, "s-tol"), text(66, y - 5, "tolerance", "tk")]
    if width > 500:
        parts += _names(ys[-1], up(random.median[-1]) if random and random.median[-1] > 0 else None, right)
    of = {"random": random.median[-1], "of": random.n[-1]} if random else {}
    said = view.say.text(fact("best-so-far", best=finite[-1], n=search[-1][0], **of))
    return picture(width, 282, said, *parts)


def _random(random: RandomRecord, across: Scale, up: Scale, least: float) -> list[Markup]:
    """Random orders of the independent points: a band round their median."""
    xs = [across(v) for v in random.n]
    usable = [v if v > 0 else least for v in random.low]
    return [
        area(xs, [up(v) for v in random.high], [up(v) for v in usable], "band2"),
        path(xs, [up(v) if v > 0 else math.nan for v in random.median], "s-pl"),
    ]


def _stairs(points: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    xs, ys = [points[0][0]], [points[0][1]]
    for x, y in points[1:]:
        xs += [x, x]
        ys += [ys[-1], y]
    return xs, ys


def _names(search: float, random: float | None, right: float) -> list[Markup]:
    if random is None:
        return [text(right + 6, search + 4, "search", "rl m-sup")]
    gap = random - search
    shift = (15 - gap) / 2 if 0 <= gap < 15 else 0.0
    return [
        text(right + 6, search + 4 - shift, "search", "rl m-sup"),
        text(right + 6, random + 4 + shift, "random tests", "rl m-pl"),
    ]


def progress_rows(view: View, most: int = 14) -> list[tuple[str, str]]:
    """The last improvements of the search as a table."""
    return [(count(n), view.error(e)) for n, e in steps(view)][-most:]
