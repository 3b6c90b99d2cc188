"""Which field of the truth belongs to which field of the prediction: by valid time, level and member."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.aligning import Turn, coordinate, grid_of, room_of, turn_of
from supnorm.fields.directions import numbers_of_truth, turned
from supnorm.fields.grid import Grid
from supnorm.fields.labels import levels_of, members_of
from supnorm.fields.moments import UNITS, lead_text
from supnorm.fields.no_common_time import no_common_time
from supnorm.fields.one_sided import one_sided
from supnorm.fields.ordering import in_order
from supnorm.fields.roles import ROLES, roles_of
from supnorm.fields.side import Side
from supnorm.fields.stated import Partners, demand_same
from supnorm.fields.times import texts_of, times_of
from supnorm.fields.units import same_unit
from supnorm.fields.validity import ALL_VALID, demand_unpacked, validity_of
from supnorm.results import BadInput
from supnorm.results.option import Allowed
from supnorm.results.printable import one_line
from supnorm.results.settings import Limits, Settings


@dataclass(frozen=True, kw_only=True)
class PairingOptions(Settings):
    """How prediction and truth are paired; see `audit_fields` for what each means."""

    dims: Mapping[str, str] = field(default_factory=dict)
    lead_unit: str | None = None
    member: str | None = None
    ignore_units: bool = False
    ignore_valid_range: bool = False
    area: bool = True
    weights: Any = None
    region: tuple[float, float, float, float] | None = None

    LIMITS: ClassVar[Limits] = {"region": Allowed()}


def demand_used(options: PairingOptions, variables: Sequence[Any]) -> None:
    """Refuse options that change nothing, because their words are misspelt.

    Args:
        variables: all variables of both sides.

    Raises:
        BadInput: naming the option and what there is.
    """
    unknown = sorted({*options.dims} - {*ROLES})
    if unknown:
        raise BadInput(f"--dims: {one_line(unknown[0], 40)} is no role; the roles are {', '.join(ROLES)}")
    there = sorted({str(d) for v in variables for d in v.dims})
    for role, dimension in options.dims.items():
        if dimension not in there:
            raise BadInput(
                f"--dims {role}={one_line(dimension, 40)}: no variable has this dimension; there are {', '.join(there)}"
            )
    if options.lead_unit is not None and options.lead_unit.strip().lower() not in UNITS:
        raise BadInput(
            f"--lead-unit {one_line(options.lead_unit, 40)!r} is not known; there are {', '.join(UNITS)}"
        )


@dataclass(frozen=True, eq=False)
class Pair:
    """A variable of the prediction with its truth.

    Attributes:
        name, truth_name: of the variable on both sides.
        unit, standard_name: by the attributes of the prediction, or of the truth.
        grid: of the prediction.
        prediction, truth: the variables.
        turn: how fields of the truth are turned.
        inits, leads, levels, members: texts of each number; of a dimension that does not exist, one empty text.
        lead_values: lead times, in nanoseconds or plain numbers.
        truth_init, truth_lead: which field of the truth belongs to an init and a lead time, shape ``(inits, leads)``; -1 for
            none.
        truth_level, truth_member: of each level and member of the prediction; -1 for none.
        mean: whether the members of the prediction are averaged.
        notes: what was done to pair both, in sentences.
    """

    name: str
    truth_name: str
    unit: str
    standard_name: str
    grid: Grid
    prediction: Side
    truth: Side
    turn: Turn
    inits: tuple[str, ...]
    leads: tuple[str, ...]
    lead_values: tuple[Any, ...]
    levels: tuple[str, ...]
    members: tuple[str, ...]
    truth_init: NDArray[np.int64]
    truth_lead: NDArray[np.int64]
    truth_level: NDArray[np.int64]
    truth_member: NDArray[np.int64]
    mean: bool
    notes: tuple[str, ...]

    @property
    def pairs(self) -> int:
        """Number of pairs of fields."""
        fields = int((self.truth_init >= 0).sum()) * int((self.truth_level >= 0).sum())
        return fields * len(self.members)


def pair(name: str, truth_name: str, prediction: Any, truth: Any, options: PairingOptions) -> Pair:
    """Pair a variable with its truth.

    Args:
        name, truth_name: of both variables.
        prediction, truth: `xarray.DataArray`.
        options: how.

    Raises:
        BadInput: for grids, units, times or dimensions that do not fit.
    """
    what = f"variable {one_line(name, 60)}"
    notes: list[str] = []
    for v, side in ((prediction, "prediction"), (truth, "truth")):
        empty = next((d for d, size in v.sizes.items() if not size), None)
        if empty is not None:
            raise BadInput(f"{what} of the {side}: the dimension {one_line(str(empty), 40)} is empty")
    p, t = (
        _side(v, side, what, options, notes) for v, side in ((prediction, "prediction"), (truth, "truth"))
    )
    prediction, truth = p.variable, t.variable
    _demand_small(p, what)
    grid = grid_of(prediction, dict(p.roles), options.area, options.weights, what)
    y, x = numbers_of_truth(p, t, grid, what, notes)
    single = [any(_is_single(side.axis(role)) for side in (p, t)) for role in ("y", "x")]
    turn = turned(p, t, turn_of(grid, y, x, notes, (single[0], single[1])), notes)
    unit, other = (str(v.attrs.get("units", "")).strip() for v in (prediction, truth))
    if unit and other and not same_unit(unit, other) and not options.ignore_units:
        raise BadInput(
            f"{what}: the prediction is in {one_line(unit, 30)} and the truth in {one_line(other, 30)}: convert "
            f"one of them, "
            "or say --ignore-units if both mean the same"
        )
    _demand_same_roles(p, t, what)
    lead_values, truth_init, truth_lead = times_of(p, t, options.lead_unit, what, notes)
    level, levels, level_notes = levels_of(p, t, what)
    members, truth_member, mean, member_notes = members_of(p, t, options.member, what)
    if not (truth_init >= 0).any():
        raise no_common_time(p, t, lead_values, what)
    partners = Partners(truth_init, truth_lead, level, truth_member, turn)
    stated_notes = demand_same(p, t, partners, what) + one_sided(p, t)
    if grid.repeats:
        notes.append(
            "The last column is the first one again: its points count twice, and no event crosses this border."
        )
    alone = int((truth_init < 0).sum())
    if alone:
        notes.append(f"{alone:,} of {truth_init.size:,} forecast times have no truth and are left out.")
    # Forecasts of several lead times begin at the times that their maker chose.
    if p.dimension("lead") is None:
        notes += _gaps(truth_init)
    return Pair(
        name=name,
        truth_name=truth_name,
        unit=unit or other,
        standard_name=str(prediction.attrs.get("standard_name") or truth.attrs.get("standard_name") or ""),
        grid=grid,
        prediction=p,
        truth=t,
        turn=turn,
        inits=texts_of(p, what),
        leads=tuple(map(lead_text, lead_values)) or ("",),
        lead_values=tuple(lead_values) or (0.0,),
        levels=levels,
        members=members,
        truth_init=truth_init,
        truth_lead=truth_lead,
        truth_level=level,
        truth_member=truth_member,
        mean=mean,
        notes=(
            *notes,
            *level_notes,
            *member_notes,
            *stated_notes,
            *_storage_notes(prediction, "prediction"),
            *_storage_notes(truth, "truth"),
        ),
    )


def _side(variable: Any, side: str, what: str, options: PairingOptions, notes: list[str]) -> Side:
    """One side: its part in the region, its roles, and what is declared missing; notes about that are added."""
    validity = ALL_VALID if options.ignore_valid_range else validity_of(variable, f"{what} of the {side}")
    demand_unpacked(variable, what, side, notes)
    variable = _in_region(variable, options, what)
    dims = options.dims if any(d in variable.dims for d in options.dims.values()) else {}
    roles = roles_of(variable, dims, f"{what} of the {side}")
    numbers: Mapping[str, NDArray[np.intp]] = {}
    if side == "prediction":  # its lead times and levels are neighbours one after the other
        variable, numbers = in_order(variable, roles, f"{what} of the {side}", notes)
    return Side(variable, roles, validity, numbers)


def _is_single(axis: Any) -> bool:
    return axis is not None and axis.dtype == np.float32


def _gaps(truth_init: NDArray[np.int64]) -> list[str]:
    """That the prediction has nothing for times of the truth between its first and its last one, as a note."""
    there = np.unique(truth_init[truth_init >= 0])
    span = int(there[-1] - there[0]) + 1
    if span == len(there):
        return []
    return [
        f"The prediction has no field for {span - len(there):,} of the {span:,} times of the truth from its first to its "
        "last one: nothing is known of them."
    ]


def _demand_small(p: Side, what: str) -> None:
    """Refuse what cannot be compared in the memory of this machine; what metadata claim costs nothing to claim.

    Raises:
        BadInput: naming the sizes.
    """
    inits, leads, levels, members, rows, columns = (p.size(role) for role in ROLES)
    # Bytes: maps, a pair of fields and its largest errors; what is known of each init and lead time, of each lead time and
    # level, of each pair of fields (its part of the plan of reading), of each name.
    most = (
        80 * rows * columns
        + 48 * inits * leads
        + 112 * leads * levels
        + 300 * inits * leads * levels * members
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 2**36
    if most > memory:
        raise BadInput(
            f"{what}: {inits * leads * levels * members:,} fields of {rows:,} by {columns:,} grid points take "
            f"{most / 1e9:,.0f} GB of memory, and this machine has {memory / 1e9:,.0f}: choose a part"
        )


def _demand_same_roles(p: Side, t: Side, what: str) -> None:
    """Refuse a dimension that would be something else on the other side: by its place it would be paired transposed.

    Raises:
        BadInput: naming it.
    """
    for name, role in p.roles.items():
        if t.roles.get(name, role) != role:
            raise BadInput(
                f"{what}: the dimension {one_line(name, 40)} looks like {role} in the prediction and like {t.roles[name]} "
                f"in the truth: say what it is, as in --dims {role}={one_line(name, 40)}"
            )


def _in_region(variable: Any, options: PairingOptions, what: str) -> Any:
    """The rows and columns within a region (north, west, south, east), in the order of the file."""
    if options.region is None:
        return variable
    north, west, south, east = options.region
    roles = roles_of(
        variable, options.dims if any(d in variable.dims for d in options.dims.values()) else {}, what
    )
    y, x = (next(d for d, r in roles.items() if r == axis) for axis in ("y", "x"))
    lat, lon = coordinate(variable, y, what), coordinate(variable, x, what)
    near, around = (
        room_of(v, name in variable.coords and _is_single(variable.coords[name]))
        for v, name in ((lat, y), (lon, x))
    )
    rows = np.flatnonzero((lat >= south - near) & (lat <= north + near))
    east_of_west = (lon - west) % 360.0
    east_of_west = np.where(east_of_west > 360.0 - around, east_of_west - 360.0, east_of_west)
    inside = east_of_west <= (east - west) % 360.0 + around
    columns = np.flatnonzero(inside if east != west + 360 else lon == lon)
    if not rows.size or not columns.size:
        raise BadInput(
            f"{what}: the region {north:g},{west:g},{south:g},{east:g} (north, west, south, east) has no grid point"
        )
    columns = columns[np.argsort(east_of_west[columns], kind="stable")]
    # From west to east without a jump at 0 or 180 degrees: -10, -5, 0, 5.
    there = x in variable.coords
    kind = variable.coords[x].dtype if there and _is_single(variable.coords[x]) else np.float64
    numbers = west + east_of_west[columns]
    numbers = (numbers - 360.0 if numbers.max() > 360.0 else numbers).astype(
        kind
    )  # 60 degrees east are not 420
    ascending = (x, numbers, variable.coords[x].attrs if there else {})
    return variable.isel({y: rows, x: columns}).assign_coords({x: ascending})


def _storage_notes(variable: Any, side: str) -> Iterator[str]:
    """What the way a variable is stored means for its errors."""
    stored, scale = (
        np.dtype(variable.encoding.get("dtype") or variable.dtype),
        variable.encoding.get("scale_factor"),
    )
    if scale is not None:
        step = abs(float(np.ravel(scale)[0]))
        yield f"The {side} is stored in steps of {step:g}: an error below {step / 2:g} means nothing."
    elif stored == np.float16:
        yield f"The {side} is stored in 16 bits: its values have 3 digits."
