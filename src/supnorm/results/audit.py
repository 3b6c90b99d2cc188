"""The record of `audit`: the worst error that was found, statistics, peaks, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import AxisRecord, EstimateRecord, FiniteRecord, MeasureRecord, PointRecord
from supnorm.results.record import Data, Field, Number, Record, Result, Seconds, StatusField


class FunctionRecord(Record):
    """A model or a reference."""

    name: str = Field(description="empty where it has none")
    precision: str = Field(description="in which it computes, such as `float64`")
    notes: tuple[str, ...] = Field(description="what limits it, in words")


class DomainRecord(Record):
    """What the axes span."""

    kind: str = Field(description="`box`, `constraints` (a part of a box) or `data` (balls round data)")


class OutputRecord(Record):
    """One output."""

    name: str = Field(description="of the output")
    unit: str = Field(description="empty where none is known")


class CoverageRecord(Record):
    """Which points of a domain whose inputs are all lists of values were evaluated one by one."""

    exhaustive: bool = Field(description="whether every point was evaluated")
    complete: bool = Field(
        description="whether the error of every output is known at each besides, and counts"
    )
    points: int | None = Field(description="how many there are; null where that is not known, or not finite")
    evaluated: int | None = Field(description="how many were evaluated one by one; null after a search")
    failed: Mapping[str, int] = Field(
        description="at how many of them a side failed, by `model` and `reference`"
    )
    masked: int = Field(description="at how many the error does not count")
    partial: int = Field(
        description="at how many of the others the reference has a value in some outputs only"
    )
    without_error: tuple[Mapping[str, Number], ...] = Field(description="the first points that failed")
    text: str = Field(description="what this means for the worst error, in words")


class SupRecord(Record):
    """The worst error is between ``lower`` and ``upper``."""

    lower: Number = Field(description="the error at the witness, the largest one computed in the run")
    computed: str = Field(
        description="by a call of a `batch`, of the point `alone`, or in a `row` of a table"
    )
    alone: Number | None = Field(description="the error of that point called alone; null where it was not")
    rounding: Number = Field(description="how far the errors of the two calls are apart")
    upper: Number | None = Field(description="null without a certificate")
    upper_kind: str = Field(
        description="`none`, and after `certify` in the same folder `certified` (the model's own rounding is in it), "
        "`exact-arithmetic` or `conditional`"
    )
    assumptions: tuple[str, ...] = Field(
        default=(), description="what the upper bound rests on; only with one"
    )


class PeakRecord(PointRecord):
    """A distinct peak of the error; of a joint error the output is the one that lowers it most when it is set right."""

    tags: tuple[str, ...] = Field(
        description="`boundary` or `interior`; `glitch`; `model-side` or `reference-side` by where the error bends; "
        "`off-data`; `suspect-label`"
    )
    volume: Number | None = Field(
        description="share of the domain where the error is at least half its height"
    )
    volume_at_least: Number | None = Field(description="its lower limit, with 95 % confidence for all peaks")
    volume_at_most: Number | None = Field(
        description="its upper limit; null where the region goes on beyond what was measured"
    )
    prominence: Number | None = Field(description="the peak minus the saddle, over the RMS")
    recheck: str | None = Field(
        description="by the second reference: `confirmed`, `reference-fault`, `unresolved`; null without one"
    )
    recheck_value: tuple[Number, ...] | None = Field(description="the values of the second reference there")
    off_data: Number | None = Field(
        description="distance to the nearest data point over the usual distance of neighbours"
    )
    row: int | None = Field(
        default=None, description="number of the row, counted from 1 below the header; of a table only"
    )
    line: int | None = Field(default=None, description="line of its file, where that is not `row` plus 1")
    columns: Mapping[str, str] | None = Field(default=None, description="what its other columns hold there")


class RmsRecord(EstimateRecord):
    """The root-mean-square error."""

    at_least: Number = Field(description="a floor of the true one, from the glitches that were found")


class PlainRecord(Record):
    """The independent points; of a table its rows."""

    n: int = Field(description="how many have an error")
    drawn: int = Field(description="how many there are")
    worst: Number = Field(description="the largest of their errors")


class ExceedanceRecord(Record):
    """A share of the law with an error above a level."""

    above: Number = Field(description="the level")
    count: int = Field(description="how many of the points lie above it")
    n: int = Field(description="how many points there are")
    fraction: Number = Field(description="the share of them")
    fraction_at_most: Number = Field(description="the upper limit of the share of the law")
    confidence: float = Field(
        description="of the limit; 1 where all points of a finite domain were evaluated"
    )
    of: str = Field(description="`all`, or `the part with a value` where some points have none")


class UnseenRecord(Record):
    """The chance that one more ascent ends on a peak that was not seen."""

    value: float = Field(description="an estimate")
    at_most: float = Field(description="its upper limit")
    ascents: int = Field(description="independent ascents that were made")
    peaks: int = Field(description="peaks that they ended on")
    once: int = Field(description="how many of these were reached once")
    confidence: float = Field(description="of the limit")


class PlantedRecord(Record):
    """Errors of one kind that were planted and searched for."""

    height: Number = Field(description="of each")
    volume: float = Field(description="share of the domain that one fills; of a sheet its displacement")
    shape: str = Field(description="`bump` or `sheet`")
    side: str = Field(description="in `model`, `reference` or `both`; `error` where that makes no difference")
    found: int = Field(description="how many were found")
    runs: int = Field(description="of how many")
    evaluations: int = Field(description="of each search")
    pair: str = Field(description="what was searched: `the audited pair` or `a stand-in`")
    searched: str = Field(description="the same in words")


class CallRecord(Record):
    """What one call gave at a point whose error is not reproducible."""

    model: tuple[Number, ...] = Field(description="outputs of the model")
    reference: tuple[Number, ...] = Field(description="outputs of the reference")
    error: Number = Field(description="the error")


class FindingRecord(Record):
    """Something that the user should know besides the worst error."""

    code: str = Field(description="what it is, in a word")
    text: str = Field(description="the same in a sentence")
    rows: tuple[int, ...] | None = Field(default=None, description="rows of the table that it names")
    x: Mapping[str, Number] | None = Field(default=None, description="the point that it names")
    batch: CallRecord | None = Field(default=None, description="of `not-reproducible`: the call in a batch")
    alone: CallRecord | None = Field(
        default=None, description="of `not-reproducible`: the call of the point alone"
    )


class TableRecord(Record):
    """The rows of a table that were compared."""

    rows: int = Field(description="how many there are")
    compared: int = Field(description="how many of them have an error")
    paired_by: str = Field(
        description="`row` of one file, `key`, `order` (row by row with equal inputs), or `table` (one side was called "
        "at the rows)"
    )
    key: Mapping[str, tuple[str, ...]] | None = Field(
        description="columns of the key of `model` and `reference`"
    )
    alone: Mapping[str, int] = Field(description="rows without a partner, by side")
    left: int = Field(description="rows that an audit which was stopped did not reach")
    outside: int = Field(description="rows outside the domain")
    incomplete: int = Field(description="rows that lack an input")
    without_value: Mapping[str, int] = Field(description="rows in which a side has no value")
    without_value_rows: Mapping[str, tuple[int, ...]] = Field(description="the first of them")
    text: str = Field(description="what the largest error means, in words")


class CauseRecord(Record):
    """A cause of points without a value."""

    where: str = Field(description="the side that failed")
    kind: str = Field(description="how: `non-finite`, an exception, ...")
    message: str = Field(description="its message")
    count: int = Field(description="how many points")
    x: Mapping[str, Number] = Field(description="the first of them")


class AlongRecord(Record):
    """Where along one input points were evaluated."""

    axis: str = Field(description="the input")
    edges: tuple[Number, ...] = Field(description="of the bins")
    evaluated: tuple[int, ...] = Field(description="points in each bin")
    failed: tuple[int, ...] = Field(description="those without a value")
    outside: tuple[int, ...] = Field(description="points that do not exist")


class FailuresRecord(Record):
    """Points without a value."""

    count: int = Field(description="how many")
    of: int = Field(
        description="of how many evaluations; where every point of a finite domain was evaluated, of these"
    )
    model: int = Field(description="those of the model, where the reference has a value")
    reference: int = Field(description="those of the reference")
    infinite: int = Field(description="those of the model that are infinite errors")
    masked: int = Field(description="points that the mask left out")
    causes: tuple[CauseRecord, ...] = Field(description="why, the most frequent cause first")
    by_axis: tuple[AlongRecord, ...] = Field(description="where, along each input")


class EvaluationsRecord(Record):
    """Evaluations by purpose; a gradient counts 3."""

    search: int = Field(description="search and probe")
    statistics: int = Field(description="independent points of the law")
    pictures: int = Field(description="sizes of peaks, and pictures")
    power: int = Field(description="planted errors")
    recheck: int = Field(description="the second reference")
    failed: int = Field(description="all of these without a value")


class PlannedRecord(Record):
    """Evaluations at most, as said before the search."""

    search: int = Field(description="search and probe")
    statistics: int = Field(description="independent points of the law")
    pictures: int = Field(description="sizes of peaks, and pictures")
    power: int = Field(description="planted errors")
    recheck: int = Field(description="the second reference")
    total: int = Field(description="all together")
    seconds: Seconds | None = Field(description="about how long they take; null where calls are cheap")


class CostRecord(Record):
    """Whether a call counts as expensive (more than 1 ms a point), which decides how the audit goes."""

    class_: str = Field(description="`cheap`, `expensive`, `expensive-model` or `expensive-both`")
    rows: int | None = Field(description="of a call of an expensive side; null where there is none")
    by: str = Field(description="`measured` or `declared`")
    model_ms: float = Field(description="milliseconds of the model a point")
    reference_ms: float = Field(description="milliseconds of the reference a point")


class SidesRecord(Record):
    """A number for each side."""

    model: Seconds = Field(description="of the model")
    reference: Seconds = Field(description="of the reference")


class BudgetRecord(Record):
    """What limited statistics and search."""

    evaluations: int | None = Field(description="null where only time did, and for a table")
    seconds: Seconds | None = Field(description="null where only evaluations did")


class AuditRecord(Result):
    """The worst error of a model against a reference, as far as it was found."""

    SCHEMA: ClassVar[str] = "supnorm.audit/1"

    status: StatusField = Field(
        description="`code` (`nothing-found`: a search that found no error above the tolerance, which proves nothing; "
        "`within-tolerance`: no error is above it, by a bound of a certificate, at every point of a finite domain or in "
        "every row of a table; `tolerance-exceeded`, `no-tolerance`, `reference-fault`, `unresolved`, `no-value`, "
        "`interrupted`), `advice`, `exit`"
    )
    title: str = Field(description="of the problem")
    command: str = Field(description="that gave this")
    tolerance: float | None = Field(description="that the error should keep; null without")
    law: str = Field(description="how inputs are distributed for the statistics; of a table its rows")
    law_uniform: bool = Field(
        description="whether that is evenly over the domain, so that a share of the law is a share of the domain"
    )
    model: FunctionRecord = Field(description="what is audited")
    reference: FunctionRecord = Field(description="what it is compared with")
    recheck: FunctionRecord | None = Field(description="the second reference; null without one")
    axes: tuple[AxisRecord, ...] = Field(description="one for each input")
    domain: DomainRecord = Field(description="what the axes span")
    outputs: tuple[OutputRecord, ...] = Field(
        description="of more than 1,000 those of the `peaks`, the 500 with the largest errors and the worst one of each "
        "of 500 equal parts; `outputs.csv` holds all of them"
    )
    measure: MeasureRecord = Field(description="of the error")
    search: CoverageRecord = Field(description="of a domain whose inputs are all lists of values")
    sup: SupRecord = Field(description="the worst error")
    witness: PeakRecord | None = Field(description="the worst point; null where nothing had an error")
    rms: RmsRecord = Field(description="root-mean-square error of the law")
    finite: FiniteRecord | None = Field(
        description="where the worst error is infinite, what the others are like; else null"
    )
    mean: EstimateRecord = Field(description="mean error of the law")
    norms: Mapping[str, Number] = Field(
        description="L1, L2, L4 of the sample (or those asked for in `[audit] norms`), and the worst error found"
    )
    norms_over_outputs: Mapping[str, Number] | None = Field(
        description="the same of the vector of outputs; null for one output"
    )
    explanation: str = Field(description="why the RMS and the worst error differ, in words")
    quantiles: Mapping[str, Number | None] = Field(
        description="of the error at the independent points; null where these are too few: 99.9 % needs 1,000"
    )
    plain_sample: PlainRecord = Field(description="what plain testing shows")
    exceedance: tuple[ExceedanceRecord, ...] = Field(
        description="of the tolerance, or of a level of the sample"
    )
    unseen_peak_mass: UnseenRecord | None = Field(description="null without ascents from random restarts")
    power: tuple[PlantedRecord, ...] = Field(description="errors that were planted and searched for again")
    power_left_out: str = Field(description="why some or all of them were not planted; empty where none was")
    peaks: tuple[PeakRecord, ...] = Field(
        description="distinct peaks, the worst first; of a table its worst rows"
    )
    glitches: tuple[PeakRecord, ...] = Field(description="those that stand out (docs/audit.md)")
    findings: tuple[FindingRecord, ...] = Field(
        description="what else was noticed: `suspect-labels`, `rows-outside`, `rows-alone`, `rows-repeated`, "
        "`rows-incomplete`, `law-outside`, `domain-exceeds-data`, `no-model-value`, `zero-reference`, `infinite-error`, "
        "`not-reproducible`, `model-failed`, `reference-failed`, `zero-derivatives`, `output-without-value`, "
        "`recheck-failed`, `computed-by-certify`"
    )
    table_only: bool = Field(description="whether rows of a table were compared, and nothing was searched")
    table: TableRecord | None = Field(description="what was compared of it; else null")
    failures: FailuresRecord = Field(description="points without a value")
    evaluations: EvaluationsRecord = Field(description="what was spent")
    planned: PlannedRecord | None = Field(
        description="null where only time limits the search, and for a table"
    )
    cost: CostRecord | None = Field(description="null for a table")
    seconds: Seconds = Field(description="wall time")
    model_seconds: Seconds = Field(description="of it in the model")
    reference_seconds: Seconds = Field(description="of it in the reference")
    seconds_per_point: SidesRecord = Field(description="what one point takes")
    seed: int = Field(description="of everything random")
    gradients: str = Field(
        description="`both` sides have informative derivatives, the `model` alone, or `none`"
    )
    regime: str = Field(
        description="how it was searched: `A`, `B`, `C` by these derivatives, `D` where a Gaussian process steered it, "
        "`enumeration` where the points of a finite domain were evaluated one by one, `table`, or the name of a strategy"
    )
    budget: BudgetRecord = Field(description="what limited statistics and search")
    finished: str = Field(description="when")
    machine: str = Field(description="where")
    versions: Mapping[str, str] = Field(description="of the packages")
    fingerprint: str = Field(description="a hash of everything that defines the problem (above)")
    notes: tuple[str, ...] = Field(description="what limits the numbers, in words")
    charts: Data = Field(description="the data of the page's pictures")
    outputs_total: int = Field(description="how many outputs there are")
