"""SVG as text: elements, scales with round ticks, axes, and lines thinned so that no spike is lost.

Every function returns a `Markup` string; text and attributes are escaped here and nowhere else.
"""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from supnorm.results.numbers import num

Floats = NDArray[np.float64]


WIDE, HALF, NARROW = 860, 420, 342


def two_sizes(draw: Callable[[Any, int], Markup], data: Any, wide: int = WIDE) -> tuple[Markup, Markup]:
    """A chart drawn wide and narrow: CSS shows one, so that text is never scaled below 11 px on a phone."""
    return draw(data, wide), draw(data, NARROW)


def el(tag: str, *content: str, **attributes: Any) -> Markup:
    """One element. ``_`` in names becomes ``-``; a trailing ``_`` is dropped (``class_``).

    >>> el("text", "a < b", x=1.04, class_="tk")
    Markup('<text x="1" class="tk">a &lt; b</text>')
    """
    head = "".join(f' {_name(k)}="{escape(_value(v))}"' for k, v in attributes.items() if v is not None)
    if not content:
        return Markup(f"<{tag}{head}/>")
    return Markup(f"<{tag}{head}>{''.join(escape(c) for c in content)}</{tag}>")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-") if key != "viewBox" else key


def _value(value: Any) -> Any:
    return px(value) if isinstance(value, float) else value


def px(value: float) -> str:
    """A coordinate with one decimal.

    >>> px(12.04), px(-0.04), px(3.25)
    ('12', '0', '3.2')
    """
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def join(parts: Iterable[str]) -> Markup:
    """Concatenate markup."""
    return Markup("").join(parts)


def _finite(value: Any) -> Any:
    """With null for every number that is not finite: 1.7976e308 in four digits is more than a float holds."""
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def picture(
    width: float, height: float, label: str, *content: str, hover: dict[str, Any] | None = None
) -> Markup:
    """A whole ``<svg>`` with its label; with ``hover`` it can be read out by pointer and arrow keys."""
    extra: dict[str, Any] = {}
    if hover:
        extra = {
            "tabindex": 0,
            "data_hover": json.dumps(
                _finite(hover), separators=(",", ":"), ensure_ascii=False, allow_nan=False
            ),
        }
    return el(
        "svg",
        *content,
        viewBox=f"0 0 {px(width)} {px(height)}",
        width=px(width),
        height=px(height),
        role="img",
        aria_label=label,
        **extra,
    )


def text(x: float, y: float, words: str, kind: str = "tk", anchor: str = "start") -> Markup:
    """A label."""
    return el("text", words, class_=kind, x=float(x), y=float(y), text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    """A straight line."""
    return el("line", class_=kind, x1=float(x1), x2=float(x2), y1=float(y1), y2=float(y2))


def ring(x: float, y: float) -> Markup:
    """The ring round a point of a map or a curve."""
    return el("circle", class_="pinw", cx=float(x), cy=float(y), r=4)


def rect(x: float, y: float, width: float, height: float, kind: str, **more: Any) -> Markup:
    """A rectangle."""
    return el(
        "rect",
        class_=kind,
        x=float(x),
        y=float(y),
        width=float(max(width, 0)),
        height=float(max(height, 0)),
        **more,
    )


@dataclass(frozen=True)
class Scale:
    """From a value to a pixel, linear or logarithmic; values outside are held at the ends.

    No end lies beyond `FAR`, that of a logarithm not below 1/`FAR` either: quotients and differences stay finite.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __post_init__(self) -> None:
        least = 1 / FAR if self.log else -FAR
        for name in ("low", "high"):
            object.__setattr__(self, name, min(max(getattr(self, name), least), FAR))

    def __call__(self, value: float) -> float:
        """The pixel of ``value``; NaN stays NaN."""
        if math.isnan(value):
            return math.nan
        value = min(max(value, self.low), self.high)
        if not self.high > self.low:  # an axis with a single value
            part = 0.5
        elif self.log:
            part = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """At most about ``most`` round values in the range."""
        return log_ticks(self.low, self.high, most) if self.log else linear_ticks(self.low, self.high, most)


@dataclass(frozen=True)
class Bands(Scale):
    """A list of values in ascending order: each stands in the middle of a band, all of one width.

    >>> Bands(2, 16, 0, 80, values=(2, 4, 8, 16))(4)
    30.0
    """

    values: tuple[float, ...] = ()

    def __call__(self, value: float) -> float:
        """The pixel of the nearest value; NaN stays NaN."""
        if math.isnan(value):
            return math.nan
        above = bisect.bisect_left(self.values, value)
        near = range(max(above - 1, 0), min(above + 1, len(self.values)))
        at = min(near, key=lambda i: abs(self.values[i] - value))
        return self.start + (at + 0.5) / len(self.values) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """At most ``most`` of the values."""
        return list(self.values[:: math.ceil(len(self.values) / most)])


FAR = 1e305  # no axis goes further: the numbers on it are written in percent as well


def span(values: Iterable[float], log: bool = False, pad: float = 0.06) -> tuple[float, float] | None:
    """Range of the finite values (positive ones for a log scale) with a margin; None when there are none."""
    kept = [min(max(v, -FAR), FAR) for v in values if math.isfinite(v) and (v > 0 or not log)]
    if not kept:
        return None
    low, high = min(kept), max(kept)
    if log:
        return (low / 2, high * 2) if high / low < 4 else widened(low, high, pad, 1.0)
    margin = (high - low) * pad or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def linear_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """
    >>> linear_ticks(0, 10, 5)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    raw = (high - low) / max(most, 1)
    if not raw > 1 / FAR or not math.isfinite(raw):  # below it a step loses its digits
        return [low]
    base = 10.0 ** math.floor(math.log10(raw))
    step = next(f * base for f in (1, 2, 5, 10) if f * base >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    if last <= first and most < 32:
        return linear_ticks(low, high, 2 * most)
    return [k * step for k in range(first, last + 1)]


def widened(low: float, high: float, share: float, least: float = 2.0) -> tuple[float, float]:
    """A logarithmic range with a margin on both sides, a share of it and a factor of ``least`` at least.

    >>> [round(v, 6) for v in widened(1.0, 1e4, 0.25)], widened(1e-10, 1e300, 0.12)[1]
    ([0.1, 100000.0], 1e+305)
    """
    margin = max(math.exp(share * (math.log(high) - math.log(low))), least)
    return max(low / margin, 1 / FAR), min(high * margin, FAR)


def log_ticks(low: float, high: float, most: int = 5) -> list[float]:
    """
    >>> log_ticks(1e-3, 1e3, 3)
    [0.001, 0.1, 10.0, 1000.0]
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    decades = last - first + 1
    if decades >= 2:
        step = max(1, math.ceil((decades - 1) / max(most, 1)))
        return [float(f"1e{k}") for k in range(first, last + 1, step)]
    fine = [m * float(f"1e{k}") for k in range(first - 1, last + 1) for m in (1, 2, 5)]
    inside = [v for v in fine if low <= v <= high]
    return inside or linear_ticks(low, high, 2)


def thin(x: Floats, y: Floats) -> NDArray[np.intp]:
    """Indices that keep first, smallest, largest and last of each pixel column: a spike survives.

    >>> thin(np.array([0.0, 0.1, 0.2, 0.3, 0.4, 1.0]), np.array([0.0, 0, 9, 0, 0, 0])).tolist()
    [0, 2, 4, 5]
    """
    if not len(x):
        return np.array([], dtype=int)
    columns = np.floor(x)
    run = np.r_[0, np.cumsum(columns[1:] != columns[:-1])]
    missing = np.isnan(y)
    rising = np.lexsort((np.where(missing, np.inf, y), run))
    falling = np.lexsort((np.where(missing, np.inf, -y), run))
    starts = np.flatnonzero(np.r_[True, run[1:] != run[:-1]])
    ends = np.r_[starts[1:], len(x)] - 1
    first_gap = np.flatnonzero(missing)[np.unique(run[missing], return_index=True)[1]]
    return np.unique(np.r_[starts, ends, rising[starts], falling[starts], first_gap])


def path(xs: Sequence[float], ys: Sequence[float], kind: str) -> Markup:
    """A line through pixels, broken where a value is missing and thinned per pixel column."""
    x, y = np.asarray(xs, float), np.asarray(ys, float)
    kept = thin(x, y)
    parts, pen = [], False
    for i in kept:
        if math.isnan(y[i]) or math.isnan(x[i]):
            pen = False
            continue
        parts.append(f"{'L' if pen else 'M'}{px(x[i])} {px(y[i])}")
        pen = True
    return el("path", class_=kind, d="".join(parts)) if parts else Markup("")


def area(xs: Sequence[float], upper: Sequence[float], lower: Sequence[float], kind: str) -> Markup:
    """The band between two lines of pixels."""
    points = [(x, u, w) for x, u, w in zip(xs, upper, lower, strict=True) if not math.isnan(x + u + w)]
    if not points:
        return Markup("")
    there = "L".join(f"{px(x)} {px(u)}" for x, u, _ in points)
    back = "L".join(f"{px(x)} {px(w)}" for x, _, w in reversed(points))
    return el("path", class_=kind, d=f"M{there}L{back}Z")


def labels(values: Sequence[float], write: Any = num) -> list[str]:
    """The ticks in words, with as many digits as they need.

    >>> labels([1037.5, 1040.0, 1042.5])
    ['1,037.5', '1,040', '1,042.5']
    """
    if write is not num or len(values) < 2:
        return [str(write(v)) for v in values]
    step = min(abs(b - a) for a, b in pairwise(values))
    digits = 3
    while digits < 13 and max(abs(float(f"{v:.{digits - 1}e}") - v) for v in values) > 0.05 * step:
        digits += 1
    return [num(v, digits) for v in values]


def x_axis(scale: Scale, y: float, label: str, ticks: int = 5, write: Any = num) -> Markup:
    """The horizontal axis with ticks and its label at the right end."""
    parts = [line(scale.start, y, scale.end, y, "ax")]
    values = scale.ticks(ticks)
    for value, said in zip(values, labels(values, write), strict=True):
        at = scale(value)
        parts += [line(at, y, at, y + 4, "ax"), text(at, y + 16, said, "tk", "middle")]
    if label:
        parts.append(text(scale.end, y + 32, label, "lb", "end"))
    return join(parts)


def y_axis(scale: Scale, left: float, right: float, ticks: int = 4, write: Any = num) -> Markup:
    """Horizontal grid lines with their values at the left."""
    parts = []
    values = scale.ticks(ticks)
    for value, said in zip(values, labels(values, write), strict=True):
        at = scale(value)
        parts += [line(left, at, right, at, "gr"), text(left - 6, at + 4, said, "tk", "end")]
    return join(parts)
