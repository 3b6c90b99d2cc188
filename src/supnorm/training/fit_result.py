"""The result of `fit`: the winner, the table of all candidates, the audit, and why the fit stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from supnorm.approximants import Approximation, save
from supnorm.auditing import AuditReport
from supnorm.certification import CertifyResult
from supnorm.problem import Function
from supnorm.results import Status, write_whole
from supnorm.results.audit import ShortAuditRecord
from supnorm.results.fit import (
    CandidateRecord,
    FitCostRecord,
    FitRecord,
    LargestErrorRecord,
    ProofRecord,
    SkippedRecord,
)
from supnorm.results.numbers import literal
from supnorm.results.parts import MeasureRecord
from supnorm.results.record import Recorded


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidate:
    """One approximator and its errors on points that no part of the fit has used.

    Attributes:
        approximation: the fitted model.
        seconds: time of the fit, including calls of the reference.
        rms: root-mean-square error of a sample of the law.
        sup_lower: the largest error that was found, a lower bound of the worst error.
        sup_upper: proved upper bound; None without a certificate.
        upper_kind: ``"certified"`` (rounding of the model included), ``"exact-arithmetic"``,
            ``"conditional"`` or ``"none"``.
        error_of_mean: root mean square error of a model that always returns the mean, by which relative errors are
            divided; for the absolute error it is the standard deviation of the reference.
        latency: seconds per point in a batch of 1000.
        trail: processor seconds and relative training errors during the training, for networks.
        audited: whether ``sup_lower`` comes from a search or from independent points.
    """

    approximation: Approximation
    seconds: float
    rms: float
    sup_lower: float
    error_of_mean: float
    latency: float
    audited: bool = False
    sup_upper: float | None = None
    upper_kind: str = "none"
    file: str | None = None
    trail: tuple[tuple[float, float], ...] = ()

    @property
    def method(self) -> str:
        """Name in tables."""
        return self.approximation.method

    @property
    def record(self) -> CandidateRecord:
        """The candidate as plain data; errors relative to that of the mean have no value for a constant reference."""
        a, scale = self.approximation, self.error_of_mean if 0 < self.error_of_mean < np.inf else np.nan
        return CandidateRecord(
            method=a.method,
            rms=self.rms,
            relative_rms=self.rms / scale,
            sup=LargestErrorRecord(lower=self.sup_lower, upper=self.sup_upper, upper_kind=self.upper_kind),
            relative_sup=self.sup_lower / scale,
            audited=self.audited,
            parameters=a.parameters,
            bytes=a.bytes,
            samples=a.samples,
            seconds=self.seconds,
            seconds_per_point=self.latency,
            file=self.file,
            notes=a.notes,
            trail=self.trail,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class FitResult(Recorded):
    """The outcome of `fit`.

    Attributes:
        winner: the candidate to use; its errors come from an audit with a fresh seed (for fixed data from samples
            on which it was not trained).
        candidates: all fitted candidates, best first.
        skipped: methods that could not be used, with the reason.
        status: whether the tolerance is met, and what to do if not.
        audit: audit of the winner; None for fixed data.
        certificate: the proved bracket of the winner; None if no proof was asked for.
        evaluations: evaluations of the reference, by purpose.
        notes: sentences about the reference or the data.
        tolerance, norm, seed: the arguments of the fit.
        measure: the error measure of all errors.
        cost: whether a call counts as expensive, and whether this was declared or measured; None for fixed data.
        command: the command that repeats the fit; empty if no command started it.
        title: title of the problem; empty if it has none.
    """

    winner: Candidate
    candidates: tuple[Candidate, ...]
    skipped: tuple[tuple[str, str], ...]
    status: Status
    audit: AuditReport | None
    evaluations: Mapping[str, int]
    notes: tuple[str, ...]
    tolerance: float | None
    norm: str
    seed: int
    seconds: float
    certificate: CertifyResult | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    measure: MeasureRecord
    cost: FitCostRecord | None = None
    command: str = ""
    title: str = ""

    def __repr__(self) -> str:
        """One line; the models have thousands."""
        best = self.winner
        return (
            f"FitResult({self.status.code!r}, {best.method!r}, rms={literal(best.rms, 2)}, "
            f"sup_lower={literal(best.sup_lower, 2)}, parameters={best.approximation.parameters})"
        )

    @property
    def model(self) -> Function:
        """The winner as a `Function`."""
        return self.winner.approximation.function

    @property
    def record(self) -> FitRecord:
        """The result as plain data (`supnorm.results.fit`), as ``supnorm fit --json`` writes it."""
        proof = None
        if self.certificate is not None:
            proof = ProofRecord.of(self.certificate.record, "certificate.json")
        audit = None
        if self.audit is not None:
            audit = ShortAuditRecord.of(self.audit.record)
        return FitRecord(
            status=self.status,
            title=self.title,
            tolerance=self.tolerance,
            norm=self.norm,
            measure=self.measure,
            winner=self.winner.record,
            candidates=tuple(c.record for c in self.candidates),
            certificate=proof,
            audit=audit,
            skipped=tuple(SkippedRecord(method=m, reason=r) for m, r in self.skipped),
            evaluations=self.evaluations,
            notes=self.notes,
            cost=self.cost,
            command=self.command,
            seconds=self.seconds,
            seed=self.seed,
            versions=self.versions,
        )

    def save(self, folder: Path | str) -> Path:
        """Write ``model.npz``, ``fit.json``, the audit in ``audit/`` and the certificate if there is one."""
        folder = Path(folder)
        save(self.winner.approximation.model, folder / "model.npz")
        if self.audit is not None:
            self.audit.save(folder / "audit")
        if self.certificate is not None:
            self.certificate.certificate.save(folder / "certificate.json")
        named = replace(self, winner=replace(self.winner, file="model.npz"))
        write_whole(folder / "fit.json", named.to_json())
        return folder
