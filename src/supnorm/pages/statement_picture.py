"""The picture on the page of a proof: a curve with its proved band for one input, a map for two."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from supnorm.pages.ramp import DARK, LETTER, LIGHT, ColourScale, field, ramp
from supnorm.pages.svg import (
    Floats,
    Scale,
    area,
    el,
    join,
    line,
    path,
    picture,
    rect,
    ring,
    span,
    text,
    x_axis,
    y_axis,
)
from supnorm.results.about import AboutRecord, PictureRecord
from supnorm.results.numbers import num, pretty_unit
from supnorm.results.parts import AxisRecord


@dataclass(frozen=True)
class Seen:
    """The point of the largest error that was computed: its inputs by name, and the error."""

    x: Mapping[str, float]
    error: float


def picture_of(drawn: tuple[AboutRecord, Seen | None], width: int) -> Markup:
    """The picture, ``width`` pixels wide, of an error with a mark at its point; empty where there is no value."""
    about, seen = drawn
    shown = about.picture
    if shown is None:
        return Markup("")
    values = np.array(shown.values, dtype=float)
    if not np.isfinite(values).any():
        return Markup("")
    if seen is not None and (shown.what != "error" or any(axis.name not in seen.x for axis in about.inputs)):
        seen = None
    return (
        _map(about, shown, values, width, seen) if shown.y else _curve(about, shown, values[0], width, seen)
    )


def _axis_name(axis: AxisRecord) -> str:
    unit = pretty_unit(axis.unit)
    return f"{axis.name} ({unit})" if unit else axis.name


def _quantity(about: AboutRecord, what: str) -> str:
    unit = pretty_unit(about.unit)
    return f"{what} ({unit})" if unit else what


def _curve(about: AboutRecord, shown: PictureRecord, values: Floats, width: int, seen: Seen | None) -> Markup:
    """The values over the input; the band around the curve of a model, or the bounds of an error."""
    x, band = np.array(shown.x), shown.band
    around = values if shown.what == "model" else np.zeros_like(values)
    signs = (
        [-1.0, 1.0] if shown.what == "model" or np.nanmin(values) < 0.0 else [1.0]
    )  # many errors are sizes
    ends = [*values] if band is None else [*values, *(v for sign in signs for v in around + sign * band)]
    ends += [] if shown.what == "model" else [0.0]
    at = math.nan if seen is None else seen.x[about.inputs[0].name]
    # The curve may be signed, and the largest error is a size; between its points the curve may miss it.
    height = math.nan if seen is None else math.copysign(seen.error, values[int(np.argmin(np.abs(x - at)))])
    ends += [height] if math.isfinite(height) else []
    limits = span(ends)
    if limits is None:
        return Markup("")
    left, right, base = 66.0, width - 20.0, 254.0
    across = Scale(float(x[0]), float(x[-1]), left, right, log=about.inputs[0].scale == "log")
    up = Scale(*limits, base, 24.0)
    wide = width > 500
    parts = [y_axis(up, left, right, 5), text(2, 12, _quantity(about, shown.what), "lb")]
    pixels = [across(v) for v in x]
    if band is not None and shown.what == "model":
        parts.append(area(pixels, [up(v) for v in around + band], [up(v) for v in around - band], "band"))
    elif band is not None:
        parts += [line(left, up(sign * band), right, up(sign * band), "s-tol") for sign in signs]
        parts.append(text(left + 4, up(band) - 5, "proved bound", "tk"))
    parts.append(path(pixels, [up(v) for v in values], "s-mod"))
    parts += (
        [el("circle", class_="dot", cx=across(at), cy=up(height), r=4.0)] if math.isfinite(height) else []
    )
    parts.append(x_axis(across, base, _axis_name(about.inputs[0]), 6 if wide else 3))
    return picture(width, base + 46, f"{shown.what} over {about.inputs[0].name}", *parts)


def _map(about: AboutRecord, shown: PictureRecord, values: Floats, width: int, seen: Seen | None) -> Markup:
    """Sizes as colours on a logarithmic scale, values of a model on a linear one."""
    first, second = about.inputs
    left, top, height = 66.0, 30.0, 300.0
    side = min(width - left - 20.0, 560.0)
    across = Scale(first.low, first.high, left, left + side, log=first.scale == "log")
    up = Scale(second.low, second.high, top + height, top, log=second.scale == "log")
    sizes = values if shown.what == "model" else np.abs(values)
    kept = sizes[np.isfinite(sizes)]
    least, most = float(kept.min()), float(kept.max())
    plain = shown.what == "model"
    # A scale of colours is logarithmic: values of a model are moved onto a linear part of it.
    floor = max(float(np.quantile(kept, 0.02)), most * 1e-6, 1e-300)
    low, high = (least, most) if plain else (min(floor, most / 3) if most > 0 else 1e-300, max(most, 3e-300))
    drawn = np.exp((sizes - low) / max(high - low, 1e-300)) if plain else sizes
    scale = ColourScale(1.0, math.e) if plain else ColourScale(low, high)
    parts = [text(2, 12, _axis_name(second), "lb"), field(drawn, scale, left, top, side, height)]
    parts += [] if seen is None else [ring(across(seen.x[first.name]), up(seen.x[second.name]))]
    parts += [text(left - 6, up(v) + 4, num(v), "tk", "end") for v in up.ticks(4)]
    parts.append(x_axis(across, top + height, _axis_name(first), 6 if width > 500 else 3))
    if plain or most > 0.0:
        parts.append(
            _scale(about, shown, Scale(low, high, left, left + 224.0, log=not plain), top + height + 66)
        )
    else:
        parts.append(text(left, top + height + 60, _quantity(about, shown.what), "tk"))
        parts.append(text(left, top + height + 78, num(0.0), "tk"))
    return picture(width, top + height + 110, f"{shown.what} over {first.name} and {second.name}", *parts)


def _scale(about: AboutRecord, shown: PictureRecord, across: Scale, y: float) -> Markup:
    parts = []
    for kind, stops in (("only-light", LIGHT), ("only-dark", DARK)):
        for i, (r, g, b) in enumerate(ramp(stops, 24).tolist()):
            parts.append(rect(across.start + i * 224 / 24, y, 9.6, 10, kind, fill=f"rgb({r},{g},{b})"))
    end = -math.inf
    for v in across.ticks(3):
        half = LETTER * len(num(v)) / 2
        if across(v) - half > end:
            parts.append(text(across(v), y + 24, num(v), "tk", "middle"))
            end = across(v) + half
    parts.append(text(across.start, y - 6, _quantity(about, shown.what), "tk"))
    return join(parts)
