"""The verdict of ``supnorm check`` as data; text from the file cannot steer a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from supnorm.checker import CheckResult
    from supnorm.results import Status
    from supnorm.results.check import CheckRecord


def record_of(result: CheckResult, status: Status, limit: float | None) -> CheckRecord:
    """The verdict as data; control characters in text from the file are spelled out."""
    from dataclasses import replace

    from supnorm.results.check import BracketOfClaim, CheckRecord, CostRecord

    cost = result.cost
    return CheckRecord(
        status=replace(status, advice=printable(status.advice)),
        tolerance=limit,
        accepted=result.accepted,
        reason=printable(result.reason),
        leaf=result.leaf,
        leaves=result.leaves,
        lower=result.lower,
        upper=result.upper,
        conditional=tuple(map(printable, result.conditional)),
        problem_checked=result.problem_checked,
        seconds=result.seconds,
        cost=None
        if cost is None
        else CostRecord(operations=cost.operations, bytes=cost.bytes, seconds=cost.seconds),
        subject=tuple(map(printable, result.subject)),
        unit=printable(result.unit),
        statements=tuple(map(printable, result.statements)),
        claims={
            printable(name): BracketOfClaim(lower=low, upper=high)
            for name, (low, high) in (result.claims or {}).items()
        },
        deployed_upper=result.deployed_upper,
        deployed=tuple(map(printable, result.deployed)),
        computed=result.computed or None,
        measured=tuple(map(printable, result.measured)),
        file=None,
    )


def printable(text: str) -> str:
    r"""The text with control characters, marks of direction and lone surrogates spelled out.

    >>> print(printable("x\x1b[2K\r\ud800 é"))
    x\x1b[2K\r\ud800 é
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
