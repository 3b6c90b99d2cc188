"""Which field of the truth belongs to which field of the prediction: by valid time, level and member."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.aligning import Turn, coordinate, grid_of, turn_of
from supnorm.fields.grid import Grid
from supnorm.fields.moments import added, as_array, key_of, lead_text, leads_of, moments_of, time_text
from supnorm.fields.roles import ROLES, roles_of
from supnorm.fields.units import same_unit
from supnorm.results import BadInput
from supnorm.results.option import Allowed
from supnorm.results.printable import one_line
from supnorm.results.settings import Limits, Settings

OUTER = ("init", "lead", "level", "member")


@dataclass(frozen=True, kw_only=True)
class PairingOptions(Settings):
    """How prediction and truth are paired; see `audit_fields` for what each means."""

    dims: Mapping[str, str] = field(default_factory=dict)
    lead_unit: str | None = None
    member: str | None = None
    ignore_units: bool = False
    area: bool = True
    weights: Any = None
    region: tuple[float, float, float, float] | None = None

    LIMITS: ClassVar[Limits] = {"region": Allowed()}


@dataclass(frozen=True, eq=False)
class Side:
    """A variable of one side, with its dimensions in the order of the roles."""

    variable: Any
    roles: Mapping[str, str]

    def dimension(self, role: str) -> str | None:
        """The dimension with a role."""
        return next((d for d, r in self.roles.items() if r == role), None)

    def size(self, role: str) -> int:
        """Its size; 1 where there is none."""
        name = self.dimension(role)
        return 1 if name is None else int(self.variable.sizes[name])

    def read(self, **index: slice | int) -> NDArray[Any]:
        """Values of the roles' parts, shape ``(init, lead, level, member, rows, columns)``."""
        chosen = {d: index[r] for d, r in self.roles.items() if r in index}
        chosen = {d: slice(i, i + 1) if isinstance(i, int) else i for d, i in chosen.items()}
        part = self.variable.isel(chosen).transpose(
            *(d for r in ROLES if (d := self.dimension(r)) is not None)
        )
        values = np.asarray(part.values)
        shape = [part.sizes[d] if (d := self.dimension(r)) is not None else 1 for r in ROLES]
        return values.reshape(shape)

    def chunks(self) -> dict[str, int]:
        """How many values of each outer role are stored together; 1 where the file does not say."""
        preferred = self.variable.encoding.get("preferred_chunks") or {}
        return {r: int(preferred.get(self.dimension(r), 1)) if self.dimension(r) else 1 for r in OUTER}


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
    prediction, truth = (_in_region(v, options, what) for v in (prediction, truth))
    sides = [
        Side(
            v,
            roles_of(
                v,
                options.dims if any(d in v.dims for d in options.dims.values()) else {},
                f"{what} of the {side}",
            ),
        )
        for v, side in ((prediction, "prediction"), (truth, "truth"))
    ]
    p, t = sides
    grid = grid_of(prediction, dict(p.roles), options.area, options.weights, what)
    y, x = (coordinate(truth, str(t.dimension(r)), what) for r in ("y", "x"))
    turn = turn_of(grid, y, x, notes)
    unit, other = (str(v.attrs.get("units", "")).strip() for v in (prediction, truth))
    if unit and other and not same_unit(unit, other) and not options.ignore_units:
        raise BadInput(
            f"{what}: the prediction is in {one_line(unit, 30)} and the truth in {one_line(other, 30)}: convert "
            f"one of them, "
            "or say --ignore-units if both mean the same"
        )
    lead_values, truth_init, truth_lead = _times(p, t, options, what)
    level, levels, level_notes = _levels(p, t, what)
    members, truth_member, mean = _members(p, t, options, what)
    if not (truth_init >= 0).any():
        raise _nothing_in_common(p, t, options, what)
    alone = int((truth_init < 0).sum())
    if alone:
        notes.append(f"{alone:,} of {truth_init.size:,} forecast times have no truth and are left out.")
    inits = p.dimension("init")
    return Pair(
        name=name,
        truth_name=truth_name,
        unit=unit or other,
        standard_name=str(prediction.attrs.get("standard_name") or truth.attrs.get("standard_name") or ""),
        grid=grid,
        prediction=p,
        truth=t,
        turn=turn,
        inits=_texts(prediction, inits, what),
        leads=tuple(map(lead_text, lead_values)) if p.dimension("lead") else ("",),
        lead_values=tuple(lead_values),
        levels=levels,
        members=members,
        truth_init=truth_init,
        truth_lead=truth_lead,
        truth_level=level,
        truth_member=truth_member,
        mean=mean,
        notes=(*notes, *level_notes, *_storage_notes(prediction)),
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
    rows = np.flatnonzero((lat >= south) & (lat <= north))
    east_of_west = (lon - west) % 360.0
    columns = np.flatnonzero(east_of_west <= (east - west) % 360.0 if east != west + 360 else lon == lon)
    if not rows.size or not columns.size:
        raise BadInput(
            f"{what}: the region {north:g},{west:g},{south:g},{east:g} (north, west, south, east) has no grid point"
        )
    columns = columns[np.argsort(east_of_west[columns], kind="stable")]
    # From west to east without a jump at 0 or 180 degrees: -10, -5, 0, 5.
    ascending = (x, west + east_of_west[columns], variable.coords[x].attrs if x in variable.coords else {})
    return variable.isel({y: rows, x: columns}).assign_coords({x: ascending})


def _texts(variable: Any, dimension: str | None, what: str) -> tuple[str, ...]:
    if dimension is None:
        scalar = next((c for c in variable.coords.values() if not c.dims and c.dtype.kind == "M"), None)
        return (time_text(moments_of(scalar, what)[0]) if scalar is not None else "",)
    if dimension not in variable.coords:
        return tuple(str(i + 1) for i in range(variable.sizes[dimension]))
    values = variable.coords[dimension]
    if values.dtype.kind in "UOS" and not hasattr(np.ravel(values.values)[0], "calendar"):
        return tuple(one_line(str(v), 40) for v in np.ravel(values.values).tolist())
    return tuple(map(time_text, moments_of(values, what)))


def _moments(side: Side, what: str) -> list[Any] | None:
    """The init or valid times of a side; None where it has none."""
    name = side.dimension("init")
    if name is not None and name in side.variable.coords:
        values = side.variable.coords[name]
        if values.dtype.kind in "UOS" and not hasattr(np.ravel(values.values)[0], "calendar"):
            return [str(v) for v in np.ravel(values.values).tolist()]
        return moments_of(values, what)
    if name is not None:
        return [float(i) for i in range(side.size("init"))]
    scalar = next((c for c in side.variable.coords.values() if not c.dims and c.dtype.kind == "M"), None)
    return None if scalar is None else moments_of(scalar, what)


def _times(
    p: Side, t: Side, options: PairingOptions, what: str
) -> tuple[list[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Lead times of the prediction; which init and lead time of the truth belong to each of its inits and lead times."""
    mine, others = (_moments(s, f"{what} of the {n}") for s, n in ((p, "prediction"), (t, "truth")))
    dated = mine is not None and not isinstance(mine[0], float | str)
    leads, truth_leads = (
        _leads(s, options.lead_unit, dated, f"{what} of the {n}")
        for s, n in ((p, "prediction"), (t, "truth"))
    )
    shape = (p.size("init"), p.size("lead"))
    found, found_lead = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    if truth_leads:  # the truth is a forecast too, or both are roll-outs
        found, found_lead = _same_forecasts(mine, others, leads, truth_leads, shape)
    elif others is not None and mine is None and not leads:
        if len(others) > 1:
            raise BadInput(f"{what}: the truth has {len(others)} times and the prediction has no time")
    elif others is not None:
        found = _valid_times(mine, others, leads, shape, what)
    return leads or [0.0], found, found_lead


def _leads(side: Side, unit: str | None, dated: bool, what: str) -> list[Any]:
    """The lead times of a side; empty if it has none."""
    name = side.dimension("lead")
    if name is None:
        return []
    if name not in side.variable.coords:
        return [float(i) for i in range(side.size("lead"))]
    return leads_of(side.variable.coords[name], unit, dated, what)


def _same_forecasts(
    mine: list[Any] | None,
    others: list[Any] | None,
    leads: list[Any],
    truth_leads: list[Any],
    shape: tuple[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By equal init and equal lead time."""
    found, found_lead = np.full(shape, -1, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    at = {key_of(v): i for i, v in enumerate(truth_leads)}
    when = {_key(v): i for i, v in enumerate(others)} if others and mine else None
    for i, k in np.ndindex(*shape):
        init = 0 if when is None or mine is None else when.get(_key(mine[i]), -1)
        lead = at.get(key_of(leads[k]), -1) if leads else 0
        if init >= 0 and lead >= 0:
            found[i, k], found_lead[i, k] = init, lead
    return found, found_lead


def _valid_times(
    mine: list[Any] | None, others: list[Any], leads: list[Any], shape: tuple[int, int], what: str
) -> NDArray[np.int64]:
    """By equal valid time."""
    found = np.full(shape, -1, dtype=np.int64)
    when: dict[Any, int] = {}
    for i, v in enumerate(others):
        if when.setdefault(_key(v), i) != i:
            raise BadInput(
                f"{what}: the truth has the time {v if isinstance(v, str) else time_text(v)} twice"
            )
    for i, k in np.ndindex(*shape):
        start = mine[i] if mine is not None else 0.0
        found[i, k] = when.get(_key(added(start, leads[k]) if leads else start), -1)
    return found


def _key(moment: Any) -> Any:
    return moment if isinstance(moment, str) else key_of(moment)


def _levels(p: Side, t: Side, what: str) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    name, other = p.dimension("level"), t.dimension("level")
    if name is None:
        if t.size("level") > 1:
            raise BadInput(
                f"{what}: the truth has {t.size('level')} levels and the prediction has none: choose one first"
            )
        return np.zeros(1, dtype=np.int64), ("",), []
    n = p.size("level")
    texts = [str(i + 1) for i in range(n)]
    values = None
    if name in p.variable.coords:
        mine = np.ravel(p.variable.coords[name].values).tolist()
        texts = [f"{v:.7g}" if isinstance(v, float | int) else one_line(str(v), 40) for v in mine]
        values = as_array(mine)
    if other is None or other not in t.variable.coords or values is None or np.isnan(values).any():
        if t.size("level") != n:
            raise BadInput(
                f"{what}: the prediction has {n} levels and the truth {t.size('level')}, without numbers to pair them"
            )
        return np.arange(n), tuple(texts), []
    truth = as_array(np.ravel(t.variable.coords[other].values).tolist())
    index = np.array([_nearest(v, truth) for v in values])
    if (index < 0).all():
        raise BadInput(
            f"{what}: no level of the prediction ({', '.join(texts[:5])}) is one of the truth "
            f"({', '.join(f'{v:.7g}' for v in truth[:5])}); levels are compared by their numbers"
        )
    without = [text for text, i in zip(texts, index, strict=True) if i < 0]
    notes = [f"The truth has no level {', '.join(without)}: left out."] if without else []
    return index, tuple(texts), notes


def _nearest(value: float, values: NDArray[np.float64]) -> int:
    near = np.flatnonzero(np.abs(values - value) <= 1e-6 * max(abs(value), 1e-300))
    return int(near[0]) if near.size else -1


def _members(
    p: Side, t: Side, options: PairingOptions, what: str
) -> tuple[tuple[str, ...], NDArray[np.int64], bool]:
    mine, others = p.size("member"), t.size("member")
    if others > 1 and mine != others:
        raise BadInput(
            f"{what}: the truth has {others} members and the prediction {mine}: choose one of the truth first"
        )
    if mine == 1 or others == mine:
        return _member_texts(p), np.arange(mine) if others == mine else np.zeros(mine, dtype=np.int64), False
    if options.member not in ("mean", "each"):
        raise BadInput(
            f"{what}: the prediction has {mine} members and the truth one: say --member each (every member against it) or "
            "--member mean (their mean)"
        )
    mean = options.member == "mean"
    return (
        (("mean",), np.zeros(1, dtype=np.int64), True)
        if mean
        else (_member_texts(p), np.zeros(mine, dtype=np.int64), False)
    )


def _member_texts(p: Side) -> tuple[str, ...]:
    name = p.dimension("member")
    if name is None:
        return ("",)
    if name not in p.variable.coords:
        return tuple(str(i + 1) for i in range(p.size("member")))
    return tuple(one_line(str(v), 40) for v in np.ravel(p.variable.coords[name].values).tolist())


def _nothing_in_common(p: Side, t: Side, options: PairingOptions, what: str) -> BadInput:
    mine, others = _moments(p, what), _moments(t, what)
    if not mine or not others or isinstance(mine[0], str) or isinstance(others[0], str):
        return BadInput(f"{what}: no time of the prediction is one of the truth")
    ends = [f"{time_text(v[0])} to {time_text(v[-1])}" for v in (mine, others)]
    return BadInput(
        f"{what}: no valid time of the prediction is one of the truth: the prediction begins at {ends[0]}, the truth has "
        f"{ends[1]}; valid times are begin plus lead time"
    )


def _storage_notes(variable: Any) -> Iterator[str]:
    """What the way a variable is stored means for its errors."""
    stored, scale = (
        np.dtype(variable.encoding.get("dtype") or variable.dtype),
        variable.encoding.get("scale_factor"),
    )
    if scale is not None:
        step = abs(float(np.ravel(scale)[0]))
        yield f"The prediction is stored in steps of {step:g}: an error below {step / 2:g} means nothing."
    elif stored == np.float16:
        yield "The prediction is stored in 16 bits: its values have 3 digits."
