"""Audits a problem file into a folder, for `audit` and `compare`: store, result, worst points, page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supnorm.cli.answer import say
from supnorm.cli.audit_maps import with_maps
from supnorm.cli.options import default_folder
from supnorm.cli.repeat import repeated
from supnorm.cli.run import RunContext
from supnorm.interrupts import INTERRUPTS
from supnorm.results.numbers import literal
from supnorm.results.option import LEAST_SECONDS, number_list, option
from supnorm.results.printable import file_word
from supnorm.results.unfinished import take_mark_away

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport, Power
    from supnorm.evaluation import EvaluationStore
    from supnorm.problem import Problem
    from supnorm.problem.specification import ProblemSpec
    from supnorm.results import NotWritten

MOST = 100_000_000_000  # largest number of evaluations: days of work for the fastest functions
# Seconds for proving the bounds of a certificate beside the audit again, which took a tenth to a half of the time in
# which certify found up to 50,000 of them (tests/certification/test_proved_again.py compares the bounds).
PROVING = 20.0


@dataclass(frozen=True, kw_only=True)
class PlantedOptions:
    """The errors that are planted; each option replaces the setting of the problem file."""

    power_runs: int | None = option(
        "--power-runs",
        "Searches for each planted error. [default: 10]",
        default=None,
        kind=int,
        low=1,
        high=10_000,
    )
    power_heights: tuple[float, ...] | None = option(
        "--power-heights",
        "Heights of planted errors, in multiples of the worst error, above 1. [default: 1.2]",
        default=None,
        metavar="H,H,...",
        read=number_list,
    )
    power_volumes: tuple[float, ...] | None = option(
        "--power-volumes",
        "Sizes of planted errors, as shares of the domain. [default: 0.01,0.001,0.0001]",
        default=None,
        metavar="V,V,...",
        read=number_list,
    )
    power_sheets: tuple[float, ...] | None = option(
        "--power-sheets",
        'Thicknesses of planted sheets, "" for none. [default: 1e-06]',
        default=None,
        metavar="T,T,...",
        read=number_list,
    )
    power_evaluations: int | None = option(
        "--power-evaluations",
        "Evaluations of each search for a planted error. [default: a tenth of the audit's]",
        default=None,
        kind=int,
        low=20,
        high=MOST,
    )

    @property
    def given(self) -> dict[str, Any]:
        """The fields of `Power` that are set."""
        return {k.removeprefix("power_"): v for k, v in vars(self).items() if v is not None}


@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How a problem is audited; an option that is None is taken from the problem file.

    Attributes:
        calls: the options of `Calls` that were given.
        power: whether to plant errors; None if the file or an option of the planted errors decides.
        planted: the errors to plant.
        trust: whether to run model files that need trust.
        table: the options that name the columns of a table without a problem file.
        pictured: evaluations for sizes of peaks and pictures at most; None as usual.
    """

    evaluations: int | None = option(
        "--evaluations",
        "Evaluations for search and statistics. If every input has a list of values and N is enough, every point is "
        "evaluated. "
        "[default: 100000; for calls of more than 1 ms 400, of more than 1 s 200, of more than 4 s 100]",
        default=None,
        kind=int,
        low=100,
        high=MOST,
    )
    seconds: float | None = option(
        "--seconds",
        "Time limit of the audit. The start and the first calls do not count.",
        default=None,
        kind=float,
        low=LEAST_SECONDS,
    )
    seed: int | None = option("--seed", "Same seed, same result. [default: 0]", default=None, kind=int, low=0)
    calls: Mapping[str, Any] = field(default_factory=dict)
    power: bool | None = None
    planted: PlantedOptions = field(default_factory=PlantedOptions)
    trust: bool = False
    table: Mapping[str, Any] = field(default_factory=dict)
    pictured: int | None = None

    def completed(self, specification: ProblemSpec) -> SearchOptions:
        """These options; those that were not given are taken from the problem file."""
        file = specification.audit
        # The budget of the command line replaces that of the file: with --seconds alone evaluations are not limited.
        limited = self.evaluations is not None or self.seconds is not None
        return replace(
            self,
            evaluations=self.evaluations if limited else file.evaluations,
            seconds=self.seconds if limited else file.seconds,
            seed=(file.seed or 0) if self.seed is None else self.seed,
        )

    def errors(self, specification: ProblemSpec) -> Power | None:
        """The errors to plant; None if there are none."""
        from supnorm.auditing import Power

        wanted = specification.audit.power or bool(self.planted.given) if self.power is None else self.power
        if not wanted:
            return None
        return Power(**specification.power.model_dump(exclude_none=True) | self.planted.given)

    def command(self, path: Path, folder: Path, cost: str | None, resume: bool = False) -> str:
        """The command line that repeats the audit, with the decided cost of a call; or that goes on with it."""
        planted = {
            f"power-{name}": ",".join(literal(v, 15) for v in value)
            if isinstance(value, tuple)
            else str(value)
            for name, value in self.planted.given.items()
        }
        options: dict[str, Any] = {
            **self.table,
            "seed": self.seed,
            "evaluations": self.evaluations,
            "seconds": None if self.seconds is None else literal(self.seconds, 15),
            "cost": cost,
            "power": self.power,
            "no-power": self.power is False,
            **planted,
            "workers": self.calls.get("workers"),
            "dask": self.calls.get("dask"),
            "trust": self.trust,
            "out": folder if folder != default_folder(path) else None,
            "resume": resume,
        }
        return repeated("audit", path, options)


def run_audit(
    path: Path,
    run: RunContext,
    options: SearchOptions,
    tell: Callable[[AuditReport], None] = lambda report: None,
    go_on: str | None = None,
    whole: bool = False,
    specification: ProblemSpec | None = None,
) -> AuditReport:
    """Audit a problem file into the folder of a run.

    Args:
        path: the problem file.
        run: the run, with its folder, and whether progress is drawn.
        options: the options of the audit.
        tell: gets a report that cannot be written.
        go_on: how the user goes on after an interruption, if not by the same command with this folder.
        whole: the audit is a part of a larger run, which ends where the audit is cut short.
        specification: of a table that has no problem file; ``path`` is that of the table.

    Raises:
        Interrupted: when the audit is cut short before any point had an error, or is to be ``whole``.
    """
    from supnorm.auditing import NORMS, Pictures, audit
    from supnorm.cli.folder import demand_no_other_run
    from supnorm.evaluation import Calls, Finished
    from supnorm.evaluation.cost_word import repeat_word
    from supnorm.evaluation.opened_files import unrecorded
    from supnorm.pages import TerminalProgress
    from supnorm.problem.problem_file import read_specification
    from supnorm.problem.save import save_problem
    from supnorm.results import Interrupted

    given, specification = specification, specification or read_specification(path)
    settings, chosen = specification.audit, options.completed(specification)
    errors, problem = options.errors(specification), _opened(path, given, options.trust)
    if not settings.gradients:
        problem = _without_gradients(problem)
    folder = run.directory
    go_on = go_on or f"run the same command with --out {file_word(folder)} --resume"
    resumable = f"the expensive evaluations are kept in {folder}: {go_on}"
    observer = TerminalProgress(quiet=run.silent)
    calls = {"cost": settings.cost, "workers": settings.workers or 1} | {**options.calls}
    asked = {"seed": chosen.seed, "evaluations": chosen.evaluations, "seconds": chosen.seconds}
    demand_no_other_run(folder, "result.json")
    with run.store(problem, asked) as store:
        with unrecorded():  # supnorm reads the problem file here, and no function does
            save_problem(problem, folder / "problem.toml")
        before = f" before any point had an error; values of expensive calls, if any, are kept in {folder}: {go_on}"
        with run.interruptible(before):
            try:
                report = audit(
                    problem,
                    evaluations=chosen.evaluations,
                    seconds=chosen.seconds,
                    seed=chosen.seed or 0,
                    power=errors,
                    pictures=Pictures(evaluations=options.pictured),
                    norms=settings.norms or NORMS,
                    # A larger run has no option that would repeat a budget chosen by a clock.
                    calls=Calls(store=store, budget_by_cost=not whole, **calls),
                    observer=observer,
                )
            finally:
                observer(Finished())  # an error or Ctrl-C must not leave the live display open
            unwritten = _last_look(store)
        decided = report.record.cost  # a repeated run must not decide by another timing
        if report.record.budget.chosen and report.halted is None:  # a resumed run has to ask for the same
            chosen = replace(chosen, evaluations=report.record.budget.evaluations)
        cost = None if decided is None else repeat_word(decided.to_dict())
        command = chosen.command(path, folder, cost, report.halted is not None)
        report = replace(report, record=report.record.changed(command=command))
        _keep(report, run, tell, unwritten if report.halted is None else None)
        take_mark_away(folder, "audit")
        mapped = report if report.halted else with_maps(report, specification, path, folder)
        if mapped is not report:
            _keep(mapped, run, tell)
        report = mapped
        if (folder / "certificate.json").exists():
            joined = _with_proof(report, problem, folder)
            if joined is not report:
                _keep(joined, run, tell)
            report = joined
    if report.halted is not None:
        why = report.halted.cause.partition("; ")[0] or "interrupted"  # workers or a disk, or the user
        stored = decided is not None and decided.class_ != "cheap"
        again = "again from the start (calls that are cheap are not stored)"
        left = f"and {resumable}" if stored else f"is in {folder}; to search {again}, {go_on}"
        if store.vanished:
            left = f"is in {folder}; run the same command without --resume"
        words = f"{why}; the report of what was done {left}"
        if whole:
            raise Interrupted(words)
        say(f"supnorm: {words}", err=True)
    return report


def _opened(path: Path, specification: ProblemSpec | None, trust: bool) -> Problem:
    from supnorm.sources import open_problem, open_specification

    if specification is None:
        return open_problem(path, trust=trust)
    return open_specification(specification, path.name)


def _without_gradients(problem: Problem) -> Problem:
    model = None if problem.model is None else replace(problem.model, vjp=None)
    return replace(problem, model=model, reference=replace(problem.reference, vjp=None))


def _last_look(store: EvaluationStore) -> NotWritten | None:
    """Look whether opened files have changed; returns why new ones cannot be stored, so that the report is written first.

    Raises:
        BadInput: naming a file that has changed.
    """
    from supnorm.results import NotWritten

    try:
        store.look(last=True)
    except NotWritten as error:
        return error
    return None


def _keep(
    report: AuditReport,
    run: RunContext,
    tell: Callable[[AuditReport], None],
    unwritten: NotWritten | None = None,
) -> None:
    """Write result, points and page, then raise what was ``unwritten`` before; ``tell`` gets the report if anything is."""
    from supnorm.pages import write_page

    with run.writing(lambda: tell(report)):
        report.save(run.directory)
        write_page(report, run.directory / "report.html")
        if unwritten is not None:
            raise unwritten


def _with_proof(report: AuditReport, problem: Problem, folder: Path) -> AuditReport:
    """The report with the bound of a certificate of the same problem in the folder, and with its witness if it is worse.

    The report has been written already, so nothing that ends this work loses it.
    """
    import numpy as np

    from supnorm.certification import certify, into_report
    from supnorm.results import BadInput, Contradiction

    path = folder / "certificate.json"
    points = np.array([peak.x for peak in report.peaks])
    try:
        given = points if len(points) else None
        bound = certify(problem, boxes=0, resume=path, witness=given, seconds=PROVING)
        return into_report(report, bound)
    except (BadInput, Contradiction) as why:  # the report of the audit is complete without the certificate
        why_not = str(why)
    except KeyboardInterrupt:
        INTERRUPTS.taken()
        why_not = "you stopped before it was compared with this audit; certify --resume adds it"
    say(f"supnorm: the upper bound of {path} is not in this report: {why_not}", err=True)
    return report
