"""The record of `reproduce`: claims of papers, the published numbers and ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.record import Field, Record, Result, Seconds, StatusField


class ClaimRecord(Record):
    """A claim of a paper and what became of it."""

    key: str = Field(description="a short name of the claim, of its own in its paper")
    claim: str = Field(description="what is claimed")
    published: str = Field(description="the published number or statement; empty where the paper has none")
    source: str = Field(description="where it stands; empty where the paper has none")
    ours: str = Field(description="what was measured")
    short: str = Field(
        description="the decisive numbers of `ours` in a sentence; the same where `ours` is short"
    )
    verdict: str = Field(
        description="`reproduced`, `qualified`, `not reproduced`, or `no published number` to compare with"
    )
    why: str = Field(
        description="the reason of another verdict than `reproduced`, and what was done otherwise"
    )


class PaperRecord(Record):
    """The experiments of one paper."""

    name: str = Field(description="name of the experiment")
    title: str = Field(description="what it asks")
    paper: str = Field(description="authors, year and title")
    claims: tuple[ClaimRecord, ...] = Field(description="the claims")
    otherwise: tuple[str, ...] = Field(description="what was done otherwise than in the paper")
    runs: int = Field(description="number of independent computations")
    seconds: Seconds = Field(description="processor time of all of them")


class ReproduceRecord(Result):
    """Experiments of papers that were run again."""

    SCHEMA: ClassVar[str] = "supnorm.reproduce/1"

    status: StatusField = Field(
        description="`code` (`reproduced`: every claim is reproduced, qualified, or has no published number; "
        "`not-reproduced`: some claim is not), `advice`, `exit`"
    )
    effort: str = Field(
        description="`usual`, `full` (the scale of the papers) or `test` (no numbers to trust)"
    )
    papers: tuple[PaperRecord, ...] = Field(description="the experiments, in the order of the list")
    command: str = Field(description="the command that repeats it; empty if Python started it")
    versions: Mapping[str, str] = Field(
        description="versions of Python and of the packages that took part in the runs; several where runs differ"
    )
    earlier: int = Field(
        default=0,
        description="runs that were kept from another state of the code or other versions of packages",
    )
