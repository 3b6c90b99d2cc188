"""The record of `check`: the verdict on a certificate file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from supnorm.results.record import Field, Number, Record, Result, Seconds, StatusField


class CostRecord(Record):
    """A forecast of what the proof of a file takes."""

    operations: float = Field(description="number of multiplications of balls")
    bytes: float = Field(description="memory of one process")
    seconds: Seconds = Field(description="time of one core")


class BracketOfClaim(Record):
    """What a file of several parts claims of one number."""

    lower: Number = Field(description='the number is at least this; `"-inf"` if nothing is claimed')
    upper: Number = Field(description='the number is at most this; `"inf"` if nothing is claimed')


class CheckedFileRecord(Record):
    """Which file was checked, when, and beside which problem."""

    name: str = Field(description="name of the file as it was given")
    sha256: str = Field(description="SHA-256 of its bytes, before and after the check")
    bytes: int = Field(description="its size")
    finished: str = Field(description="time of the end of the check")
    command: str = Field(description="the command that checks it again")
    versions: Mapping[str, str] = Field(description="versions of the packages that checked it")
    title: str = Field(description="with `--problem`: title of the problem; else empty")
    fingerprint: str = Field(description="with `--problem`: fingerprint of the problem; else empty")
    files: Mapping[str, str] = Field(
        description="with `--problem`: SHA-256 of the files that define the problem, by name; else empty"
    )


class CheckRecord(Result):
    """Whether a certificate file proves what it claims, and what is asked for."""

    SCHEMA: ClassVar[str] = "supnorm.check/1"

    status: StatusField = Field(
        description="`code` (`rejected`, `no-tolerance`, `within-tolerance`, `tolerance-exceeded`, `undecided`; for a "
        "statement of several parts `proved`, `refuted`, `undecided`, `no-tolerance` where it bounds nothing), `advice`, "
        "`exit`"
    )
    tolerance: float | None = Field(
        description="the tolerance that the file should prove (`--tolerance`, else that of the problem); null without "
        "one"
    )
    accepted: bool = Field(description="whether all claims of the file are true")
    reason: str = Field(description="why the file is accepted or rejected")
    leaf: int | None = Field(description="number of the first box whose proof failed")
    leaves: int = Field(description="number of boxes that are proved one by one")
    lower: Number = Field(description="the file's lower bound of the worst error")
    upper: Number = Field(
        description='upper bound of the file for the worst error; `"inf"` if the file proves none'
    )
    conditional: tuple[str, ...] = Field(description="the declared bounds on which the proof rests")
    problem_checked: bool = Field(
        description="whether the file was compared with a problem (`--problem`): axes, side, declarations, hashes of the "
        "programs, values at points"
    )
    seconds: Seconds = Field(description="wall time")
    cost: CostRecord | None = Field(
        description="forecast of the cost, counted before any proof; null if the file could not be read"
    )
    subject: tuple[str, ...] = Field(
        description="what the file is about, in lines: domain with units, functions by their names, error, hashes of "
        "the programs"
    )
    unit: str = Field(description="unit of the error; empty where it has none")
    statements: tuple[str, ...] = Field(
        description="what a file of several parts states, in lines; empty for any other file"
    )
    claims: Mapping[str, BracketOfClaim] = Field(
        description="of a file of several parts: the proved bracket of each number that it is about, by name"
    )
    deployed_upper: Number | None = Field(
        description="the file's bound of the model as it runs in float32; null if it claims none"
    )
    deployed: tuple[str, ...] = Field(description="what that bound assumes of the runtime, in words")
    computed: float | None = Field(
        description="with `--problem`: the largest error of model and reference as they run that was computed where they "
        "were compared with their programs; null where none is known"
    )
    measured: tuple[str, ...] = Field(
        description="with `--problem`: by how much model and reference as they run were seen to differ from their programs "
        "by more than rounding in float64; the status has room for twice as much"
    )
    file: CheckedFileRecord | None = Field(
        description="which file was checked, when and beside which problem; null without `--sheet`"
    )
