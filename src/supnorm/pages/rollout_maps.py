"""Pictures of a field at the step of its largest error: the reference, the model, and what is between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from supnorm.pages.ramp import DARK, LEVELS, LIGHT, png, px_int
from supnorm.pages.svg import NARROW, WIDE, el, picture, rect, ring, text
from supnorm.results.rollout import VariableRecord
from supnorm.wording import Narrator, fact
from supnorm.wording.rollout import TEMPLATES

HEIGHT = 30.0  # of the words below a picture


def maps(one: VariableRecord) -> tuple[Markup, Markup]:
    """Three pictures, side by side on a wide page and one below the other on a narrow one."""
    return drawn(one, WIDE, 3), drawn(one, NARROW, 1)


def drawn(one: VariableRecord, width: int, columns: int) -> Markup:
    """The pictures of a variable.

    Args:
        one: a variable that has a ``map``.
        width: of them all, in pixels.
        columns: how many stand side by side.
    """
    fields = {name: _grid(one.map[name]) for name in ("reference", "model", "error")}
    gap = 14.0
    each = (width - gap * (columns - 1)) / columns
    rows, cells = fields["error"].shape
    tall = float(min(max(each * rows / cells, 40.0), 1.5 * each))
    low, high = _ends(fields["reference"])
    largest = float(np.nanmax(np.abs(fields["error"]), initial=0.0)) or 1.0
    limits = {"reference": (low, high), "model": (low, high), "error": (0.0, largest)}
    say = Narrator(TEMPLATES).text
    words = {
        "reference": say(fact("map-reference", low=low, high=high)),
        "model": say(fact("map-model")),
        "error": say(fact("map-error", largest=largest)),
    }
    parts: list[Markup] = []
    for k, (name, values) in enumerate(fields.items()):
        x, y = (k % columns) * (each + gap), (k // columns) * (tall + HEIGHT)
        shown = np.abs(values) if name == "error" else values
        parts += _picture(shown, limits[name], x, y, each, tall)
        if name == "error" and one.worst_finite is not None:
            parts += _mark(one, x, y, each, tall)
        parts.append(text(x, y + tall + 15, words[name], "tk"))
    height = -(-3 // columns) * (tall + HEIGHT)
    across, up = one.map["axes"][1], one.map["axes"][0]
    ends = {
        f"{k}_{end}": axis[end] for k, axis in (("x", across), ("y", up)) for end in ("name", "low", "high")
    }
    label = say(fact("map-label", variable=one.name, **ends))
    return picture(width, height, label, *parts)


def _grid(rows: Any) -> NDArray[np.float64]:
    return np.array([[np.nan if v is None else float(v) for v in row] for row in rows])


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _picture(
    values: NDArray[np.float64], ends: tuple[float, float], x: float, y: float, width: float, height: float
) -> list[Markup]:
    part = np.clip((np.nan_to_num(values) - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)
    index = np.minimum((part * LEVELS).astype(int), LEVELS - 1)
    levels = np.where(np.isnan(values), LEVELS, index).astype(np.uint8)
    box = {"x": px_int(x), "y": px_int(y), "width": px_int(width), "height": px_int(height)}
    images = [
        el("image", class_=kind, **box, preserveAspectRatio_="none", href=png(levels, stops))
        for kind, stops in (("only-light", LIGHT), ("only-dark", DARK))
    ]
    return [rect(x, y, width, height, "nodata"), *images, rect(x, y, width, height, "frame")]


def _mark(one: VariableRecord, x: float, y: float, width: float, height: float) -> list[Markup]:
    """A ring round the largest error."""
    assert one.worst_finite is not None
    row, column = one.worst_finite.index[-2:]
    rows, columns = one.shape[-2:]
    across, down = x + width * (column + 0.5) / columns, y + height * (1 - (row + 0.5) / rows)
    return [ring(across, down)]
