"""The record of `fit`: the best approximator of a reference, those it was compared with, and what is known of its error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from supnorm.results.audit import ShortAuditRecord
from supnorm.results.certify import CertifyRecord
from supnorm.results.parts import MeasureRecord
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField, unit


class LargestErrorRecord(Record):
    """What is known of a candidate's largest error."""

    lower: Number = Field(description="the largest error found: the worst error is at least this")
    upper: Number | None = Field(description="the worst error is at most this; null where nothing is proved")
    upper_kind: str = Field(
        description="`certified` (the model's own rounding included), `exact-arithmetic`, `conditional` or `none`"
    )


class CandidateRecord(Record):
    """One approximator and its errors on points that no part of the fit has used."""

    method: str = Field(description="name of the method that made it")
    rms: Number = Field(description="root mean square error, measured at sample points")
    relative_rms: Number = Field(
        description="`rms` divided by the RMS error of the mean taken as a model, which is the standard deviation of "
        "the reference for the absolute error of one output; null if the reference is constant"
    )
    sup: LargestErrorRecord = Field(description="its largest error")
    relative_sup: Number = Field(description="`sup.lower` divided by the same number")
    audited: bool = Field(
        description="whether an audit with a fresh seed searched for `sup.lower`; otherwise it comes from independent "
        "points"
    )
    parameters: int = Field(description="count of the numbers that were fitted or stored")
    bytes: int = Field(description="size of the stored numbers")
    samples: int = Field(description="number of points of the reference that the fit used")
    seconds: Seconds = Field(description="time of the fit, including the reference")
    seconds_per_point: Seconds = Field(description="time of the model for a point, in a batch of 1000")
    file: str | None = Field(description="file of the model; null if it is not saved")
    notes: tuple[str, ...] = Field(description="remarks about the candidate")
    trail: tuple[tuple[Number, Number], ...] = Field(
        description="of networks: processor seconds and relative training error along the way"
    )


class SkippedRecord(Record):
    """A method that was not used."""

    method: str = Field(description="name of the method")
    reason: str = Field(description="why it was not used")


class FitCostRecord(Record):
    """What a call of the reference costs, which decides how the fit goes."""

    class_: str = Field(description="`cheap`, or `expensive` (more than 1 ms a point)")
    by: str = Field(description="`measured` or `declared`")
    reference_ms: Annotated[float, unit("ms")] = Field(description="time of a point")
    rows: int | None = Field(
        description="points of a call of an expensive reference, which a repeat needs for the same values; null of a "
        "cheap one"
    )
    one_by_one: bool | None = Field(
        default=None,
        description="whether searches send points to the workers one by one, which a repeat needs as well; null without "
        "workers",
    )
    ahead: int | None = Field(
        default=None,
        description="for how many workers points are then chosen, those when the run began; a repeat needs it; "
        "null in rounds",
    )


class ProofRecord(CertifyRecord):
    """The record of `certify` inside another one."""

    schema_: Literal["supnorm.certify/1"] = Field(description="of this document")

    @classmethod
    def of(cls, record: CertifyRecord, file: str) -> ProofRecord:
        """The record of a proof that stands in ``file``."""
        return cls(schema_="supnorm.certify/1", **dict(record.changed(certificate=file)))


class FitRecord(Result):
    """The candidates of a fit, best first."""

    SCHEMA: ClassVar[str] = "supnorm.fit/1"

    status: StatusField = Field(
        description="`code` (`nothing-found`: the audit with a fresh seed, or the samples that nothing was trained on, have "
        "no error above the tolerance; `within-tolerance`: proved with `--certify`, or every point of a finite domain was "
        "compared; `tolerance-exceeded`, `no-tolerance`, `undecided`, `interrupted`), `advice`, `exit`"
    )
    title: str = Field(description="title of the problem; empty where it has none")
    tolerance: float | None = Field(description="the goal; null without one")
    norm: str = Field(
        description="what the tolerance is for: `sup` (the largest error) or `l2` (the root mean square)"
    )
    measure: MeasureRecord = Field(description="how all errors are measured")
    winner: CandidateRecord = Field(description="the best candidate")
    candidates: tuple[CandidateRecord, ...] = Field(
        description="all approximators that were fitted, best first"
    )
    certificate: ProofRecord | None = Field(
        description="the proof's bracket, a document `supnorm.certify/1`; null without `--certify`"
    )
    audit: ShortAuditRecord | None = Field(
        description="audit of the winner; null for fixed samples, and if the fit was interrupted before it"
    )
    skipped: tuple[SkippedRecord, ...] = Field(description="methods that were not used")
    evaluations: Mapping[str, int] = Field(
        description="calls of the reference: `fit`, `fresh`, `failed`, `audit`, and how many audits the loop made (`loop "
        "audits`); of fixed samples how many were used to `train` and `choose`, and `held-out`"
    )
    notes: tuple[str, ...] = Field(description="remarks about the reference or the data")
    cost: FitCostRecord | None = Field(description="cost of a call of the reference; null for fixed samples")
    command: str = Field(
        description="the command that repeats the fit, with the cost that was decided; empty if Python started it"
    )
    seconds: Seconds = Field(description="wall time")
    seed: int = Field(description="seed of all random choices")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")
