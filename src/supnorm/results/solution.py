"""The record of a proof about the solution of a differential equation (`supnorm certify` with `[equation]`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.about import AboutRecord
from supnorm.results.certify import BracketRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class PartRecord(Record):
    """One proved part."""

    name: str = Field(
        description="`interior` (residual), `face AXIS low` and `face AXIS high` (misfit on a face; of the time axis its "
        "start), `growth` (how fast an error can grow), `speed AXIS` (a velocity), `difference` (model against reference "
        "solution)"
    )
    lower: Number = Field(description="its largest size is at least this")
    upper: Number = Field(description="its largest size is at most this")
    boxes: int = Field(description="number of boxes of its proof")


class BarrierRecord(Record):
    """The constants of the theorem."""

    kind: str = Field(
        description="the barrier: `time`, `reaction`, `axis`, `transport`, `pair` or `cosines` (docs/certify.md)"
    )
    on_faces: Number = Field(description="factor of the largest misfit on the faces")
    inside: Number = Field(description="factor of the largest residual")
    growth: Number = Field(
        description="the reaction coefficient of the error's equation is at least minus this"
    )
    words: str = Field(description="the theorem and its source, in words")


class SolutionRecord(Result):
    """A proved bracket of the error of a network against the unknown solution of an equation."""

    SCHEMA: ClassVar[str] = "supnorm.solution/1"

    status: StatusField = Field(
        description="`code` (`within-tolerance`, `tolerance-exceeded`, `proved`, `undecided`, `no-bound`, `interrupted`), "
        "`advice`, `exit`"
    )
    sup: BracketRecord = Field(
        description="the bracket of the largest error of the model against the solution, proved on both sides; "
        "`conditional` on the solution that the first assumption names"
    )
    unit: str = Field(description="unit of the model's output; empty where none is known")
    equation: str = Field(description="the equation and its domain in words")
    reference: str = Field(
        description="the function whose residual is bounded: `collocation` (computed for this proof), `given`, or "
        "`model` (the model itself)"
    )
    reference_error: Number = Field(
        description="proved bound of the error of this function against the solution"
    )
    barrier: BarrierRecord = Field(description="the constants")
    parts: tuple[PartRecord, ...] = Field(description="the proved parts")
    witness: Mapping[str, Number] | None = Field(
        description="the point of `sup.lower`; null where no error is proved"
    )
    ratio: Number = Field(description="`sup.upper` divided by `sup.lower`")
    boxes: int = Field(description="number of boxes of all parts")
    seconds: Seconds = Field(description="wall time")
    certificate: str | None = Field(description="path of the certificate file")
    assumptions: tuple[str, ...] = Field(description="what the proof rests on, in words")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
    about: AboutRecord | None = Field(
        default=None,
        description="what a page shows besides the statement; only where the command line wrote it",
    )
