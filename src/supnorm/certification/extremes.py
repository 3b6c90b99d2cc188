"""Claims about the smallest and the largest value of quantities of a model, from parts that bound them.

A quantity is an output k of the model (``"0"``), a derivative of it by inputs (``"0/1"``, ``"0/1/1"``) or the sum of the
squares of all its derivatives (``"0/*"``). A part is named by extreme and quantity: ``"min 0/1"`` bounds the quantity
minus its shift S from below (side under), ``"max 0"`` from above (side over), ``"size 0/1"`` its size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from supnorm.certification.exactly import Bracket, Proved, down, root_down, root_up, up

SIDES = {"min": "under", "max": "over", "size": "both"}


def part_names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The parts that a property needs.

    >>> part_names({"property": "monotone", "output": 0, "axis": 1, "sign": -1})
    ('max 0/1',)
    """
    k, kind = entry["output"], entry["property"]
    if kind == "positive":
        return (f"min {k}",)
    if kind == "bounded":  # an open end needs no part
        ends = (("min", entry["low"]), ("max", entry["high"]))
        return tuple(f"{extreme} {k}" for extreme, end in ends if math.isfinite(float.fromhex(end)))
    if kind == "lipschitz":
        return (f"max {k}/*",) if entry.get("axis") is None else (f"size {k}/{entry['axis']}",)
    axis, extreme = entry["axis"], "min" if entry["sign"] > 0 else "max"
    return (f"{extreme} {k}/{axis}",) if kind == "monotone" else (f"{extreme} {k}/{axis}/{axis}",)


def extreme(name: str, shift: Fraction, proved: Proved) -> Bracket:
    """The bracket of an extreme from the worst error of its part."""
    which, quantity = name.split(" ")
    low = proved.lower if proved.lower > 0 else None  # an error of zero says nothing about the quantity
    if which == "min":
        return down(None if proved.upper is None else shift - proved.upper), up(
            None if low is None else shift - low
        )
    if which == "max" and not quantity.endswith("/*"):
        return down(None if low is None else shift + low), up(
            None if proved.upper is None else shift + proved.upper
        )
    if which == "max":
        return root_down(proved.lower), root_up(proved.upper)
    return down(proved.lower), up(proved.upper)


def claims(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> dict[str, Bracket]:
    """The bracket of each extreme that the properties need."""
    shifts = {name: Fraction(float.fromhex(v)) for name, v in data["shifts"].items()}
    return {name: extreme(name, shifts.get(name, Fraction(0)), one) for name, one in proved.items()}


def verdict(entry: Mapping[str, Any], claims: Mapping[str, Bracket]) -> str:
    """Whether a property is "proved", "refuted" or "undecided" by what is claimed of its extremes.

    >>> verdict({"property": "positive", "output": 0}, {"min 0": (0.1, 0.2)})
    'proved'
    """
    ends = [claims[name] for name in part_names(entry)]
    kind = entry["property"]
    if kind == "positive":
        return _of(ends[0][0] > 0.0, ends[0][1] <= 0.0)
    if kind == "bounded":
        inner = {"min": (-math.inf, math.inf), "max": (-math.inf, math.inf)}
        inner |= {name.split(" ")[0]: claims[name] for name in part_names(entry)}
        low, high = float.fromhex(entry["low"]), float.fromhex(entry["high"])
        (a, b), (c, e) = inner["min"], inner["max"]
        return _of(low <= a and e <= high, b < low or c > high)
    if kind == "lipschitz":
        return _of(ends[0][1] < math.inf, False)
    (a, b), sign = ends[0], entry["sign"]
    return _of(a >= 0.0, b < 0.0) if sign > 0 else _of(b <= 0.0, a > 0.0)


def _of(proved: bool, refuted: bool) -> str:
    return "proved" if proved else "refuted" if refuted else "undecided"
