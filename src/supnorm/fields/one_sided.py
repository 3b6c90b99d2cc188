"""Coordinates that only one side states, or that it states as variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from supnorm.fields.side import Side, is_date, is_lead, is_member
from supnorm.fields.stated import GRID, is_mapping, named
from supnorm.results.printable import one_line

LISTED = 8  # coordinates that a note names


def one_sided(p: Side, t: Side) -> list[str]:
    """Notes that name the coordinates that only one side has."""
    notes = []
    found = named(p, t)
    for (side, name), (other, another), mine, others in (
        ((p, "prediction"), (t, "truth"), found[0], found[1]),
        ((t, "truth"), (p, "prediction"), found[1], found[0]),
    ):
        alone = [
            one_line(str(c.name), 40)
            for own, c in mine.items()
            if own not in others and not is_mapping(c) and not _is_read(c, side, other)
        ]
        if alone:
            more = f" and {len(alone) - LISTED} more" if len(alone) > LISTED else ""
            notes.append(
                f"Only the {name} states {', '.join(alone[:LISTED])}{more}: the {another} has nothing to compare with."
            )
    return notes


def _is_read(variable: Any, side: Side, other: Side) -> bool:
    """Whether a coordinate was read to pair both sides, though the other one does not have this name."""
    role = side.roles.get(str(variable.name)) if variable.dims == (variable.name,) else None
    if role in GRID:
        return other.axis(str(role)) is not None
    if role in ("lead", "member") or (not variable.dims and is_lead(variable)):
        return True  # told where they are paired
    if role == "init" or is_date(variable):
        return other.clock() is not None or (role == "init" and other.size("init") > 1)
    level, own = other.level(), side.level()
    if own is not None and own.name == variable.name:
        if level is None:
            return side.size("level") > 1
        return bool(level.dims or variable.dims or (level.attrs.get("units") and variable.attrs.get("units")))
    return is_member(variable) and other.dimension("member") is not None


def completed(prediction: Any, truth: Any, compared: Sequence[str] | Mapping[str, str]) -> tuple[Any, Any]:
    """Both Datasets with the variables that only the other one calls a coordinate, if they have its shape.

    Args:
        compared: names of variables that the user names, which are none; a mapping to the names in the truth.
    """
    others = compared.values() if isinstance(compared, Mapping) else compared
    pairs = (prediction, truth, [*compared]), (truth, prediction, [*others])
    first, second = (
        data.set_coords(
            [
                name
                for name, c in other.coords.items()
                if name in data.data_vars and name not in names and data[name].shape == c.shape
            ]
        )
        for data, other, names in pairs
    )
    return first, second
