"""The proof of a claim: a bracket of the error, and the verdict of the independent checker on its certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from supnorm.auditing import AuditReport
from supnorm.certification import CertifyResult, certify, values_for_statement, values_of_problem
from supnorm.certification.statement import Statement
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.wording import Fact, fact

POINTS = 64  # random points at which the checker compares the certificate's programs with the problem
# Kinds of bounds that rest on nothing but the certificate.
PROVED = ("exact-arithmetic", "certified")


@dataclass(frozen=True)
class Proof:
    """What a proof gave.

    Attributes:
        result: the bracket and the certificate; None if there can be none.
        checked: whether the checker accepts it; None if it was not asked.
        proved: whether no error is above the tolerance.
        remarks: why not, and what else has to be said.
    """

    result: CertifyResult | None
    checked: bool | None
    proved: bool
    remarks: tuple[Fact, ...] = ()


def prove(
    problem: Problem,
    report: AuditReport,
    seconds: float,
    seed: int,
    observer: Callable[[Any], None] | None = None,
) -> Proof:
    """Try to prove that no error is above the tolerance."""
    limit = problem.error.limit
    assert limit is not None
    points = np.array([peak.x for peak in report.peaks])
    try:
        result = certify(
            problem,
            tolerance=limit,
            seconds=seconds,
            seed=seed,
            witness=points if len(points) else None,
            observer=observer,
        )
    except BadInput as why:
        return Proof(None, None, False, (fact("no-proof", why=str(why)),))
    sup = result.record.sup
    if not sup.upper <= limit:
        remarks = (fact("proof-open", upper=sup.upper),) if sup.upper_kind != "none" else ()
        why_not = () if remarks else (fact("no-proof", why=result.status.advice),)
        return Proof(result, None, False, (*remarks, *why_not))
    if sup.upper_kind not in PROVED:
        assumed = "; ".join(result.record.assumptions)
        return Proof(result, None, False, (fact("proof-conditional", upper=sup.upper, why=assumed),))
    accepted, reason = _checked(result, problem)
    if accepted is False:
        return Proof(result, False, False, (fact("proof-rejected", why=reason),))
    return Proof(result, accepted, True)


def _checked(result: CertifyResult, problem: Problem) -> tuple[bool | None, str]:
    """The checker's verdict and its reason; None where python-flint is not installed."""
    try:
        from supnorm.checker import TooCostly, check
    except ImportError:
        return None, ""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "certificate.json"
        result.certificate.save(path)
        try:
            if isinstance(result.certificate, Statement):
                said = check(path, values=values_for_statement(path, problem, POINTS))
            else:
                said = check(path, values_of_problem(problem, POINTS))
        except TooCostly as why:
            return None, str(why)
    return said.accepted, said.reason
