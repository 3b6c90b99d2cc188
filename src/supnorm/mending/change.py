"""Proof of how far a mended model differs from the old one: two programs, so that no reference is needed.

If |N_new - N_old| <= b everywhere, then the mended model's error is nowhere above the old model's worst error plus b
(triangle inequality). Outside of the regions that were mended b should be small: there the domain is cut into boxes, and
each gets a certificate of its own.

Patches are added to the old model, so that the difference is what they add, whatever the model is: the proof is about them
alone. Outside of the boxes round their ellipsoids it is zero up to the outward rounding of the proof.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from supnorm.auditing import AuditReport
from supnorm.certification import CertifyResult, LinearBounds, certify
from supnorm.certification.residual import against_zero
from supnorm.evaluation.limit import Limit
from supnorm.mending.outside import MOST, Box, boxes_outside, domain_of, hulls
from supnorm.mending.task import Candidate
from supnorm.networks.patched import PatchedModel, zeros
from supnorm.problem import ErrorMeasure, Problem
from supnorm.results import Contradiction
from supnorm.results.fit import ProofRecord
from supnorm.results.repair import ChangeRecord, PartRecord

LEAST = 0.5  # seconds of a proof, however little time is left
SECONDS = 60.0  # for all proofs together, where there is no limit of time
RATIO = 1.5  # of bound and difference found, in the parts: a bound twice as large as the change would still say enough
# Of the bound of the whole domain: what patches add outside of the boxes round their ellipsoids. Outward rounding left 5e-42
# in two inputs.
NOTHING = 1e-20


@dataclass(frozen=True, eq=False)
class Change:
    """A bound of the difference of both models.

    Attributes:
        upper, kind: the bound on the whole domain, and what it rests on, as of a certificate.
        proof: the certificate's result.
        holes: boxes of the unit box round the regions that were mended.
        outside: proofs for the boxes that fill the rest of the domain; empty where they are too many.
        old_upper: a proved bound of the old model's error; None where there is none.
    """

    upper: float
    kind: str
    proof: CertifyResult
    holes: tuple[Box, ...] = ()
    outside: tuple[CertifyResult, ...] = ()
    old_upper: float | None = None

    @property
    def outside_upper(self) -> float | None:
        """The bound outside of the boxes round the regions; None where it was not proved."""
        if not self.outside:
            return None
        return min(
            max(part.upper for part in self.outside), self.upper
        )  # in little time the parts prove less

    @property
    def record(self) -> ChangeRecord:
        """As part of the result."""
        return ChangeRecord(
            upper=self.upper,
            upper_kind=self.kind,
            worst_at_most=None
            if self.old_upper is None
            else math.nextafter(self.old_upper + self.upper, math.inf),
            proof=ProofRecord.of(self.proof.record, "change.json"),
            outside_upper=self.outside_upper,
            boxes=len(self.holes),
            outside=tuple(
                PartRecord(upper=part.upper, file=name)
                for name, part in zip(self.names, self.outside, strict=True)
            ),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the files of the parts."""
        return tuple(f"outside-{k + 1}.json" for k in range(len(self.outside)))


def proved_bound(report: AuditReport) -> float | None:
    """The upper bound of a report, if it rests on nothing but the proof."""
    sup = report.record.sup
    return sup.upper if sup.upper_kind in ("certified", "exact-arithmetic") else None


def change_of(
    problem: Problem,
    candidate: Candidate,
    seconds: float | None,
    old_upper: float | None,
    observer: Callable[[Any], None],
) -> Change:
    """Bound the absolute difference of the mended and the old model, over the domain and outside of the regions.

    Raises:
        BadInput: when the operations of one of them are not known; those of patches always are.
    """
    pair = _pair(problem, candidate)
    limit = Limit.of(SECONDS if seconds is None else seconds)
    proof = certify(pair, seconds=max(limit.within(0.5).left, LEAST), observer=observer)
    holes = hulls(candidate.regions)
    boxes = boxes_outside(holes, problem.domain.d) if holes else []
    plain_box = not problem.domain.constraints and all(axis.values is None for axis in problem.domain.axes)
    parts = []
    if plain_box and 0 < len(boxes) <= MOST and not limit.over:
        for box, share in zip(boxes, limit.parts(len(boxes)), strict=True):
            inside = replace(pair, domain=domain_of(problem.domain, box), law=None)
            part = max(share.left, LEAST / len(boxes))
            if candidate.confined:
                least = NOTHING * proof.upper if 0.0 < proof.upper < math.inf else NOTHING
                bound = certify(
                    inside, tolerance=least, seconds=part, strategy=LinearBounds(), observer=observer
                )
            else:
                bound = certify(inside, ratio=RATIO, seconds=part, observer=observer)
            parts.append(bound)
            if bound.lower > proof.upper:
                raise Contradiction(
                    "a part of the domain has a larger difference than the bound of the whole"
                )
    # An error in multiples of a tolerance for each output has another unit than the change.
    error = problem.error
    plain = old_upper if error.kind == "absolute" and error.side == "both" and not error.per_output else None
    return Change(proof.upper, proof.upper_kind, proof, tuple(holes), tuple(parts), plain)


def _pair(problem: Problem, candidate: Candidate) -> Problem:
    """The problem whose error is the difference: the mended model against the old one, or what patches add against zero."""
    made = candidate.model
    if isinstance(made, PatchedModel):
        pair = against_zero(
            replace(made, base=zeros(problem.domain.d, made.patches[0].m)).as_function(), problem.domain
        )
    else:
        pair = Problem(candidate.function, problem.model, problem.domain, ErrorMeasure())
    return replace(pair, title=problem.title, files=problem.files)
