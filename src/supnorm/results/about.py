"""What a page of a proof shows besides its statement: names, the box, and a picture where one or two inputs allow one."""

from __future__ import annotations

from supnorm.results.parts import AxisRecord
from supnorm.results.record import Field, Number, Record


class PictureRecord(Record):
    """Values on a grid, of programs in float64: they show where things are and prove nothing."""

    what: str = Field(
        description="`model` (its value), `error` (of the model against the reference) or `difference` (of the model from "
        "the function whose residual is bounded)"
    )
    x: tuple[float, ...] = Field(description="values of the first input")
    y: tuple[float, ...] = Field(description="values of the second input; empty where there is one input")
    values: tuple[tuple[Number, ...], ...] = Field(
        description="one row for each value of the second input, or one; null where there is no value"
    )
    band: Number | None = Field(
        description="what is drawn is proved to be within this: of the solution (`model`), of zero (`error`); else null"
    )


class AboutRecord(Record):
    """What a proof is about."""

    title: str = Field(description="title of the problem; empty where it has none")
    model: str = Field(description="name of the model")
    reference: str = Field(description="name of the reference; empty where the proof has none")
    unit: str = Field(description="unit of the error; empty where it has none")
    inputs: tuple[AxisRecord, ...] = Field(description="the inputs: the box on which the statement holds")
    picture: PictureRecord | None = Field(description="of one or two inputs; null for more")
