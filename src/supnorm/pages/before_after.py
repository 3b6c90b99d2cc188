"""Errors before and after, one line for each kind of error: a ring for before, a dot for after."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from supnorm.pages.svg import Scale, el, line, picture, span, text, x_axis
from supnorm.results.numbers import ErrorUnit

STEP = 46.0  # pixels from one line to the next


@dataclass(frozen=True)
class Row:
    """One kind of error, before and after; NaN where it is not known."""

    name: str
    before: float
    after: float


def before_after(
    rows: Sequence[Row], width: int, unit: ErrorUnit, tolerance: float, description: str
) -> Markup:
    """The chart, ``width`` pixels wide; empty when no error is positive.

    >>> drawn = before_after([Row("largest", 1.0, 1e-3)], 700, ErrorUnit("absolute"), math.nan, "errors")
    >>> drawn.count("<circle"), "largest" in drawn
    (2, True)
    """
    values = [v for row in rows for v in (row.before, row.after) if 0 < v < math.inf]
    limits = span([*values, tolerance], log=True)
    if not limits:
        return Markup("")
    left, right, base = 14.0, width - 22.0, 22.0 + STEP * len(rows)
    across = Scale(*limits, left, right, log=True)
    parts = []
    if limits[0] < tolerance < limits[1]:
        parts += [line(across(tolerance), 8, across(tolerance), base, "s-tol")]
        parts += [text(across(tolerance) + 4, 14, "tolerance", "tk")]
    for i, row in enumerate(rows):
        y = 22.0 + STEP * i + 26.0
        parts.append(text(left, y - 13, row.name, "tk"))
        ends = [(v, kind) for v, kind in ((row.before, "hollow"), (row.after, "dot")) if 0 < v < math.inf]
        if len(ends) == 2:
            parts.append(line(across(row.before), y, across(row.after), y, "lk"))
        parts += [el("circle", class_=kind, cx=across(v), cy=y, r=5.0) for v, kind in ends]
    parts.append(x_axis(across, base, unit.name, 6 if width > 500 else 3, unit.bare))
    return picture(width, int(base) + 46, description, *parts)
