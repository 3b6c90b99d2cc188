"""The audit that a repair or a guard starts from, then their own run; ``--resume`` goes on where either was cut short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from supnorm.cli.audit_run import SearchOptions, run_audit
from supnorm.cli.run import RunContext
from supnorm.results.status import BadInput

if TYPE_CHECKING:
    from supnorm.auditing import AuditReport
    from supnorm.evaluation import EvaluationStore
    from supnorm.problem import Problem

BEFORE = "before"  # the audit's folder, in the folder of the run


@contextmanager
def after_audit(
    run: RunContext,
    problem: Path,
    opened: Problem,
    report: Path | None,
    search: SearchOptions,
    asked: dict[str, float | None],
    result_file: str,
) -> Iterator[tuple[AuditReport, EvaluationStore]]:
    """A context with the audit of the model and the store of the run that begins with it.

    Args:
        run: the run of the verb.
        problem: the problem file; ``opened`` is what it says.
        report: folder of an audit that was made before; None: audit the model in the folder ``before``.
        search: settings of this audit.
        asked: options that a resumed run must have too.
        result_file: name of the file with the result of the verb.

    Raises:
        BadInput: when the folder cannot be used, has the run of another verb, or there is nothing to resume.
        Interrupted: when the audit is cut short; ``--resume`` goes on with it.
    """
    from supnorm.auditing import load_report
    from supnorm.cli.folder import demand_no_other_run, demand_none_written_over, has_begun, work_in

    with ExitStack() as held:
        # One lock from the beginning of the audit to the end of the run: another run would replace the audit in between.
        held.enter_context(work_in(run.directory))
        demand_no_other_run(run.directory, result_file)
        demand_none_written_over(run.directory, opened)  # before the audit
        begun = run.resume and has_begun(run.directory)
        audited = run.resume and report is None and has_begun(run.directory / BEFORE)
        if run.resume and not begun and not audited:  # said before the audit is paid for
            raise BadInput(f"--resume: {run.directory} has no run; leave --resume out to start one")
        before = (
            load_report(report)
            if report
            else run_audit(
                problem,
                run.within(BEFORE, audited),
                search,
                go_on="run the same command with --resume",
                whole=True,
            )
        )
        yield before, held.enter_context(replace(run, resume=begun).store(opened, asked))


def audit_settings(
    seed: int, seconds: float | None, trust: bool, calls: dict[str, Any], pictured: int | None = None
) -> SearchOptions:
    """The settings of this audit: no planted errors, because what is asked of it is the points.

    ``pictured``: evaluations for sizes of peaks and pictures, for a verb that needs none of both.
    """
    return SearchOptions(seed=seed, seconds=seconds, power=False, trust=trust, calls=calls, pictured=pictured)
