"""What an audit took: evaluations by purpose, what a call costs, and what limited it."""

from __future__ import annotations

from supnorm.results.record import Field, Record, Seconds


class PurposesRecord(Record):
    """Evaluations by purpose; a gradient counts 3."""

    search: int = Field(description="search and probe")
    statistics: int = Field(description="independent points of the law")
    pictures: int = Field(description="sizes of peaks, and pictures")
    power: int = Field(description="planted errors")
    recheck: int = Field(description="the second reference")


class EvaluationsRecord(PurposesRecord):
    """Evaluations that were made."""

    failed: int = Field(description="all of these without a value")


class PlannedRecord(PurposesRecord):
    """Evaluations at most, as said before the search."""

    total: int = Field(description="all together")
    seconds: Seconds | None = Field(description="about how long they take; null where calls are cheap")


class CostRecord(Record):
    """Whether a call counts as expensive (more than 1 ms a point), which decides how the audit goes."""

    class_: str = Field(
        description="which sides are expensive: `cheap`, `expensive` (the reference), `expensive-model` or "
        "`expensive-both`"
    )
    rows: int | None = Field(description="points of a call of an expensive side; null if there is none")
    one_by_one: bool | None = Field(
        default=None,
        description="whether the search sends points to the workers one by one (`true`) or in rounds; null without workers",
    )
    ahead: int | None = Field(
        default=None,
        description="for how many workers points are then chosen, those when the run began; a repeat needs it; "
        "null in rounds",
    )
    by: str = Field(description="`measured` or `declared`")
    model_ms: float = Field(description="milliseconds of the model for a point")
    reference_ms: float = Field(description="milliseconds of the reference for a point")


class SidesRecord(Record):
    """A number for each side."""

    model: Seconds = Field(description="of the model")
    reference: Seconds = Field(description="of the reference")


class BudgetRecord(Record):
    """What limited statistics and search."""

    evaluations: int | None = Field(
        description="limit of evaluations; null if only time limited the search, and for a table"
    )
    seconds: Seconds | None = Field(
        description="limit of seconds; null if only evaluations limited the search"
    )
    chosen: bool = Field(
        default=False,
        description="whether the measured cost of a call has chosen `evaluations`, because no budget was given",
    )
