"""A claim: a problem with the published sentence about it, and what a search and a proof say of that sentence."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from supnorm.auditing import AuditReport, Power, audit
from supnorm.claims.judging import judge
from supnorm.claims.one_code import same_code
from supnorm.claims.proving import Proof
from supnorm.claims.recording import record_of, unrun
from supnorm.evaluation import Calls
from supnorm.evaluation.events import silent
from supnorm.mending.report_of import demand_report_of
from supnorm.problem import Problem, fingerprint
from supnorm.problem.claim_table import ClaimSpec
from supnorm.problem.problem_file import read_specification
from supnorm.problem.specification import AuditSpec, PowerSpec, ProblemSpec
from supnorm.results import BadInput
from supnorm.results.claim import ClaimRecord
from supnorm.results.record import Recorded
from supnorm.sources import open_problem

SEARCH = 20_000  # evaluations where the file names none: of a cheap pair they take about a second


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A published sentence about the accuracy of a model, and the problem that asks whether it is true.

    The tolerance of the problem is the number of the sentence.

    Attributes:
        words: the sentence, its source, and what stands for the truth.
        problem: model, reference, second reference, range, tolerance; None where a package is missing.
        name: a short name.
        budget, power: what the search may spend, and the errors that it plants.

    >>> import numpy as np
    >>> from supnorm.problem import Domain
    >>> sine = Problem(lambda x: x[:, 0] - x[:, 0] ** 3 / 6, lambda x: np.sin(x[:, 0]), Domain(x=(0.0, 1.0)), tolerance=0.01)
    >>> claim = Claim.of(sine, says="x - x^3/6 is within 0.01 of the sine", published="0.01", of="x - x^3/6",
    ...                  source="this docstring", reference="numpy.sin")
    >>> claim.test(evaluations=2000).verdict
    'not-refuted'
    """

    words: ClaimSpec
    problem: Problem | None
    name: str = ""
    budget: AuditSpec = field(default_factory=AuditSpec)
    power: PowerSpec = field(default_factory=PowerSpec)

    def __post_init__(self) -> None:
        problem = self.problem
        if problem is None:
            return
        if problem.model is None:
            raise BadInput("a claim needs the model that it is about; give [model]")
        if problem.error.limit is None:
            raise BadInput(
                "a claim needs [error] tolerance: the number of the sentence, as an error of the model"
            )
        try:
            self.words.demand_tolerance(problem.error.limit, problem.error.kind)
        except ValueError as why:
            raise BadInput(str(why)) from None
        second = problem.recheck
        if (second is not None) != bool(self.words.second):
            raise BadInput(
                "a claim has [recheck], a second reference, and [claim] second, the words for it, or neither of them"
            )
        root = Path() if problem.source is None else problem.source.parent
        if second is not None and same_code(problem.reference, second, root):
            raise BadInput("[recheck] is the reference once more; a claim is refuted by two references only")

    @classmethod
    def open(cls, path: Path | str, *, trust: bool = False) -> Claim:
        """Read a problem file with a table ``[claim]``; where a package is missing, its code is not opened.

        Raises:
            BadInput: one line with file, key, the value that was given, and the remedy.
        """
        path = Path(path)
        spec = read_specification(path)
        words = words_in(spec, path)
        missing = any(version is None for version in installed(words).values())
        name = path.stem if path.stem not in ("claim", "problem") else path.resolve().parent.name
        try:
            problem = None if missing else open_problem(path, trust=trust)
            return cls(words=words, problem=problem, name=name, budget=spec.audit, power=spec.power)
        except BadInput as why:
            raise BadInput(f"{why}" if str(why).startswith(path.name) else f"{path}: {why}") from None

    @classmethod
    def of(cls, problem: Problem, *, name: str = "", **words: Any) -> Claim:
        """The claim about a problem that was built in Python.

        Args:
            problem: with a tolerance.
            name: a short name.
            words: the keys of ``[claim]`` (docs/claims.md): says, source, published, of, reference, ...

        Raises:
            BadInput: for a key that is missing, unknown or of the wrong type, and for a problem that lacks something.
        """
        try:
            spec = ClaimSpec.model_validate(words)
        except ValidationError as error:
            fault = error.errors()[0]
            where = ".".join(map(str, fault["loc"])) or "claim"
            missing = f"a claim needs {where}; give it as a keyword"
            raise BadInput(missing if fault["type"] == "missing" else f"{where}: {fault['msg']}") from None
        return cls(words=spec, problem=problem, name=name)

    @property
    def installed(self) -> dict[str, str | None]:
        """The packages that it needs, with their versions; None for one that is not installed."""
        return installed(self.words)

    def test(
        self,
        *,
        evaluations: int | None = None,
        seconds: float | None = None,
        seed: int | None = None,
        calls: Calls | None = None,
        observer: Callable[[Any], None] = silent,
        report: AuditReport | None = None,
    ) -> ClaimResult:
        """Judge the sentence: search, ask the second reference, and try a proof where the claim asks for one.

        Args:
            evaluations, seconds, seed: of the search; by default those of the file, and 20,000 evaluations.
            calls: how both sides are called, as of `supnorm.audit`; by default as the file says.
            observer: gets progress events.
            report: an audit of the problem that was made before; then nothing is searched again.

        Raises:
            BadInput: when the problem cannot be evaluated, and for a report of another problem.
        """
        start = time.perf_counter()
        problem = self.problem
        if problem is None:
            return self.judged(None)
        seed = (self.budget.seed or 0) if seed is None else seed
        if report is None:
            report = self._searched(problem, evaluations, seconds, seed, calls, observer)
        else:
            demand_report_of(problem, report)
            if report.record.fingerprint != fingerprint(problem):
                raise BadInput(
                    "the report is of another problem, or of this one before an edit: audit this problem"
                )
        result = self.judged(report, seed, observer)
        return replace(result, record=result.record.changed(seconds=time.perf_counter() - start))

    def judged(
        self, report: AuditReport | None, seed: int | None = None, observer: Callable[[Any], None] = silent
    ) -> ClaimResult:
        """The sentence judged by an audit that was made of this problem just now; None where nothing could be run."""
        start, problem = time.perf_counter(), self.problem
        if problem is None or report is None:
            return ClaimResult(self, unrun(self.words, self.name, self.installed), None, None)
        judged = judge(
            problem, self.words, report, (self.budget.seed or 0) if seed is None else seed, observer
        )
        record = record_of(self.words, self.name, self.installed, problem, report, judged)
        spent = time.perf_counter() - start
        return ClaimResult(self, record.changed(seconds=spent), report, judged.proof)

    def _searched(
        self,
        problem: Problem,
        evaluations: int | None,
        seconds: float | None,
        seed: int,
        calls: Calls | None,
        observer: Callable[[Any], None],
    ) -> AuditReport:
        if evaluations is None and seconds is None:
            evaluations, seconds = self.budget.evaluations, self.budget.seconds
            evaluations = SEARCH if evaluations is None and seconds is None else evaluations
        if calls is None:
            calls = Calls(cost=self.budget.cost, workers=self.budget.workers or 1)
        planted = Power(**self.power.model_dump(exclude_none=True)) if self.budget.power else None
        return audit(
            problem,
            evaluations=evaluations,
            seconds=seconds,
            seed=seed,
            power=planted,
            calls=calls,
            observer=observer,
        )


@dataclass(frozen=True)
class ClaimResult(Recorded):
    """What a search and a proof say of a claim.

    Attributes:
        claim: the claim.
        record: the result as plain data (`supnorm.results.claim`), as ``supnorm claim --json`` writes it.
        report: the audit; None if nothing could be run.
        proof: the proof, if one was tried.
    """

    claim: Claim
    record: ClaimRecord
    report: AuditReport | None
    proof: Proof | None

    def __repr__(self) -> str:
        """One line."""
        return f"ClaimResult({self.claim.name!r}, {self.verdict!r})"

    @property
    def verdict(self) -> str:
        """``"refuted"``, ``"not-refuted"``, ``"proved"``, ``"unconfirmed"``, ``"not-comparable"``, ..."""
        return self.record.status.code


def words_in(spec: ProblemSpec, path: Path) -> ClaimSpec:
    """The table ``[claim]`` of a problem file.

    Raises:
        BadInput: when there is none.
    """
    if spec.claim is None:
        raise BadInput(
            f"{path}: [claim] is missing: a claim file has the published sentence and its source there"
        )
    return spec.claim


def installed(words: ClaimSpec) -> dict[str, str | None]:
    """The packages that a claim needs, with their versions; None for one that is missing or has another version."""
    found: dict[str, str | None] = {}
    for package in words.packages:
        try:
            version = metadata.version(package)
            found[package] = version if words.takes(package, version) else None
        except metadata.PackageNotFoundError:
            found[package] = None
    return found
