"""Pictures of fields: the map of the largest errors, both fields around a peak, errors by lead time, and a spectrum."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from supnorm.pages.ramp import DARK, LIGHT, ColourScale, field, png
from supnorm.pages.svg import Scale, el, join, line, path, picture, rect, span, text, x_axis, y_axis
from supnorm.results.fields import EventRecord, FieldVariableRecord
from supnorm.results.numbers import num, pretty_unit
from supnorm.wording import Narrator, fact
from supnorm.wording.fields_page import TEMPLATES

Floats = NDArray[np.float64]
SAY = Narrator(TEMPLATES)
RINGS = 9
LINES = (("sup", "largest error", "s-mod"), ("q999", "99.9 % level", "s-pl"), ("rms", "RMS error", "s-ref"))
# Both fields of a patch have one scale: blue to red through white would need a middle that fields do not have.
FRAME = 118.0  # pixels of one picture of a patch


def sup_map(variable: FieldVariableRecord, width: int) -> Markup:
    """The largest error in each part of the grid, with rings around the first events; empty if nothing was compared."""
    cells = _cells(variable.sup_map["largest"])
    scale = scale_of(cells, variable.rms)
    if scale is None:
        return Markup("")
    grid = variable.grid
    left, top, right = 46.0, 16.0, width - 10.0
    aspect = cells.shape[0] / cells.shape[1] if not grid.sphere else _aspect(variable)
    height = round(min(max((right - left) * aspect, 80.0), 1.1 * (right - left), 520.0))
    # Rows run from south to north: row 0 of the picture is at its bottom.
    rising = grid.last[0] > grid.first[0]
    values = cells if rising else cells[::-1]
    west, east = variable.sup_map.get("across", (grid.first[1], grid.last[1]))
    if west > east:
        values = values[:, ::-1]
    up = Scale(*_borders(grid.first[0], grid.last[0], grid.rows), top + height, top)
    across = Scale(*_borders(west, east, grid.columns), left, right)
    parts = [field(values, scale, left, top, right - left, height), text(2, 9, grid.names[0], "lb")]
    parts += [text(left - 6, up(v) + 4, num(v), "tk", "end") for v in up.ticks(5)]
    parts.append(x_axis(across, top + height, grid.names[1], 6 if width > 500 else 3))
    for i, event in reversed(list(enumerate(variable.events[:RINGS]))):
        y, x = (event.peak.at.get(name) for name in grid.names)
        if isinstance(y, float) and isinstance(x, float):
            x = across.low + (x - across.low) % 360.0 if grid.sphere else x
            parts.append(_ring(across(x), up(y), str(i + 1), right))
    said = SAY.text(fact("map", name=variable.name, largest=variable.compared_sup))
    return picture(width, top + height + 38, said, *parts)


def _borders(first: float, last: float, n: int) -> tuple[float, float]:
    """The borders of the outer cells of an axis, whose points lie in the middle of cells; the lower one first."""
    half = abs(last - first) / (n - 1) / 2 if n > 1 else 0.5
    return min(first, last) - half, max(first, last) + half


def _ring(x: float, y: float, number: str, right: float) -> Markup:
    """An open ring around a place, so that the cell in it stays visible, with a number beside it and within the picture."""
    beside, anchor = (x + 11, "start") if x + 24 < right else (x - 11, "end")
    circles = [el("circle", cx=x, cy=y, r=8, class_=kind) for kind in ("halo", "ring")]
    return el("g", *circles, text(beside, y + 4, number, "", anchor), class_="ringed")


def _aspect(variable: FieldVariableRecord) -> float:
    tall, wide = (abs(b - a) for a, b in zip(variable.grid.first, variable.grid.last, strict=True))
    return tall / wide if wide else 1.0


def _cells(values: Sequence[Sequence[float | None]]) -> Floats:
    return np.array([[math.nan if v is None else v for v in row] for row in values], dtype=float)


def scale_of(cells: Floats, typical: float) -> ColourScale | None:
    """Colours from the typical error, or the least of the cells, to the largest; None where nothing is above 0."""
    positive = cells[np.isfinite(cells) & (cells > 0)]
    if not positive.size:
        return None
    high = float(positive.max())
    low = max(float(np.quantile(positive, 0.02)), typical / 30 if typical > 0 else 0.0)
    return ColourScale(min(low, high / 3), high)


def colour_bar(variable: FieldVariableRecord) -> Markup:
    """The scale of the map."""
    scale = scale_of(_cells(variable.sup_map["largest"]), variable.rms)
    return (
        Markup("") if scale is None else bar(scale, SAY.text(fact("colours", low=scale.low, high=scale.high)))
    )


def bar(scale: ColourScale, said: str) -> Markup:
    """A scale of colours with its numbers."""
    from supnorm.pages.ramp import ramp

    across = Scale(scale.low, scale.high, 8, 232, log=True)
    parts = [
        rect(8 + i * 224 / 24, 2, 9.6, 10, kind, fill=f"rgb({r},{g},{b})")
        for kind, stops in (("only-light", LIGHT), ("only-dark", DARK))
        for i, (r, g, b) in enumerate(ramp(stops, 24).tolist())
    ]
    ticks = across.ticks(3)
    if len(ticks) < 2:  # less than a decade: both ends
        parts += [text(8, 26, num(scale.low), "tk"), text(232, 26, num(scale.high), "tk", "end")]
    else:
        parts += [text(across(v), 26, num(v), "tk", "middle") for v in ticks]
    return picture(240, 30, said, *parts)


def patch(event: EventRecord, rising: bool) -> Markup:
    """Truth, prediction and error around the peak of an event, side by side; both fields have one scale."""
    if not event.patch:
        return Markup("")
    truth, prediction = (_cells(event.patch[name]) for name in ("truth", "prediction"))
    error = np.abs(prediction - truth)
    both = np.concatenate([truth.ravel(), prediction.ravel()])
    both = both[np.isfinite(both)]
    low, high = (float(both.min()), float(both.max())) if both.size else (0.0, 1.0)
    largest = float(np.nanmax(error)) if np.isfinite(error).any() else 1.0
    parts = []
    for k, (values, name, ends) in enumerate(
        (
            (truth, "truth", (low, high)),
            (prediction, "prediction", (low, high)),
            (error, "error", (0.0, largest)),
        )
    ):
        x = k * (FRAME + 10.0)
        shown = values if rising else values[::-1]
        parts += [
            _linear(shown, ends, x, 16.0),
            text(x, 11, name if name == "prediction" else f"{name}, {num(ends[0])} to {num(ends[1])}", "tk"),
        ]
    return picture(3 * FRAME + 22, FRAME + 18, "truth, prediction and error around the peak", *parts)


def _linear(values: Floats, ends: tuple[float, float], x: float, y: float) -> Markup:
    from supnorm.pages.ramp import LEVELS

    width = max(ends[1] - ends[0], 1e-300)
    index = np.clip((np.nan_to_num(values) - ends[0]) / width * LEVELS, 0, LEVELS - 1)
    levels = np.where(np.isfinite(values), index, LEVELS).astype(np.uint8)
    box = {
        "x": f"{x:.0f}",
        "y": f"{y:.0f}",
        "width": f"{FRAME:.0f}",
        "height": f"{FRAME:.0f}",
        "preserveAspectRatio_": "none",
    }
    images = [
        el("image", class_=kind, **box, href=png(levels, stops), style="image-rendering:pixelated")
        for kind, stops in (("only-light", LIGHT), ("only-dark", DARK))
    ]
    return join([rect(x, y, FRAME, FRAME, "nodata"), *images, rect(x, y, FRAME, FRAME, "frame")])


def by_lead(variable: FieldVariableRecord, width: int) -> Markup:
    """Largest error, 99.9 % level and RMS error by lead time; empty for a single lead time."""
    rows = [r for r in variable.by_lead if r.n]
    if len(rows) < 2:
        return Markup("")
    values = {
        "sup": [r.sup for r in rows],
        "q999": [r.quantiles["0.999"][1] if r.quantiles else math.nan for r in rows],
        "rms": [r.rms for r in rows],
    }
    tolerance = math.nan if variable.tolerance is None else variable.tolerance
    limits = span([*(v for one in values.values() for v in one), tolerance], log=True)
    if not limits:
        return Markup("")
    left, right, base = 62.0, width - (130.0 if width > 500 else 70.0), 236.0
    across = Scale(rows[0].hours, rows[-1].hours, left, right)
    up = Scale(*limits, base, 24.0, log=True)
    parts = [y_axis(up, left, right, 5), text(2, 12, _unit("error", pretty_unit(variable.unit)), "lb")]
    if limits[0] < tolerance < limits[1]:
        parts += [line(left, up(tolerance), right, up(tolerance), "s-tol")]
        parts += [text(left + 4, up(tolerance) - 5, "tolerance", "tk")]
    hours = [r.hours for r in rows]
    parts += _lines([(hours, values[key], name, kind) for key, name, kind in LINES], across, up, width)
    dated = any(rows[-1].lead.endswith(end) for end in (" h", " d", " min"))
    parts.append(x_axis(across, base, "lead time, hours" if dated else "lead time", 6 if width > 500 else 3))
    return picture(width, int(base) + 46, SAY.text(fact("lead-chart", name=variable.name)), *parts)


def _lines(
    series: Sequence[tuple[Sequence[float], Sequence[float], str, str]], across: Scale, up: Scale, width: int
) -> list[Markup]:
    """Lines with their names at the right end, from top to bottom; values that a logarithm has not are left out."""
    parts, last = [], 0.0
    for xs, ys, name, kind in series:
        there = [(across(x), up(y)) for x, y in zip(xs, ys, strict=True) if math.isfinite(y) and y > 0]
        if there:
            parts.append(path([x for x, _ in there], [y for _, y in there], kind))
            last = max(there[-1][1] + 4, last + 14.0)
            parts.append(text(across.end + 6, last, name if width > 500 else name.split()[0], "tk"))
    return parts


def spectrum(variable: FieldVariableRecord, width: int) -> Markup:
    """Power of prediction and of error over that of the truth, by wavenumber; empty without a spectrum."""
    found = variable.spectrum
    if found is None or sum(math.isfinite(v) for v in found.error_ratio) < 4:
        return Markup("")
    waves = [float(k) for k in range(1, len(found.power_ratio) + 1)]
    limits = span([v for v in (*found.power_ratio, *found.error_ratio, 1.0) if math.isfinite(v)], log=True)
    if not limits:
        return Markup("")
    left, right, base = 62.0, width - (110.0 if width > 500 else 70.0), 216.0
    across = Scale(1, waves[-1], left, right, log=True)
    up = Scale(max(limits[0], 1e-6), limits[1], base, 24.0, log=True)
    parts = [y_axis(up, left, right, 4), text(2, 12, "power over that of the truth", "lb")]
    parts.append(line(left, up(1.0), right, up(1.0), "gr"))
    both = ((waves, found.power_ratio, "prediction", "s-mod"), (waves, found.error_ratio, "error", "s-pl"))
    parts += _lines(both, across, up, width)
    parts.append(x_axis(across, base, "zonal wavenumber", 5 if width > 500 else 3))
    return picture(width, int(base) + 46, SAY.text(fact("spectrum-chart", name=variable.name)), *parts)


def _unit(what: str, unit: str) -> str:
    return f"{what}, {unit}" if unit else what


def rising(variable: FieldVariableRecord) -> bool:
    """Whether rows run upwards in the picture."""
    return variable.grid.last[0] > variable.grid.first[0]
