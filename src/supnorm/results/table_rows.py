"""Parts of the record of `audit`: what is said of the rows of a table beside the largest error."""

from __future__ import annotations

from supnorm.results.record import Field, Number, Record


class AccuracyRecord(Record):
    """Prediction minus truth over the rows, of one output, in its unit, whatever error the problem measures."""

    output: str = Field(description="name of the output")
    n: int = Field(description="rows in which both values stand")
    mae: Number = Field(description="mean of the size of the difference (mean absolute error)")
    rmse: Number = Field(description="root of the mean square of the difference")
    bias: Number = Field(description="mean of the difference, prediction minus truth")
    r2: Number | None = Field(
        description="1 minus the mean square of the difference over the variance of the truth; null if the truth "
        "never varies"
    )


class FiniteGroupRecord(Record):
    """The rows of a group with a finite error, where the group has an infinite one."""

    n: int = Field(description="how many rows have a finite error")
    worst: Number | None = Field(description="the largest finite error; null if no row has one")
    row: int | None = Field(description="its row")
    mean: Number | None = Field(description="mean of the finite errors")
    rms: Number | None = Field(description="root mean square of the finite errors")


class GroupRecord(Record):
    """The rows that share a value of one column."""

    column: str = Field(description="name of the column")
    value: str = Field(description="what these rows have in it")
    rows: int = Field(description="how many rows were read and count")
    missing: int = Field(
        description="how many of them have no prediction where a truth stands: each has an infinite error, or none with "
        '`failures = "ignore"`'
    )
    without_truth: int = Field(
        default=0, description="how many of them have no truth; no error is known there. Left out if 0"
    )
    worst: Number | None = Field(
        description="the largest error, infinite if a prediction is missing and that counts; null if no row has an error"
    )
    row: int | None = Field(
        description="its row, counted from 1 below the header; of equal errors the first one"
    )
    mean: Number | None = Field(description="mean error")
    rms: Number | None = Field(description="root-mean-square error")
    bias: Number | None = Field(
        description="mean of prediction minus truth over the rows that have both; null with several outputs"
    )
    above: int | None = Field(
        description="how many rows are above the tolerance, those with an infinite error among them; null without one"
    )
    finite: FiniteGroupRecord | None = Field(
        default=None,
        description="if `worst` is infinite: what the finite errors are like; left out otherwise",
    )
