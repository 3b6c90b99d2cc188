"""Charts as SVG files of their own, light and dark by the reader's setting: lines with points, named at their ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup, escape

from reproduce.experiment import Curve, Figure
from supnorm.pages.svg import Scale, el, join, span
from supnorm.results.numbers import num

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 70, 190, 26, 44  # margins; the names of the curves stand on the right
# Colour-blind safe (Okabe and Ito 2008), darker for light pages and lighter for dark ones.
LIGHT = ("#0068b3", "#c2410c", "#0a6b50", "#8a5a00", "#7b3294", "#444a55", "#b0006d", "#00728f")
DARK = ("#5cb8ff", "#ff9455", "#4fd1a5", "#f0bf5a", "#cf9be8", "#b9c0cc", "#ff7ac8", "#5fd3ee")
APART = 14.0  # pixels between two names


def chart(figure: Figure) -> Markup:
    """The chart of a figure as one ``svg`` element."""
    shown = [(c, list(_points(c, figure.log))) for c in figure.curves]
    shown = [(c, points) for c, points in shown if points]
    across = _scale([x for _, points in shown for x, _ in points], LEFT, WIDTH - RIGHT, figure.log[0])
    up = _scale([y for _, points in shown for _, y in points], HEIGHT - BOTTOM, TOP, figure.log[1])
    parts = [_style(), *_axes(figure, across, up)]
    names = _apart([up(points[-1][1]) for _, points in shown])
    for i, ((curve, points), y) in enumerate(zip(shown, names, strict=True)):
        at = [(across(a), up(b)) for a, b in points]
        colour = f"c{i % len(LIGHT)}"
        dash = "6 4" if curve.dashed else None
        parts.append(el("path", d=_path(at), class_=f"l {colour}", stroke_dasharray=dash))
        parts += (
            [el("circle", cx=x, cy=y0, r=2.6, class_=f"d {colour}") for x, y0 in at] if len(at) < 60 else []
        )
        parts.append(el("path", d=_path([at[-1], (WIDTH - RIGHT + 12.0, y)]), class_=f"t {colour}"))
        parts.append(el("text", curve.name, x=WIDTH - RIGHT + 16.0, y=y + 4, class_=f"n {colour}"))
    label = f"{figure.y} against {figure.x}: " + ", ".join(
        f"{c.name} from {num(points[0][1])} to {num(points[-1][1])}" for c, points in shown
    )
    return el(
        "svg", join(parts), xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img",
        aria_label=label, font_family="system-ui, sans-serif", font_size="12",
    )  # fmt: skip


def _points(curve: Curve, log: tuple[bool, bool]) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for x, y in zip(curve.x, curve.y, strict=True)
        if all(math.isfinite(v) and (v > 0 or not l) for v, l in ((x, log[0]), (y, log[1])))
    ]


def _scale(values: Sequence[float], first: float, last: float, log: bool) -> Scale:
    limits = span(list(values), log=log) or ((1.0, 10.0) if log else (0.0, 1.0))
    return Scale(*limits, first, last, log=log)


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _apart(heights: Sequence[float]) -> list[float]:
    """The heights of the names: near the ends of the curves and not on each other."""
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    placed = [heights[i] for i in order]
    for a, b in pairwise(range(len(placed))):
        placed[b] = max(placed[b], placed[a] + APART)
    over = max(0.0, (placed[-1] if placed else 0.0) - (HEIGHT - 8.0))
    result = [0.0] * len(heights)
    for i, height in zip(order, placed, strict=True):
        result[i] = height - over
    return result


def _axes(figure: Figure, across: Scale, up: Scale) -> list[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [el("path", d=f"M{LEFT} {TOP}V{bottom}H{right}", class_="a")]
    for value in up.ticks(6):
        parts.append(el("path", d=f"M{LEFT} {up(value):.1f}H{right}", class_="g"))
        parts.append(el("text", num(value, 2), x=LEFT - 6, y=up(value) + 4, text_anchor="end", class_="k"))
    for value in across.ticks(6):
        parts.append(
            el("text", num(value, 2), x=across(value), y=bottom + 17, text_anchor="middle", class_="k")
        )
    parts.append(el("text", figure.y, x=LEFT - 58, y=14, class_="k"))
    parts.append(el("text", figure.x, x=right, y=HEIGHT - 8, text_anchor="end", class_="k"))
    return parts


def _style() -> Markup:
    def colours(names: Sequence[str]) -> str:
        return "".join(
            f".l.c{i},.t.c{i}{{stroke:{c}}}.d.c{i},.n.c{i}{{fill:{c}}}" for i, c in enumerate(names)
        )

    dark = f".a{{stroke:#a3abb8}}.g{{stroke:#343943}}.k{{fill:#c3c9d3}}{colours(DARK)}"
    rules = (
        f".l,.t,.a,.g{{fill:none}}.l{{stroke-width:1.8}}.t{{stroke-width:.6}}.a{{stroke:#5b616c}}.g{{stroke:#e4e6ea}}"
        f".k{{fill:#3d434e}}{colours(LIGHT)}@media(prefers-color-scheme:dark){{{dark}}}"
    )
    return Markup("<style>") + Markup(escape(rules)) + Markup("</style>")  # no sign of it is escaped
