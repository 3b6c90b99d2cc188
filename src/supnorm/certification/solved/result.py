"""The result of `certify` where the reference is a flow or an integral: the claim, and why the work ended."""

from __future__ import annotations

import math

import numpy as np

from supnorm.certification.executions import runs
from supnorm.certification.measured import BEYOND, NOTHING_SEEN
from supnorm.certification.record_parts import disagreement, measured_words, point_record
from supnorm.certification.result import CertifyResult
from supnorm.certification.running import Asked
from supnorm.certification.solved.running import SolvedProof
from supnorm.certification.verdict import Ended, status_of, unit_of
from supnorm.problem import Problem, fingerprint
from supnorm.results import ExitCode, Status, Witness, versions
from supnorm.results.certify import BracketRecord, CertifyRecord
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY


def result_of_solved(problem: Problem, proof: SolvedProof, asked: Asked) -> CertifyResult:
    """What was proved, as a result.

    Raises:
        BadInput: when a function differs from its program by more than the bound that was proved.
    """
    statement, measuring = proof.statement, proof.measuring
    seen = measuring.agreement() if "reference" in measuring.compared else NOTHING_SEEN
    lower, proved = statement.claims["error"]
    witness = _witness(problem, proof, lower)
    upper, widened = proved, seen.hidden > 0
    if widened:
        upper = max(proved + BEYOND * seen.size, seen.worst)
    target = asked.goal.target(lower)
    end = "proved" if upper <= target < math.inf else proof.end if proof.end != "proved" else "rounding"
    ended = Ended(
        problem=problem,
        goal=asked.goal,
        lower=lower,
        upper=upper,
        end=end,
        conditional=widened,
        obstacle=proof.obstacle,
        seen=seen,
    )
    status, everything = status_of(ended), [p.bracket for p in statement.parts.values()]
    boxes = sum(len(b.leaves.boxes) for b in everything)
    # No verdict rests on what a file states.
    if statement.believed and status.code in ("within-tolerance", "proved"):
        stated = fact("stated-bounds", believed=statement.believed, boxes=boxes)
        status = Status("undecided", CERTIFY.text(fact("no-verdict", stated=(stated,))), ExitCode.UNDECIDED)
    if seen.hidden > proved and status.code in ("proved", "undecided", "interrupted"):
        raise disagreement(seen, proved, problem.domain.names)
    corrections = [statement.parts[name].bracket for name in proof.corrections]
    names, outputs = problem.domain.names, problem.output_names(corrections[0].error.alternatives[0].m)
    kind = "conditional" if widened or statement.believed else "exact-arithmetic"
    finite = math.isfinite(upper)
    record = CertifyRecord(
        status=status,
        sup=BracketRecord(
            lower=lower, upper=upper, upper_kind=kind if finite else "none", deployed_upper=None
        ),
        deployed=None,
        agreement=seen.record(names, outputs),
        ratio=1.0 if upper == 0 else upper / lower if lower > 0 else math.inf,
        target=target,
        rounding=max(float(b.leaves.proof.rounding.max()) for b in corrections),
        proved_volume=float(np.mean([b.proved_volume(target) for b in corrections])) if finite else 0.0,
        witness=None if witness is None else point_record(witness, names, outputs),
        boxes=boxes,
        tried=sum(b.tried for b in everything),
        believed=statement.believed,
        seconds=asked.limit.spent,
        certificate=None,
        assumptions=(*statement.assumptions, *measured_words(seen, names)),
        versions=versions(),
    )
    return CertifyResult(
        record=record,
        certificate=statement,
        locals=proof.by_box,
        off=max(proof.off),
        measure=problem.error,
        agreement=seen,
        witness=witness,
        unit=unit_of(problem),
        fingerprint=fingerprint(problem),
    )


def _witness(problem: Problem, proof: SolvedProof, lower: float) -> Witness | None:
    """The point of the lower bound, with the values of both functions as they run."""
    x = proof.witness
    if x is None or lower <= 0.0:
        return None
    model, reference = runs(problem.model, x[None], "model"), runs(problem.reference, x[None], "reference")
    size, output = problem.error(model, reference, x[None])
    return Witness(np.asarray(x), model[0], reference[0], float(size[0]), int(output[0]))
