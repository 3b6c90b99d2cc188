"""What both sides state of their grid points beside the axes: latitudes of a curvilinear grid, heights, names of stations.

Values are compared as in tables (`problem.coordinates`), after the truth was paired and turned. Latitudes and longitudes of
points may differ by as much as those of rows and columns (`aligning.CLOSE`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.aligning import LATITUDES, LONGITUDES, Turn, nearly
from supnorm.fields.moments import nanoseconds
from supnorm.fields.roles import ROLES, UNITS
from supnorm.fields.side import Side, is_date, is_lead, is_member
from supnorm.fields.units import same_unit
from supnorm.problem.coordinates import Coordinate, contradiction, date_text, meaning
from supnorm.results import BadInput
from supnorm.results.printable import one_line
from supnorm.sources.netcdf_coordinates import coordinate

MOST = 2**26  # values of a coordinate that are compared: as many as a field can have
GRID = {"y", "x"}
DEGREES = ("latitude", "longitude")  # of each point, by whatever name
Difference = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Partners:
    """The numbers in the truth of the partners of each field, as in `pairing.Pair`; -1 for none."""

    init: NDArray[np.int64]
    lead: NDArray[np.int64]
    level: NDArray[np.int64]
    member: NDArray[np.int64]
    turn: Turn


def stated(variable: Any, dims: tuple[str, ...] = ()) -> Coordinate:
    """A coordinate of xarray, which may hold dates and text of Python, and spans of time.

    Args:
        dims: the order of its axes.
    """
    variable = variable.variable.to_base_variable()
    values = np.asarray(variable.values)
    flat = values.ravel()
    if values.dtype.kind == "b":  # a file has 0 and 1, with an attribute that not every program reads
        variable = variable.copy(data=values.astype(np.int8))
    elif values.dtype.kind == "m":
        variable = variable.copy(data=np.array(nanoseconds(flat), dtype=np.int64).reshape(values.shape))
    elif values.dtype.kind == "O" and flat.size and all(hasattr(v, "calendar") for v in flat):
        words = [date_text(str(v).replace(" ", "T")) for v in flat]
        variable = variable.copy(data=np.array(words, dtype=object).reshape(values.shape))
    elif values.dtype.kind == "O" and flat.size and all(isinstance(v, bytes) for v in flat):
        variable = variable.copy(data=values.astype("S"))
    return coordinate(variable, dims)


def demand_same(p: Side, t: Side, partners: Partners, what: str) -> list[str]:
    """Check that what both sides state is the same where they are paired; what is too large to be compared, as notes.

    Raises:
        BadInput: naming the coordinate, the position and both values.
    """
    notes = []
    for name, mine, other in shared(p, t):
        size = size_of(p, t, mine, other)
        if size > MOST:
            notes.append(
                f"Of {one_line(name, 40)}, {size:,} values belong to the fields: they were not compared."
            )
            continue
        differs = difference(p, t, name, mine, other, partners)
        if differs is not None:
            where, one, another = (one_line(text, 80) for text in differs)
            raise BadInput(
                f"{what}: prediction and truth differ in {where}, {one} and {another}: bring both to the same grid and "
                "order, or remove a coordinate that does not matter, as with "
                f"data.drop_vars({one_line(str(mine.name), 60)!r})"
            )
    return notes


def difference(p: Side, t: Side, name: str, mine: Any, other: Any, partners: Partners) -> Difference | None:
    """How a coordinate differs, of the fields that are paired."""
    a, b = (_plain(stated(c, _ordered(s, c)), name) for s, c in ((p, mine), (t, other)))
    if a.unit and b.unit and same_unit(a.unit, b.unit):
        b = replace(b, unit=a.unit)
    meant = meaning(name, a, b)
    if meant is not None:
        return meant
    roles = [_roles(s, c) for s, c in ((p, mine), (t, other))]
    u = _by_role(a.values, p, mine)
    v = _of_truth(_by_role(b.values, t, other), roles[1], partners)
    u, v = np.broadcast_arrays(u, v)
    if {"level"} & (roles[0] | roles[1]) and (partners.level < 0).any():
        u, v = (w[:, :, partners.level >= 0] for w in (u, v))
    if {"init", "lead"} & (roles[0] | roles[1]) and (partners.init < 0).any():
        there = np.broadcast_to(partners.init >= 0, u.shape[:2])
        u, v = u[there], v[there]
    dims = [i for i, n in enumerate(u.shape) if n > 1]
    sizes = {str(i): u.shape[i] for i in dims}
    a, b = (
        replace(c, values=w.reshape(tuple(sizes.values())), dims=tuple(sizes)) for c, w in ((a, u), (b, v))
    )
    if not u.size:
        return None
    differs = contradiction(name, a, b, (sizes, sizes))
    grid = roles[0] <= GRID and roles[1] <= GRID and a.kind == b.kind == "number"
    if differs is not None and grid and name in DEGREES and nearly(a.values, b.values, name == DEGREES[1]):
        return None
    return differs


def size_of(p: Side, t: Side, mine: Any, other: Any) -> int:
    """How many values there are to compare: one for each valid time if one of both sides has one for each time."""
    roles = _roles(p, mine) | _roles(t, other)
    if roles & {"init", "lead"}:
        roles |= {"init", "lead"}
    return max(math.prod(p.size(role) for role in roles), int(other.size))


def _of_truth(values: NDArray[Any], roles: set[str], partners: Partners) -> NDArray[Any]:
    """Values of the truth, with an axis for each role, in the order of the prediction."""
    if roles & {"init", "lead"}:
        init, lead = (
            w if role in roles else np.zeros_like(w)
            for w, role in ((partners.init, "init"), (partners.lead, "lead"))
        )
        values = values[init, lead]
    if "level" in roles:
        values = values[:, :, partners.level]
    if "member" in roles:
        values = values[:, :, :, partners.member]
    return partners.turn(values)


def _by_role(values: NDArray[Any], side: Side, variable: Any) -> NDArray[Any]:
    there = {side.roles[str(d)]: int(n) for d, n in variable.sizes.items()}
    return values.reshape([there.get(role, 1) for role in ROLES])


def _plain(one: Coordinate, name: str) -> Coordinate:
    """A latitude or longitude whose unit is spelled in one way."""
    spelled = any(pattern.match(one.unit) for pattern, _ in UNITS) or one.unit.lower() in (
        "degree",
        "degrees",
    )
    return replace(one, unit="degrees") if name in DEGREES and spelled else one


def _roles(side: Side, variable: Any) -> set[str]:
    return {side.roles[str(d)] for d in variable.dims}


def _ordered(side: Side, variable: Any) -> tuple[str, ...]:
    return tuple(sorted(map(str, variable.dims), key=lambda d: ROLES.index(side.roles[d])))


def shared(p: Side, t: Side) -> Iterator[tuple[str, Any, Any]]:
    """Coordinates that both sides have and no pairing has read: the name of each, and both of it."""
    mine, others = named(p, t)
    levels = [c.name for side in (p, t) if (c := side.level()) is not None]
    for name, a in mine.items():
        b = others.get(name)
        if b is None or is_mapping(a) or is_mapping(b) or levels == [name, name]:
            continue
        axes = [side.roles.get(str(c.name)) for side, c in ((p, a), (t, b)) if c.dims == (c.name,)]
        if len(axes) == 2 or any(role not in GRID for role in axes):
            continue  # an axis: the fields were paired by it
        if not _may_differ(p, t, a, b):
            yield name, a, b


def _may_differ(p: Side, t: Side, a: Any, b: Any) -> bool:
    """Whether a coordinate may have other values on the other side, as the member and the begin of a forecast may."""
    single = not (a.dims or b.dims)
    timed = p.clock() is not None and t.clock() is not None and str(a.name).lower() != "valid_time"
    if single and (is_member(a) or any(is_lead(c) or c.dtype.kind == "m" for c in (a, b))):
        return True
    if timed and any(is_date(c) or is_lead(c) for c in (a, b)):
        return True
    return "member" in _roles(p, a) and t.size("member") == 1 < p.size("member")


def named(p: Side, t: Side) -> tuple[dict[str, Any], dict[str, Any]]:
    """The coordinates of both sides by their names; latitudes of points have one name on both, and so have longitudes."""
    found = [{str(c.name): c for c in side.variable.coords.values()} for side in (p, t)]
    for name, names, (pattern, _) in zip(DEGREES, (LATITUDES, LONGITUDES), UNITS, strict=True):
        such = [
            [
                own
                for own, c in there.items()
                if c.dims and c.dims != (own,) and _roles(side, c) <= GRID and c.dtype.kind in "iuf"
                and (own.lower() in names or c.attrs.get("standard_name") == name
                     or pattern.match(str(c.attrs.get("units", ""))))
            ]
            for side, there in zip((p, t), found, strict=True)
        ]  # fmt: skip
        if [*map(len, such)] == [1, 1]:
            for there, (own,) in zip(found, such, strict=True):
                there[name] = there.pop(own)
    return found[0], found[1]


def is_mapping(variable: Any) -> bool:
    """Whether the attributes of a variable describe a projection; its value means nothing."""
    return bool({"grid_mapping_name", "crs_wkt", "spatial_ref"} & {*variable.attrs})
