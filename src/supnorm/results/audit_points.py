"""Parts of the record of `audit`: the rows of a table that were compared, and the points without a value."""

from __future__ import annotations

from collections.abc import Mapping

from supnorm.results.record import Field, Number, Record
from supnorm.results.table_rows import AccuracyRecord, GroupRecord


class TableRecord(Record):
    """The rows of a table that were compared."""

    rows: int = Field(description="number of rows")
    compared: int = Field(description="how many of the rows have an error")
    paired_by: str = Field(
        description="`row` of one file, `key`, `order` (row by row with equal inputs), or `table` (one side was called "
        "at the rows)"
    )
    key: Mapping[str, tuple[str, ...]] | None = Field(
        description="columns of the key, of `model` and `reference`"
    )
    alone: Mapping[str, int] = Field(description="number of rows without a partner, by side")
    left: int = Field(description="number of rows that an interrupted audit did not reach")
    outside: int = Field(description="number of rows outside the domain")
    incomplete: int = Field(description="number of rows that lack an input")
    without_value: Mapping[str, int] = Field(description="number of rows in which a side has no value")
    without_value_rows: Mapping[str, tuple[int, ...]] = Field(description="numbers of the first such rows")
    text: str = Field(description="what the largest error means, in words")
    accuracy: tuple[AccuracyRecord, ...] = Field(
        default=(), description="prediction minus truth, of each output (of more than 50 the first 50)"
    )
    groups: tuple[GroupRecord, ...] = Field(
        default=(),
        description="errors by the value of the columns that were asked for, the worst first (at most 200)",
    )
    groups_total: Mapping[str, int] = Field(default={}, description="number of groups, by column")
    rows_hash: str = Field(
        default="",
        description="SHA-256 of the numbers, inputs and truths of all rows in the domain: equal in two runs over the same "
        "rows. Empty in results of older versions",
    )
    errors_hash: str = Field(
        default="",
        description="SHA-256 of the numbers of the rows that have an error: equal in two runs whose statistics are over "
        "the same rows. Empty in results of older versions",
    )


class CauseRecord(Record):
    """A cause of points without a value."""

    where: str = Field(description="the side that failed")
    kind: str = Field(description="how it failed: `non-finite`, an exception, ...")
    message: str = Field(description="message of the failure")
    count: int = Field(description="number of points with this cause")
    x: Mapping[str, Number] = Field(description="the first of these points")


class AlongRecord(Record):
    """Where along one input points were evaluated."""

    axis: str = Field(description="name of the input")
    edges: tuple[Number, ...] = Field(description="edges of the bins along the input")
    evaluated: tuple[int, ...] = Field(description="number of points in each bin")
    failed: tuple[int, ...] = Field(description="how many of these points have no value")
    outside: tuple[int, ...] = Field(description="number of points in each bin that do not exist")


class FailuresRecord(Record):
    """Points without a value."""

    count: int = Field(description="number of points without a value")
    of: int = Field(
        description="number of evaluations; if every point of a finite domain was evaluated, the number of these "
        "points"
    )
    model: int = Field(description="points where the model has no value and the reference has one")
    reference: int = Field(description="points where the reference has no value")
    infinite: int = Field(description="points where a missing value of the model is an infinite error")
    masked: int = Field(description="points that the mask leaves out")
    causes: tuple[CauseRecord, ...] = Field(description="causes, the most frequent one first")
    by_axis: tuple[AlongRecord, ...] = Field(description="where these points lie along each input")
