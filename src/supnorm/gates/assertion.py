"""The worst error as an assertion of a test: `assert_sup_error`.

A search that finds nothing above the limit proves nothing; ``proved=True`` demands a proof instead. What was not decided
fails: no point had an error, or the reference is in doubt. Ctrl-C ends the tests, as it does in any test.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from supnorm.auditing import AuditReport, audit
from supnorm.certification import CertifyResult, certify
from supnorm.evaluation import Calls
from supnorm.evaluation.opened_files import recording
from supnorm.gates.passed import identity_of, passed_before, remember
from supnorm.interrupts import INTERRUPTS
from supnorm.pages import write_page
from supnorm.pages.gate import Gate, gate_of
from supnorm.pages.view import View
from supnorm.problem import Problem
from supnorm.results import BadInput
from supnorm.results.audit import AuditRecord
from supnorm.results.option import demand_number
from supnorm.results.writing import write_whole
from supnorm.sources import open_problem
from supnorm.wording import Narrator, fact
from supnorm.wording.gate import TEMPLATES

SHOWN = 3  # worst points in a message
Passed = MutableMapping[str, Any]


def assert_sup_error(
    model: Any,
    reference: Any = None,
    domain: Any = None,
    below: float | Sequence[float] | None = None,
    *,
    proved: bool = False,
    evaluations: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    passed: Passed | None = None,
    key: str = "",
    page: Path | str | None = None,
) -> AuditReport | CertifyResult | None:
    """Fail where the worst error of a model against a reference is above a limit.

    Args:
        model: the model, with ``reference`` and ``domain``; or a `Problem`, or the path of a problem file, without them.
        reference, domain: as of a `Problem`.
        below: the largest error that passes, or a list with one for each output; the tolerance of the problem by default.
        proved: demand a proof of it (`certify`) instead of a search (`audit`).
        evaluations: budget of the search. ``seconds`` limits a search, and a proof.
        seconds: see above.
        seed: of everything random.
        options: further arguments of the `Problem`, such as ``{"error": ErrorMeasure("relative", floor=0.0)}``.
        passed: where audits that passed are remembered, such as a dict that is stored between runs; None for nowhere. An
            audit is not repeated where the files of its problem, the limits, the versions of all packages, and the values of
            both sides at 64 points are the same. A problem that was made in Python is only remembered with a ``key``.
        key: what identifies model and reference of a problem that was made in Python, such as a hash of the weights.
        page: where the page is written, whether it passes or not; the points of an audit are written beside it as .csv.

    Returns:
        The result; None where it passed before.

    Raises:
        AssertionError: with the worst point, both values there, and how to repeat it.
        BadInput: for a problem that cannot be evaluated, and without a limit.
        KeyboardInterrupt: at Ctrl-C; the page of what was searched is written before.

    >>> from supnorm import Domain
    >>> report = assert_sup_error(lambda x: x[:, 0], lambda x: x[:, 0] ** 2, Domain(x=(0.0, 1.0)), 0.3, evaluations=500)
    >>> report.status.code
    'nothing-found'
    """
    __tracebackhide__ = True
    problem = _problem(model, reference, domain, below, options or {})
    asked = {"proved": proved, "evaluations": evaluations, "seconds": seconds, "seed": seed}
    name = "" if passed is None else identity_of(problem, asked, key)
    if passed is not None and name and passed_before(passed, name, problem):
        return None
    result: AuditReport | CertifyResult
    with INTERRUPTS.handed_on():  # who ends the tests does not ask for the next one
        with recording() as opened:
            if proved:
                result = certify(problem, tolerance=problem.error.limit, seconds=seconds, seed=seed)
            else:
                result = audit(problem, evaluations=evaluations, seconds=seconds, seed=seed, calls=Calls())
        if page is not None:
            write_page(result, page)
            if isinstance(result, AuditReport):
                write_whole(_points_of(page), result.points.to_csv())
    gate = gate_of(result)
    if _passes(result, gate, proved):
        if passed is not None and name:
            remember(passed, name, problem, opened.files)
        return result
    raise AssertionError(_message(result, gate, page, _repeated(model, problem)))


def _problem(
    model: Any, reference: Any, domain: Any, below: float | Sequence[float] | None, options: Mapping[str, Any]
) -> Problem:
    """The problem with the limit as its tolerance."""
    limit = _limit(below)
    if isinstance(model, str | Path):
        model = open_problem(model)
    if isinstance(model, Problem):
        if reference is not None or domain is not None or options:
            raise BadInput("a problem has its own reference, domain and options; give it alone, with below")
        problem = model if limit is None else replace(model, tolerance=limit)
    else:
        if reference is None or domain is None:
            raise BadInput(
                "assert_sup_error takes model, reference and domain, or a Problem, or a problem file"
            )
        problem = Problem(model, reference, domain, tolerance=limit, **options)
    if problem.error.limit is None:
        raise BadInput("assert_sup_error needs a limit: give below=..., or a problem with a tolerance")
    return problem


def _limit(below: float | Sequence[float] | None) -> float | tuple[float, ...] | None:
    """The limit as a tolerance: one number, or one for each output.

    Raises:
        BadInput: for anything else.
    """
    if isinstance(below, list | tuple):
        for limit in below:
            demand_number("each number of below", limit, 0.0)
        return tuple(below)
    demand_number("below", below, 0.0)  # type: ignore[arg-type]
    return below  # type: ignore[return-value]


def _passes(result: AuditReport | CertifyResult, gate: Gate, proved: bool) -> bool:
    """Whether the status is one that passes.

    Where a proof is demanded only a bound without conditions does; else a search that found nothing does too.
    """
    if proved:
        return gate.code == "within-tolerance" and result.record.sup.upper_kind != "conditional"
    return gate.code in ("within-tolerance", "nothing-found")


def _points_of(page: Path | str) -> Path:
    return Path(page).with_suffix(".csv")


def _repeated(model: Any, problem: Problem) -> str:
    """What gives the problem again, in Python; of functions, under the names that the arguments have here."""
    if problem.source is not None:
        return f"supnorm.open_problem({str(problem.source)!r})"
    return "problem" if isinstance(model, Problem) else "supnorm.Problem(model, reference, domain)"


def _message(result: AuditReport | CertifyResult, gate: Gate, page: Path | str | None, problem: str) -> str:
    record = result.record
    lines = [*gate.sentences[:1]]
    if isinstance(record, AuditRecord):
        view = View(record)
        say = Narrator({**view.say.templates, **TEMPLATES}, view.error, view.say.units).text
        for point in view.peaks[:SHOWN]:
            model, reference = (
                view.value(v, point.output) for v in (point.model_value, point.reference_value)
            )
            at = {**point.x}
            lines.append(f"  {say(fact('gate-point', error=point.error, at=at))}")
            lines.append(f"    {say(fact('gate-value', model=model, reference=reference))}")
            lines.append(f"    {say(fact('gate-repeat', problem=problem, point=repr(at)))}")
        n, worst = view.plain
        if n:
            lines.append(f"  {say(fact('gate-random', n=n, worst=worst))}")
        lines.append(f"  {say(fact('gate-search', evaluations=view.evaluated, seed=record.seed))}")
    else:
        witness = record.witness
        lines += [f"  {witness}"] if witness is not None else []
    if gate.advice:
        lines.append(f"  {gate.advice}")
    if page is not None:
        points = str(_points_of(page)) if isinstance(record, AuditRecord) else ""
        lines.append(f"  {Narrator(TEMPLATES).text(fact('gate-page', path=str(page), points=points))}")
    return "\n".join(lines)
