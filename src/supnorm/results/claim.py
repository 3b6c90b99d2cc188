"""The records of `claim`: what was published, what a search or a proof says of it, and the ledger of many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.audit import PlantedRecord
from supnorm.results.charts import CutRecord, ScatterRecord
from supnorm.results.fit import ProofRecord
from supnorm.results.parts import AxisRecord, MeasureRecord, PointRecord, Sentence
from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class ClaimPointRecord(PointRecord):
    """The largest error that was found, by both references; of a refuted claim the largest one that both confirm."""

    second: tuple[Number, ...] | None = Field(
        description="outputs of the second reference there; null without one, and where it has no value"
    )
    error_second: Number | None = Field(
        description="the error against the second reference; null as `second`"
    )
    confirmed: bool = Field(
        description="whether both references have this error above the tolerance and differ by less than three tenths of it"
    )
    position: int | None = Field(
        default=None,
        description="which of the outputs has this error, counted from 0; null if the error is not that of one output "
        "(kind `function`)",
    )


class KnownRecord(Record):
    """How the claim was judged when it was written down."""

    verdict: str = Field(description="the verdict then")
    worst: tuple[float, float] | None = Field(
        description="ends of an interval that has the largest error; null where none was written down"
    )
    holds: bool | None = Field(
        description="whether this run says the same; null where it was interrupted or could not run"
    )


class ClaimRecord(Result):
    """A published sentence about accuracy, run again."""

    SCHEMA: ClassVar[str] = "supnorm.claim/1"

    status: StatusField = Field(
        description="`code` (the verdict: `refuted`: a witness above the published number that two references confirm; "
        "`not-refuted`: a search found none; `proved`: no error is above it; `unconfirmed`: a witness that no second "
        "reference confirms; `not-comparable`; `not-installed`; `undecided`: no error is known; `interrupted`; `failed`: in "
        "a ledger, the file could not be run), `advice`, `exit`"
    )
    title: str = Field(description="title of the problem; empty where it has none")
    name: str = Field(description="name of the claim: of its folder, or of its file")
    says: str = Field(description="the published sentence, word for word")
    source: str = Field(description="where it is published")
    published: str = Field(description="its number as it is printed")
    of: str = Field(description="the function, formula or network that it is about")
    subject: str = Field(description="`formula`, `learned` (a network or another fit) or `code`")
    package: str = Field(description="distribution with the function; empty where the formula is written out")
    version: str = Field(description="version that the sentence is about; empty where none is named")
    installed: Mapping[str, str | None] = Field(
        description="the packages that it needs, with the installed versions; null for one that is not installed"
    )
    needs: tuple[str, ...] = Field(description="requirements for pip")
    reference: str = Field(description="what stands for the truth")
    second: str = Field(description="what confirms a witness; empty without it")
    tolerance: float | None = Field(description="the number of the sentence; null if nothing could be run")
    measure: MeasureRecord | None = Field(description="how the error is measured; null as `tolerance`")
    axes: tuple[AxisRecord, ...] = Field(description="the range of the inputs; empty as `tolerance`")
    worst: ClaimPointRecord | None = Field(description="the largest error found; null where none is known")
    factor: Number | None = Field(description="`worst.error` divided by `tolerance`; null as `worst`")
    rms: Number | None = Field(description="root-mean-square error at random points; null as `worst`")
    random: Number | None = Field(description="largest error at random points alone; null as `worst`")
    evaluations: int = Field(description="evaluations of the search, of the statistics and of planted errors")
    power: tuple[PlantedRecord, ...] = Field(
        description="errors that were planted and searched for again: what such a search misses"
    )
    proof: ProofRecord | None = Field(
        description="the proof, a document `supnorm.certify/1`; null without one"
    )
    checked: bool | None = Field(
        description="whether the independent checker accepts the certificate; null without a proof, or without the checker"
    )
    known: KnownRecord | None = Field(
        description="how it was judged before; null where nothing was written down"
    )
    remarks: tuple[Sentence, ...] = Field(description="what a reader has to know besides")
    notes: str = Field(description="remarks of the file's author")
    picture: CutRecord | None = Field(
        description="both sides and the error along one input; null without one"
    )
    points: ScatterRecord | None = Field(
        default=None,
        description="without a picture: errors at the worst points, beside the input with which they change most; "
        "null with few points",
    )
    report: str = Field(
        description="the page of the audit, relative to the folder of the run; empty without one"
    )
    fingerprint: str = Field(
        description="the fingerprint of the problem, as in an audit; empty as `tolerance`"
    )
    seed: int = Field(description="seed of all random choices")
    command: str = Field(description="the command that repeats it; empty if Python started it")
    seconds: Seconds = Field(description="wall time")
    versions: Mapping[str, str] = Field(description="versions of Python and of the packages that took part")


class LedgerRowRecord(ClaimRecord):
    """One claim of a ledger."""

    folder: str = Field(description="its folder in the folder of the run; empty for one that was not run")


class LedgerRecord(Result):
    """Many claims, run one after the other."""

    SCHEMA: ClassVar[str] = "supnorm.claims/1"

    status: StatusField = Field(
        description="`code` (`refuted`: at least one is; `failed`: a file could not be run; `undecided`; `interrupted`; "
        "`none-refuted`), `advice`, `exit`"
    )
    verdicts: Mapping[str, int] = Field(description="how many claims have each verdict")
    rows: tuple[LedgerRowRecord, ...] = Field(description="one for each claim, as `supnorm.claim/1`")
    install: str = Field(description="the pip line for what is not installed; empty where nothing is missing")
    command: str = Field(description="the command that repeats it; empty if Python started it")
    seconds: Seconds = Field(description="wall time")
