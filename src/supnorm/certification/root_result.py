"""The result of `certify` where the reference is a root: the claim of the statement, and why the work ended."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from supnorm.certification.certificate import Certificate
from supnorm.certification.executions import runs
from supnorm.certification.measured import BEYOND, NOTHING_SEEN, Agreement
from supnorm.certification.record_parts import disagreement, measured_words, point_record
from supnorm.certification.result import CertifyResult
from supnorm.certification.roots import RootProof, prove_root
from supnorm.certification.running import Asked
from supnorm.certification.statement import Statement
from supnorm.certification.verdict import Ended, status_of, unit_of
from supnorm.problem import Problem, fingerprint
from supnorm.results import ExitCode, Status, Witness, versions
from supnorm.results.certify import BracketRecord, CertifyRecord
from supnorm.sources.root import Equation
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY


def certify_root(problem: Problem, equation: Equation, asked: Asked) -> CertifyResult:
    """A proved bracket of the worst error of a model against a root.

    Raises:
        BadInput: see `prove_root`; and when a function differs from its program by more than the bound that was proved.
    """
    proof = prove_root(problem, equation, asked)
    statement, measuring = proof.statement, proof.measuring
    # Where no root is proved, the reference is not compared, and no difference has a unit of the error.
    seen = measuring.agreement() if "reference" in measuring.compared else NOTHING_SEEN
    lower, proved = statement.claims["error"]
    witness, upper, widened = _witness(problem, proof), proved, seen.hidden > 0
    if widened:
        upper = max(proved + BEYOND * seen.size, seen.worst)
    target = asked.goal.target(lower)
    end = "proved" if upper <= target < math.inf else proof.end if proof.end != "proved" else "rounding"
    status = _status(problem, asked, proof, seen, (lower, upper), end, widened)
    if seen.hidden > proved and status.code in ("proved", "undecided", "interrupted"):
        raise disagreement(seen, proved, problem.domain.names)
    kind = "conditional" if widened or statement.believed else "exact-arithmetic"
    bracket, outputs = statement.parts["correction"].bracket, problem.output_names(1)
    names, everything = problem.domain.names, [p.bracket for p in statement.parts.values()]
    record = CertifyRecord(
        status=status,
        sup=BracketRecord(
            lower=lower,
            upper=upper,
            upper_kind=kind if math.isfinite(upper) else "none",
            deployed_upper=None,
        ),
        deployed=None,
        agreement=seen.record(names, outputs),
        ratio=1.0 if upper == 0 else upper / lower if lower > 0 else math.inf,
        target=target,
        rounding=float(bracket.leaves.proof.rounding.max()),
        proved_volume=bracket.proved_volume(target) if math.isfinite(upper) else 0.0,
        witness=None if witness is None else point_record(witness, names, outputs),
        boxes=sum(len(b.leaves.boxes) for b in everything),
        tried=sum(b.tried for b in everything),
        believed=statement.believed,
        seconds=asked.limit.spent,
        certificate=None,
        assumptions=(*statement.assumptions, *measured_words(seen, names)),
        versions=versions(),
    )
    off = _off(statement)
    return CertifyResult(
        record=record,
        certificate=statement,
        locals=(_by_box(statement, off),),
        off=off,
        measure=problem.error,
        agreement=seen,
        witness=witness,
        unit=unit_of(problem),
        fingerprint=fingerprint(problem),
    )


def _status(
    problem: Problem,
    asked: Asked,
    proof: RootProof,
    seen: Agreement,
    claim: tuple[float, float],
    end: str,
    conditional: bool,
) -> Status:
    ended = Ended(
        problem=problem,
        goal=asked.goal,
        lower=claim[0],
        upper=claim[1],
        end=end,
        conditional=conditional,
        obstacle=proof.obstacle,
        seen=seen,
    )
    status, believed = status_of(ended), proof.statement.believed
    if believed and status.code in ("within-tolerance", "proved"):  # no verdict rests on what a file states
        boxes = sum(len(p.bracket.leaves.boxes) for p in proof.statement.parts.values())
        stated = fact("stated-bounds", believed=believed, boxes=boxes)
        return Status("undecided", CERTIFY.text(fact("no-verdict", stated=(stated,))), ExitCode.UNDECIDED)
    return status


def _witness(problem: Problem, proof: RootProof) -> Witness | None:
    """The point of the lower bound, with the values of both functions as they run."""
    x = proof.statement.parts["correction"].bracket.witness
    if x is None or proof.statement.claims["error"][0] <= 0.0:
        return None
    model, reference = runs(problem.model, x[None], "model"), runs(problem.reference, x[None], "reference")
    size, output = problem.error(model, reference, x[None])
    return Witness(np.asarray(x), model[0], reference[0], float(size[0]), int(output[0]))


def _off(statement: Statement) -> float:
    """How far the error may be from the size of the correction's program, which the parts allow."""
    upper = statement.claims["error"][1]
    return (
        float(np.nextafter(upper - statement.parts["correction"].upper, np.inf))
        if math.isfinite(upper)
        else math.inf
    )


def _by_box(statement: Statement, off: float) -> Certificate:
    """The correction's proof with bounds of the error on each box."""
    proof = statement.parts["correction"].certificate
    leaves = proof.leaves.whole
    upper = np.nextafter(leaves.boxes.upper + off, np.inf)
    return replace(proof, leaves=replace(leaves, boxes=replace(leaves.boxes, upper=upper)))
