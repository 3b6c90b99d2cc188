"""Charts of a budget: error against samples on three separate lines, and the graph of interactions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from supnorm.pages.svg import Scale, area, el, line, path, picture, span, text, x_axis, y_axis
from supnorm.pages.view import number
from supnorm.results.numbers import num, superscript

LINES = {"guarantee": "s-ref", "construction": "s-mod", "forecast": "s-err"}
WIDEST = 12.0  # decades of samples that are shown: beyond, no chart helps


def power_of_ten(log10: float) -> str:
    """A tick of a logarithmic axis given by its exponent.

    >>> power_of_ten(3.0), power_of_ten(2.5)
    ('10³', '')
    """
    return f"10{superscript(round(log10))}" if abs(log10 - round(log10)) < 1e-9 else ""


def error_curves(data: Mapping[str, Any], width: int) -> Markup:
    """Error against samples, both logarithmic; empty when no line has a number."""
    curves = (data.get("charts") or {}).get("curves") or []
    tolerance = number(data.get("tolerance"))
    points = [p for c in curves for p in [*(c.get("points") or []), *(c.get("measured") or [])]]
    points = [p for p in points if 0 <= number(p[0]) <= WIDEST]
    limits = span([tolerance, *(number(v) for p in points for v in p[1:])], log=True)
    if not points or not limits:
        return Markup("")
    left, right = 62.0, width - 12.0
    top = max(math.ceil(max(number(p[0]) for p in points)), 1)
    across, up = Scale(0.0, float(top), left, right), Scale(*limits, 270, 20, log=True)
    parts = [y_axis(up, left, right, 5), text(2, 12, "error", "lb")]
    for curve in curves:
        parts += _curve(curve, across, up)
    parts += _names(curves, across, up)
    parts.append(x_axis(across, 270, "samples", 6 if width > 500 else 4, power_of_ten))
    if limits[0] < tolerance < limits[1]:
        parts += [line(left, up(tolerance), right, up(tolerance), "s-tol")]
        parts += [text(right, up(tolerance) - 5, "tolerance", "tk", "end")]
    drawn = [str(c.get("line")) for c in curves if _curve(c, across, up)]
    parts += _key(list(dict.fromkeys(drawn)), left, width)
    said = "Error against samples: " + "; ".join(str(c.get("name")) for c in curves if c.get("points"))
    return picture(width, 330, said, *parts)


def _curve(curve: Mapping[str, Any], across: Scale, up: Scale) -> list[Markup]:
    rows = [[number(v) for v in p] for p in curve.get("points") or [] if 0 <= number(p[0]) <= across.high]
    if not rows:
        return []
    xs = [across(r[0]) for r in rows]
    parts = []
    if all(len(r) == 4 for r in rows):
        parts.append(area(xs, [up(r[3]) for r in rows], [up(r[2]) for r in rows], "band2"))
    parts.append(path(xs, [up(r[1]) for r in rows], LINES.get(str(curve.get("line")), "s-pl")))
    for p in curve.get("measured") or []:
        parts.append(el("circle", class_="dot", cx=across(number(p[0])), cy=up(number(p[1])), r=3.0))
    return parts


def _names(curves: list[Mapping[str, Any]], across: Scale, up: Scale) -> list[Markup]:
    """What was trained, at the ends of several forecasts, at least a line of text apart."""
    ends = []
    for curve in curves:
        if curve.get("learning_curve") and curve.get("points"):
            last = curve["points"][-1]
            ends.append((up(number(last[1])), across(number(last[0])) + 6, str(curve["learning_curve"])))
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


def interaction_graph(data: Mapping[str, Any], width: int) -> Markup:
    """Inputs on a circle, a line for each interaction above rounding; empty for one input."""
    graph = (data.get("charts") or {}).get("graph") or {}
    nodes = [str(n.get("name")) for n in graph.get("nodes") or []]
    if len(nodes) < 2:
        return Markup("")
    size = min(width, 360)
    centre, radius = width / 2, size / 2 - 46
    size = 80 if len(nodes) == 2 else size  # two inputs lie side by side
    middle, first = size / 2, -0.25 if len(nodes) == 2 else 0.0
    turns = [2 * math.pi * (first + i / len(nodes)) for i in range(len(nodes))]
    place = {
        name: (centre + radius * math.sin(t), middle - radius * math.cos(t))
        for name, t in zip(nodes, turns, strict=True)
    }
    parts = []
    for edge in edges(data):
        (x1, y1), (x2, y2) = place[str(edge["from"])], place[str(edge["to"])]
        thick = 1.0 + max(0.0, 4.0 + math.log10(max(number(edge["sup"]), 1e-9)))
        parts.append(
            el("line", class_="s-mod", x1=x1, y1=y1, x2=x2, y2=y2, style=f"stroke-width:{thick:.1f}")
        )
    for name, (x, y) in place.items():
        outside = (x - centre) / radius
        anchor = "middle" if abs(outside) < 0.3 else "start" if outside > 0 else "end"
        parts.append(el("circle", class_="dot", cx=x, cy=y, r=6.0))
        shift = -12 if y < middle - 0.7 * radius else 22 if y > middle + 0.7 * radius else 4
        beside = 0 if anchor == "middle" else 12 if outside > 0 else -12
        parts.append(text(x + beside, y + shift, name, "rl", anchor))
    said = f"{len(nodes)} inputs, {len(edges(data))} interactions"
    return picture(width, size, said, *parts)


def edges(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Interactions between inputs of one block, largest first."""
    graph = (data.get("charts") or {}).get("graph") or {}
    together = [set(b) for b in graph.get("blocks") or []]
    found = [
        e
        for e in graph.get("edges") or []
        if number(e.get("sup")) > 1e-9 and any({e.get("from"), e.get("to")} <= b for b in together)
    ]
    return sorted(found, key=lambda e: -number(e.get("sup")))


def edge_rows(data: Mapping[str, Any], most: int = 30) -> list[tuple[str, str, str]]:
    """The same as text."""
    return [
        (f"{e.get('from')} – {e.get('to')}", num(number(e.get("sup"))), num(number(e.get("rms"))))
        for e in edges(data)[:most]
    ]
