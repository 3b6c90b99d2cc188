"""What happens around the worst point: model, reference and error along one input at a time.

Upper part: model (solid) and reference (dashed). Lower part: the error on a logarithmic scale whose floor
follows from the typical error. Grey bands: no value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from supnorm.pages.points import AxisView
from supnorm.pages.svg import (
    FAR,
    Scale,
    el,
    join,
    line,
    path,
    picture,
    rect,
    span,
    text,
    thin,
    x_axis,
    y_axis,
)
from supnorm.pages.view import View, number, numbers
from supnorm.results.numbers import num


def cut(view: View, raw: Mapping[str, Any], part: str, width: int = 342) -> Markup:
    """One small multiple; ``part`` is ``"whole"`` or ``"close"``. Empty when it holds no point."""
    data = raw.get(part) or {}
    axis = view.axis(str(raw.get("axis")))
    x = numbers(data.get("x"))
    if not x:
        return Markup("")
    here = view.witness.x.get(axis.name, math.nan) if view.witness else math.nan
    close = part == "close"
    shown = [v - here for v in x] if close and math.isfinite(here) else x
    across = _x_scale(shown, axis, close, 52, width - 8)
    label = f"distance from the worst point, {axis.unit}".rstrip(", ") if close else axis.label
    name = f"{axis.name} offset" if close else axis.name
    at = across(0.0 if close else here) if math.isfinite(here) else math.nan
    parts, hover = two_storeys(
        view, data, shown, across, at, name, axis.unit, raw.get("output"), (18, 122, 158, 244)
    )
    parts.append(x_axis(across, 244, label, 5 if axis.scale == "linear" or close else 4))
    said = f"Model, reference and error along {axis.name} through the worst point"
    if view.witness:
        said += f"; worst {view.error(view.witness.error)} at {axis.exact(here)}"
    return picture(width, 280, said, *parts, hover=hover)


def _x_scale(x: Sequence[float], axis: AxisView, close: bool, start: float, end: float) -> Scale:
    low, high = (min(x), max(x)) if close or not math.isfinite(axis.low) else (axis.low, axis.high)
    if not high > low:
        low, high = low - 1, high + 1
    return Scale(low, high, start, end, log=axis.scale == "log" and not close and low > 0)


def two_storeys(
    view: View,
    data: Mapping[str, Any],
    x: Sequence[float],
    across: Scale,
    here: float,
    name: str,
    unit: str,
    output: Any,
    rows: tuple[float, float, float, float],
    even: bool = False,
) -> tuple[list[Markup], dict[str, Any] | None]:
    """Model and reference above, error below, on a common horizontal scale.

    Args:
        rows: top and base of the upper part, top and base of the lower part, in pixels.
        even: a linear error scale where the largest error allows it.

    Returns:
        The drawn parts and the read-out data.
    """
    model, reference, error = (_fit(numbers(data.get(k)), len(x)) for k in ("model", "reference", "error"))
    index = view.output_index(output) if output is not None else view.witness.output if view.witness else 0
    pixels = [across(v) for v in x]
    left, right = across.start, across.end
    parts = [_gaps(pixels, error, data.get("status") or [], rows[0], rows[3])]
    parts += _values(view, pixels, model, reference, index, (left, right), rows[:2], here, rows[3])
    parts += _errors(view, pixels, error, (left, right), rows[2:], here, even)
    return parts, _hover(view, (x, pixels), (model, reference, error), name, unit, index, rows)


def _fit(values: list[float], n: int) -> list[float]:
    return (values + [math.nan] * n)[:n]


def _values(
    view: View,
    pixels: list[float],
    model: list[float],
    reference: list[float],
    index: int,
    sides: tuple[float, float],
    rows: tuple[float, float],
    here: float,
    foot: float,
) -> list[Markup]:
    limits = span([*model, *reference])
    label = view.outputs[index][0] if index < len(view.outputs) and view.outputs[index][0] else "value"
    unit = view.output_unit(index)
    parts = []
    if limits:
        up = Scale(*limits, rows[1], rows[0])
        parts.append(y_axis(up, *sides, 4))
        if math.isfinite(here):
            parts.append(line(here, rows[0], here, foot, "here"))
        parts.append(path(pixels, [up(v) for v in reference], "s-ref"))
        parts.append(path(pixels, [up(v) for v in model], "s-mod"))
    parts.append(text(2, rows[0] - 6, f"{label}, {unit}" if unit else label, "lb"))
    return parts


def _errors(
    view: View,
    pixels: list[float],
    error: list[float],
    sides: tuple[float, float],
    rows: tuple[float, float],
    here: float,
    even: bool,
) -> list[Markup]:
    parts = [text(2, rows[0] - 12, view.error.name, "lb")]
    top, worst = rows[0], view.witness.error if view.witness else math.nan
    if math.inf in error:  # on the upper edge, beyond the scale, and named
        parts.append(path(pixels, [top if v == math.inf else math.nan for v in error], "s-err"))
        parts.append(text(sides[1], top - 12, "infinite", "lb", "end"))
    scale = error_axis(view, error, rows, even)
    if scale is None:
        if math.isfinite(here) and worst == math.inf:
            parts.append(el("circle", class_="dot", cx=here, cy=top, r=4))
        return parts
    parts.append(y_axis(scale, *sides, 3, view.error.bare))
    if scale.low < view.tolerance < scale.high:
        parts.append(line(sides[0], scale(view.tolerance), sides[1], scale(view.tolerance), "s-tol"))
    drawn = [scale(max(v, scale.low)) if math.isfinite(v) else math.nan for v in error]
    parts.append(path(pixels, drawn, "s-err"))
    if math.isfinite(here) and view.witness:
        height = top if worst == math.inf else scale(min(worst, scale.high))
        parts.append(el("circle", class_="dot", cx=here, cy=height, r=4))
    return parts


def error_axis(
    view: View, error: Sequence[float], rows: tuple[float, float], even: bool = False
) -> Scale | None:
    """Logarithmic error axis from a thirtieth of the typical error to above the largest value shown.

    With ``even`` it is linear where the largest error is less than 100 times the typical one.
    """
    finite = [v for v in error if 0 < v < math.inf]
    if view.witness and 0 < view.witness.error < math.inf:
        finite.append(view.witness.error)
    if not finite:
        return None
    high = min(max(finite), FAR)
    if even and view.floor > 0 and high < 100 * view.floor:
        return Scale(0.0, high * 1.08, rows[1], rows[0])
    floor = view.floor / 30 if view.floor > 0 else high / 1e4
    low = max(min(finite), floor)
    if view.tolerance > 0:
        low = min(low, view.tolerance / 2)
    return Scale(min(low, high / 30), high * 1.6, rows[1], rows[0], log=True)


def _gaps(pixels: list[float], error: list[float], status: Sequence[Any], top: float, base: float) -> Markup:
    bad = [math.isnan(e) or (i < len(status) and status[i] not in ("ok", None)) for i, e in enumerate(error)]
    parts, i = [], 0
    while i < len(bad):
        if not bad[i]:
            i += 1
            continue
        j = i
        while j + 1 < len(bad) and bad[j + 1]:
            j += 1
        left = pixels[i] if i == 0 else (pixels[i - 1] + pixels[i]) / 2
        right = pixels[j] if j == len(bad) - 1 else (pixels[j] + pixels[j + 1]) / 2
        parts.append(rect(left, top, max(right - left, 1.0), base - top, "gap"))
        i = j + 1
    return join(parts)


def _hover(
    view: View,
    x: tuple[Sequence[float], list[float]],
    columns: tuple[list[float], ...],
    name: str,
    unit: str,
    index: int,
    rows: tuple[float, float, float, float],
) -> dict[str, Any]:
    """Read-out data at the points that are drawn, so that its size follows the pixels, not the data."""
    kept = thin(np.asarray(x[1]), np.asarray(columns[2], float)).tolist()
    f = view.error.factor
    pick: Any = lambda values, k=1.0: [short(values[i] * k) for i in kept]  # noqa: E731
    value_unit = view.output_unit(index)
    return {
        "x": [round(x[1][i], 1) for i in kept],
        "k": [name, "model", "reference", "error"],
        "v": [pick(x[0]), pick(columns[0]), pick(columns[1]), pick(columns[2], f)],
        "u": [unit, value_unit, value_unit, view.error.suffix.strip()],
        "y": [rows[0], rows[3]],
    }


def short(value: float) -> float | int | str | None:
    """Four digits for the read-out; whole numbers without a decimal point to save bytes."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "infinite"
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e6 else rounded


def cut_rows(view: View, raw: Mapping[str, Any], most: int = 9) -> list[tuple[str, ...]]:
    """A few rows along the input, the largest error among them: the chart's numbers as a table."""
    data = raw.get("whole") or {}
    axis = view.axis(str(raw.get("axis")))
    x = numbers(data.get("x"))
    model, reference, error = (_fit(numbers(data.get(k)), len(x)) for k in ("model", "reference", "error"))
    if not x:
        return []
    picked = set(np.linspace(0, len(x) - 1, most).round().astype(int).tolist())
    finite = [(e, i) for i, e in enumerate(error) if not math.isnan(e)]
    picked |= {max(finite)[1]} if finite else set()
    return [
        (axis.exact(x[i]), num(model[i], 6), num(reference[i], 6), view.error(error[i]))
        for i in sorted(picked)
    ]


def spread(raw: Mapping[str, Any]) -> float:
    """Ratio of largest to smallest error along a cut: how much this input matters at the worst point."""
    error = [number(e) for e in (raw.get("whole") or {}).get("error") or []]
    finite = [e for e in error if 0 < e < math.inf]
    return max(finite) / min(finite) if finite else 1.0
