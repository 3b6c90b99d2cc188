"""The record of `audit`: the worst error that was found, statistics and peaks; `audit_cost` has what it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from supnorm.results.audit_cost import BudgetRecord, CostRecord, EvaluationsRecord, PlannedRecord, SidesRecord
from supnorm.results.audit_points import FailuresRecord, TableRecord
from supnorm.results.charts import ChartsRecord
from supnorm.results.parts import (
    AxisRecord,
    EstimateRecord,
    Fact,
    FiniteRecord,
    MeasureRecord,
    PointRecord,
    Sentence,
)
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class FunctionRecord(Record):
    """A model or a reference."""

    name: str = Field(description="name of the function; empty where it has none")
    precision: str = Field(description="precision in which it computes, such as `float64`")
    notes: tuple[str, ...] = Field(description="what limits it, in words")


class DomainRecord(Record):
    """What the axes span."""

    kind: str = Field(description="`box`, `constraints` (a part of a box) or `data` (balls around data)")


class OutputRecord(Record):
    """One output."""

    name: str = Field(description="name of the output")
    unit: str = Field(description="unit of the output; empty where none is known")


class CoverageRecord(Record):
    """Which points of a domain whose inputs are all lists of values were evaluated one by one."""

    exhaustive: bool = Field(description="whether every point was evaluated")
    complete: bool = Field(
        description="whether, besides, the error of every output is known at each point and counts"
    )
    points: int | None = Field(description="number of points; null if it is not known or not finite")
    evaluated: int | None = Field(
        description="number of points that were evaluated one by one; null after a search"
    )
    failed: Mapping[str, int] = Field(
        description="number of points at which a side failed, by `model` and `reference`"
    )
    masked: int = Field(description="number of points at which the error does not count")
    partial: int = Field(
        description="number of other points at which the reference has a value in some outputs only"
    )
    without_error: tuple[Mapping[str, Number], ...] = Field(description="the first points that failed")
    text: str = Field(description="what this means for the worst error, in words")


class SupRecord(Record):
    """The worst error is between ``lower`` and ``upper``."""

    lower: Number = Field(description="the error at the witness, the largest error that the run computed")
    computed: str = Field(
        description="how the error was computed: in a call of a `batch`, in a call of the point `alone`, or in a "
        "`row` of a table"
    )
    alone: Number | None = Field(
        description="error of the point when it was called alone; null if it was not"
    )
    rounding: Number = Field(description="difference between the errors of the two calls")
    upper: Number | None = Field(description="proved upper bound; null without a certificate")
    upper_kind: str = Field(
        description="`none`; after `certify` in the same folder `certified` (the bound includes the model's own "
        "rounding), `exact-arithmetic` or `conditional`"
    )
    assumptions: tuple[str, ...] = Field(
        default=(), description="what the upper bound rests on; only with an upper bound"
    )


class PeakRecord(PointRecord):
    """A distinct peak of the error; of a joint error the output is the one that lowers it most when it is set right."""

    tags: tuple[str, ...] = Field(
        description="`boundary` or `interior`; `glitch`; `model-side` or `reference-side` by where the error bends; "
        "`off-data`; `suspect-label`"
    )
    volume: Number | None = Field(
        description="share of the domain around the peak where the error is at least half of the peak's"
    )
    volume_at_least: Number | None = Field(
        description="lower limit of `volume`, with 95 % confidence for all peaks together"
    )
    volume_at_most: Number | None = Field(
        description="upper limit of `volume`; null if the region continues beyond the part that was measured"
    )
    prominence: Number | None = Field(description="the peak minus the saddle, divided by the RMS")
    recheck: str | None = Field(
        description="verdict of the second reference: `confirmed`, `reference-fault`, `unresolved`; null without one"
    )
    recheck_value: tuple[Number, ...] | None = Field(
        description="values of the second reference at this point"
    )
    off_data: Number | None = Field(
        description="distance to the nearest data point divided by r95, the 95 % quantile of the distances between "
        "neighbours"
    )
    row: int | None = Field(
        default=None, description="of a table only: number of the row, counted from 1 below the header"
    )
    line: int | None = Field(
        default=None, description="line of the row in its file, if that is not `row` plus 1"
    )
    columns: Mapping[str, str] | None = Field(
        default=None, description="values of the other columns of the row"
    )


class RmsRecord(EstimateRecord):
    """The root-mean-square error."""

    at_least: Number = Field(description="a floor of the true RMS, from the glitches that were found")


class PlainRecord(Record):
    """The independent points; of a table its rows."""

    n: int = Field(description="how many of the points have an error")
    drawn: int = Field(description="how many points were drawn")
    worst: Number = Field(description="the largest of these errors")


class ExceedanceRecord(Record):
    """A share of the law with an error above a level."""

    above: Number = Field(description="the level")
    count: int = Field(description="how many of the points have an error above the level")
    n: int = Field(description="number of points")
    fraction: Number = Field(description="share of the points above the level")
    fraction_at_most: Number = Field(description="upper limit of the share of the law above the level")
    confidence: float = Field(
        description="confidence of this limit; 1 if all points of a finite domain were evaluated"
    )
    of: str = Field(description="`all`, or `the part with a value` if some points have none")


class UnseenRecord(Record):
    """The chance that one more ascent ends on a peak that was not seen."""

    value: float = Field(description="estimate of the chance")
    at_most: float = Field(description="upper limit of the chance")
    ascents: int = Field(description="number of independent ascents")
    peaks: int = Field(description="number of peaks on which they ended")
    once: int = Field(description="how many of these peaks were reached once")
    confidence: float = Field(description="confidence of the limit")


class PlantedRecord(Record):
    """Errors of one kind that were planted and searched for."""

    height: Number = Field(description="height of each planted error")
    volume: float = Field(description="share of the domain that a bump fills; of a sheet its displacement")
    shape: str = Field(description="`bump` or `sheet`")
    side: str = Field(
        description="side that got the planted errors: `model`, `reference` or `both`; `error` if the side makes no "
        "difference"
    )
    found: int = Field(description="how many planted errors the search found")
    runs: int = Field(description="how many were planted")
    evaluations: int = Field(description="evaluations of each search")
    pair: str = Field(description="what was searched: `the audited pair` or `a stand-in`")
    searched: str = Field(description="the same in words")


class CallRecord(Record):
    """What one call gave at a point whose error is not reproducible."""

    model: tuple[Number, ...] = Field(description="outputs of the model")
    reference: tuple[Number, ...] = Field(description="outputs of the reference")
    error: Number = Field(description="the error of this call")


class Finding(Fact):
    """Something that the user should know besides the worst error, before any words are chosen."""

    rows: tuple[int, ...] | None = Field(default=None, description="rows of the table that the finding names")
    x: Mapping[str, Number] | None = Field(default=None, description="the point that the finding names")
    batch: CallRecord | None = Field(default=None, description="of `not-reproducible`: the call in a batch")
    alone: CallRecord | None = Field(
        default=None, description="of `not-reproducible`: the call of the point alone"
    )

    @classmethod
    def of(cls, code: str, /, **values: Any) -> Self:
        """One from its code and the values of its sentence."""
        return cls(code=code, values=values)


class FindingRecord(Finding, Sentence):
    """The same with its sentence."""


class AuditRecord(Result):
    """The worst error of a model against a reference, as far as it was found."""

    SCHEMA: ClassVar[str] = "supnorm.audit/1"

    status: StatusField = Field(
        description="`code` (`nothing-found`: a search that found no error above the tolerance, which proves nothing; "
        "`within-tolerance`: no error is above it, by a bound of a certificate, at every point of a finite domain or in "
        "every row of a table; `tolerance-exceeded`, `no-tolerance`, `reference-fault`, `unresolved`, `no-value`, "
        "`interrupted`), `advice`, `exit`"
    )
    title: str = Field(description="title of the problem")
    command: str = Field(description="the command that gave this result")
    tolerance: float | None = Field(description="the tolerance of the problem; null without one")
    law: str = Field(description="how inputs are distributed for the statistics; of a table: its rows")
    law_uniform: bool = Field(
        description="whether inputs are distributed evenly over the domain, so that a share of the law is a share of "
        "the domain"
    )
    model: FunctionRecord = Field(description="the function that is audited")
    reference: FunctionRecord = Field(description="the function with which it is compared")
    recheck: FunctionRecord | None = Field(description="the second reference; null without one")
    axes: tuple[AxisRecord, ...] = Field(description="one for each input")
    domain: DomainRecord = Field(description="what the axes span")
    outputs: tuple[OutputRecord, ...] = Field(
        description="all outputs; if there are more than 1,000: those of the `peaks`, the 500 with the largest errors "
        "and the worst one of each of 500 equal parts (`outputs.csv` has all of them)"
    )
    measure: MeasureRecord = Field(description="how the error is measured")
    search: CoverageRecord = Field(
        description="which points were evaluated, of a domain whose inputs are all lists of values"
    )
    sup: SupRecord = Field(description="the worst error")
    witness: PeakRecord | None = Field(description="the worst point; null if no point had an error")
    rms: RmsRecord = Field(description="root-mean-square error under the law")
    finite: FiniteRecord | None = Field(
        description="if the worst error is infinite: statistics of the finite errors; else null"
    )
    mean: EstimateRecord = Field(description="mean error under the law")
    norms: Mapping[str, Number] = Field(
        description="L1, L2, L4 of the sample (or those asked for in `[audit] norms`), and the worst error found"
    )
    norms_over_outputs: Mapping[str, Number] | None = Field(
        description="the same for the vector of outputs; null for one output"
    )
    explanation: str = Field(description="why the RMS and the worst error differ, in words")
    quantiles: Mapping[str, Number | None] = Field(
        description="quantiles of the error at the independent points; null if the points are too few: 99.9 % needs "
        "1,000"
    )
    plain_sample: PlainRecord = Field(description="what testing at random points shows")
    exceedance: tuple[ExceedanceRecord, ...] = Field(
        description="which share of the law has an error above the tolerance, or above a level of the sample"
    )
    unseen_peak_mass: UnseenRecord | None = Field(
        description="chance that one more ascent ends on a peak that no ascent has reached; null without ascents from "
        "random restarts"
    )
    power: tuple[PlantedRecord, ...] = Field(description="errors that were planted and searched for again")
    power_left_out: str = Field(
        description="why some or all of these errors were not planted; empty if none was left out"
    )
    peaks: tuple[PeakRecord, ...] = Field(
        description="distinct peaks, the worst first; of a table: its worst rows"
    )
    glitches: tuple[PeakRecord, ...] = Field(description="the peaks that are glitches (docs/glossary.md)")
    findings: tuple[FindingRecord, ...] = Field(
        description="what else was noticed: `suspect-labels`, `rows-outside`, `rows-alone`, `rows-repeated`, "
        "`input-like-output`, `rows-incomplete`, `law-outside`, `domain-exceeds-data`, `no-model-value`, "
        "`zero-reference`, `infinite-error`, "
        "`not-reproducible`, `model-failed`, `reference-failed`, `zero-derivatives`, `input-without-effect`, "
        "`output-without-value`, "
        "`recheck-failed`, `recheck-late`, `computed-by-certify`"
    )
    table_only: bool = Field(description="whether rows of a table were compared and nothing was searched")
    table: TableRecord | None = Field(
        description="which rows of a table were compared; null if there is no table"
    )
    failures: FailuresRecord = Field(description="points without a value")
    evaluations: EvaluationsRecord = Field(description="evaluations made, by purpose")
    planned: PlannedRecord | None = Field(
        description="evaluations at most, as printed before the search; null if only time limits the search, and for "
        "a table"
    )
    cost: CostRecord | None = Field(description="what a call costs; null for a table")
    seconds: Seconds = Field(description="wall time")
    model_seconds: Seconds = Field(description="time in the model")
    reference_seconds: Seconds = Field(description="time in the reference")
    seconds_per_point: SidesRecord = Field(description="time of one point")
    seed: int = Field(description="seed of all random choices")
    gradients: str = Field(
        description="`both` sides have informative derivatives, the `model` alone, or `none`"
    )
    regime: str = Field(
        description="kind of search: `A`, `B`, `C` by these derivatives, `D` if a Gaussian process steered it, "
        "`enumeration` if the points of a finite domain were evaluated one by one, `table`, or the name "
        "of a strategy"
    )
    budget: BudgetRecord = Field(description="what limited statistics and search")
    finished: str = Field(description="time of the end")
    machine: str = Field(description="machine of the run")
    versions: Mapping[str, str] = Field(description="versions of the packages")
    fingerprint: str = Field(description="a hash of everything that defines the problem (above)")
    reference_code: Mapping[str, str] = Field(
        default_factory=dict,
        description="hashes of what defines the reference, by name: its table in the problem file, its function (with "
        "the statements of its file that it needs), other files; empty for a reference that was given in Python",
    )
    notes: tuple[str, ...] = Field(description="what limits the numbers, in words")
    charts: ChartsRecord = Field(description="the data of the page's pictures")
    outputs_total: int = Field(description="number of all outputs")


class ShortAuditRecord(Record):
    """An audit with a fresh seed, in short: the whole is in a folder of its own."""

    axes: tuple[AxisRecord, ...] = Field(
        default=(), description="as in an audit; left out in files of older versions"
    )
    sup: SupRecord = Field(description="as in an audit")
    witness: PeakRecord | None = Field(description="as in an audit")
    rms: RmsRecord = Field(description="as in an audit")
    quantiles: Mapping[str, Number | None] = Field(description="as in an audit")
    evaluations: EvaluationsRecord = Field(description="as in an audit")
    seed: int = Field(description="seed of all random choices in it")

    @classmethod
    def of(cls, record: AuditRecord) -> Self:
        """That of a whole audit."""
        return cls(**{key: getattr(record, key) for key in cls.model_fields})
