"""The outcome of a repair: the mended model or the old one, and everything that is known of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.approximants.storage import save
from supnorm.auditing import AuditReport
from supnorm.certification import CertifyResult
from supnorm.mending.change import Change
from supnorm.mending.task import Candidate, Task
from supnorm.mending.verdict import Verdict
from supnorm.networks import Network
from supnorm.networks.summed import SummedModel
from supnorm.problem import Function, Problem
from supnorm.problem.records import axis_records, measure_record
from supnorm.results import Status, Witness, write_whole
from supnorm.results.audit import ShortAuditRecord
from supnorm.results.fit import FitCostRecord, ProofRecord
from supnorm.results.record import Recorded
from supnorm.results.repair import (
    ComparedRecord,
    HarmRecord,
    RegionRecord,
    RepairRecord,
    RoundRecord,
)
from supnorm.wording.repair import narrator


@dataclass(frozen=True, eq=False, kw_only=True)
class RepairResult(Recorded):
    """The outcome of `repair`.

    Attributes:
        model: the mended model, or the old one if no mended one was accepted.
        accepted: whether it is the mended one.
        status: how it ended, and what to do next.
        before: the audit of the old model.
        candidate: the mended model, accepted or not; None if the repair was interrupted before there was one.
        verdict: what is known of it; None as for ``candidate``.
        change: proof of how far both models differ; None if it was not asked for.
        certificate: proof of the tolerance; None if it was not asked for.
        problem, seed: the arguments of the repair.
        evaluations: calls of the reference by purpose.
    """

    problem: Problem
    status: Status
    before: AuditReport
    worst_before: float
    candidate: Candidate | None
    verdict: Verdict | None
    change: Change | None = None
    certificate: CertifyResult | None = None
    method: str
    parameters: int
    evaluations: Mapping[str, int]
    cost: FitCostRecord
    seconds: float
    seed: int
    versions: Mapping[str, str]
    notes: tuple[str, ...] = ()
    command: str = ""
    files: tuple[str, ...] = ()
    outputs: int = 1
    rounds: tuple[RoundRecord, ...] = field(default=())

    def __repr__(self) -> str:
        """One line."""
        after = None if self.verdict is None else self.verdict.worst
        return f"RepairResult({self.status.code!r}, before={self.worst_before:.3g}, after={after and float(f'{after:.3g}')})"

    @property
    def accepted(self) -> bool:
        """Whether the mended model is taken."""
        return self.verdict is not None and self.verdict.accepted

    @property
    def model(self) -> Function:
        """The mended model, or the old one if no mended one was accepted."""
        if self.accepted and self.candidate is not None:
            return self.candidate.function
        old: Function = self.problem.model
        return old

    @property
    def after(self) -> AuditReport | None:
        """The audit of the mended model with a fresh seed."""
        return None if self.verdict is None else self.verdict.after

    @property
    def harm(self) -> Witness | None:
        """Where the error grew most, as a witness whose ``error`` is the growth; None if it was not searched for."""
        if self.verdict is None:
            return None
        harm = self.verdict.harm
        return Witness(
            x=harm.x,
            model=np.array([harm.after]),
            reference=np.array([harm.before]),
            error=harm.growth,
            output=0,
        )

    @property
    def record(self) -> RepairRecord:
        """The result as plain data (`supnorm.results.repair`), as ``supnorm repair --json`` writes it."""
        verdict, candidate, problem = self.verdict, self.candidate, self.problem
        measure, axes = measure_record(problem, self.outputs), axis_records(problem.domain)
        say = narrator(measure, axes)
        proof = None
        if self.certificate is not None:
            proof = ProofRecord.of(self.certificate.record, "certificate.json")
        return RepairRecord(
            status=self.status,
            title=problem.title,
            tolerance=problem.error.limit,
            measure=measure,
            axes=axes,
            method=self.method,
            parameters=self.parameters,
            accepted=self.accepted,
            reasons=() if verdict is None else tuple(map(say.say, verdict.against)),
            before=ShortAuditRecord.of(self.before.record),
            worst_before=self.worst_before,
            after=None if verdict is None else ShortAuditRecord.of(verdict.after.record),
            worst_after=None if verdict is None else verdict.worst,
            harm=None if verdict is None else self._harm(verdict),
            compared=None if verdict is None else _compared(verdict),
            rounds=self.rounds,
            regions=() if candidate is None else _regions(candidate),
            unchanged_outside=candidate is not None and candidate.confined,
            change=None if self.change is None else self.change.record,
            certificate=proof,
            evaluations=self.evaluations,
            files=self.files,
            notes=self.notes,
            cost=self.cost,
            command=self.command,
            seconds=self.seconds,
            seed=self.seed,
            versions=self.versions,
        )

    def _harm(self, verdict: Verdict) -> HarmRecord:
        harm = verdict.harm
        return HarmRecord(
            x=self.problem.domain.describe(harm.x),
            before=harm.before,
            after=harm.after,
            growth=harm.growth,
            allowed=verdict.allowed,
            evaluations=harm.evaluations,
        )

    def save(self, folder: Path | str) -> RepairResult:
        """Write ``repair.json``, the mended model, the audit of it in ``after/``, and the proofs.

        The model is written if it was accepted: ``model.npz``, ``model.onnx``, ``patch-1.npz`` and so on,
        ``residual-1.npz``, or ``state_dict.pt`` with ``model.pt2``. What is returned has the names of these files.
        """
        folder = Path(folder)
        result = self
        if self.accepted and self.candidate is not None:
            result = replace(self, files=write_model(self.candidate.model, folder, self.problem))
        if self.verdict is not None:
            self.verdict.after.save(folder / "after")
        if self.change is not None and self.change.proof is not None:
            self.change.proof.certificate.save(folder / "change.json")
            for name, part in zip(self.change.names, self.change.outside, strict=True):
                part.certificate.save(folder / name)
        if self.certificate is not None:
            self.certificate.certificate.save(folder / "certificate.json")
        write_whole(folder / "repair.json", result.to_json())
        return result


def write_model(model: Any, folder: Path, problem: Problem) -> tuple[str, ...]:
    """Write a mended model in its own format; the names of the files."""
    if isinstance(model, Network):
        save(model, folder / "model.npz")
        return ("model.npz",)
    names: tuple[str, ...] = model.save_in(folder)
    if isinstance(model, SummedModel):
        from supnorm.mending.summed_files import write_summed

        return (*names, *write_summed(problem, model, folder))
    return names


def _compared(verdict: Verdict) -> ComparedRecord:
    both = verdict.compared
    return ComparedRecord(
        n=both.n,
        rms_before=both.rms_before,
        rms_after=both.rms_after,
        grew=both.grew,
        grew_at_most=both.grew_at_most,
    )


def _regions(candidate: Candidate) -> tuple[RegionRecord, ...]:
    return tuple(
        RegionRecord(centre=tuple(r.centre.tolist()), radii=tuple(r.radii.tolist()))
        for r in candidate.regions
    )


def round_records(task: Task) -> tuple[RoundRecord, ...]:
    """The rounds of a task, also of one that was interrupted."""
    return tuple(RoundRecord(calls=r.calls, worst=r.worst, samples=r.samples) for r in task.rounds)
