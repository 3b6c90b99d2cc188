"""The record of `repair`: what a mended model gained, where it became worse, and what that took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.audit import ShortAuditRecord
from supnorm.results.fit import FitCostRecord, ProofRecord
from supnorm.results.parts import AxisRecord, MeasureRecord, Sentence
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class HarmRecord(Record):
    """The point where the error grew most, as far as a search found it: a lower bound of the largest growth."""

    x: Mapping[str, Number] = Field(description="input values by name")
    before: Number = Field(description="error of the old model there")
    after: Number = Field(description="error of the mended model there")
    growth: Number = Field(description="`after` minus `before`, zero where the error grew nowhere")
    allowed: Number = Field(description="the largest growth with which a mended model is accepted")
    evaluations: int = Field(description="calls of the reference in the search")


class ComparedRecord(Record):
    """Both models at the same independent points of the law."""

    n: int = Field(description="number of points")
    rms_before: Number = Field(description="root mean square error of the old model at these points")
    rms_after: Number = Field(description="root mean square error of the mended model at these points")
    grew: int = Field(description="at how many of them the error grew")
    grew_at_most: float = Field(
        description="upper limit of the share of the law where the error grew, 95 % confidence"
    )


class RoundRecord(Record):
    """One round of a repair."""

    calls: int = Field(description="calls of the reference so far")
    worst: Number = Field(
        description="largest error found after the round; the search that found it chose among the rounds, so it is too kind"
    )
    samples: int = Field(description="number of samples that were trained on")


class RegionRecord(Record):
    """An ellipsoid round a peak that was mended, in the coordinates of the unit box (logarithms on logarithmic axes)."""

    centre: tuple[float, ...] = Field(description="its centre")
    radii: tuple[float, ...] = Field(description="its radii along the axes")


class PartRecord(Record):
    """A box of the domain outside of the mended regions."""

    upper: Number = Field(description="nowhere in this box do both models differ by more than this")
    file: str = Field(description="file of its certificate")


class ChangeRecord(Record):
    """A proof of how far the mended model differs from the old one."""

    upper: Number = Field(
        description="nowhere in the domain do both models differ by more than this; of patches: by what they add"
    )
    upper_kind: str = Field(description="as in an audit")
    worst_at_most: Number | None = Field(
        description="a proved bound of the old model's error plus `upper`: the mended model's error is nowhere above it; "
        "null without such a bound"
    )
    proof: ProofRecord | None = Field(description="the proof's bracket, a document `supnorm.certify/1`")
    outside_upper: Number | None = Field(
        default=None,
        description="nowhere outside of the boxes round the mended regions do both models differ by more than this; null "
        "where it was not proved",
    )
    boxes: int = Field(default=0, description="number of boxes round the mended regions")
    outside: tuple[PartRecord, ...] = Field(
        default=(), description="the proofs of this, one for each box of the rest"
    )


class RepairRecord(Result):
    """A repair: the model before and after, and where it became worse."""

    SCHEMA: ClassVar[str] = "supnorm.repair/1"

    status: StatusField = Field(
        description="`code` (`mended`: accepted, and no error above the tolerance was found, or there is none; "
        "`within-tolerance`: proved with `--certify`; `tolerance-exceeded`: accepted, but above the tolerance; "
        "`not-improved`: the old model stays; `interrupted`), `advice`, `exit`"
    )
    title: str = Field(description="title of the problem; empty where it has none")
    tolerance: float | None = Field(description="largest error allowed; null without one")
    measure: MeasureRecord = Field(description="how all errors are measured")
    axes: tuple[AxisRecord, ...] = Field(description="the inputs")
    method: str = Field(description="`exchange`, `patch` or `residual`")
    parameters: int = Field(description="count of the numbers that were trained")
    accepted: bool = Field(description="whether the mended model is better; otherwise the old one stays")
    reasons: tuple[Sentence, ...] = Field(description="why it was not accepted")
    before: ShortAuditRecord = Field(description="the audit of the old model from which the repair started")
    worst_before: Number = Field(description="the largest error of the old model that was found")
    after: ShortAuditRecord | None = Field(
        description="the audit of the mended model with a fresh seed; null if the repair was interrupted before it"
    )
    worst_after: Number | None = Field(
        description="the largest error of the mended model that was found, by this audit or at an earlier peak"
    )
    harm: HarmRecord | None = Field(
        description="where the error grew most; null if the repair was interrupted before"
    )
    compared: ComparedRecord | None = Field(description="both models at independent points; null as `harm`")
    rounds: tuple[RoundRecord, ...] = Field(description="what each round did")
    regions: tuple[RegionRecord, ...] = Field(description="round the peaks that were mended")
    unchanged_outside: bool = Field(
        description="whether the mended model is the old one, bit for bit, outside the regions"
    )
    change: ChangeRecord | None = Field(description="proof of how far both models differ; null without one")
    certificate: ProofRecord | None = Field(
        description="the proof of the tolerance, a document `supnorm.certify/1`; null without `--certify`"
    )
    evaluations: Mapping[str, int] = Field(
        description="calls of the reference: `rounds`, `audit`, `harm`, `compared`"
    )
    files: tuple[str, ...] = Field(description="files of the mended model; empty if it is not saved")
    notes: tuple[str, ...] = Field(description="remarks")
    cost: FitCostRecord = Field(description="cost of a call of the reference")
    command: str = Field(description="the command that repeats the repair; empty if Python started it")
    seconds: Seconds = Field(description="wall time")
    seed: int = Field(description="seed of all random choices")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
