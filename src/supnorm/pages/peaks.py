"""The worst peaks: a thumbnail each (or a small curve for d = 1), tags in words, both values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from supnorm.pages.cuts import dots, error_axis
from supnorm.pages.maps import Panel, axis_names, panel, ring_within
from supnorm.pages.points import AxisView, PeakView
from supnorm.pages.ramp import ColourScale, colour_scale, field
from supnorm.pages.svg import Bands, Scale, line, path, picture, text, x_axis, y_axis
from supnorm.pages.view import View
from supnorm.results.charts import LineMapRecord, ProfileRecord
from supnorm.results.numbers import num
from supnorm.wording import fact

SHOWN = 6
TICKS = 5
MOST_ROWS = 60  # of the table of outputs
DEEPEST = 1e-12  # of the largest error: the lowest end of the axis of outputs
LETTER = 7.0  # width of one below an axis, about


# Tags with words of their own.
KNOWN = {"glitch", "boundary", "interior", "off-data", "model-side", "reference-side", "suspect-label"}


@dataclass(frozen=True)
class Tag:
    """A word about a peak and the style class of its label."""

    kind: str
    words: str


def tags(view: View, peak: PeakView) -> list[Tag]:
    """What is known about a peak, in words."""
    own, off, say = peak.record.tags, peak.record.off_data, view.say.text
    found = [Tag("glitch", say(fact("tag-glitch")))] if "glitch" in own else []
    edge = edge_words(view, peak)
    if peak.record.row is None or edge != say(fact("tag-interior")):  # most rows are interior
        found.append(Tag("in", edge))
    if off is not None and (off > 1 or "off-data" in own):
        found.append(Tag("un", say(fact("tag-off-data", times=off))))
    sides = [side for side in ("model", "reference") if f"{side}-side" in own]
    found += [Tag("side", say(fact("tag-sharp", side=side))) for side in sides]
    if "suspect-label" in own:
        found.append(Tag("un", say(fact("tag-label"))))
    found += [Tag("side", tag) for tag in own if tag not in KNOWN]
    if peak.record.recheck == "confirmed":
        found.append(Tag("ok", say(fact("tag-confirmed"))))
    elif peak.record.recheck is not None:
        fault = peak.record.recheck == "reference-fault"
        found.append(Tag("un", say(fact("tag-in-doubt" if fault else "tag-unresolved"))))
    return found


def edge_words(view: View, peak: PeakView) -> str:
    """ "interior", or on which ends of which inputs the peak lies."""
    edges = [(axis.name, axis.edge(peak.x[axis.name])) for axis in view.axes]
    on = [f"{name} {edge}" for name, edge in edges if edge]
    if not on and "boundary" not in peak.record.tags:
        return view.say.text(fact("tag-interior"))
    if len(on) > 3:
        return view.say.text(fact("tag-edges", n=len(on), d=view.d))
    return view.say.text(fact("tag-edge", on=", ".join(on)))


def times_tolerance(view: View, peak: PeakView) -> str:
    """ "28 times the tolerance", or nothing without one."""
    if not view.tolerance > 0 or not math.isfinite(peak.error) or view.per_output:
        return ""
    return view.say.text(fact("peak-times", times=peak.error / view.tolerance))


def thumbnail_panels(view: View) -> list[Panel | None]:
    """The thumbnails, one for each of the first peaks."""
    return [None if one is None else panel(view, one) for one in view.charts.thumbnails][:SHOWN]


def thumbnail_scale(view: View) -> ColourScale | None:
    """One colour scale for all thumbnails."""
    return colour_scale(view, [p.values for p in thumbnail_panels(view) if p is not None])


def thumbnail(view: View, index: int, scale: ColourScale | None) -> Markup:
    """Picture of the surroundings of peak ``index``; empty when there is none."""
    shown = thumbnail_panels(view)
    one = shown[index] if index < len(shown) else None
    if one is None or scale is None:
        return curve(view, view.peaks[index]) if view.d == 1 else Markup("")
    peak = view.peaks[index]
    drawn = view.charts.thumbnails[index]
    assert drawn is not None
    limits = dict(zip(drawn.axes, drawn.ranges, strict=True))
    parts = [field(one.values, scale, 0, 0, 132, 132)]
    x, y = (_position(peak.x[axis.name], limits[axis.name], axis) for axis in (one.across, one.up))
    if math.isfinite(x + y):
        parts.append(ring_within(132 * x, 132 * (1 - y), 132))
    names = axis_names(one, 132)
    parts += [text(0, 145 + 13 * k, words, "tk") for k, words in enumerate(names)]
    over = {"across": one.across.name, "up": one.up.name}
    said = view.say.text(fact("thumbnail", **over, largest=one.largest))
    return picture(132, 135 + 13 * len(names), said, *parts)


def _position(x: float, limits: Sequence[float], axis: AxisView) -> float:
    """Where ``x`` stands between two limits, from 0 to 1; of a list of values in the middle of its band."""
    low, high = limits
    if axis.values:
        shown = tuple(v for v in axis.values if low <= v <= high)
        return Bands(low, high, 0, 1, values=shown)(x) if shown else math.nan
    if not high > low:
        return math.nan
    if axis.scale == "log" and low > 0 and x > 0:
        low, high, x = math.log(low), math.log(high), math.log(x)
    return min(max((x - low) / (high - low), 0.0), 1.0)


def curve(view: View, peak: PeakView) -> Markup:
    """d = 1: the error around a peak, from the points of the whole picture."""
    data, axis = view.charts.map, view.axes[0]
    if not isinstance(data, LineMapRecord):
        return Markup("")
    x, error, here = np.asarray(data.x), np.asarray(data.error), peak.x[axis.name]
    half = max(2.0 * peak.volume if peak.volume > 0 else 0.0, 0.015) * (axis.high - axis.low)
    low, high = max(axis.low, here - half), min(axis.high, here + half)
    inside = (x >= low) & (x <= high)
    across = Scale(low, high, 2, 130)
    finite = error[inside & np.isfinite(error)]
    if not finite.size or not high > low:
        return Markup("")
    top = max(peak.error if math.isfinite(peak.error) else 0.0, float(finite.max())) or 1.0
    up = Scale(0, top, 114, 6)
    parts = []
    if 0 < view.tolerance < top:
        parts.append(line(2, up(view.tolerance), 130, up(view.tolerance), "s-tol"))
    pixels, heights = [across(v) for v in x[inside]], [up(v) for v in error[inside]]
    parts += dots(pixels, heights, "edot") if axis.values else [path(pixels, heights, "s-err")]
    parts += [text(2, 129, axis.at(low), "tk"), text(130, 129, axis.at(high), "tk", "end")]
    return picture(132, 132, view.say.text(fact("curve", largest=top)), *parts)


def profile(view: View, width: int) -> Markup:
    """Vector outputs: largest and RMS error along the output axis."""
    data = view.charts.profile
    # The floor lies below every positive number, so that none is drawn on it: an RMS may be far below the largest errors.
    scale = None if data is None else error_axis(view, data.worst, (18.0, 204.0))
    if (
        data is not None
        and scale is not None
        and (least := [v for v in (*data.rms, *data.worst) if 0 < v < math.inf])
    ):
        scale = replace(scale, low=min(scale.low, max(min(least) / 2, scale.high * DEEPEST)))
    if data is None or scale is None or not max(data.coordinate) > min(data.coordinate):
        return Markup("")
    at, worst, rms = data.coordinate, data.worst, data.rms
    across: Scale = Scale(min(at), max(at), 62, width - 8)
    write: Any = num
    if _counted(view, data):
        across = Bands(min(at), max(at), 62, width - 8, values=at)
        named = dict(zip(at, (name for name, _ in view.outputs), strict=True))
        if len(at) <= TICKS and LETTER * max(map(len, named.values())) * len(at) < width - 70:
            write = named.__getitem__
    xs = [across(v) for v in at]
    counted = _counted(view, data)
    parts = [y_axis(scale, 62, width - 8, 4, view.error.bare), text(2, 10, view.error.name, "lb")]
    parts += _along(xs, rms, scale, "s-pl", counted)
    if scale.low < view.tolerance < scale.high:
        parts.append(line(62, scale(view.tolerance), width - 8, scale(view.tolerance), "s-tol"))
    parts += _along(xs, worst, scale, "s-err", counted)
    parts.append(x_axis(across, 204, f"{data.label}, {data.unit}" if data.unit else data.label, TICKS, write))
    said = view.say.text(fact("profile", along=data.label, largest=max(worst)))
    if counted and len(at) <= TICKS:
        names = tuple(name for name, _ in view.outputs)
        each = (
            fact("profile-one", name=n, worst=w, rms=r) for n, w, r in zip(names, worst, rms, strict=True)
        )
        said = f"{said}: {view.say.text(fact('profile-each', each=tuple(each)))}"
    return picture(width, 240, said, *parts)


def _along(xs: list[float], values: Sequence[float], scale: Scale, look: str, counted: bool) -> list[Markup]:
    """The values of the outputs: a line along a coordinate, and a mark each where they are only counted."""
    ys = [scale(max(v, scale.low)) if v > 0 else scale.start for v in values]
    if not counted:
        return [path(xs, ys, look)]
    half = 9.0 if len(xs) <= TICKS else 3.0
    marks = [line(x - half, y, x + half, y, look) for x, y, v in zip(xs, ys, values, strict=True) if v > 0]
    # A logarithmic axis has no zero: it is written above the axis.
    zeros = [text(x, scale.start - 5, "0", "tk", "middle") for x, v in zip(xs, values, strict=True) if v == 0]
    return [*marks, *zeros] if len(xs) <= TICKS else marks


def profile_rows(view: View) -> list[tuple[str, str, str]]:
    """The numbers of the chart: each output with its largest and its RMS error; of many outputs the worst ones."""
    data = view.charts.profile
    if data is None:
        return []
    named = _counted(view, data)
    names = [name for name, _ in view.outputs] if named else [num(at, 6) for at in data.coordinate]
    rows = sorted(
        zip(names, data.worst, data.rms, strict=True),
        key=lambda row: -row[1] if row[1] == row[1] else math.inf,
    )
    return [(name, view.error(worst), view.error(rms)) for name, worst, rms in rows[:MOST_ROWS]]


def _counted(view: View, data: ProfileRecord) -> bool:
    """Whether the outputs are only counted: they have names, but no coordinates."""
    return data.label == "output" and data.coordinate == tuple(range(1, len(view.outputs) + 1))


def profile_words(view: View) -> str:
    """Where along the outputs the largest error sits."""
    data = view.charts.profile
    finite = (
        []
        if data is None
        else [e for e in zip(data.worst, data.coordinate, strict=True) if not math.isnan(e[0])]
    )
    if data is None or not finite:
        return ""
    error, where = max(finite)
    position = f"{data.label} {num(where, 4)} {data.unit}".rstrip()
    listed = view.record.outputs_total > len(data.coordinate) == len(view.outputs)
    if _counted(view, data) or listed:
        position = view.outputs[data.coordinate.index(where)][0]
    return view.say.text(fact("profile-worst", error=error, output=position))
