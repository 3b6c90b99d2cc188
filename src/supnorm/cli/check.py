"""``supnorm check CERT``: verify a certificate without trusting its maker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from supnorm.cli.answer import answer, say
from supnorm.cli.check_record import record_of
from supnorm.cli.check_verdict import status_of, summary
from supnorm.cli.executors import Sharing, executor_of
from supnorm.cli.fields import made, number_option, with_options_of
from supnorm.cli.options import JSON, QUIET, TRUST

if TYPE_CHECKING:
    from supnorm.certification.measured import Measuring
    from supnorm.checker import CheckResult
    from supnorm.cli.private_copy import PrivateCopy
    from supnorm.problem import Problem

CERT = Annotated[Path, typer.Argument(metavar="CERT", help="The certificate file.")]
TIED = Annotated[
    Path | None,
    typer.Option("--problem", metavar="PROBLEM.toml", help="Also verify that it is about this problem."),
]
TOLERANCE = Annotated[
    float | None,
    number_option(
        "--tolerance", "Demand a proof of this tolerance. [default: that of --problem, if any]", above=0
    ),
]
MOST = Annotated[
    float | None,
    number_option(
        "--limit",
        "Refuse a file if the forecast of its time on one core is longer. [default: 36000]",
        metavar="SECONDS",
        above=0,
    ),
]
MEGABYTES = Annotated[
    float | None,
    number_option(
        "--memory",
        "Refuse a file if the forecast of its memory is larger. [default: 4000]",
        metavar="MB",
        above=0,
    ),
]
ARBITRARY = Annotated[
    bool,
    typer.Option(
        "--arbitrary-precision",
        help="Use arbitrary precision (ball arithmetic of FLINT) for the whole proof instead of float64; slower.",
    ),
]
COQ = Annotated[
    Path | None,
    typer.Option(
        "--export-coq",
        metavar="PROOF.v",
        help="Also write the upper bound as a file for Coq with coq-interval; one or two inputs.",
    ),
]
SHEET = Annotated[
    Path | None,
    typer.Option(
        "--sheet",
        metavar="OUT.html",
        help="Also write what was verified in plain words, as one page to print.",
    ),
]
MB = 1e6  # bytes
POINTS = 64  # random points at which the certificate's programs are compared with the problem


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("check")(command)


@with_options_of(Sharing)
def command(
    certificate: CERT,
    problem: TIED = None,
    tolerance: TOLERANCE = None,
    as_json: JSON = False,
    quiet: QUIET = False,
    trust: TRUST = False,
    most: MOST = None,
    memory: MEGABYTES = None,
    arbitrary: ARBITRARY = False,
    coq: COQ = None,
    sheet: SHEET = None,
    **given: Any,
) -> int:
    """Verify a certificate: prove its bounds and its witness again, with other code than the one that made it."""
    from supnorm.cli.private_copy import copied
    from supnorm.results import BadInput, install
    from supnorm.results.writing import demand_writable
    from supnorm.sources import open_problem

    _demand_file(certificate)
    demand_writable(sheet, "--sheet")
    demand_writable(coq, "--export-coq")
    opened = None if problem is None else open_problem(problem, trust=trust)
    limit = opened.error.limit if tolerance is None and opened is not None else tolerance
    try:
        from supnorm.checker import TooCostly, WorkerFault
    except ImportError:
        raise BadInput(f"check needs python-flint: {install('checker')}") from None
    lines: list[str] = []
    _not_too_large(certificate)
    with copied(certificate) as file:
        tell = None
        if not quiet and not as_json:
            from supnorm.cli.progress import Progress

            tell = Progress()
        # Processes are the checker's own, which shares no code with what it checks.
        by = made(Sharing, given)
        try:
            if by.dask is None:
                result = checked_copy(file, opened, by.workers or 1, tell, most, memory, arbitrary)
            else:
                with executor_of(by.workers, by.dask) as executor:
                    result = checked_copy(file, opened, 1, tell, most, memory, arbitrary, executor)
        except (TooCostly, WorkerFault) as refused:
            raise BadInput(f"{certificate}: {refused}; whether its claims are true was not checked") from None
        per_output = opened is not None and opened.error.per_output
        if tolerance is None and result.claims is not None and "error" not in result.claims:
            limit = None  # a property is not about the problem's tolerance
        status = status_of(result, limit, per_output)
        if as_json:
            answer(record_of(result, status, limit).to_json())
        elif not quiet:
            for line in summary(result, opened is not None, limit, per_output):
                say(line)
        if sheet is not None:
            from supnorm.cli.certificate_sheet import write_sheet

            asked = {
                "problem": problem,
                "tolerance": tolerance,
                "arbitrary-precision": arbitrary,
                "trust": trust,
            }
            lines.append(write_sheet(record_of(result, status, limit), sheet, file, opened, asked))
        if coq is not None and result.accepted:
            from supnorm.cli.coq import write_coq

            lines.append(write_coq(file.path, coq))
    for line in () if as_json or quiet else lines:
        say(line)
    return int(status.exit)


def _demand_file(certificate: Path) -> None:
    """Refuse what is no file."""
    from supnorm.results import BadInput

    if not certificate.is_file():
        fault = "a folder" if certificate.is_dir() else "no such file"
        raise BadInput(f"{certificate}: {fault}; give the certificate that certify wrote, a certificate.json")


def _not_too_large(certificate: Path) -> None:
    """Refuse a file that is too large before it is read as a whole."""
    from supnorm.checker.text import LARGEST_FILE, TOO_LARGE
    from supnorm.results import BadInput

    if certificate.stat().st_size > LARGEST_FILE:
        raise BadInput(
            f"{certificate}: {TOO_LARGE}; give a certificate.json that certify wrote, or certify again with a larger ratio"
        )


def checked(certificate: Path, *given: Any, **options: Any) -> CheckResult:
    """What `checked_copy` finds about a private copy of a certificate."""
    from supnorm.cli.private_copy import copied

    with copied(certificate) as file:
        return checked_copy(file, *given, **options)


def checked_copy(file: PrivateCopy, *given: Any, **options: Any) -> CheckResult:
    """As `_checked`, unless code of the problem has replaced meanwhile what supnorm computes with.

    Raises:
        BadInput: naming what it has replaced.
    """
    from supnorm.evaluation.intact import demanded_intact

    with demanded_intact(proof=True):
        return _checked(file, *given, **options)


def _checked(
    file: PrivateCopy,
    problem: Problem | None,
    workers: int = 1,
    tell: Callable[[Any], None] | None = None,
    most: float | None = None,
    memory: float | None = None,
    arbitrary: bool = False,
    executor: Executor | None = None,
) -> CheckResult:
    """The checker's verdict; a file that is not about the problem is rejected before its leaves are proved.

    Raises:
        TooCostly: for a file beyond the limits, before anything is proved or compared.
        WorkerFault: when a worker did not do what it was asked for.
    """
    from dataclasses import replace

    from supnorm.checker import check
    from supnorm.checker.cost import LIMIT, MEMORY, Meter, watched
    from supnorm.cli.progress import CheckPlanned
    from supnorm.evaluation.executor import broken_workers_explained
    from supnorm.evaluation.workers import seats
    from supnorm.results import Interrupted

    shared_by = workers if executor is None else seats(executor)
    try:
        points, functions, unlike, values = None, None, None, None
        if problem is not None:
            from supnorm.certification import functions_of_problem, values_for_statement, values_of_problem
            from supnorm.certification.measured import Measuring

            measuring = Measuring(problem)
            with watched(Meter(most or LIMIT)):
                unlike, witness, several = _unlike(file.path, problem, memory or MEMORY / MB, measuring)
            if not unlike and several:
                values = values_for_statement(file.path, problem, POINTS)
            elif not unlike:
                points = values_of_problem(problem, POINTS, witness=witness)
                functions = functions_of_problem(problem)
        with broken_workers_explained():
            result = unlike or check(
                file.path,
                points,
                None if tell is None else _leaves(tell),
                functions=functions,
                workers=workers,
                limit=most or LIMIT,
                memory=MB * memory if memory else MEMORY,
                announce=None if tell is None else (lambda cost: tell(CheckPlanned(str(cost), shared_by))),
                values=values,
                arbitrary=arbitrary,
                executor=executor,
            )
        result = replace(result, reason=file.named(result.reason))
        if result.accepted and file.changed:
            result = replace(result, accepted=False, reason="the file was changed while it was checked")
        if result.accepted and problem is not None:
            result = _with_what_runs(result, problem, measuring, witness, file.path)
    except (KeyboardInterrupt, Interrupted) as why:
        words = str(why).partition("; ")[0] or "interrupted"
        raise Interrupted(
            f"{words}: {file.name} is neither accepted nor rejected; the same command checks it from the start"
        ) from None
    if result.accepted and problem is not None:
        same = "domain, side and hashes are those of the problem"
        if not result.problem_checked:
            same += f", but no errors could be compared, because none of {POINTS} random points has an error"
        result = replace(result, reason=f"{result.reason}; {same}")
    return result


def _with_what_runs(
    result: CheckResult,
    problem: Problem,
    measuring: Measuring,
    witness: tuple[float, ...] | None,
    path: Path,
) -> CheckResult:
    """The verdict with what was measured of the functions as they run, for claims about errors and limits of values."""
    from dataclasses import replace

    from supnorm.certification import beside_what_runs
    from supnorm.certification.as_it_runs import as_it_runs

    if result.claims is not None and "error" not in result.claims:
        words, holds = beside_what_runs(path, problem, result.claims)
        verdict = result.verdict if holds or result.verdict != "proved" else "undecided"
        return replace(result, measured=words, verdict=verdict)
    seen = as_it_runs(problem, measuring, witness)
    return replace(
        result,
        beyond=seen.beyond,
        lower_precision=seen.lower_precision,
        computed=seen.worst,
        measured=seen.words,
    )


def _leaves(tell: Callable[[Any], None]) -> Callable[[int, int], None]:
    from supnorm.cli.progress import LeavesChecked

    return lambda done, total: tell(LeavesChecked(done, total))


def _unlike(
    certificate: Path, problem: Problem, memory: float, measuring: Measuring
) -> tuple[CheckResult | None, tuple[float, ...] | None, bool]:
    """The verdict on a file that is not about the problem, or else its witness, and whether it has several parts.

    The checker's reader trusts no file.
    """
    from supnorm.certification import mismatch, statement_mismatch
    from supnorm.checker import CheckResult
    from supnorm.checker.document import as_document, load, read_in_lines
    from supnorm.checker.rejected import Rejected
    from supnorm.checker.statements import SCHEMA, read_statement

    start = time.monotonic()
    try:
        document = read_in_lines(certificate, MB * memory)
        data = load(certificate, MB * memory) if document is None else None
        if several := isinstance(data, dict) and data.get("schema") == SCHEMA:
            statement = read_statement(data)
            n, witness = sum(len(part.leaves) for part in statement.parts.values()), None
            low, high = statement.claims.get("error", (0.0, math.inf))
        else:
            document = document or as_document(data, f"{certificate}: ")
            n, low, high, witness = document.count, document.lower, document.upper, document.witness
    except Rejected as fault:
        spent = time.monotonic() - start
        return CheckResult(accepted=False, reason=str(fault), leaf=fault.leaf, seconds=spent), None, False
    reason = (
        statement_mismatch(certificate, problem) if several else mismatch(certificate, problem, measuring)
    )
    if reason is None:
        return None, witness, several
    spent = time.monotonic() - start
    refused = CheckResult(
        accepted=False, reason=reason, seconds=spent, leaves=n, lower=low, upper=high, problem_checked=True
    )
    return refused, None, several
