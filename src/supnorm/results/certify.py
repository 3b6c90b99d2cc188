"""The record of `certify`: a bracket of the worst error and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.about import AboutRecord
from supnorm.results.parts import PointRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class BracketRecord(Record):
    """The worst error is between ``lower`` and ``upper``."""

    lower: Number = Field(
        description="the worst error is at least this: the error at the witness; if functions in float64 run "
        "differently from what was read, the largest error computed"
    )
    upper: Number = Field(
        description="the worst error is at most this, for the same formulas and weights in exact arithmetic; if functions "
        "in float64 run differently from what was read, it includes twice the difference"
    )
    upper_kind: str = Field(
        description="`exact-arithmetic`, `conditional` on the assumptions, or `none`; in an audit also `certified`, "
        "where the bound includes the model's own rounding"
    )
    deployed_upper: Number | None = Field(
        description="`upper` with the model's own rounding (`deployed` where it runs in float32); null if that is not "
        "known or has no bound, or if `agreement` shows a larger difference"
    )


class DeployedRecord(Record):
    """What rounding adds to the error of a model that runs in float32."""

    precision: str = Field(description="`float32`")
    runtime: str = Field(description="the runtime that is assumed to run the model")
    rounding: Number = Field(
        description="how much float32 arithmetic can add to the error, proved on the assumptions; it is part of "
        "`sup.deployed_upper`, and `check` proves it again"
    )
    boxes: int = Field(description="number of boxes on which it was bounded")
    assumptions: tuple[str, ...] = Field(description="what is assumed of the runtime, in words")


class SideRecord(Record):
    """The largest difference of one side as it runs from its program as read."""

    side: str = Field(description="`model` or `reference`")
    difference: Number = Field(description="the largest difference, in the unit of the error")
    beyond_rounding: Number = Field(
        description="the largest part of a difference that is explained neither by proved rounding nor by a branch "
        "for which the bound has room (of functions below float64: the whole difference)"
    )
    x: Mapping[str, Number] = Field(description="the point where this part is largest")
    run: Number = Field(description="value of the function as it runs, at this point")
    program: Number = Field(description="value of the program that was read, at this point")
    output: str | int = Field(description="name of the output")


class ComputedRecord(Record):
    """The largest error that was computed with both sides as they run."""

    error: Number = Field(description="size of this error")
    x: Mapping[str, Number] = Field(description="the point of this error")


class AgreementRecord(Record):
    """How far model and reference as they run were seen to be from what was read of them."""

    points: int = Field(description="number of points at which they were compared")
    difference: Number = Field(description="the largest difference, of both sides together")
    beyond_rounding: Number = Field(
        description="the part of it that is explained neither by rounding in float64 nor by a branch for which the "
        "bound has room"
    )
    sides: tuple[SideRecord, ...] = Field(description="one entry for each side that has a program")
    worst: ComputedRecord | None = Field(
        description="the largest error at these points, of both sides as they run; null where none is known"
    )


class CertifyRecord(Result):
    """A proved bracket of the worst error."""

    SCHEMA: ClassVar[str] = "supnorm.certify/1"

    status: StatusField = Field(
        description="`code` (`within-tolerance`, `tolerance-exceeded`, `proved`, `undecided`, `no-bound`, `interrupted`), "
        "`advice`, `exit`"
    )
    sup: BracketRecord = Field(description="the bracket, proved on both sides")
    deployed: DeployedRecord | None = Field(
        description="the rounding of a model that runs in float32; null for others, and where it has no bound"
    )
    agreement: AgreementRecord = Field(
        description="the largest measured difference between model and reference as they run and the programs that "
        "were read, in the unit of the error"
    )
    ratio: Number = Field(description="`sup.upper` divided by `sup.lower`")
    target: Number = Field(
        description="the goal for `sup.upper`: the ratio times `sup.lower`, or the tolerance"
    )
    rounding: Number = Field(description="how much evaluation in float64 can add to `sup.upper`")
    proved_volume: float = Field(description="fraction of the domain on which the target is proved")
    witness: PointRecord | None = Field(description="the point of `sup.lower`; null where no error was found")
    boxes: int = Field(description="number of boxes of the proof")
    tried: int = Field(description="number of these boxes and of the boxes that were halved")
    believed: int = Field(
        description="number of bounds that are as a file states them (`--resume`), for want of time to prove them again; "
        "with any of them there is no verdict"
    )
    seconds: Seconds = Field(description="wall time")
    certificate: str | None = Field(description="path of the certificate file")
    assumptions: tuple[str, ...] = Field(description="what the proof rests on, in words")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
    about: AboutRecord | None = Field(
        default=None,
        description="what a page shows besides the statement; only where the command line wrote it",
    )
