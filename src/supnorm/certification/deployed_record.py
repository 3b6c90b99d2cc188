"""What a result says about a model that runs in float32: its bound and assumptions, or why there is none."""

from __future__ import annotations

import math
from dataclasses import replace

from supnorm.certification.certificate import Certificate
from supnorm.certification.deployed import runs_in_single
from supnorm.certification.measured import Agreement
from supnorm.problem import Problem
from supnorm.program.branches import jumps
from supnorm.results.certify import DeployedRecord
from supnorm.wording import fact
from supnorm.wording.certify import CERTIFY


def deployed_record(certificate: Certificate) -> DeployedRecord | None:
    """What a certificate claims about its model in float32, as plain data; None if it claims nothing."""
    held = certificate.deployed
    if held is None:
        return None
    return DeployedRecord(
        precision="float32",
        runtime=held.runtime,
        rounding=held.rounding,
        boxes=len(held.cells),
        assumptions=held.assumptions(),
    )


def claimed_in_single(
    problem: Problem, certificate: Certificate, seen: Agreement
) -> tuple[Certificate, list[str]]:
    """The certificate, and what is said about the rounding of a float32 model.

    What the runtime was seen to do may refute what is assumed of it; then nothing is claimed.
    """
    held = certificate.deployed
    if held is not None and certificate.deployed_upper == math.inf:
        return replace(certificate, deployed=None), [CERTIFY.text(fact("single-no-bound"))]
    if held is None:
        why = runs_in_single(problem.model, certificate.error.d)
        if not isinstance(why, str):
            chosen = any(map(jumps, certificate.error.at_points))
            why = CERTIFY.text(fact("single-threshold" if chosen else "single-no-bound"))
        return certificate, [why] if why else []
    room = held.rounding + 2.0 * certificate.rounding
    differs = max((s.size for s in seen.sides if s.side == "model"), default=0.0)
    if seen.hidden or differs > room or seen.worst > certificate.deployed_upper:
        refuted = fact("single-refuted", runtime=held.runtime, difference=differs, bound=held.rounding)
        return replace(certificate, deployed=None), [CERTIFY.text(refuted)]
    return certificate, list(held.assumptions())
