"""The record of `certify`: a bracket of the worst error and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.parts import PointRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class BracketRecord(Record):
    """The worst error is between ``lower`` and ``upper``."""

    lower: Number = Field(
        description="the worst error is at least this: the error at the witness; where functions in float64 run otherwise "
        "than was read, the largest error computed"
    )
    upper: Number = Field(
        description="it is at most this, for the same weights in exact arithmetic; where functions in float64 run otherwise "
        "than was read, twice the difference is included"
    )
    upper_kind: str = Field(
        description="`exact-arithmetic`, `conditional` on the assumptions, or `none`; in an audit also `certified`, where "
        "the model's own rounding is in it"
    )
    deployed_upper: Number | None = Field(
        description="`upper` with the model's own rounding; null where that is not known, or `agreement` shows more"
    )


class SideRecord(Record):
    """The largest difference of one side as it runs from its program as read."""

    side: str = Field(description="`model` or `reference`")
    difference: Number = Field(description="the largest difference, in the unit of the error")
    beyond_rounding: Number = Field(
        description="the largest part of one that neither proved rounding nor a branch that the bound has room for explains "
        "(of functions below float64: all of it)"
    )
    x: Mapping[str, Number] = Field(description="where that is largest")
    run: Number = Field(description="the value there as it runs")
    program: Number = Field(description="that of the program")
    output: str | int = Field(description="name of the output")


class ComputedRecord(Record):
    """The largest error that was computed with both sides as they run."""

    error: Number = Field(description="its size")
    x: Mapping[str, Number] = Field(description="where it is")


class AgreementRecord(Record):
    """How far model and reference as they run were seen to be from what was read of them."""

    points: int = Field(description="points at which they were compared")
    difference: Number = Field(description="the largest difference, both sides together")
    beyond_rounding: Number = Field(
        description="what of it neither rounding in float64 nor a branch that the bound has room for explains"
    )
    sides: tuple[SideRecord, ...] = Field(description="each side that has a program")
    worst: ComputedRecord | None = Field(
        description="the largest error of both as they run at these points; null where none is known"
    )


class CertifyRecord(Result):
    """A proved bracket of the worst error."""

    SCHEMA: ClassVar[str] = "supnorm.certify/1"

    status: StatusField = Field(
        description="`code` (`within-tolerance`, `tolerance-exceeded`, `proved`, `undecided`, `no-bound`, `interrupted`), "
        "`advice`, `exit`"
    )
    sup: BracketRecord = Field(description="the bracket, proved on both sides")
    agreement: AgreementRecord = Field(
        description="how far model and reference as they run were seen to be from what was read of them, in the unit of the "
        "error"
    )
    ratio: Number = Field(description="upper over lower")
    target: Number = Field(description="what was asked for: ratio times lower, or the tolerance")
    rounding: Number = Field(description="how much evaluation in float64 can add to `upper`")
    proved_volume: float = Field(description="fraction of the domain on which the target is proved")
    witness: PointRecord | None = Field(description="the point of `lower`; null where no error was found")
    boxes: int = Field(description="boxes of the proof")
    tried: int = Field(description="these and the ones that were split")
    believed: int = Field(description="bounds that were taken from a file (`--resume`), unchecked")
    seconds: Seconds = Field(description="wall time")
    certificate: str | None = Field(description="path of the certificate file")
    assumptions: tuple[str, ...] = Field(description="what the proof rests on, in words")
    versions: Mapping[str, str] = Field(description="of Python and the packages that took part")
