"""The record of `compare-runs`: two runs of audits of the same question, and what is worse or better between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import AxisRecord, MeasureRecord, Sentence
from supnorm.results.record import Field, Number, Record, Result, StatusField


class RunRecord(Record):
    """One of the two runs."""

    folder: str = Field(description="folder of the run")
    title: str = Field(description="title of its problem; empty where it has none")
    model: str = Field(description="name of its model; empty where it has none")
    verdict: str = Field(description="`status.code` of the run")
    tolerance: float | None = Field(description="its tolerance; null without one")
    found: Number = Field(description="`sup.lower` of the run: the error at its witness")
    worst: Number = Field(
        description="the largest error known of its model: `found`, or an error at a point of the other run"
    )
    at: Mapping[str, Number] | None = Field(description="the point of `worst`; null where no error is known")
    row: int | None = Field(description="of a table: the row of `worst`; else null")
    raised: bool = Field(
        description="whether `worst` comes from a point of the other run: its search missed it"
    )
    other: Number | None = Field(description="error of the other model at `at`; null if it is not known")
    upper: Number | None = Field(
        description="proved upper bound, or the largest error of a table or finite domain of which every point was "
        "compared; null without one"
    )
    upper_kind: str = Field(
        description="as in the audit; `exact` for every point of a finite set; else `none`"
    )
    rms: Number = Field(description="root mean square error")
    ratio: Number = Field(description="`worst` divided by `rms`; null where the RMS is zero or infinite")
    no_value: int = Field(description="points where the model has no value and the reference has one")
    infinite: int | None = Field(
        default=None,
        description="of a table of which every row was compared: rows with an infinite error; else left out",
    )
    evaluations: int = Field(description="evaluations of the search")
    planted_found: int = Field(description="planted errors that the search found")
    planted: int = Field(description="errors that were planted")
    evaluated: bool = Field(description="whether its model was evaluated at the other run's worst points")
    left_out: str = Field(description="why it was not; empty if it was")
    seed: int = Field(description="seed of the run")
    fingerprint: str = Field(description="fingerprint of the run's problem")


class LevelRecord(Record):
    """The share of the law with an error above a level, in both runs."""

    above: Number = Field(description="the level")
    old: tuple[Number, Number] = Field(
        description="ends of the 95 % interval of the old share (Clopper and Pearson)"
    )
    new: tuple[Number, Number] = Field(description="the same of the new share")
    overlap: bool = Field(description="whether the intervals overlap: if they do, no difference is shown")


class PeakChangeRecord(Record):
    """A peak of either run."""

    change: str = Field(
        description="`same`, `moved`, `new` (the old search reports no peak there) or `gone` (the new search reports "
        "none there)"
    )
    output: str = Field(description="name of the output")
    x_old: Mapping[str, Number] | None = Field(description="the old peak; null for `new`")
    x_new: Mapping[str, Number] | None = Field(description="the new peak; null for `gone`")
    old: Number | None = Field(
        description="error of the old model at the old peak, or at the new one if there is no old one; null if unknown"
    )
    new: Number | None = Field(
        description="error of the new model at the new peak, or at the old one if there is no new one; null if unknown"
    )
    row: int | None = Field(default=None, description="of a table: its row; else left out")


class StatisticRecord(Record):
    """A statistic of both tables, where these have other rows: a difference may be one of the inputs."""

    code: str = Field(
        description="`rows` (how many there are), `mae` and `bias` (of an output, in its unit), `quantile` (of the "
        "errors), `above` (share of the rows above the tolerance), `group-worst` and `group-rms` (of the rows with a value "
        "of a column)"
    )
    of: Mapping[str, str] = Field(
        description="of what: `output`; `share` of a quantile; `column` and `value` of a group"
    )
    old: Number | None = Field(description="of the old table; null where it is not known")
    new: Number | None = Field(description="of the new table; null where it is not known")


class CompareRunsRecord(Result):
    """Whether the worst error became worse between two runs."""

    SCHEMA: ClassVar[str] = "supnorm.compare-runs/1"

    status: StatusField = Field(
        description="`code` (`worse`, `better`, `no-difference-found`, `undecided`), `advice`, `exit` (1, 0, 0, 4)"
    )
    basis: str = Field(
        description="what the verdict rests on: `proved` (bounds), `measured` (both models at the decisive point), "
        "`unmatched` (the other model was not evaluated there), `search`, `smaller-search`, `interrupted` (the new one), "
        "`no-value`, "
        "`reference-in-doubt`, `other-rows` (of two tables, such as two months); "
        "if both worst errors are infinite `more-infinite`, `fewer-infinite`, `rows` (as many rows of "
        "a table as before) or `both-infinite`"
    )
    factor: float = Field(description="by which factor an error has to be above the other to count")
    reference: str = Field(description="name of the reference")
    axes: tuple[AxisRecord, ...] = Field(description="the inputs of both runs")
    measure: MeasureRecord = Field(description="how both measure the error")
    old: RunRecord = Field(description="the old run")
    new: RunRecord = Field(description="the new run")
    exceedance: tuple[LevelRecord, ...] = Field(description="levels that both runs have")
    peaks: tuple[PeakChangeRecord, ...] = Field(description="peaks of both runs, at most ten of each")
    statistics: tuple[StatisticRecord, ...] = Field(
        default=(), description="of two tables with other rows: their statistics; else left out"
    )
    remarks: tuple[Sentence, ...] = Field(description="what a reader has to know besides")
    command: str = Field(description="the command that repeats it; empty if Python started it")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
