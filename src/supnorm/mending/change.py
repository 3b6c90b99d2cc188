"""Proof of how far a mended model differs from the old one: two programs, so that no reference is needed.

If |N_new - N_old| <= b everywhere, then the mended model's error is nowhere above the old model's worst error plus b
(triangle inequality; for errors that are divided by something of the reference this holds for the divided difference).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from supnorm.certification import CertifyResult, certify
from supnorm.problem import ErrorMeasure, Function, Problem
from supnorm.results.fit import ProofRecord
from supnorm.results.repair import ChangeRecord


@dataclass(frozen=True, eq=False)
class Change:
    """A bound of the difference of both models.

    Attributes:
        upper, kind: the bound, and what it rests on, as of a certificate.
        proof: the certificate's result.
        old_upper: a proved bound of the old model's error; None where there is none.
    """

    upper: float
    kind: str
    proof: CertifyResult
    old_upper: float | None = None

    @property
    def record(self) -> ChangeRecord:
        """As part of the result."""
        proved = self.proof.record.changed(certificate="change.json")
        return ChangeRecord(
            upper=self.upper,
            upper_kind=self.kind,
            worst_at_most=None if self.old_upper is None else self.old_upper + self.upper,
            proof=ProofRecord(schema_="supnorm.certify/1", **dict(proved)),
        )


def change_of(
    problem: Problem,
    mended: Function,
    seconds: float | None,
    old_upper: float | None,
    observer: Callable[[Any], None],
) -> Change:
    """Bound the absolute difference of the mended and the old model over the domain.

    Raises:
        BadInput: when the operations of one of them are not known.
    """
    pair = Problem(mended, problem.model, problem.domain, ErrorMeasure(), title=problem.title)
    proof = certify(replace(pair, files=problem.files), seconds=seconds or 60.0, observer=observer)
    plain = old_upper if problem.error.kind == "absolute" and problem.error.side == "both" else None
    return Change(proof.upper, proof.upper_kind, proof, plain)
