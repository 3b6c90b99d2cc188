"""The verdict of ``supnorm check`` in words: its status, and the lines that the terminal shows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from supnorm.cli.check_record import printable

if TYPE_CHECKING:
    from supnorm.checker import CheckResult
    from supnorm.results import Status


def status_of(result: CheckResult, limit: float | None = None, per_output: bool = False) -> Status:
    """Whether the file proves the tolerance ``limit``, if one is asked for; ``per_output``: in tolerances of outputs."""
    from supnorm.results import ExitCode, Status
    from supnorm.wording import fact
    from supnorm.wording.certify import narrator

    if not result.accepted:
        return Status("rejected", result.reason, ExitCode.EXCEEDED)
    say = narrator(printable(result.unit), per_output).text
    upper = result.upper_as_it_runs
    bound = {} if upper == math.inf else {"upper": upper}
    if limit is None and result.verdict:
        ending = {"refuted": ExitCode.EXCEEDED, "undecided": ExitCode.UNDECIDED}.get(
            result.verdict, ExitCode.DONE
        )
        return Status(result.verdict, say(fact("file-statement", parts=result.parts)), ending)
    if limit is None:
        return Status("no-tolerance", say(fact("file-bound" if bound else "file-without-bound", **bound)))
    if result.lower - result.lower_precision > limit:
        above = fact("file-witness", lower=result.lower, tolerance=limit)
        return Status("tolerance-exceeded", say(above), ExitCode.EXCEEDED)
    if result.computed > limit:
        above = fact("run-above", error=result.computed, tolerance=limit)
        return Status("tolerance-exceeded", say(above), ExitCode.EXCEEDED)
    if result.lower > limit:  # in exact arithmetic alone
        only = fact("exact-above", error=result.lower, tolerance=limit, difference=result.lower_precision)
        return Status("undecided", say(only), ExitCode.UNDECIDED)
    if upper + result.lower_precision <= limit:
        return Status("within-tolerance", say(fact("file-within", upper=upper, tolerance=limit)))
    if result.upper <= limit:
        room = fact("file-no-room", upper=result.upper, tolerance=limit, room=upper + result.lower_precision)
        return Status("undecided", say(room), ExitCode.UNDECIDED)
    return Status("undecided", say(fact("file-undecided", tolerance=limit, **bound)), ExitCode.UNDECIDED)


def summary(
    result: CheckResult, tied: bool = False, limit: float | None = None, per_output: bool = False
) -> list[str]:
    """The verdict in lines; text from the file cannot steer the terminal.

    ``tied`` tells whether the problem was given, ``limit`` is the tolerance that is asked for, and ``per_output`` tells
    whether errors are multiples of tolerances.
    """
    from supnorm.wording import fact
    from supnorm.wording.certify import narrator

    status, say = status_of(result, limit, per_output), narrator(printable(result.unit), per_output).text
    lines = [f"{_verdict(result, status)}: {printable(result.reason)}"]
    facts = [] if result.leaf is None else [fact("leaf", leaf=result.leaf, leaves=result.leaves)]
    facts += [fact("condition", assumption=printable(assumption)) for assumption in result.conditional]
    lines += [f"  {printable(line)}" for line in result.statements]
    if result.leaves and (result.claims is None or "error" in result.claims):
        bound = {} if result.upper == math.inf else {"upper": result.upper}
        facts.append(fact("claims", lower=result.lower, **bound))
    lines += [f"  {say(each)}" for each in facts]
    if result.accepted:
        lines += [f"  {printable(line)}" for line in result.measured]
        lines += [f"  assumed: {printable(line)}" for line in result.deployed]
        lines += [f"  {printable(line)}" for line in result.subject]
    if result.accepted and limit is not None:
        lines.append(f"  {status.line}")
    if result.accepted and not (tied or result.problem_checked):
        lines.append(f"  {say(fact('not-tied'))}")
    return lines


def _verdict(result: CheckResult, status: Status) -> str:
    """The verdict in capitals; an accepted file does not always prove the tolerance that is asked for."""
    if not result.accepted:
        return "REJECTED"
    asked = {"tolerance-exceeded": "TOLERANCE EXCEEDED", "undecided": "TOLERANCE NOT PROVED"}
    others = result.claims is not None and "error" not in result.claims and result.verdict
    if result.verdict and status.code == result.verdict:
        asked = {"refuted": "REFUTED", "undecided": "NOT DECIDED"}
    parts = (
        "ACCEPTED",
        "CONDITIONAL" if result.conditional else "",
        "" if result.upper < math.inf or others else "NO UPPER BOUND",
        asked.get(status.code, ""),
    )
    return ", ".join(filter(None, parts))
