"""The record of `compare`: several models against one reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import AxisRecord, FiniteRecord, MeasureRecord
from supnorm.results.record import Field, Number, Record, Result


class RowRecord(Record):
    """One model of a comparison."""

    title: str = Field(description="name of the model, with the folder if two models have the same name")
    model: str = Field(description="name of the model; empty where it has none")
    rms: Number = Field(description="root-mean-square error of the model")
    q999: Number = Field(
        description="99.9 % of the points have an error below it; null where the points are too few"
    )
    worst: Number = Field(description="the largest error found")
    no_value: int = Field(description="points where the model has no value and the reference has one")
    finite: FiniteRecord | None = Field(
        description="if the worst error is infinite: statistics of the finite errors; else null"
    )
    at: Mapping[str, Number] | None = Field(
        description="inputs of the worst point; null where no error is known"
    )
    row: int | None = Field(description="number of the worst row in a table; else null")
    tolerance: Number | None = Field(description="the tolerance of the problem; null without one")
    status: str = Field(description="code of the status of the audit")
    folder: str = Field(description="folder of the audit's run")
    seed: int = Field(description="seed of the search; models that are searched alike have the same seed")
    budget: int | None = Field(
        description="evaluations allowed for the search; null for a table, or if only time limited the search"
    )
    there: tuple[Number, ...] = Field(
        default=(),
        description="error of this model at the worst point of each model, in the order of `rows`; null where it is not "
        "known; empty if the comparison was cut short",
    )
    found_by: str | None = Field(
        default=None,
        description="title of the model whose search found the worst point of this one; null if its own search did",
    )


class CompareRecord(Result):
    """The audits of several models against one reference, a row for each."""

    SCHEMA: ClassVar[str] = "supnorm.compare/1"

    title: str = Field(
        default="", description="title of the problem; empty if the models’ problems have different titles"
    )
    reference: str = Field(description="name of the reference; empty where it has none")
    axes: tuple[AxisRecord, ...] = Field(description="the inputs")
    measure: MeasureRecord = Field(description="the error that all models share")
    rows: tuple[RowRecord, ...] = Field(description="one for each model, in the order of the command")
