"""The record of ``supnorm fields``: gridded predictions against truth, compared at every grid point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar

from supnorm.results.parts import Sentence
from supnorm.results.record import Data, Field, Number, Record, Result, Seconds, StatusField, unit

Bracket = tuple[Number, Number]


class GridRecord(Record):
    """The grid of the fields."""

    names: tuple[str, str] = Field(description="names of the coordinates of rows and columns")
    rows: int = Field(description="number of rows")
    columns: int = Field(description="number of columns")
    first: tuple[float, float] = Field(description="coordinates of the first grid point")
    last: tuple[float, float] = Field(description="coordinates of the last grid point")
    sphere: bool = Field(description="whether the coordinates are degrees of latitude and longitude")
    periodic: bool = Field(description="whether the last column is a neighbour of the first")
    weights: str = Field(
        description="`area`, `given` or `none`: how rows are weighed in averages and quantiles"
    )


class MoveRecord(Record):
    """The move of the truth that fits the prediction best around a grid point."""

    rows: int = Field(
        description="how many rows the truth is moved, up to 12; above 0 towards the last row of the grid"
    )
    columns: int = Field(description="the same of columns")
    km: float | None = Field(description="how far that is in km; null without degrees")
    before: Number = Field(description="RMS difference of both fields within 6 cells, in place")
    after: Number = Field(description="the same after the move")
    without_bias: Number = Field(
        description="the same in place when the mean difference is taken away: what an offset alone cannot explain"
    )
    spread: Number = Field(
        math.nan, description="RMS deviation of the prediction from its mean within 6 cells"
    )
    left: Number = Field(description="size of the error of the grid point itself after the move")
    explains: bool = Field(
        description="whether the fault may be a wrong place: `after` is at most half of `before`, of `without_bias` and of "
        "`spread`, and `left` at most half of the error"
    )


class FieldPointRecord(Record):
    """One grid point of one field, with both values there."""

    at: Mapping[str, str | float] = Field(
        description="init, lead time, valid time, level and member as text, as far as there are any, and the coordinates"
    )
    prediction: Number = Field(description="value of the prediction")
    truth: Number = Field(description="value of the truth")
    error: Number = Field(description="size of their difference")
    ratio: Number = Field(description="the error over the RMS error of its lead time and level")
    unexplained: Mapping[str, Number] = Field(
        description="for each radius in cells: how far the predicted value is from the nearest value of the truth within "
        "that radius; 0 where the truth has this value, or values on both sides of it"
    )
    cell: float | None = Field(
        None,
        description="distance in km to the next grid points, in the direction in which it is larger; null without degrees",
    )
    moved: MoveRecord | None = Field(
        None, description="the move of the truth that fits best around the point; null without one"
    )


class FieldSupRecord(Record):
    """The largest error of a variable."""

    lower: Number = Field(
        description="the largest error at any grid point where the truth has a value; infinite where the prediction has "
        "none there; null if no grid point could be compared"
    )
    upper: Number | None = Field(
        description="the same number: every grid point was compared; null if the run was cut short, the prediction lacks "
        "a value, or no grid point could be compared"
    )
    upper_kind: str = Field(description="`exact` (every grid point of the data was compared) or `none`")
    witness: FieldPointRecord | None = Field(
        description="the largest error where both have a value, and where it is; null if no grid point has both"
    )


class EventRecord(Record):
    """Grid points with large errors that touch each other in space, level and lead time."""

    peak: FieldPointRecord = Field(description="the grid point with the largest error")
    points: int = Field(description="number of grid points, of all levels and lead times")
    area: float | None = Field(
        description="their area in km², of all levels and lead times; null without degrees"
    )
    leads: tuple[str, str] = Field(description="first and last lead time; empty texts without any")
    levels: tuple[str, str] = Field(description="first and last level; empty texts without any")
    rows: tuple[float, float] = Field(description="coordinates of the first and the last row")
    columns: tuple[float, float] = Field(
        description="coordinates of the first and the last column; the first is beyond the last where the event "
        "crosses the border"
    )
    same_sign: float = Field(description="share of its points whose error has the sign of the peak's")
    patch: Data = Field(
        default=None,
        repr=False,
        description="both fields around the peak, for the picture; only for the first events",
    )

    def __repr__(self) -> str:
        """One line: the peak and the size."""
        at = ", ".join(f"{name} {value}" for name, value in self.peak.at.items())
        return f"EventRecord(error {self.peak.error:.4g} at {at}; points {self.points})"

    __str__ = __repr__


class LeadRecord(Record):
    """One lead time, of all inits, levels and members."""

    lead: str = Field(description="the lead time; empty without any")
    hours: Number = Field(description="the lead time in hours; a plain number where it has no unit")
    n: int = Field(description="number of grid points where both have a value")
    rms: Number = Field(description="root mean square error, weighed")
    sup: Number = Field(description="the largest error where both have a value")
    bias: Number = Field(description="mean of prediction minus truth, weighed")
    prediction_mean: Number = Field(
        description="mean of the prediction, weighed: a conserved total does not drift"
    )
    truth_mean: Number = Field(description="mean of the truth, weighed")
    quantiles: Mapping[str, Bracket] | None = Field(
        description="for each share of the weight a bracket of the error that it does not exceed; null where lead "
        "times share one "
        "histogram"
    )
    gradient_ratio: Number = Field(description="RMS gradient of the error over that of the truth")
    missing: int = Field(description="grid points where only the prediction has no value")
    outside: int = Field(description="values of the prediction outside of its bounds")


class LevelRecord(Record):
    """One level, of all inits, lead times and members."""

    level: str = Field(description="the level")
    rms: Number = Field(description="root mean square error, weighed")
    sup: Number = Field(description="the largest error where both have a value")
    at: Mapping[str, str | float] = Field(description="where the largest error is")


class FirstBadRecord(Record):
    """The first lead time of an init at which something is wrong, and where it began."""

    init: str = Field(description="the init")
    lead: str = Field(description="the lead time")
    cause: str = Field(
        description="`missing`, `outside` (of the bounds) or `large` (error above so many RMS errors)"
    )
    at: Mapping[str, str | float] = Field(
        description="the first such grid point, or the one with the largest error"
    )
    points: int | None = Field(description="number of grid points, where they were counted")


class InvalidRecord(Record):
    """Values that are declared missing: outside of the valid range, or a fill value that xarray does not mask."""

    side: str = Field(description="`prediction` or `truth`")
    n: int = Field(description="number of grid points, of all pairs of fields")
    at: Mapping[str, str | float] = Field(description="the first such grid point")
    low: Number = Field(description="values below are missing, by `valid_range` or `valid_min`")
    high: Number = Field(description="values above are missing, by `valid_range` or `valid_max`")
    fills: tuple[Number, ...] = Field(
        description="values that are missing: the default fill value of a NetCDF file that names none, or one that was not "
        "masked when the data were opened"
    )


class FieldBoundsRecord(Record):
    """Bounds of the prediction and what is outside."""

    low: Number = Field(description="least value allowed")
    high: Number = Field(description="largest value allowed")
    by: str = Field(description="`given`, or `usual` for the quantity")
    below: int = Field(description="values below")
    above: int = Field(description="values above")
    worst: Number | None = Field(description="the value furthest outside; null if none is")
    at: Mapping[str, str | float] = Field(description="where it is")


class SpectrumRecord(Record):
    """Power by zonal wavenumber, of some of the fields."""

    fields: int = Field(description="number of fields")
    skipped: int = Field(description="fields left out because a value is missing")
    power_ratio: tuple[Number, ...] = Field(
        description="power of the prediction over that of the truth, from wavenumber 1 on; null where the truth "
        "has none but rounding"
    )
    error_ratio: tuple[Number, ...] = Field(description="power of the error over that of the truth")
    resolved: int | None = Field(
        description="first wavenumber with more error than truth or half of its power; null for none"
    )
    by: str = Field(description="`error` or `power`: which of both; empty for none")


class FieldVariableRecord(Record):
    """One variable."""

    name: str = Field(description="name in the prediction")
    truth_name: str = Field(description="name in the truth")
    unit: str = Field(description="unit; empty where none is known")
    tolerance: float | None = Field(description="largest error allowed; null for none")
    grid: GridRecord = Field(description="its grid")
    fields: int = Field(description="number of pairs of fields compared")
    of: int = Field(description="number of pairs of fields that have a truth")
    n: int = Field(description="number of grid points where both have a value")
    sup: FieldSupRecord = Field(description="the largest error")
    rms: Number = Field(description="root mean square error, weighed")
    bias: Number = Field(description="mean of prediction minus truth, weighed")
    quantiles: Mapping[str, Bracket] = Field(
        description="for each share of the weight a bracket of the error that it does not exceed"
    )
    gradient_ratio: Number = Field(description="RMS gradient of the error over that of the truth (H1)")
    missing: int = Field(description="grid points where only the prediction has no value")
    truth_missing: int = Field(
        description="grid points where only the truth has no value: they are not compared"
    )
    first_missing: Mapping[str, str | float] = Field(
        description="the first place where only the prediction has no value"
    )
    invalid: tuple[InvalidRecord, ...] = Field(
        (), description="what was treated as missing because attributes declare it so; empty for nothing"
    )
    bounds: FieldBoundsRecord | None = Field(description="bounds of the prediction; null where none is known")
    by_lead: tuple[LeadRecord, ...] = Field(description="each lead time")
    by_level: tuple[LevelRecord, ...] = Field(description="each level; empty without any")
    events: tuple[EventRecord, ...] = Field(description="the largest events by the size of their error")
    events_by_ratio: tuple[int, ...] = Field(
        description="the same by error over RMS error: their numbers in `events`, from 0"
    )
    all_events: int = Field(description="number of all events found")
    kappa: float = Field(
        description="the smallest error of a grid point of an event, in RMS errors of its lead time and level"
    )
    threshold: float | None = Field(
        None,
        description="the same as a number in the unit of the variable, in place of `kappa`; null for none",
    )
    first_bad: tuple[FirstBadRecord, ...] = Field(
        description="inits at which something becomes wrong, the earliest first"
    )
    spectrum: SpectrumRecord | None = Field(description="power by wavenumber; null if it was not computed")
    sup_map: Data = Field(description="the largest error in each part of the grid, for the picture")
    notes: tuple[str, ...] = Field(
        description="how prediction and truth were paired, and what limits the numbers"
    )

    @property
    def compared_sup(self) -> float:
        """The largest error where both have a value; NaN where none has."""
        return math.nan if self.sup.witness is None else self.sup.witness.error

    @property
    def ratio_of(self) -> dict[str, bool]:
        """What the RMS error in `FieldPointRecord.ratio` is taken of, for a sentence: a lead time, a level or both."""
        lead, level = len(self.by_lead) > 1, len(self.by_level) > 1
        return {"lead": lead, "level": level, "both": lead and level}

    def __repr__(self) -> str:
        """One line: the name, the largest error and the number of events."""
        numbers = f"largest error {self.sup.lower:.4g}, RMS error {self.rms:.4g}, events {self.all_events}"
        return f"FieldVariableRecord({self.name!r}: {numbers})"

    __str__ = __repr__


class FieldsRecord(Result):
    """The whole result."""

    SCHEMA: ClassVar[str] = "supnorm.fields/1"
    status: StatusField = Field(
        description="`code` (`tolerance-exceeded`, `missing-values`, `out-of-bounds`, `within-tolerance`, `no-tolerance`, "
        "`nothing-compared`: a variable has no grid point with a value on both sides; `interrupted`), `advice`, `exit`"
    )
    title: str = Field(description="names of both data sets")
    variables: tuple[FieldVariableRecord, ...] = Field(description="each variable")
    findings: tuple[Sentence, ...] = Field(description="what is worth knowing, in sentences")
    command: str = Field(description="the command that repeats the run; empty from Python")
    bytes: Annotated[int, unit("B")] = Field(description="bytes of the fields compared, of both sides")
    seconds: Seconds = Field(description="wall time")
    versions: Mapping[str, str] = Field(description="versions of Python and of packages")
