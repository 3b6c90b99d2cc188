"""Proves the tolerance of a mended model, and mends further until it is proved, as a certified fit does.

A proof that does not reach the tolerance shows where: at its witness, or in the boxes whose bounds are largest. The
reference is called there, these points become samples, and the model is trained further for a smaller share of the
tolerance. Each candidate gets a verdict with seeds of its own. The result is the accepted candidate with the smallest bound.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import CertifyResult
from supnorm.certification import certify as prove
from supnorm.certification.certificate import Certificate
from supnorm.certification.into_report import proves
from supnorm.evaluation.limit import Limit
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.task import Candidate, Task, Wrong
from supnorm.mending.verdict import Verdict

Array = NDArray[np.float64]
# Of the tolerance, for which the later rounds train; the first trains for 0.6. The shares are those of `certified_fit`.
SHARES = (0.3, 0.12)
CALLS = 0.5  # of the calls of the first rounds, for each later one
TRAINING = 0.5  # of the time left, for further rounds; the proof gets the rest
PROOF = 0.6  # of the time left, for a proof after which there may be further rounds
CHANGE = 0.3  # of the time, which is kept for a bound of the change
SECONDS = 60.0  # of a proof, where there is no limit of time
BOXES = 40  # whose bounds are largest: their centres become samples, as many as the worst points of a search at least


class Mending(Protocol):
    """A repair in progress, with a candidate that was accepted."""

    task: Task
    budget: int  # calls of the reference that the first rounds were given
    candidate: Candidate | None
    verdict: Verdict | None
    proof: CertifyResult | None

    def mend(self, before: Candidate | None) -> Candidate:
        """A candidate that goes on from an earlier one."""

    def judge(self, candidate: Candidate, number: int) -> Verdict:
        """The verdict on it."""


def until_proved(work: Mending, bound_change: bool) -> None:
    """Prove the tolerance for the candidate of ``work``, or mend it further; ``work`` keeps the best that is accepted.

    Raises:
        BadInput: when a function cannot be read or differs from its program.
    """
    task, goal = work.task, work.task.problem.error.limit
    assert goal is not None
    assert work.candidate is not None
    assert work.verdict is not None
    whole = task.whole.within(1.0 - CHANGE) if bound_change else task.whole
    with INTERRUPTS.handed_on():
        work.proof = _proof(task, work.candidate, whole.within(PROOF), work.verdict)
    candidate, verdict, proof = work.candidate, work.verdict, work.proof
    for number, share in enumerate(SHARES, 1):
        if reached(work.proof, goal) or whole.over:
            return
        task.aim = share * goal
        task.limit = whole.within(TRAINING).upto(task.spent + int(CALLS * work.budget))
        _feed(task, candidate, verdict, proof)
        candidate = work.mend(candidate)
        task.limit = whole
        verdict = work.judge(candidate, number)
        if not verdict.accepted:
            return
        part = whole.within(PROOF if number < len(SHARES) else 1.0)
        with INTERRUPTS.handed_on():
            proof = _proof(task, candidate, part, verdict)
            if proof.upper < work.proof.upper:
                work.candidate, work.verdict, work.proof = candidate, verdict, proof


def reached(proof: CertifyResult, goal: float) -> bool:
    """Whether a proof shows the tolerance."""
    return proof.upper <= goal and proves(proof, proof.upper, goal)


def _proof(task: Task, candidate: Candidate, limit: Limit, verdict: Verdict) -> CertifyResult:
    """A proof of the tolerance for a candidate, begun at the worst points that are known."""
    peaks = [task.peaks.x] if len(task.peaks) else []
    if verdict.after.peaks:
        peaks.append(np.array([peak.x for peak in verdict.after.peaks]))
    return prove(
        task.judged(candidate.function),
        tolerance=task.problem.error.limit,
        seconds=SECONDS if limit.endless else max(limit.left, 0.5),
        witness=np.concatenate(peaks) if peaks else None,
        observer=task.observer,
    )


def _centres(part: Certificate) -> Array:
    """The middles of all boxes, in units of the axes."""
    boxes = part.boxes
    size = np.exp2(-boxes.level.astype(np.float64))
    return part.domain.from_unit(np.asarray((boxes.index + 0.5) * size, dtype=np.float64))


def _feed(task: Task, candidate: Candidate, verdict: Verdict, proof: CertifyResult) -> None:
    """What is known to be wrong of a candidate, for the next rounds: the worst points of its audit and of its proof."""
    domain = task.problem.domain
    upper = np.concatenate([part.boxes.upper for part in proof.by_box])
    worst = np.argsort(-upper, kind="stable")[:BOXES]
    x = np.concatenate([_centres(part) for part in proof.by_box])[worst]
    if proof.witness is not None:
        x = np.concatenate([proof.witness.x[None], x])
    x = x[domain.contains(x)]
    y = task.truth.value(x)
    known = np.isfinite(y).all(axis=1)
    x, y = x[known], y[known]
    found = Wrong.of_report(verdict.after, domain.d)
    fed = Wrong(x, y, task.errors(candidate.function, x, y))
    task.wrong = found.joined(fed)
    task.peaks = task.peaks.joined(found.taken(found.apart(task.problem, 0.05, 20)))
    if candidate.samples is not None:
        old_x, old_y = candidate.samples
        task.data = np.concatenate([old_x, x]), np.concatenate([old_y, y])
