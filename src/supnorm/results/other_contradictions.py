"""Whether a result of another verb than `audit` that was read from a file contradicts itself; of an audit see
`supnorm.results.contradictions`.

A page and a report for a build server repeat the verdict of the file. So a verdict that its own numbers refute is refused,
and so is a bound below an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from supnorm.results.audit import SupRecord
from supnorm.results.certify import CertifyRecord
from supnorm.results.claim import ClaimRecord
from supnorm.results.compare import CompareRecord
from supnorm.results.fields import FieldsRecord
from supnorm.results.fit import FitRecord
from supnorm.results.guarding import GuardRecord
from supnorm.results.norms import NormsRecord
from supnorm.results.numbers import num
from supnorm.results.printable import one_line
from supnorm.results.properties import PropertiesRecord
from supnorm.results.record import Record, Result
from supnorm.results.repair import RepairRecord
from supnorm.results.rollout import RolloutRecord
from supnorm.results.solution import SolutionRecord
from supnorm.results.status import ExitCode

SLACK = 1e-12  # relative
DONE, OVER, OPEN = ExitCode.DONE, ExitCode.EXCEEDED, ExitCode.UNDECIDED
COMMON = {
    "within-tolerance": DONE,
    "tolerance-exceeded": OVER,
    "undecided": OPEN,
    "interrupted": ExitCode.INTERRUPTED,
}
SEARCHED = {"nothing-found": DONE, "no-tolerance": DONE}
# The exit code that belongs to each status of a verb.
EXITS: Mapping[type[Result], Mapping[str, ExitCode]] = MappingProxyType(
    {
        FitRecord: COMMON | SEARCHED,
        CertifyRecord: COMMON | {"proved": DONE, "no-bound": OPEN},
        RepairRecord: COMMON | {"mended": DONE, "nothing-found": DONE, "not-improved": OVER},
        GuardRecord: COMMON | {"guarded": DONE, "guard-not-effective": OVER, "risk-not-shown": OPEN},
        FieldsRecord: COMMON
        | {"no-tolerance": DONE, "missing-values": OVER, "out-of-bounds": OVER, "nothing-compared": OPEN},
        RolloutRecord: COMMON
        | {"nothing-found": DONE, "rolled-out": DONE, "not-finite": OVER, "bounds-violated": OVER}
        | {"unfinished": OPEN, "reference-failed": ExitCode.REFERENCE_FAULT},
        NormsRecord: COMMON | {"proved": DONE},
        PropertiesRecord: COMMON | {"proved": DONE, "refuted": OVER},
        SolutionRecord: COMMON | {"proved": DONE, "no-bound": OPEN},
        ClaimRecord: COMMON
        | {"refuted": OVER, "not-refuted": DONE, "proved": DONE, "failed": ExitCode.BAD_INPUT}
        | {"unconfirmed": OPEN, "not-comparable": OPEN, "not-installed": OPEN},
    }
)


def other_contradiction(record: Record) -> str:
    """The first contradiction in words; empty where there is none."""
    return next(_all(record), "")


def _all(record: Record) -> Iterator[str]:
    status, exits = getattr(record, "status", None), EXITS.get(type(record))  # type: ignore[arg-type]
    if status is not None and exits is not None:
        if status.code not in exits:
            yield f"the verb does not end with the status {one_line(status.code, 40)}"
        elif exits[status.code] != status.exit and not _in_doubt(record):
            yield (
                f"the status is {status.code}, with which a run ends with {int(exits[status.code])}, and the exit code is "
                f"{int(status.exit)}"
            )
    if isinstance(record, CertifyRecord | SolutionRecord | NormsRecord):
        yield from _of_proof(record)
    elif isinstance(record, PropertiesRecord):
        yield from _of_properties(record)
    elif isinstance(record, RolloutRecord):
        yield from _of_rollout(record)
    elif isinstance(record, CompareRecord):
        for row in record.rows:
            if row.status in ("within-tolerance", "nothing-found") and row.found_by is None:
                yield from _above(row.status, row.worst, row.tolerance, needed=True)
    elif isinstance(record, ClaimRecord):
        yield from _of_claim(record)
    elif isinstance(record, FitRecord):
        yield from _of_fit(record)
    elif isinstance(record, RepairRecord):
        yield from _of_repair(record)
    elif isinstance(record, GuardRecord):
        yield from _of_guard(record)
    elif isinstance(record, FieldsRecord):
        yield from _of_fields(record)
    yield from _crossed_brackets(record)


def _in_doubt(record: Record) -> bool:
    """Whether a claim is not confirmed because its second reference contradicts the first one."""
    claim = isinstance(record, ClaimRecord) and record.status.code == "unconfirmed"
    return claim and record.status.exit == ExitCode.REFERENCE_FAULT  # type: ignore[attr-defined]


def _of_proof(record: CertifyRecord | SolutionRecord | NormsRecord) -> Iterator[str]:
    code = record.status.code
    if code not in ("within-tolerance", "proved"):
        return
    rows = record.norms if isinstance(record, NormsRecord) else (record.sup,)
    kinds = [getattr(row, "upper_kind", "") for row in rows]
    if not all(math.isfinite(row.upper) for row in rows) or "none" in kinds:
        yield f"the status is {code}, and there is no upper bound"
    if believed := getattr(record, "believed", 0):
        yield f"the status is {code}, and {believed} bounds were not proved"


def _of_properties(record: PropertiesRecord) -> Iterator[str]:
    code, answers = record.status.code, [answer.status for answer in record.answers]
    if ("refuted" in answers) != (code == "refuted"):
        yield f"the status is {code}, and {answers.count('refuted')} properties are refuted"
    if code == "proved" and "undecided" in answers:
        yield f"the status is {code}, and {answers.count('undecided')} properties are undecided"


def _of_rollout(record: RolloutRecord) -> Iterator[str]:
    code, seen = record.status.code, {first.kind for first in record.first}
    if code in ("nothing-found", "rolled-out", "unfinished", "reference-failed"):
        if faults := sorted(seen & {"failed", "not-finite", "bound", "tolerance"}):
            yield f"the status is {code}, and a step has the fault {faults[0]}"
        for v in record.variables:
            yield from _above(code, math.nan if v.worst is None else v.worst.error, v.tolerance)


def _of_claim(record: ClaimRecord) -> Iterator[str]:
    code, worst, tolerance = record.status.code, record.worst, record.tolerance
    if worst is None or tolerance is None:
        if code in ("refuted", "not-refuted", "proved", "unconfirmed"):
            yield f"the status is {code}, and there is no error and no tolerance"
        return
    if code in ("not-refuted", "proved"):
        yield from _above(code, worst.error, tolerance)
    if code == "proved" and (record.proof is None or not record.proof.sup.upper <= tolerance):
        yield f"the status is {code}, and there is no proof of the tolerance"
    if code == "refuted" and not (worst.confirmed and worst.error > tolerance):
        yield f"the status is {code}, and no error above the tolerance is confirmed"


def _of_fit(record: FitRecord) -> Iterator[str]:
    for one in (record.winner, *record.candidates):
        if (one.sup.upper is None) != (one.sup.upper_kind == "none"):
            yield f"the upper bound is {one.sup.upper} and its kind {one_line(one.sup.upper_kind, 40)}"
    if record.certificate is not None:
        yield from _of_proof(record.certificate)
    code = record.status.code
    if code in ("nothing-found", "within-tolerance"):
        error = record.winner.rms if record.norm == "l2" else record.winner.sup.lower
        yield from _above(code, error, record.tolerance, needed=True)


def _of_repair(record: RepairRecord) -> Iterator[str]:
    code = record.status.code
    if code in ("mended", "within-tolerance"):
        if not record.accepted:
            yield f"the status is {code}, and the mended model was not accepted"
        worst = math.nan if record.worst_after is None else record.worst_after
        yield from _above(code, worst, record.tolerance, needed=code == "within-tolerance")
    if code == "within-tolerance" and record.certificate is None:
        yield f"the status is {code}, and there is no proof"
    if code == "nothing-found":
        yield from _above(code, record.worst_before, record.tolerance)
    if record.certificate is not None:
        yield from _of_proof(record.certificate)
    if (both := record.compared) is not None:
        yield from _share("the error grew at", both.grew, both.n, both.grew_at_most)
    if (harm := record.harm) is not None:
        grown = max(harm.after - harm.before, 0.0) if harm.after > harm.before else 0.0
        if not abs(harm.growth - grown) <= SLACK * abs(harm.after) and harm.growth != grown:
            yield f"the error grew from {num(harm.before, 8)} to {num(harm.after, 8)}, by {num(harm.growth, 8)}"
        if record.accepted and harm.growth > harm.allowed:
            growth, allowed = num(harm.growth, 8), num(harm.allowed, 8)
            yield f"the mended model was accepted, and its error grew by {growth}, of {allowed} allowed"
    if record.accepted and record.worst_after is not None and not record.worst_after < record.worst_before:
        after, before = num(record.worst_after, 8), num(record.worst_before, 8)
        yield f"the mended model was accepted, and its largest error is {after}, that before {before}"


def _of_guard(record: GuardRecord) -> Iterator[str]:
    code, promise = record.status.code, record.promise
    if code == "guarded":
        yield from _above(code, record.worst_accepted, record.tolerance)
    if code == "tolerance-exceeded" and not (record.tolerance or 0.0) < record.worst_accepted:
        yield f"the status is {code}, and the largest error at an accepted input {num(record.worst_accepted, 8)}"
    if record.worst_accepted > record.worst_unguarded:
        accepted, all_ = num(record.worst_accepted, 8), num(record.worst_unguarded, 8)
        yield f"the largest error at an accepted input is {accepted}, and at any {all_}"
    yield from _share("errors above the level are at", promise.count, promise.n, promise.fraction_at_most)
    if promise.n > promise.drawn:
        yield f"{promise.n} of {promise.drawn} points are accepted"
    if record.tolerance is not None and record.choice is None and promise.above != record.tolerance:
        yield f"the promise is about errors above {num(promise.above, 8)}, the tolerance {num(record.tolerance, 8)}"
    if (record.proved_cells > 0) != (record.proved_share > 0.0):
        yield f"{record.proved_cells} cells are proved, a share of {num(record.proved_share, 4)} of the domain"
    shares = [record.rejected, promise.confidence, record.proved_share]
    shares += [layer.rejected for layer in record.layers] + [row.rejected for row in record.curve]
    if wrong := [share for share in shares if not 0.0 <= share <= 1.0 + SLACK]:
        yield f"a share is {num(wrong[0], 4)}"


def _share(what: str, count: int, n: int, at_most: float) -> Iterator[str]:
    """Contradictions of a count with an upper limit of its share."""
    if not 0 <= count <= n or not count - SLACK <= at_most * n <= n * (1.0 + SLACK):
        yield f"{what} {count} of {n} points, a share of at most {num(at_most, 4)}"


def _of_fields(record: FieldsRecord) -> Iterator[str]:
    code = record.status.code
    for v in record.variables:
        found, name = v.compared_sup, one_line(v.name, 40)
        if v.sup.lower < found:
            yield f"the largest error of {name} is {num(v.sup.lower, 8)}, and that of its worst point {num(found, 8)}"
        if (v.sup.upper is None) != (v.sup.upper_kind == "none"):
            yield f"the upper bound of {name} is {v.sup.upper} and its kind {one_line(v.sup.upper_kind, 40)}"
        if v.sup.upper is not None and not v.sup.upper >= found:
            yield f"the upper bound of {name} is {num(v.sup.upper, 8)}, and the error of its worst point {num(found, 8)}"
        outside = 0 if v.bounds is None else v.bounds.below + v.bounds.above
        if code in ("within-tolerance", "no-tolerance", "nothing-compared") and (v.missing or outside):
            yield f"the status is {code}, and {name} has {v.missing} missing values and {outside} out of bounds"
        if code == "within-tolerance" and not v.n:
            yield f"the status is {code}, and no grid point of {name} was compared"
        if code not in ("tolerance-exceeded", "interrupted"):
            yield from _above(code, found, v.tolerance, needed=code == "within-tolerance")


def _crossed_brackets(part: Any) -> Iterator[str]:
    """Every ``lower`` beside an ``upper``, however deep; an audit inside has its own rule, see `contradictions`."""
    if isinstance(part, Record) and not isinstance(part, SupRecord):
        lower, upper = (getattr(part, name, None) for name in ("lower", "upper"))
        if isinstance(lower, float) and isinstance(upper, float) and lower > upper + SLACK * abs(upper):
            yield f"a lower bound is {num(lower, 8)} and the upper bound {num(upper, 8)}"
        for _, value in part:
            yield from _crossed_brackets(value)
    elif isinstance(part, tuple) and part and isinstance(part[0], Record):
        for value in part:
            yield from _crossed_brackets(value)


def _above(code: str, error: float, tolerance: float | None, needed: bool = False) -> Iterator[str]:
    if tolerance is None:
        if needed:
            yield f"the status is {code}, and there is no tolerance"
    elif error > tolerance + SLACK * abs(tolerance):
        yield f"the status is {code}, the largest error {num(error, 8)} and the tolerance {num(tolerance, 8)}"
