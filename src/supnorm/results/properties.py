"""The record of `certify --property`: properties of a model over the whole box, proved or refuted by a point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.about import AboutRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class ExtremeRecord(Record):
    """The bracket of the smallest or largest value of a quantity of the model."""

    extreme: str = Field(
        description="`min` or `max` of the quantity, or `size`: the largest of its absolute value"
    )
    quantity: str = Field(
        description="the output, a derivative of it (`dy/dp`, `d2y/dp2`) in units of the inputs, or `gradient of y`: the "
        "Euclidean norm of the gradient"
    )
    lower: Number = Field(description='the extreme is at least this; `"-inf"` if nothing is proved')
    upper: Number = Field(description='the extreme is at most this; `"inf"` if nothing is proved')
    x: Mapping[str, Number] | None = Field(
        description="the point with the most extreme value found; null without one"
    )
    proved_volume: float = Field(description="fraction of the domain on which the property is proved")
    boxes: int = Field(description="number of boxes of this part of the proof")
    tried: int = Field(description="number of these boxes and of the boxes that were halved")


class RunRecord(Record):
    """The value of the model as it runs, at one point."""

    x: Mapping[str, Number] = Field(description="input values by name")
    value: Number = Field(description="the output there")


class AnswerRecord(Record):
    """What is known of one property of one output."""

    property: str = Field(description="as it was asked for")
    output: str = Field(description="name of the output")
    status: str = Field(description="`proved`, `refuted` or `undecided`")
    text: str = Field(description="the answer in words")
    margin: Number | None = Field(
        description="how far the proved extreme is from the value that it must not pass (of `bounded` the smaller one); "
        "negative if it is not proved, and if it is refuted that of the point; null for `lipschitz`"
    )
    constant: Number | None = Field(description="of `lipschitz`: the proved constant; null for others")
    extremes: tuple[ExtremeRecord, ...] = Field(description="the extremes on which the answer rests")
    runs: tuple[RunRecord, ...] = Field(
        description="of a refuted property: points at which the model was called again, and what it gave: one for values, "
        "two for `monotone`, three for `convex`"
    )
    rest: Mapping[str, tuple[Number, Number]] | None = Field(
        description="of an undecided property: the smallest box that holds all boxes where it is not proved; otherwise null"
    )


class PropertiesRecord(Result):
    """Properties of a model over the whole box."""

    SCHEMA: ClassVar[str] = "supnorm.properties/1"

    status: StatusField = Field(
        description="`code` (`proved`: all properties; `refuted`: one at least; `undecided`; `interrupted`), `advice`, "
        "`exit`"
    )
    answers: tuple[AnswerRecord, ...] = Field(description="one for each property and output")
    believed: int = Field(
        description="number of bounds that are as a file states them (`--resume`), for want of time to prove them again; "
        "with any of them nothing is proved"
    )
    seconds: Seconds = Field(description="wall time")
    certificate: str | None = Field(
        description="path of the proof, a file of several parts that `supnorm check` verifies"
    )
    assumptions: tuple[str, ...] = Field(description="what the proof rests on, in words")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
    about: AboutRecord | None = Field(
        default=None,
        description="what a page shows besides the statement; only where the command line wrote it",
    )
