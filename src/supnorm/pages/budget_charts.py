"""Charts of a budget: error against samples on three separate lines, and the graph of interactions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from supnorm.pages.svg import Scale, area, el, line, path, picture, span, text, x_axis, y_axis
from supnorm.results.budget import BudgetRecord, ChartCurveRecord, EdgeRecord, GraphRecord
from supnorm.results.numbers import num, pretty_unit, superscript

LINES = {"guarantee": "s-ref", "construction": "s-mod", "forecast": "s-err"}
WIDEST = 12.0  # decades of samples that are shown: beyond, no chart helps


def power_of_ten(log10: float) -> str:
    """A tick of a logarithmic axis given by its exponent.

    >>> power_of_ten(3.0), power_of_ten(2.5)
    ('10³', '')
    """
    return f"10{superscript(round(log10))}" if abs(log10 - round(log10)) < 1e-9 else ""


def error_curves(record: BudgetRecord, width: int) -> Markup:
    """Error against samples, both logarithmic; empty when no line has a number."""
    curves, tolerance = record.charts.curves, record.tolerance
    points = [p for c in curves for p in (*c.points, *(c.measured or ())) if 0 <= p[0] <= WIDEST]
    limits = span([tolerance, *(v for p in points for v in p[1:])], log=True)
    if not points or not limits:
        return Markup("")
    left, right = 62.0, width - 12.0
    top = max(math.ceil(max(p[0] for p in points)), 1)
    across, up = Scale(0.0, float(top), left, right), Scale(*limits, 270, 20, log=True)
    parts = [
        y_axis(up, left, right, 5),
        text(2, 12, f"error, {pretty_unit(record.unit)}" if record.unit else "error", "lb"),
    ]
    for curve in curves:
        parts += _curve(curve, across, up)
    parts += _names(curves, across, up)
    parts.append(x_axis(across, 270, "samples", 6 if width > 500 else 4, power_of_ten))
    if limits[0] < tolerance < limits[1]:
        parts += [line(left, up(tolerance), right, up(tolerance), "s-tol")]
        parts += [text(right, up(tolerance) - 5, "tolerance", "tk", "end")]
    drawn = [c.line for c in curves if _curve(c, across, up)]
    parts += _key(list(dict.fromkeys(drawn)), left, width)
    description = "Error against samples: " + "; ".join(c.name for c in curves if c.points)
    return picture(width, 330, description, *parts)


def _curve(curve: ChartCurveRecord, across: Scale, up: Scale) -> list[Markup]:
    rows = [p for p in curve.points if 0 <= p[0] <= across.high]
    if not rows:
        return []
    xs = [across(r[0]) for r in rows]
    parts = []
    if all(len(r) == 4 for r in rows):
        parts.append(area(xs, [up(r[3]) for r in rows], [up(r[2]) for r in rows], "band2"))
    parts.append(path(xs, [up(r[1]) for r in rows], LINES.get(curve.line, "s-pl")))
    for size, error in curve.measured or ():
        parts.append(el("circle", class_="dot", cx=across(size), cy=up(error), r=3.0))
    return parts


def _names(curves: Sequence[ChartCurveRecord], across: Scale, up: Scale) -> list[Markup]:
    """What was trained, at the ends of several forecasts, at least a line of text apart."""
    ends = [
        (up(c.points[-1][1]), across(c.points[-1][0]) + 6, c.learning_curve)
        for c in curves
        if c.learning_curve and c.points
    ]
    parts, lowest = list[Markup](), -math.inf
    for y, x, name in sorted(ends) if len(ends) > 1 else []:
        lowest = max(y, lowest + 14)
        parts.append(text(x, lowest + 4, name, "tk"))
    return parts


def _key(drawn: list[str], left: float, width: int) -> list[Markup]:
    parts = []
    for i, name in enumerate(drawn):
        x = left + 140 * i if width > 500 else 16 + 108 * i
        parts += [line(x, 320, x + 20, 320, LINES.get(name, "s-pl")), text(x + 25, 324, name, "tk")]
    return parts


def interaction_graph(graph: GraphRecord | None, width: int) -> Markup:
    """Inputs on a circle, a line for each interaction above rounding; empty for one input."""
    nodes = [node.name for node in graph.nodes] if graph is not None else []
    if len(nodes) < 2:
        return Markup("")
    size = min(width, 360)
    centre, radius = width / 2, size / 2 - 46
    size = 80 if len(nodes) == 2 else size  # two inputs lie side by side
    middle, first = size / 2, -0.25 if len(nodes) == 2 else 0.0
    turns = [2 * math.pi * (first + i / len(nodes)) for i in range(len(nodes))]
    position = {
        name: (centre + radius * math.sin(t), middle - radius * math.cos(t))
        for name, t in zip(nodes, turns, strict=True)
    }
    parts, drawn = list[Markup](), edges(graph)
    for edge in drawn:
        (x1, y1), (x2, y2) = position[edge.from_], position[edge.to]
        thick = 1.0 + max(0.0, 4.0 + math.log10(max(edge.sup, 1e-9)))
        parts.append(
            el("line", class_="s-mod", x1=x1, y1=y1, x2=x2, y2=y2, style=f"stroke-width:{thick:.1f}")
        )
    for name, (x, y) in position.items():
        outside = (x - centre) / radius
        anchor = "middle" if abs(outside) < 0.3 else "start" if outside > 0 else "end"
        parts.append(el("circle", class_="dot", cx=x, cy=y, r=6.0))
        shift = -12 if y < middle - 0.7 * radius else 22 if y > middle + 0.7 * radius else 4
        beside = 0 if anchor == "middle" else 12 if outside > 0 else -12
        parts.append(text(x + beside, y + shift, name, "rl", anchor))
    return picture(width, size, f"{len(nodes)} inputs, {len(drawn)} interactions", *parts)


def edges(graph: GraphRecord | None) -> list[EdgeRecord]:
    """Interactions between inputs of one block, largest first."""
    if graph is None:
        return []
    together = [set(block) for block in graph.blocks]
    acting = [e for e in graph.edges if e.sup > 1e-9 and any({e.from_, e.to} <= b for b in together)]
    return sorted(acting, key=lambda e: -e.sup)


def edge_rows(graph: GraphRecord | None, most: int = 30) -> list[tuple[str, str, str]]:
    """The same as text."""
    return [(f"{e.from_} – {e.to}", num(e.sup), num(e.rms)) for e in edges(graph)[:most]]
