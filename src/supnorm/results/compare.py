"""The record of `compare`: several models against one reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import AxisRecord, FiniteRecord, MeasureRecord
from supnorm.results.record import Field, Number, Record, Result


class RowRecord(Record):
    """One model of a comparison."""

    title: str = Field(description="the name of the model, with the folder where two have the same")
    model: str = Field(description="the name of the model; empty where it has none")
    rms: Number = Field(description="root mean square of its error")
    q999: Number = Field(
        description="99.9 % of the points have an error below it; null where the points are too few"
    )
    worst: Number = Field(description="the largest error found")
    no_value: int = Field(description="points where the model has no value and the reference has one")
    finite: FiniteRecord | None = Field(
        description="where the worst error is infinite, what the others are like; else null"
    )
    at: Mapping[str, Number] | None = Field(
        description="inputs of the worst point; null where no error is known"
    )
    row: int | None = Field(description="its number in a table; else null")
    tolerance: Number | None = Field(description="that the error should keep; null without")
    status: str = Field(description="code of the audit's status")
    folder: str = Field(description="of the audit's run")
    seed: int = Field(description="of the search; models that are searched alike have the same")
    budget: int | None = Field(
        description="evaluations that the search was given; null for a table, or where only time limited it"
    )


class CompareRecord(Result):
    """The audits of several models against one reference, a row for each."""

    SCHEMA: ClassVar[str] = "supnorm.compare/1"

    reference: str = Field(description="its name; empty where it has none")
    axes: tuple[AxisRecord, ...] = Field(description="the inputs")
    measure: MeasureRecord = Field(description="the error that all models share")
    rows: tuple[RowRecord, ...] = Field(description="one for each model, in the order of the command")
