"""Where a certificate proves what: steps of local upper bounds (d = 1), a map (d = 2), or panels (d > 2).

Only with a certificate. Each cell holds the largest bound of all boxes of the proof that touch it, so the error
is nowhere in the cell larger; it is not an error that was found.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup

from supnorm.pages import maps
from supnorm.pages.ramp import colour_scale, legend, legend_words
from supnorm.pages.svg import Scale, path, picture, two_sizes, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.results import rounded_up
from supnorm.results.charts import BoundPanelsRecord, BoundStepsRecord, LineMapRecord, LocalBoundsRecord
from supnorm.wording import Fact, fact

MOST_ROWS, MOST_PANELS = 15, 45


def section(view: View) -> dict[str, Any]:
    """What the page needs for the section of local bounds; nothing without a certificate."""
    drawn = view.charts.local_bounds
    if not view.bounded or drawn is None:
        return {"bound_pictures": False}
    values: dict[str, Any] = {
        "bound_pictures": True,
        "bound_words": view.say.html(*words(view, drawn)),
        "bound_line": None,
        "bound_map": ("", ""),
        "bound_panels": [],
        "bound_rows": [],
        "bound_head": "pair of inputs",
        "bound_legend": None,
        "bound_legend_words": "",
    }
    if isinstance(drawn, BoundStepsRecord):
        return values | {
            "bound_line": two_sizes(steps, view),
            "bound_found": isinstance(view.charts.map, LineMapRecord),
            "bound_rows": _rows_of_steps(view, drawn),
            "bound_head": view.axes[0].name,
        }
    panels = drawn.panels if isinstance(drawn, BoundPanelsRecord) else (drawn,)
    several = [maps.panel(view, one) for one in panels]
    scale = colour_scale(view, [p.values for p in several])
    if scale is None:
        return {"bound_pictures": False}
    listed = sorted(several, key=lambda p: -p.largest)[:MOST_ROWS]
    values["bound_rows"] = [
        (f"{p.across.name}, {p.up.name}", view.error(rounded_up(p.largest, 3))) for p in listed
    ]
    values["bound_legend"] = legend(view, scale, bound=True)
    values["bound_legend_words"] = legend_words(view, scale, bound=True)
    if view.d == 2:
        draw = lambda v, width: maps.grid_map(v, several[0], scale, width, bound=True)  # noqa: E731
        return values | {"bound_map": two_sizes(draw, view)}
    size = 250 if view.d <= 4 else 86 if view.d <= 10 else 130
    shown = several[:MOST_PANELS]
    values["bound_panels"] = [maps.pair_map(view, p, scale, size, bound=True) for p in shown]
    return values


def words(view: View, drawn: LocalBoundsRecord) -> list[Fact]:
    """What is shown, what it rests on, and how much of the domain is proved as asked."""
    exact, conditional = view.upper_kind == "exact-arithmetic", view.upper_kind == "conditional"
    facts = [fact("bounds", upper=view.upper, conditional=conditional, exact=exact, boxes=drawn.boxes)]
    if drawn.proved_volume < 1 and math.isfinite(drawn.target):
        facts.append(fact("bounds-reached", share=drawn.proved_volume, target=drawn.target))
    return [*facts, fact("bounds-shown")]


def steps(view: View, width: int) -> Markup:
    """d = 1: the bound as steps, the error found under it."""
    drawn, line = view.charts.local_bounds, view.charts.map
    if not isinstance(drawn, BoundStepsRecord):
        return Markup("")
    edges, bound = drawn.edges, drawn.values
    x, error = (line.x, line.error) if isinstance(line, LineMapRecord) else ((), ())
    shown = [v for v in [*bound, *error] if 0 < v < math.inf]
    if not shown:
        return Markup("")
    axis = view.axes[0]
    across = Scale(axis.low, axis.high, 56, width - 8, log=axis.scale == "log")
    finite = [v for v in bound if math.isfinite(v)]
    high = max(shown) * 1.3
    floor = min([v for v in finite if v > 0], default=high) / 30
    low = max(min(shown), view.floor / 30 if view.floor > 0 else 0.0, floor)
    up = Scale(min(low, high / 10), high, 250, 16, log=True)
    parts = [y_axis(up, 56, width - 8, 4, view.error.bare)]
    if x and error:
        parts.append(path([across(v) for v in x], [up(v) for v in error], "s-err"))
    xs = [across(v) for pair in pairwise(edges) for v in pair]
    ys = [up(v) for v in bound for _ in (0, 1)]
    parts += [path(xs, ys, "s-bd"), x_axis(across, 250, axis.label, 5 if width > 500 else 4)]
    said = view.say.text(fact("steps", largest=max(bound)))
    return picture(width, 288, said, *parts)


def _rows_of_steps(view: View, drawn: BoundStepsRecord) -> list[tuple[str, str]]:
    edges, bound = np.array(drawn.edges), np.array(drawn.values)
    axis = view.axes[0]
    parts = np.array_split(np.arange(len(bound)), min(MOST_ROWS, len(bound)))
    return [
        (
            f"{axis.at(float(edges[k[0]]))} to {axis.at(float(edges[k[-1] + 1]))}",
            view.error(rounded_up(float(bound[k].max()), 3)),
        )
        for k in parts
    ]
