"""A repair, its verdict and its proofs in turn; an interruption ends it with what there is."""

from __future__ import annotations

from collections.abc import Callable

from supnorm.auditing import AuditReport
from supnorm.certification import CertifyResult
from supnorm.interrupts import INTERRUPTS
from supnorm.mending.change import Change, change_of, proved_bound
from supnorm.mending.exchange import Exchange
from supnorm.mending.patch import Patch
from supnorm.mending.proving import reached, until_proved
from supnorm.mending.residual import Residual
from supnorm.mending.result import RepairResult, round_records
from supnorm.mending.rows import RowsTask, judge_rows
from supnorm.mending.task import Candidate, Task
from supnorm.mending.tunable import Tunable
from supnorm.mending.verdict import Verdict, judge
from supnorm.problem.records import axis_records, measure_record
from supnorm.results import BadInput, ExitCode, Status, versions
from supnorm.results.numbers import ErrorUnit, pretty_unit
from supnorm.training.cost import cost_record
from supnorm.wording import Fact, fact
from supnorm.wording.repair import narrator

METHODS = {"exchange": Exchange, "patch": Patch, "residual": Residual}
Method = Exchange | Patch | Residual
AIM = 0.6  # of the tolerance, for which a repair that is to be proved trains first: a proof needs head room, as in `fit`


class Work:
    """Holds what is known so far."""

    def __init__(
        self,
        task: Task,
        model: Tunable | None,
        method: Method,
        report: AuditReport,
        audited: int,
        expensive: bool,
    ) -> None:
        self.task, self.model, self.method, self.report = task, model, method, report
        self.audited, self.expensive = audited, expensive
        self.outputs = report.record.outputs_total
        self.measure = measure_record(task.problem, self.outputs)
        self.unit = ErrorUnit(self.measure.kind, pretty_unit(self.measure.unit), self.measure.per_output)
        self.candidate: Candidate | None = None
        self.verdict: Verdict | None = None
        self.change: Change | None = None
        self.proof: CertifyResult | None = None
        self.notes: list[str] = []
        self.budget = task.limit.evaluations
        self.calls = {"audit": 0, "harm": 0, "compared": 0}  # of the reference, by all verdicts

    def run(self, prove: bool, bound_change: bool) -> RepairResult:
        """Mend, judge and prove, until the end or an interruption."""
        task, goal = self.task, self.task.problem.error.limit
        known = 0.0 if task.problem.model is None else task.seen(task.problem.model)
        if goal is not None and max(task.worst, known) <= goal and not prove:
            return self._result(Status("nothing-found", self._say(fact("nothing-wrong", tolerance=goal))))
        stopped = False
        if prove and goal is not None:
            task.aim = AIM * goal
        try:
            self.candidate = self.mend(None)
            task.limit = task.whole
            self.verdict = self.judge(self.candidate, 0)
            if self.verdict.accepted:
                if prove:
                    self._noted("no proof of the tolerance", lambda: until_proved(self, bound_change))
                if bound_change:
                    self._noted("no bound of the change", self._bound_change)
        except KeyboardInterrupt:
            INTERRUPTS.taken()
            stopped = True
        return self._result(self._stopped() if stopped else self._status(prove))

    def mend(self, before: Candidate | None) -> Candidate:
        """A candidate by the method, from the old model or from an earlier candidate."""
        if isinstance(self.method, Patch):
            return self.method.mend(self.task, self.unit, before)
        model = self.model if before is None else before.tunable
        assert model is not None
        return self.method.mend(self.task, model, self.unit)

    def judge(self, candidate: Candidate, number: int) -> Verdict:
        """The verdict on a candidate, with seeds that nothing else has used."""
        if isinstance(self.task, RowsTask):
            return judge_rows(self.task, candidate.function)
        before = self.task.spent
        verdict = judge(
            self.task, candidate.function, candidate.regions, self.audited, self.expensive, number
        )
        self.calls["audit"] += sum(
            n for purpose, n in verdict.after.record.evaluations if purpose != "failed"
        )
        self.calls["harm"] += verdict.harm.evaluations
        self.calls["compared"] += self.task.spent - before
        return verdict

    def _noted(self, what: str, proof: Callable[[], None]) -> None:
        """A proof; where there is no formula to read, the mended model stays without one and a note says so."""
        try:
            proof()
        except BadInput as error:
            self.notes.append(f"{what}: {error}")

    def _bound_change(self) -> None:
        assert self.candidate is not None
        seconds, old = self.task.whole.seconds, proved_bound(self.report)
        with INTERRUPTS.handed_on():
            self.change = change_of(self.task.problem, self.candidate, seconds, old, self.task.observer)

    def _stopped(self) -> Status:
        accepted = self.verdict is not None and self.verdict.accepted
        if not accepted:
            self.verdict = None
        advice = self._say(fact("stopped-repair", accepted=accepted))
        return Status("interrupted", advice, ExitCode.INTERRUPTED)

    def _status(self, prove: bool) -> Status:
        verdict, goal, proof = self.verdict, self.task.problem.error.limit, self.proof
        assert verdict is not None
        if not verdict.accepted:
            reasons = fact("old-stays", reasons=verdict.against)
            instead = fact("try-instead", exchange=isinstance(self.method, Exchange))
            return Status("not-improved", self._say(reasons, instead), ExitCode.EXCEEDED)
        mended = fact("mended", before=self.task.worst, after=verdict.worst)
        rows = isinstance(self.task, RowsTask)
        if rows:
            mended = fact("mended-rows", before=self.task.worst, after=verdict.worst, n=verdict.compared.n)
        proved_worst = 0.0 if proof is None else proof.lower
        worst = max(
            verdict.worst,
            proved_worst,
            0.0 if self.candidate is None else self.task.seen(self.candidate.function),
        )
        if goal is not None and worst > goal:
            above = (
                [] if worst == verdict.worst else [fact("rows-found" if rows else "proof-found", lower=worst)]
            )
            more = fact("above-tolerance", tolerance=goal, patch=isinstance(self.method, Patch))
            return Status("tolerance-exceeded", self._say(mended, *above, more), ExitCode.EXCEEDED)
        if prove and proof is not None and goal is not None:
            if reached(proof, goal):
                proved = fact("mended-proved", upper=proof.upper, kind=proof.upper_kind)
                return Status("within-tolerance", self._say(mended, proved))
            open_ = fact("mended-unproved", lower=worst, upper=proof.upper)
            return Status("undecided", self._say(mended, open_), ExitCode.UNDECIDED)
        if prove:  # it was asked for and could not be made: the notes say why
            return Status("undecided", self._say(mended, fact("search-only")), ExitCode.UNDECIDED)
        if goal is None or rows:
            return Status("mended", self._say(mended))
        return Status("mended", self._say(mended, fact("search-only")))

    def _parameters(self) -> int:
        if isinstance(self.method, Patch):
            return 0 if self.candidate is None else sum(p.size for p in self.candidate.model.patches)
        return 0 if self.model is None else self.model.size

    def _say(self, *facts: Fact) -> str:
        return narrator(self.measure, axis_records(self.task.problem.domain)).text(*facts)

    def _result(self, status: Status) -> RepairResult:
        task, verdict = self.task, self.verdict
        if isinstance(task, RowsTask):
            self.calls = {"audit": task.split.held}
        counted = {"rounds": task.spent - self.calls.get("compared", 0)} | {
            k: n for k, n in self.calls.items() if n
        }
        return RepairResult(
            problem=task.problem,
            status=status,
            before=self.report,
            worst_before=task.worst,
            candidate=self.candidate,
            verdict=verdict,
            change=self.change,
            certificate=self.proof,
            method=next(name for name, kind in METHODS.items() if isinstance(self.method, kind)),
            parameters=self._parameters(),
            evaluations=counted,
            cost=cost_record(task.truth.caller),
            seconds=0.0,
            seed=task.seed,
            versions=versions(),
            outputs=self.outputs,
            rounds=round_records(task),
            notes=tuple(self.notes),
        )
