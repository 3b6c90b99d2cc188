"""How a roll-out ended, in one code and one or two sentences."""

from __future__ import annotations

from supnorm.fields.rollout_runs import Rolling
from supnorm.results import ExitCode, Status
from supnorm.wording import Narrator, fact
from supnorm.wording.rollout import ADVICE

CODES = {
    "interrupted": ExitCode.INTERRUPTED,
    "not-finite": ExitCode.EXCEEDED,
    "bounds-violated": ExitCode.EXCEEDED,
    "tolerance-exceeded": ExitCode.EXCEEDED,
    "reference-failed": ExitCode.REFERENCE_FAULT,
    "unfinished": ExitCode.UNDECIDED,
    "nothing-found": ExitCode.DONE,
    "rolled-out": ExitCode.DONE,
}


def status(rolling: Rolling, steps: int, stopped: str) -> Status:
    """The status of the steps so far.

    Args:
        rolling: what was done.
        steps: how many steps were asked for.
        stopped: why the work ended early, or nothing.
    """
    code = _code(rolling, stopped)
    hit = rolling.tally.hit
    advice = fact(
        f"end-{code}",
        runs=len(rolling.runs),
        done=rolling.done,
        steps=steps,
        ended=len(hit.get("failed", set()) | hit.get("not-finite", set())),
        bound=len(hit.get("bound", set())),
        signal=len(hit.get("signal", set())),
        above=len(hit.get("tolerance", set())),
        failed=len(hit.get("reference-failed", set())),
        why=rolling.reference_error,
    )
    return Status(code, Narrator(ADVICE).text(advice), CODES[code])


def _code(rolling: Rolling, stopped: str) -> str:
    hit = rolling.tally.hit
    if stopped == "interrupted":
        return stopped
    if "failed" in hit or "not-finite" in hit:
        return "not-finite"
    if "bound" in hit:
        return "bounds-violated"
    if "tolerance" in hit:
        return "tolerance-exceeded"
    if "reference-failed" in hit:
        return "reference-failed"
    if stopped:
        return stopped
    return "nothing-found" if rolling.tally.limits.tolerance else "rolled-out"
