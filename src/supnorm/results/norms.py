"""The record of `certify --norm`: brackets of several norms of the error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.about import AboutRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class NormRecord(Record):
    """The bracket of one norm."""

    norm: str = Field(
        description="`sup` (the largest error), `slope` (the largest error of a derivative) or `rms` (the root mean square)"
    )
    input: str | None = Field(description="of `slope`: the input of the derivative; null for others")
    output: str | None = Field(
        description="of `rms`: the output; null for others, which are the largest over all outputs"
    )
    lower: Number = Field(description="the norm is at least this")
    upper: Number = Field(description='the norm is at most this; `"inf"` if nothing is proved')
    x: Mapping[str, Number] | None = Field(
        description="the point of `lower`; null for `rms` and without a point"
    )
    boxes: int = Field(description="number of boxes of this part of the proof")
    tried: int = Field(description="number of boxes tried")


class NormsRecord(Result):
    """Proved brackets of norms of the error of a model against a reference."""

    SCHEMA: ClassVar[str] = "supnorm.norms/1"

    status: StatusField = Field(
        description="`code` (`proved`: every bracket is within the ratio; `undecided`; `interrupted`), `advice`, `exit`"
    )
    norms: tuple[NormRecord, ...] = Field(description="one for each norm")
    ratio: Number = Field(description="the largest `upper` divided by `lower` that was asked for")
    law: str = Field(
        description="the law over which `rms` is a mean: uniform on the box (log-uniform on log axes)"
    )
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
