"""What follows from the parts of a proof about the solution u of an equation (`statement_kinds`, kind "solution").

With v the function whose residual is bounded: |u - v| <= on_faces * (largest misfit on the faces) + inside * (largest
residual) =: E, and a model N satisfies max |N - v| - E <= max |u - N| <= max |N - v| + E. Without a model v is judged
itself; its misfit at a face is an error at a point, because u is known there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from supnorm.certification.exactly import Bracket, Proved, down, up

DIFFERENCE, INTERIOR, GROWTH = "difference", "interior", "growth"


def face_name(axis: int, end: str) -> str:
    """The part of a face: ``end`` is "low" or "high".

    >>> face_name(0, "low")
    'face 0 low'
    """
    return f"face {axis} {end}"


def claims(data: Mapping[str, Any], proved: Mapping[str, Proved]) -> dict[str, Bracket]:
    """The bracket of the error of the model ("error"), and of v if that is another function ("reference")."""
    factors = [float.fromhex(data["barrier"][key]) for key in ("on_faces", "inside")]
    fluxes = _fluxes(data)
    inside = {name for _, names in fluxes for name in names}
    faces = [one for name, one in proved.items() if name.startswith("face ") and name not in inside]
    misfit = _largest([one.upper for one in faces])
    sizes = [_largest([proved[name].upper for name in names]) for _, names in fluxes]
    factors += [factor for factor, _ in fluxes]
    of_reference = _sum(factors, [misfit, proved[INTERIOR].upper, *sizes])
    seen = max((one.lower for one in faces), default=Fraction(0))
    if DIFFERENCE not in proved:
        return {"error": (down(seen) + 0.0, up(of_reference))}
    gap = proved[DIFFERENCE]
    least = Fraction(0) if of_reference is None else max(gap.lower - of_reference, Fraction(0))
    most = None if of_reference is None or gap.upper is None else gap.upper + of_reference
    return {"error": (down(least) + 0.0, up(most)), "reference": (down(seen) + 0.0, up(of_reference))}


def _fluxes(data: Mapping[str, Any]) -> list[tuple[float, list[str]]]:
    """For each axis with fluxes: the factor, infinite where none is stated, and the names of its faces with a flux."""
    stated = {entry["axis"]: float.fromhex(entry["factor"]) for entry in data["barrier"].get("fluxes", ())}
    faces: dict[int, list[str]] = {}
    for side in data["equation"].get("sides", ()):
        faces.setdefault(side["axis"], []).append(face_name(side["axis"], side["end"]))
    return [(stated.get(axis, math.inf), names) for axis, names in faces.items()]


def _largest(values: list[Fraction | None]) -> Fraction | None:
    known = [v for v in values if v is not None]
    return max(known, default=Fraction(0)) if len(known) == len(values) else None


def _sum(factors: list[float], sizes: list[Fraction | None]) -> Fraction | None:
    if not all(map(math.isfinite, factors)) or any(s is None for s in sizes):
        return None
    return sum((Fraction(a) * (s or 0) for a, s in zip(factors, sizes, strict=True)), Fraction(0))
