"""Error against processor seconds, both logarithmic: a line for what was trained, a dot for what was not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from supnorm.pages.svg import Scale, el, line, path, picture, span, text, x_axis, y_axis
from supnorm.results.numbers import num

LABEL = 13.0  # pixels between two labels


@dataclass(frozen=True)
class Series:
    """One method: points (seconds, error) along the way, and the final one; ``chosen`` is drawn strongly."""

    name: str
    short: str
    points: tuple[tuple[float, float], ...]
    chosen: bool = False


def error_over_time(
    series: Sequence[Series],
    width: int,
    label: str,
    tolerance: float = math.nan,
    height: int = 300,
    across_name: str = "processor seconds",
) -> Markup:
    """The chart, ``width`` pixels wide; empty when no series has a positive error.

    >>> drawn = error_over_time([Series("a network", "1", ((0.1, 1e-2), (1.0, 1e-4)))], 700, "RMS error")
    >>> "a network" in drawn, "<path" in drawn
    (True, True)
    """
    kept = [s for s in series if any(t > 0 and 0 < e < math.inf for t, e in s.points)]
    every = [(t, e) for s in kept for t, e in s.points if t > 0 and 0 < e < math.inf]
    limits = span([*(e for _, e in every), tolerance], log=True)
    times = span([t for t, _ in every], log=True)
    if not limits or not times:
        return Markup("")
    wide = width > 500
    longest = max((len(one.short) for one in kept), default=0)
    left, right, base = 62.0, width - (170.0 if wide else max(34.0, 12.0 + 6.6 * longest)), height - 46.0
    across, up = Scale(*times, left, right, log=True), Scale(*limits, base, 22.0, log=True)
    parts = [y_axis(up, left, right, 5), text(2, 12, label, "lb")]
    if limits[0] < tolerance < limits[1]:
        parts += [line(left, up(tolerance), right, up(tolerance), "s-tol")]
        parts += [text(left + 4, up(tolerance) - 5, "tolerance", "tk")]
    for one in sorted(kept, key=lambda s: s.chosen):
        parts += _drawn(one, across, up)
    parts += _labels(kept, across, up, base, right, wide)
    parts.append(x_axis(across, base, across_name, 6 if wide else 3))
    return picture(width, height, f"{label} over {across_name} of {len(kept)} methods", *parts)


def _drawn(one: Series, across: Scale, up: Scale) -> list[Markup]:
    points = [(across(t), up(e)) for t, e in one.points if t > 0 and 0 < e < math.inf]
    kind = "s-mod" if one.chosen else "s-pl"
    parts = [path([x for x, _ in points], [y for _, y in points], kind)] if len(points) > 1 else []
    x, y = points[-1]
    return [*parts, el("circle", class_="dot", cx=x, cy=y, r=4.5 if one.chosen else 3.0)]


def _labels(
    kept: Sequence[Series], across: Scale, up: Scale, base: float, right: float, wide: bool
) -> list[Markup]:
    """Names at the right edge, from top to bottom as the lines end, pushed apart, with a thin lead."""
    ends = []
    for one in kept:
        t, e = next((t, e) for t, e in reversed(one.points) if t > 0 and 0 < e < math.inf)
        ends.append((up(e), across(t), one))
    ends.sort(key=lambda end: (end[0], end[1]))
    heights: list[float] = []
    for y, _, _ in ends:
        heights.append(max(y, heights[-1] + LABEL if heights else 12.0))
    over = heights[-1] - base if heights else 0.0
    if over > 0:  # too low: push upwards from the bottom
        heights[-1] = base
        for i in reversed(range(len(heights) - 1)):
            heights[i] = min(heights[i], heights[i + 1] - LABEL)
    parts = []
    for (y, x, one), height in zip(ends, heights, strict=True):
        name = one.name if wide else one.short
        parts.append(line(x + 5, y, right + 4, height - 4, "gr"))
        parts.append(text(right + 8, height, name, "rl" if one.chosen else "tk"))
    return parts


def rows(series: Sequence[Series], most: int = 8) -> list[tuple[str, ...]]:
    """The same as text: a few points of each line."""
    found: list[tuple[str, ...]] = []
    for one in series:
        step = max(math.ceil(len(one.points) / most), 1)
        chosen = [*one.points[:-1:step], *one.points[-1:]]
        found += [(one.name, num(t), num(e)) for t, e in chosen]
    return found
