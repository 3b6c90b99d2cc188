"""Values to colours: a ramp of rising contrast with the page, and a paletted PNG as data URI.

Light pages: cream, amber, vermilion, plum (monotone in luminance). Dark pages: the reverse order of
luminance, so that the largest error always contrasts most with the page. Both pictures are in the file
and CSS shows one.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from supnorm.pages.svg import Scale, el, join, line, picture, rect, text
from supnorm.pages.view import View
from supnorm.results import rounded_up
from supnorm.wording import fact

LIGHT = ((246, 244, 238), (243, 217, 164), (231, 160, 60), (206, 90, 30), (141, 33, 46), (50, 16, 46))
DARK = ((28, 31, 38), (74, 39, 67), (147, 50, 63), (212, 96, 41), (239, 172, 74), (255, 243, 200))
LEVELS = 64


def ramp(stops: Sequence[tuple[int, int, int]], n: int = LEVELS) -> NDArray[np.uint8]:
    """``n`` colours between the stops, shape ``(n, 3)``."""
    at = np.linspace(0, len(stops) - 1, n)
    table = np.asarray(stops, float)
    mixed = np.column_stack([np.interp(at, np.arange(len(stops)), table[:, k]) for k in range(3)])
    return mixed.round().astype(np.uint8)


@dataclass(frozen=True)
class ColourScale:
    """Logarithmic colour scale of the error."""

    low: float
    high: float

    def levels(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Palette index of each value; ``LEVELS`` (transparent) where there is none."""
        clipped = np.clip(np.nan_to_num(values, nan=self.low, posinf=self.high), self.low, self.high)
        part = np.log(clipped / self.low) / math.log(self.high / self.low)
        index = np.minimum((part * LEVELS).astype(int), LEVELS - 1)
        return np.where(np.isnan(values), LEVELS, index).astype(np.uint8)


def colour_scale(view: View, grids: Sequence[NDArray[np.float64]]) -> ColourScale | None:
    """One scale for all grids: from the 2 % quantile, or the typical error / 30 if larger, to the largest."""
    cells = np.concatenate([g.ravel() for g in grids]) if grids else np.array([])
    cells = cells[np.isfinite(cells) & (cells > 0)]
    if not cells.size:
        return None
    high = float(cells.max())
    low = max(float(np.quantile(cells, 0.02)), view.floor / 30 if view.floor > 0 else 0.0)
    return ColourScale(min(low, high / 3), high)


LETTER = 6.5  # width of one of the numbers below the scale, with a share of the space between two numbers


def png(levels: NDArray[np.uint8], stops: Sequence[tuple[int, int, int]]) -> str:
    """A paletted PNG as data URI. Row 0 of ``levels`` is the bottom row of the picture."""
    from PIL import Image

    image = Image.fromarray(np.ascontiguousarray(levels[::-1]), mode=None)
    image = image.convert("L")
    image.putpalette([*ramp(stops).ravel().tolist(), 128, 128, 128])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True, transparency=LEVELS)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def field(
    values: NDArray[np.float64], scale: ColourScale, x: float, y: float, width: float, height: float
) -> Markup:
    """The picture of a grid in its frame, once for light and once for dark pages."""
    levels = scale.levels(values)
    box = {"x": px_int(x), "y": px_int(y), "width": px_int(width), "height": px_int(height)}
    images = [
        el("image", class_=kind, **box, preserveAspectRatio_="none", href=png(levels, stops))
        for kind, stops in (("only-light", LIGHT), ("only-dark", DARK))
    ]
    return join([rect(x, y, width, height, "nodata"), *images, rect(x, y, width, height, "frame")])


def px_int(value: float) -> str:
    """A coordinate of a picture: whole pixels, so that cells stay sharp."""
    return f"{value:.0f}"


def legend_words(view: View, scale: ColourScale | None, bound: bool = False) -> str:
    """What stands beside a colour scale: what it shows, the error or its ``bound``, and what the bar is if there is one."""
    bar = scale is not None and _has_bar(view, scale)
    return view.say.text(fact("legend", bound=bound, what=view.error.name, bar=bar))


def _has_bar(view: View, scale: ColourScale) -> bool:
    return scale.low <= view.tolerance <= scale.high


def legend(view: View, scale: ColourScale, bound: bool = False) -> Markup:
    """The colour scale of the error, or of its ``bound``, with its numbers and a bar at the tolerance."""
    across = Scale(scale.low, scale.high, 8, 232, log=True)
    parts = []
    for kind, stops in (("only-light", LIGHT), ("only-dark", DARK)):
        for i, (r, g, b) in enumerate(ramp(stops, 24).tolist()):
            parts.append(rect(8 + i * 224 / 24, 2, 9.6, 10, kind, fill=f"rgb({r},{g},{b})"))
    if _has_bar(view, scale):
        parts.append(el("path", class_="tolmark", d=f"M{across(view.tolerance):.1f} 0v14"))
    end, last = -math.inf, math.inf
    if bound and 0 < view.upper < math.inf:  # the number that the picture is about
        word, at = view.error.bare(rounded_up(view.upper, 3)), min(across(view.upper), 232.0)
        parts += [text(at, 26, word, "tk b", "end"), line(at, 0, at, 14, "bdmark")]
        last = at - LETTER * len(word)
    for v in across.ticks(3):
        word = view.error.bare(v)
        half = LETTER * len(word) / 2 + 3
        if across(v) - half > end and across(v) + half < last:  # numbers do not run into each other
            parts.append(text(across(v), 26, word, "tk", "middle"))
            end = across(v) + half
    said = view.say.text(fact("colours", bound=bound, low=scale.low, high=scale.high))
    return picture(240, 30, said, *parts)
