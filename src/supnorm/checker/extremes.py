"""The kind "properties": the smallest and largest values of outputs of a model and of their derivatives.

Written from docs/certificate-format.md, "Properties".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flint import arb

from supnorm.checker.derived import Derivation, Operations
from supnorm.checker.rejected import Rejected, exact, whole
from supnorm.checker.statement_parts import Ball, Ends, Expected, Given, Kind

KEYS = {
    "positive": {"output"},
    "bounded": {"output", "low", "high"},
    "lipschitz": {"output", "axis"},
    "monotone": {"output", "axis", "sign"},
    "convex": {"output", "axis", "sign"},
}
VERDICTS = ("proved", "refuted", "undecided")


def _needs(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """The extremes that a property is about: "min", "max" or "size", and the quantity."""
    kind = entry["property"]
    if (
        kind not in KEYS
        or set(entry) != KEYS[kind] | {"property", "verdict"}
        or entry["verdict"] not in VERDICTS
    ):
        raise Rejected("malformed statement: a property that the format does not have")
    y = str(whole(entry["output"]))
    if kind == "positive":
        return [("min", y)]
    if kind == "bounded":
        low, high = exact(entry["low"]), exact(entry["high"])
        limited = [("min", y)] * math.isfinite(low) + [("max", y)] * math.isfinite(high)
        if not limited or not low <= high or low == math.inf or high == -math.inf:
            raise Rejected("malformed statement: limits must be low <= high, one of them finite")
        return limited
    if kind == "lipschitz":
        return [("max", f"{y}/*")] if entry["axis"] is None else [("size", f"{y}/{whole(entry['axis'])}")]
    if whole(entry["sign"]) not in (-1, 1):
        raise Rejected("malformed statement: a sign must be 1 or -1")
    by = f"/{whole(entry['axis'])}"
    return [("min" if entry["sign"] == 1 else "max", y + by * (1 if kind == "monotone" else 2))]


def _properties(given: Given) -> list[dict[str, Any]]:
    if set(given.data) != {"properties", "shifts"} or set(given.programs) != {"model"}:
        raise Rejected("malformed statement: keys of properties")
    entries = list(given.data["properties"])
    if not entries:
        raise Rejected("malformed statement: no property")
    return entries


def _shift(given: Given, which: str, quantity: str) -> float:
    """The constant that is subtracted from a quantity; none has its size or its squares shifted."""
    if which == "size" or quantity.endswith("/*"):
        return 0.0
    value = exact(given.data["shifts"][f"{which} {quantity}"])
    if not math.isfinite(value):
        raise Rejected("malformed statement: a shift must be finite")
    return value


def parts(given: Given, derive: Derivation) -> dict[str, Expected]:
    """One for each extreme: the quantity minus its shift."""
    needed = dict.fromkeys(pair for entry in _properties(given) for pair in _needs(entry))
    shifted = {f"{which} {q}" for which, q in needed if which != "size" and not q.endswith("/*")}
    if set(given.data["shifts"]) != shifted:
        raise Rejected("malformed statement: shifts must be those of the extremes")
    made: dict[str, Operations] = {}
    sides = {"min": "under", "max": "over", "size": "both"}
    expected = {}
    for which, quantity in needed:
        if quantity not in made:
            made[quantity] = _quantity(given, derive, quantity)
        program = made[quantity]
        if f"{which} {quantity}" in shifted:
            program = derive.less_numbers(program, [_shift(given, which, quantity)])
        expected[f"{which} {quantity}"] = Expected(program, sides[which], given.axes)
    return expected


def _quantity(given: Given, derive: Derivation, text: str) -> Operations:
    """An output, then its derivatives."""
    output, *by = text.split("/")
    program = derive.pick(given.programs["model"], [int(output)])
    if by == ["*"]:
        return derive.steepness(program)
    for axis in by:
        program = derive.partial(program, int(axis))
    return program


def derived_from(given: Given, name: str) -> tuple[Operations, ...]:
    """The output of which a part is about a derivative."""
    output, *by = name.split(" ")[1].split("/")
    return (Derivation().pick(given.programs["model"], [int(output)]),) if by else ()


def claims(given: Given, proved: Mapping[str, Ends]) -> dict[str, Ends]:
    """The bracket of each extreme; the verdict of each property has to follow from them."""
    brackets: dict[str, Ends] = {}
    for name, (least, most) in proved.items():
        which, quantity = name.split(" ")
        shift = arb(_shift(given, which, quantity))
        least = least if least is not None and least > 0 else None
        if which == "min":
            brackets[name] = (_minus(shift, most), _minus(shift, least))
        elif quantity.endswith("/*"):
            brackets[name] = (
                arb(0) if least is None else least.sqrt(),
                None if most is None else most.sqrt(),
            )
        elif which == "max":
            brackets[name] = (_plus(shift, least), _plus(shift, most))
        else:
            brackets[name] = (arb(0) if least is None else least, most)
    for entry in _properties(given):
        _verify_verdict(entry, [brackets[f"{which} {quantity}"] for which, quantity in _needs(entry)])
    return brackets


def _minus(a: Ball, b: Ball | None) -> Ball | None:
    return None if b is None else a - b


def _plus(a: Ball, b: Ball | None) -> Ball | None:
    return None if b is None else a + b


def _verify_verdict(entry: dict[str, Any], ends: list[Ends]) -> None:
    """See that a property that is stated to be proved or refuted is."""
    kind, stated = entry["property"], entry["verdict"]
    low, high = ends[0]
    refuted: bool
    if kind == "positive":
        proved, refuted = _holds(low, lambda v: v > 0), _holds(high, lambda v: v <= 0)
    elif kind == "bounded":
        proved, refuted = True, False
        for (which, _), (below, above) in zip(_needs(entry), ends, strict=True):
            limit = exact(entry["low" if which == "min" else "high"])
            if which == "min":
                proved &= _holds(below, lambda v, limit=limit: v >= limit)
                refuted |= _holds(above, lambda v, limit=limit: v < limit)
            else:
                proved &= _holds(above, lambda v, limit=limit: v <= limit)
                refuted |= _holds(below, lambda v, limit=limit: v > limit)
    elif kind == "lipschitz":
        proved, refuted = _holds(high, lambda v: v.is_finite()), False
    elif entry["sign"] == 1:
        proved, refuted = _holds(low, lambda v: v >= 0), _holds(high, lambda v: v < 0)
    else:
        proved, refuted = _holds(high, lambda v: v <= 0), _holds(low, lambda v: v > 0)
    if (stated == "proved" and not proved) or (stated == "refuted" and not refuted):
        raise Rejected(
            f"the property {kind} is stated to be {stated}, and this does not follow from the parts"
        )


def _holds(v: Ball | None, test: Any) -> bool:
    return v is not None and bool(test(v))


def words(given: Given, claims: Mapping[str, tuple[float, float]]) -> tuple[str, ...]:
    """A line for each property: what it says, its verdict, and the brackets of its extremes."""
    lines = []
    for entry in _properties(given):
        ends = (f"{n} in [{claims[n][0]!r}, {claims[n][1]!r}]" for n in map(" ".join, _needs(entry)))
        by = entry.get("axis")
        what = entry["property"] + ("" if by is None else f" in {given.axes.shown[by]}")
        if entry.get("sign") == -1:
            what += " (downwards)"
        if entry["property"] == "bounded":
            what += f" by {exact(entry['low'])!r} and {exact(entry['high'])!r}"
        lines.append(f"output {entry['output']}: {what}: {entry['verdict']}; {', '.join(ends)}")
    return tuple(lines)


def verdict(given: Given, claims: Mapping[str, tuple[float, float]]) -> str:
    """That of all properties together: one that is refuted counts most, then one that is undecided."""
    verdicts = {entry["verdict"] for entry in _properties(given)}
    return next(v for v in ("refuted", "undecided", "proved") if v in verdicts)


PROPERTIES = Kind(parts, claims, words, verdict, derived_from=derived_from)
