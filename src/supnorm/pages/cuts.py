"""What happens around the worst point: model, reference and error along one input at a time.

Upper part: model (solid) and reference (dashed). Lower part: the error on a logarithmic scale whose floor
follows from the typical error. Grey bands: no value. An input that takes only listed values has dots and no lines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
from supnorm.pages.view import View
from supnorm.results.charts import CutRecord, SeriesRecord
from supnorm.results.numbers import num
from supnorm.wording import fact


@dataclass(frozen=True)
class Frame:
    """Where the two parts of a picture stand, and what its horizontal axis is.

    Attributes:
        across: the horizontal scale of both parts.
        here: the pixel of the worst point; NaN where it is not in the picture.
        name, unit: of the input.
        output: index of the output that is drawn.
        rows: top and base of the upper part, top and base of the lower part, in pixels.
        even: a linear error scale where the largest error allows it.
        zero: the input's value at 0 of the horizontal axis: that of the worst point in a close-up.
        listed: whether the input takes only listed values: between them there is nothing to draw.
    """

    across: Scale
    here: float
    name: str
    unit: str
    output: int
    rows: tuple[float, float, float, float]
    even: bool = False
    zero: float = 0.0
    listed: bool = False


def cut(view: View, raw: CutRecord, close: bool, width: int = 342) -> Markup:
    """One small multiple, of the whole range or ``close`` to the worst point. Empty when it holds no point."""
    series = raw.close if close else raw.whole
    axis = view.axis(raw.axis)
    here = view.witness.x[axis.name] if view.witness else math.nan
    if not series.x or (close and math.isnan(here)):
        return Markup("")
    shown = [v - here for v in series.x] if close else series.x
    across = _x_scale(shown, axis, close, 52, width - 8)
    label = view.say.text(fact("cut-distance", unit=axis.unit)) if close else axis.label
    name = f"{axis.name} offset" if close else axis.name
    at = across(0.0 if close else here)
    output = view.output_index(view.charts.output) if view.charts.output is not None else 0
    rows = (18, 122, 158, 244)
    frame = Frame(
        across, at, name, axis.unit, output, rows, zero=here if close else 0.0, listed=bool(axis.values)
    )
    parts, hover = two_storeys(view, series, shown, frame)
    parts.append(x_axis(across, 244, label, 5 if axis.scale == "linear" or close else 4))
    worst = view.witness.error if view.witness else None
    said = view.say.text(fact("cut", axis=axis.name, worst=worst, at=axis.exact(here)))
    return picture(width, 280, said, *parts, hover=hover)


def _x_scale(x: Sequence[float], axis: AxisView, close: bool, start: float, end: float) -> Scale:
    low, high = (min(x), max(x)) if close else (axis.low, axis.high)
    if not high > low:
        low, high = low - 1, high + 1
    return Scale(low, high, start, end, log=axis.scale == "log" and not close and low > 0)


def two_storeys(
    view: View, series: SeriesRecord, x: Sequence[float], frame: Frame
) -> tuple[list[Markup], dict[str, Any]]:
    """Model and reference above, error below, on a common horizontal scale.

    Args:
        x: the positions along the input, as the picture writes them.

    Returns:
        The drawn parts and the read-out data.
    """
    pixels = [frame.across(v) for v in x]
    parts = [_gaps(pixels, series, frame.rows[0], frame.rows[3])]
    parts += _values(view, pixels, series, frame)
    parts += _errors(view, pixels, series.error, frame, dotted=series.fine is not None or frame.listed)
    return parts, _hover(view, x, pixels, series, frame)


def _values(view: View, pixels: list[float], series: SeriesRecord, frame: Frame) -> list[Markup]:
    limits = span([*series.model, *series.reference, *(series.fine.model if series.fine else ())])
    name, unit = view.outputs[frame.output]
    label, (top, base), parts = name or "value", frame.rows[:2], list[Markup]()
    if label in [axis.name for axis in view.axes]:  # an output without a name is called y, as an input may be
        label = f"output {label}" if len(view.outputs) > 1 else "output"
    if limits:
        up = Scale(*limits, base, top)
        parts.append(y_axis(up, frame.across.start, frame.across.end, 4))
        if math.isfinite(frame.here):
            parts.append(line(frame.here, top, frame.here, frame.rows[3], "here"))
        across, fine = frame.across, series.fine
        if frame.listed:
            parts += dots(pixels, [up(v) for v in series.reference], "rring", 4.2)
            parts += dots(pixels, [up(v) for v in series.model], "mdot")
        elif fine is None:
            parts.append(path(pixels, [up(v) for v in series.reference], "s-ref"))
            parts.append(path(pixels, [up(v) for v in series.model], "s-mod"))
        else:
            parts.append(path([across(v - frame.zero) for v in fine.x], [up(v) for v in fine.model], "s-mod"))
            parts += dots(pixels, [up(v) for v in series.reference], "rdot")
    parts.append(text(2, top - 6, f"{label}, {unit}" if unit else label, "lb"))
    return parts


def dots(pixels: list[float], heights: list[float], class_: str, r: float = 2.6) -> list[Markup]:
    """A dot at each known value: between the points nothing is known, or nothing exists."""
    known = [(x, y) for x, y in zip(pixels, heights, strict=True) if math.isfinite(y)]
    return [el("circle", class_=class_, cx=round(x, 1), cy=round(y, 1), r=r) for x, y in known]


def _errors(
    view: View, pixels: list[float], error: Sequence[float], frame: Frame, dotted: bool = False
) -> list[Markup]:
    left, right, here, (top, base) = frame.across.start, frame.across.end, frame.here, frame.rows[2:]
    parts = [text(2, top - 12, view.error.name, "lb")]
    worst = view.witness.error if view.witness else math.nan
    if math.inf in error:  # on the upper edge, beyond the scale, and named
        parts.append(path(pixels, [top if v == math.inf else math.nan for v in error], "s-err"))
        parts.append(text(right, top - 12, "infinite", "lb", "end"))
    scale = error_axis(view, error, (top, base), frame.even)
    if scale is None:
        if math.isfinite(here) and worst == math.inf:
            parts.append(el("circle", class_="dot", cx=here, cy=top, r=4))
        return parts
    parts.append(y_axis(scale, left, right, 3, view.error.bare))
    if scale.low < view.tolerance < scale.high:
        parts.append(line(left, scale(view.tolerance), right, scale(view.tolerance), "s-tol"))
    drawn = [scale(max(v, scale.low)) if math.isfinite(v) else math.nan for v in error]
    parts += dots(pixels, drawn, "edot") if dotted else [path(pixels, drawn, "s-err")]
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


def _gaps(pixels: list[float], series: SeriesRecord, top: float, base: float) -> Markup:
    bad = [math.isnan(e) or s != "ok" for e, s in zip(series.error, series.status, strict=True)]
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
    view: View, x: Sequence[float], pixels: list[float], series: SeriesRecord, frame: Frame
) -> dict[str, Any]:
    """Read-out data at the points that are drawn, so that its size follows the pixels, not the data."""
    kept = thin(np.asarray(pixels), np.asarray(series.error)).tolist()

    def picked(values: Sequence[float], factor: float = 1.0) -> list[float | int | str | None]:
        return [short(values[i] * factor) for i in kept]

    unit = view.outputs[frame.output][1]
    error = picked(series.error, view.error.factor)
    return {
        "x": [round(pixels[i], 1) for i in kept],
        "k": [frame.name, "model", "reference", "error"],
        "v": [picked(x), picked(series.model), picked(series.reference), error],
        "u": [frame.unit, unit, unit, view.error.suffix.strip()],
        "y": [frame.rows[0], frame.rows[3]],
    }


def short(value: float) -> float | int | str | None:
    """Four digits for the read-out; whole numbers without a decimal point to save bytes."""
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "infinite"
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e6 else rounded


def cut_rows(view: View, raw: CutRecord, most: int = 9) -> list[tuple[str, ...]]:
    """A few rows along the input, the largest error among them: the chart's numbers as a table."""
    axis, series = view.axis(raw.axis), raw.whole
    if not series.x:
        return []
    picked = set(np.linspace(0, len(series.x) - 1, most).round().astype(int).tolist())
    finite = [(e, i) for i, e in enumerate(series.error) if not math.isnan(e)]
    picked |= {max(finite)[1]} if finite else set()
    return [
        (axis.exact(series.x[i]), num(series.model[i], 6), num(series.reference[i], 6), view.error(series.error[i]))
        for i in sorted(picked)
    ]  # fmt: skip


def spread(raw: CutRecord) -> float:
    """Ratio of largest to smallest error along a cut: how much this input matters at the worst point."""
    finite = [e for e in raw.whole.error if 0 < e < math.inf]
    return max(finite) / min(finite) if finite else 1.0
