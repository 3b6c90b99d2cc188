"""The whole picture: a line (d = 1), a map (d = 2) or one panel for each pair of inputs (d > 2).

Each cell holds the largest error of everything evaluated in it: a spot smaller than a cell shows where a point hit it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from supnorm.pages import sections
from supnorm.pages.cuts import Frame, two_storeys
from supnorm.pages.points import AxisView
from supnorm.pages.ramp import ColourScale, colour_scale, field, legend, legend_words
from supnorm.pages.svg import Scale, el, line, picture, ring, text, two_sizes, x_axis
from supnorm.pages.view import View
from supnorm.results.charts import BoundPanelRecord, GridMapRecord, LineMapRecord, PairMapsRecord, PanelRecord
from supnorm.results.numbers import num
from supnorm.wording import fact

RING = 5.5  # half the width of a ring with its line
LETTER = 6.3  # width of a letter of the small labels, about


@dataclass(frozen=True)
class Panel:
    """The largest error over two inputs."""

    across: AxisView
    up: AxisView
    values: NDArray[np.float64]

    @property
    def largest(self) -> float:
        """The largest value of a cell; NaN when all are empty."""
        return float(np.nanmax(self.values)) if not np.isnan(self.values).all() else math.nan


def eastward_first(axes: Sequence[AxisView]) -> list[AxisView]:
    """The axes in the order in which maps take them: a longitude before the latitude, so that it runs across.

    >>> [a.name for a in eastward_first([AxisView(n, 0.0, 1.0) for n in ("time", "lat", "depth", "lon")])]
    ['time', 'lon', 'lat', 'depth']
    """
    found = list(axes)
    north = next((i for i, a in enumerate(found) if _is(a, "lat(itude)?", "north")), None)
    east = next((i for i, a in enumerate(found) if _is(a, "lon(gitude)?|lng", "east")), None)
    if north is not None and east is not None and north < east:
        found.insert(north, found.pop(east))
    return found


def _is(axis: AxisView, name: str, direction: str) -> bool:
    """Whether an axis is a longitude or latitude, by its name (``nav_lat``, ``rlon``) or its unit by the CF conventions."""
    pattern = rf"(.*_)?[rx]?({name})(_.*)?"
    unit = re.fullmatch(rf"degrees?_?({direction}|{direction[0]})", axis.unit, re.I)
    return bool(unit or re.fullmatch(pattern, axis.name, re.I))


def panel(view: View, drawn: PanelRecord | BoundPanelRecord) -> Panel:
    """A panel with its axes in the order in which maps take them."""
    values, (across, up) = np.asarray(drawn.values), drawn.axes
    order = [a.name for a in eastward_first(view.axes)]
    if order.index(across) > order.index(up):
        across, up, values = up, across, values.T
    return Panel(view.axis(across), view.axis(up), values)


def panels(view: View) -> list[Panel]:
    """The panels for d > 2."""
    whole = view.charts.map
    return [panel(view, drawn) for drawn in whole.panels] if isinstance(whole, PairMapsRecord) else []


def grid_map(view: View, one: Panel, scale: ColourScale, width: int, bound: bool = False) -> Markup:
    """The map for d = 2 with numbered pins at the peaks, of the error or of its ``bound``."""
    height = 488 if width > 500 else 230
    left, right, top = 62.0, width - 10.0, 24.0  # the name of the axis stands above its highest number
    across, up = one.across.across(left, right), one.up.across(top + height, top)
    parts = [field(one.values, scale, left, top, right - left, height)]
    parts += [text(left - 6, up(v) + 4, num(v), "tk", "end") for v in up.ticks(5)]
    parts += [text(2, 9, one.up.label, "lb"), x_axis(across, top + height, one.across.label, 4)]
    for rank, peak in list(enumerate(view.peaks[:9], 1))[::-1]:
        x, y = across(peak.x[one.across.name]), up(peak.x[one.up.name])
        if math.isfinite(x + y):  # a row of a table may lack an input
            parts.append(_pin(x, y, rank))
    axes = {"across": one.across.name, "up": one.up.name}
    said = view.say.text(fact("map", bound=bound, **axes, largest=one.largest))
    return picture(width, top + height + 38, said, *parts)


def _pin(x: float, y: float, rank: int) -> Markup:
    circle = el("circle", cx=x, cy=y, r=8)
    return el("g", circle, text(x, y + 4, str(rank), "", "middle"), class_="pin")


def pair_map(view: View, one: Panel, scale: ColourScale, size: int, bound: bool = False) -> Markup:
    """One panel for d > 2 with a ring at the worst point, of the error or of its ``bound``."""
    parts = [field(one.values, scale, 0, 0, size, size)]
    if view.witness:
        x = one.across.across(0, size)(view.witness.x[one.across.name])
        y = one.up.across(size, 0)(view.witness.x[one.up.name])
        if math.isfinite(x + y):
            parts.append(ring_within(x, y, size))
    axes = {"across": one.across.name, "up": one.up.name}
    said = view.say.text(fact("panel", bound=bound, **axes, largest=one.largest))
    names = [] if size <= 120 else axis_ends(one, size) if size > 200 else axis_names(one, size)
    parts += [text(0, size + 14 + 13 * k, words, "tk") for k, words in enumerate(names)]
    return picture(size, size + (5 + 13 * len(names) if names else 0), said, *parts)


def axis_ends(one: Panel, size: float) -> list[str]:
    """The two directions of a panel with the ends of their axes; without the ends where they do not fit."""
    ends = [
        f"{a.name}: {num(a.low)} … {a.exact(a.high)} {sign}" for a, sign in ((one.across, "→"), (one.up, "↑"))
    ]
    return ends if max(map(len, ends)) <= int(size / LETTER) else axis_names(one, size)


def axis_names(one: Panel, size: float) -> list[str]:
    """What the two directions of a panel are: in one line where they fit, else in two, shortened to its width."""
    most = int(size / LETTER)
    short = f"{one.across.name} → · {one.up.name} ↑"
    if len(short) <= most:
        return [short]
    both = f"→ {one.across.name}", f"↑ {one.up.name}"
    return [words if len(words) <= most else f"{words[: most - 1]}…" for words in both]


def ring_within(x: float, y: float, size: float) -> Markup:
    """The ring at a point of a square map; on an edge the whole ring lies inside."""
    return ring(*(min(max(v, RING), size - RING) for v in (x, y)))


def line_map(view: View, width: int) -> Markup:
    """d = 1: model, reference and error over the whole domain, ticks at the training points."""
    data = view.charts.map
    if not isinstance(data, LineMapRecord):
        return Markup("")
    axis = view.axes[0]
    across = Scale(axis.low, axis.high, 46, width - 8, log=axis.scale == "log")
    here = across(view.witness.x[axis.name]) if view.witness else math.nan
    output = view.output_index(view.charts.output) if view.charts.output is not None else 0
    rows, listed = (20.0, 230.0, 272.0, 372.0), bool(axis.values)
    frame = Frame(across, here, axis.name, axis.unit, output, rows, even=True, listed=listed)
    parts, hover = two_storeys(view, data, data.x, frame)
    rug = sorted({round(across(v), 1) for v in data.data or () if axis.low <= v <= axis.high})
    parts += [line(r, 236, r, 243, "rug") for r in rug]
    parts.append(x_axis(across, 372, axis.label, 5 if width > 500 else 4))
    said = view.say.text(fact("line"))
    return picture(width, 408, said, *parts, hover=hover)


def gap_words(view: View) -> str:
    """The widest gap between training points (d = 1), and whether the worst point lies in it."""
    drawn = view.charts.map
    points = sorted(set(drawn.data or ())) if isinstance(drawn, LineMapRecord) else []
    if len(points) < 2:
        return ""
    _, left, right = max((b - a, a, b) for a, b in pairwise(points))
    axis = view.axes[0]
    inside = view.witness is not None and left < view.witness.x[axis.name] < right
    return view.say.text(fact("gap", left=axis.at(left), right=axis.at(right), inside=inside))


def scale_of(view: View, several: list[Panel]) -> ColourScale | None:
    """The colour scale of the panels."""
    return colour_scale(view, [p.values for p in several])


def section(view: View) -> dict[str, Any]:
    """What the page needs to show the whole picture: one map, a triangle of panels, or a list of them."""
    whole, several = view.charts.map, panels(view)
    single = panel(view, whole) if isinstance(whole, GridMapRecord) else None
    scale = scale_of(view, [single] if single else several)
    values: dict[str, Any] = {
        "map": ("", ""),
        "panels": [],
        "triangle": [],
        "triangle_foot": [],
        "map_legend": None,
        "map_words": legend_words(view, scale),
    }
    listed = sorted(several, key=lambda p: -p.largest if math.isfinite(p.largest) else math.inf)
    values["map_rows"] = [(f"{p.across.name}, {p.up.name}", view.error(p.largest)) for p in listed[:15]]
    values["picture_words"] = view.say.text(sections.picture(view, len(several)))
    values["panel_class"] = "pairs" if view.d <= 4 else "pairs small"
    if scale is None:
        return values
    values["map_legend"] = legend(view, scale)
    if single:
        draw: Callable[[View, int], Markup] = lambda v, width: grid_map(v, single, scale, width)  # noqa: E731
        return values | {"map": two_sizes(draw, view), "panels": [single]}
    size = 250 if view.d <= 4 else 86 if view.d <= 10 else 130
    drawn = {(p.across.name, p.up.name): pair_map(view, p, scale, size) for p in several}
    values["panels"] = list(drawn.values())
    names = [a.name for a in eastward_first(view.axes)]
    if 4 < view.d <= 10:
        rows = [
            {"name": up, "panels": [drawn.get((a, up), drawn.get((up, a), "")) for a in names[:i]]}
            for i, up in enumerate(names)
            if i
        ]
        values |= {"triangle": rows, "triangle_foot": names[:-1]}
    return values
