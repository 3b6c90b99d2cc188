"""From an audit to a verdict on a published sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from supnorm.auditing import AuditReport
from supnorm.claims.confirming import Confirmation, confirm, first_confirmed
from supnorm.claims.proving import Proof, prove
from supnorm.evaluation import Calls, Evaluator
from supnorm.evaluation.events import silent
from supnorm.problem import Problem
from supnorm.problem.claim_table import ClaimSpec
from supnorm.results import Witness
from supnorm.wording import Fact, fact


@dataclass(frozen=True)
class Judged:
    """A verdict that is not in words yet.

    Attributes:
        code: the verdict.
        worst: the point that is shown; None where no error is known.
        advice: what the verdict means.
        remarks: what else has to be said.
        proof: the proof that was tried; None without one.
    """

    code: str
    worst: Confirmation | None
    advice: Fact
    remarks: tuple[Fact, ...] = ()
    proof: Proof | None = None


def judge(
    problem: Problem,
    words: ClaimSpec,
    report: AuditReport,
    seed: int,
    observer: Callable[[Any], None] = silent,
) -> Judged:
    """The verdict from an audit, with a proof where the audit found nothing and the claim asks for one."""
    limit = problem.error.limit
    assert limit is not None
    if report.status.code == "interrupted":
        return Judged("interrupted", None, fact("stopped"))
    if report.worst is None:
        return Judged("undecided", None, fact("undecided", why=report.status.advice))
    above = [
        confirm(problem.error, peak, peak.recheck_value, limit) for peak in report.peaks if peak.error > limit
    ]
    proof: Proof | None = None
    remarks: tuple[Fact, ...] = ()
    if not above:
        worst = Confirmation(report.worst, report.worst.recheck_value, None, False)
        if words.prove is not None and not words.not_comparable:
            proof = prove(problem, report, words.prove, seed, observer)
            remarks = proof.remarks
            above = _worse(problem, proof, limit)
        if not above:
            return _within(words, report, worst, proof, remarks)
    best = first_confirmed(above)
    if best is not None and best is not above[0]:
        remarks = (*remarks, fact("only-one", error=above[0].witness.error))
    shown = best or above[0]
    if words.not_comparable:
        return Judged("not-comparable", shown, fact("not-comparable", why=words.not_comparable), remarks)
    how = _how(problem, words, shown, limit)
    if best is None:
        return Judged("unconfirmed", shown, how("unconfirmed"), remarks + _why(problem, words, shown), proof)
    infinite = not np.isfinite(shown.witness.model).all()
    if infinite and not _again_without_value(problem, shown.witness):
        remarks = (*remarks, fact("value-after-all"))
        return Judged("unconfirmed", replace(shown, confirmed=False), how("unconfirmed"), remarks, proof)
    return Judged("refuted", shown, how("refuted-no-value" if infinite else "refuted"), remarks, proof)


def _within(
    words: ClaimSpec,
    report: AuditReport,
    worst: Confirmation,
    proof: Proof | None,
    remarks: tuple[Fact, ...],
) -> Judged:
    """The verdict where no error above the tolerance is known."""
    error, n = worst.witness.error, report.record.evaluations.search + report.record.evaluations.statistics
    if words.not_comparable:
        return Judged("not-comparable", worst, fact("not-comparable", why=words.not_comparable))
    if proof is not None and proof.proved and proof.result is not None:
        upper = proof.result.upper
        said = fact("proved", published=words.published, upper=upper, checked=bool(proof.checked))
        return Judged("proved", worst, said, remarks, proof)
    if report.status.code == "within-tolerance":
        return Judged("not-refuted", worst, fact("compared", published=words.published, error=error), remarks)
    said = fact("not-refuted", published=words.published, error=error, n=n, planted=bool(report.record.power))
    return Judged("not-refuted", worst, said, remarks, proof)


def _worse(problem: Problem, proof: Proof, limit: float) -> list[Confirmation]:
    """The witness of a proof that no search had found, with the second reference's values, if its error is too large."""
    result = proof.result
    if result is None or result.witness is None or not result.lower > limit:
        return []
    evaluator = Evaluator(problem, Calls())
    found = evaluator.values(result.witness.x[None], "recheck")
    error = float(found.error[0])
    witness = Witness(result.witness.x, found.model[0], found.reference[0], error, int(found.output[0]))
    second = None
    if evaluator.recheck is not None:
        y, failed = evaluator.recheck.values(result.witness.x[None], "recheck")
        second = None if failed else y[0]
    return [confirm(problem.error, witness, second, limit)] if error > limit else []


def _again_without_value(problem: Problem, witness: Witness) -> bool:
    """Whether the model has no value at a witness when it is called once more: a crash or a time limit may not last."""
    if problem.pairs is not None:
        return True
    found = Evaluator(problem, Calls()).values(witness.x[None], "recheck")
    return not np.isfinite(found.model[0][~np.isfinite(witness.model)]).any()


def _how(problem: Problem, words: ClaimSpec, shown: Confirmation, limit: float) -> Callable[[str], Fact]:
    """Makes the fact of a witness above the tolerance, under a code."""
    witness = shown.witness
    at = dict(zip(problem.domain.names, map(float, witness.x), strict=True))
    values: dict[str, Any] = {"published": words.published, "at": at, "error": witness.error}
    values |= {"factor": witness.error / limit if limit > 0 else np.inf, "second": words.second}
    values |= {"error_second": shown.error, "tried": problem.recheck is not None}
    return lambda code: fact(code, **values)


def _why(problem: Problem, words: ClaimSpec, shown: Confirmation) -> tuple[Fact, ...]:
    """Why the second reference confirms nothing."""
    if problem.recheck is None:
        return ()
    if shown.error is None:
        return (fact("second-without-value", second=words.second),)
    return (fact("second-disagrees", second=words.second, error_second=shown.error),)
