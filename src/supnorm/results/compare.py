"""The record of `compare`: several models against one reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import AxisRecord, FiniteRecord, MeasureRecord, Sentence
from supnorm.results.record import Field, Number, Record, Result


class ConfirmedRecord(Record):
    """A point at which the second reference confirms an error."""

    error: Number = Field(description="the error")
    at: Mapping[str, Number] = Field(description="inputs of the point")
    row: int | None = Field(description="number of the row in a table; else null")


class RowRecord(Record):
    """One model of a comparison."""

    title: str = Field(description="name of the model, with the folder if two models have the same name")
    model: str = Field(description="name of the model; empty where it has none")
    rms: Number = Field(description="root-mean-square error of the model")
    q999: Number = Field(
        description="99.9 % of the points have at most this error; null where the points are too few"
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
    recheck: str | None = Field(
        default=None,
        description="verdict of the second reference on this model at the worst point: `confirmed`, `reference-fault`, "
        "`unresolved`; null without one",
    )
    confirmed: ConfirmedRecord | None = Field(
        default=None,
        description="if the second reference does not confirm the worst error: the largest error of this model that it "
        "confirms; else null",
    )


class DifferenceRecord(Record):
    """Two forms of one model (`compare --forms`): the largest difference found between them."""

    first: str = Field(description="name of the one form")
    second: str = Field(description="name of the other")
    worst: Number = Field(
        description="the largest difference found, in the unit of the output; null without any"
    )
    output: str = Field(description="name of the output that differs so")
    first_value: Number = Field(description="its value in the first form there")
    second_value: Number = Field(description="its value in the second form there")
    at: Mapping[str, Number] = Field(description="inputs of the point")
    evaluations: int = Field(description="points at which both forms were evaluated")


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
    refused: Mapping[str, str] = Field(
        default={}, description="models that could not be audited, by the folder of each, with the reason"
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="folders of models that were not audited because the run was cut short"
    )
    differences: tuple[DifferenceRecord, ...] = Field(
        default=(), description="of `--forms`: each pair of forms, the pair that differs most first"
    )
    remarks: tuple[Sentence, ...] = Field(
        default=(),
        description="of `--forms`: the largest difference, and which forms could not be made and why",
    )
