"""`check`: does a certificate prove what it claims? Every leaf is proved again in ball arithmetic.

The program behind the certificate is taken as it stands in the file: whether it *is* the user's model and
reference is a question of its own, answered by values at points (``problem_points``) or by its hash.
A file of several parts is one certificate for each part, and a statement that has to follow from them (`statements`).
Cost: ball arithmetic for every leaf, which `supnorm.checker.forecast` counts for each file before anything is proved;
docs/evidence/proofs.md has measured seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from flint import ctx

from supnorm.checker.cost import LIMIT, MEMORY, Cost, Meter, demand, watched
from supnorm.checker.document import Document, as_document, load, read_in_lines
from supnorm.checker.forecast import cost_of, reading_of
from supnorm.checker.quoted import UNIT, quoted
from supnorm.checker.rejected import MALFORMED, Rejected
from supnorm.checker.statements import (
    SCHEMA,
    Statement,
    of_part,
    read_statement,
    verify_derived,
    verify_integrals,
    verify_statement,
    verify_values,
)
from supnorm.checker.subject import subject, subject_of_statement
from supnorm.checker.verify import Functions, tied, verify

PRECISION = 80  # bits of the balls: 27 more than float64 has, for the rounding of many operations


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The verdict on a certificate.

    Attributes:
        accepted: whether every claim about the error was proved again. (`rounding`, what float64 evaluation can add, is no
            such claim: it assumes that library functions are as accurate as the certifier says.)
        reason: why the certificate was rejected, or what was verified.
        leaf: the leaf whose proof failed, if there is one.
        leaves: number of leaves in the file.
        lower, upper: the claims.
        problem_checked: whether the programs were compared with values of the user's problem.
        seconds: time used.
        conditional: the conditions of an accepted certificate; empty if it assumes nothing.
        cost: the forecast of its proof; None where the file could not be read.
        subject: lines about the content of the file: domain, functions, hashes; empty if it could not be read.
        unit: unit of the error, as the file says; in quotation marks if it could read as part of a number.
        claims: of a file of several parts: the claimed brackets by name; None for any other file. A claim "error" is the
            bracket `lower`, `upper`; without one they are 0 and infinite.
        statements: of such a file, if it is accepted: what it states, in lines.
        verdict: of such a file, if it is accepted: "proved", "refuted" or "undecided"; empty where it bounds nothing.
        parts: number of its parts.
        deployed_upper: the bound of the model as it is deployed in float32, if the file claims one.
        deployed: what that bound assumes, in words; empty without it.
        beyond, lower_precision: what the problem's functions as they run add to `upper`, by what was measured of them: in
            float64 beyond rounding, and in lower precision. The checker knows files only; `supnorm check` fills them in.
        computed: the largest error that was computed meanwhile.
        measured: what was measured, in words.
    """

    accepted: bool
    reason: str
    seconds: float
    leaf: int | None = None
    leaves: int = 0
    lower: float = 0.0
    upper: float = 0.0
    problem_checked: bool = False
    conditional: tuple[str, ...] = ()
    cost: Cost | None = None
    subject: tuple[str, ...] = ()
    unit: str = ""
    claims: Mapping[str, tuple[float, float]] | None = None
    statements: tuple[str, ...] = ()
    verdict: str = ""
    parts: int = 0
    deployed_upper: float | None = None
    deployed: tuple[str, ...] = ()
    beyond: float = 0.0
    lower_precision: float = 0.0
    computed: float = 0.0
    measured: tuple[str, ...] = ()

    @property
    def upper_as_it_runs(self) -> float:
        """The bound of the functions as they run in float64: `upper`, and more where they were seen to differ."""
        return max(self.upper + self.beyond, self.computed) if self.beyond else self.upper


# Points of a function with its values there and how far each may be from that of the program.
Values = Sequence[tuple[Sequence[float], Sequence[float], Sequence[float]]]


def check(
    path: Path | str,
    problem_points: Sequence[tuple[Sequence[float], float, float]] | None = None,
    observer: Callable[[int, int], None] | None = None,
    functions: Functions | None = None,
    workers: int = 1,
    limit: float = LIMIT,
    memory: float = MEMORY,
    announce: Callable[[Cost], None] | None = None,
    values: Mapping[str, Values] | None = None,
    arbitrary: bool = False,
    executor: Executor | None = None,
) -> CheckResult:
    """Check a certificate file.

    Args:
        path: path of the file.
        problem_points: triples (x, error, allowance) from the user's own problem: the programs must give
            the same error at x, up to the allowance.
        observer: called with (leaves done, leaves) as work goes on, first with none done.
        functions: the user's "model" and "reference", points to values (lists of rows), for a certificate
            that is conditional on recorded values of one of them: the functions are evaluated again and compared.
        workers: processes that share the leaves.
        limit: seconds of one core that the proof may take by its forecast, which is made before anything is proved.
        memory: bytes that the proof may take.
        announce: called with the forecast.
        values: for a file of several parts: values of the user's functions, by the names of its base programs.
        arbitrary: prove everything in balls of arbitrary precision (FLINT): nothing in float64 or by NumPy. Slower.
        executor: shares the leaves in place of ``workers`` (``concurrent.futures``); its workers need the same supnorm.

    Raises:
        TooCostly: when the forecast is above a limit, or the proof takes several times as long as the limit.
        WorkerFault: when a worker of the executor did not do what it was asked for.
    """
    start = time.monotonic()
    old, ctx.prec = ctx.prec, PRECISION
    file: _File | None = None
    cost: Cost | None = None
    reason, leaf, accepted = "", None, True
    meter = Meter(limit)
    try:
        with watched(meter):
            file = _read(path, memory)
            if file.statement is not None:
                verify_statement(file.statement)
            for document in file.documents.values():  # the forecast reads all leaves
                demand(reading_of(document), limit, memory)
            cost = file.cost(len(problem_points or ()), arbitrary)
            (announce or (lambda cost: None))(cost)
            demand(cost, limit, memory)
            if file.statement is not None:
                verify_derived(file.statement)
                verify_values(file.statement, values or {})
            _verify(
                file,
                problem_points,
                observer or (lambda done, total: None),
                functions or {},
                workers,
                meter,
                arbitrary,
                executor,
            )
    except Rejected as problem:
        reason, leaf, accepted = str(problem), problem.leaf, False
    # A file proves nothing if reading it fails in a way that no check of the format foresees.
    except MALFORMED as error:
        reason, accepted = f"malformed certificate: {type(error).__name__}: {error}", False
    finally:
        ctx.prec = old
    seconds = time.monotonic() - start
    if file is None:
        return CheckResult(accepted=accepted, reason=reason, leaf=leaf, seconds=seconds, cost=cost)
    whole = (
        _of_statement(file, values or {}, accepted, arbitrary)
        if file.statement is not None
        else _of_document(file.documents[""], problem_points, functions or {}, arbitrary)
    )
    return replace(
        whole,
        accepted=accepted,
        reason=whole.reason if accepted else reason,
        leaf=leaf,
        seconds=seconds,
        cost=cost,
    )


@dataclass(frozen=True)
class _File:
    """What was read: one certificate, under an empty name, or the parts of a statement by their names."""

    documents: Mapping[str, Document]
    statement: Statement | None = None

    def cost(self, points: int, arbitrary: bool) -> Cost:
        """The forecast of all parts together; all of them are in memory at once."""
        again = self.statement.integrated if self.statement is not None else set()
        names = [*self.documents, *again]
        costs = [cost_of(self.documents[name], points, arbitrary)[0] for name in names]
        return Cost(sum(c.operations for c in costs), sum(c.bytes for c in costs))


def _read(path: Path | str, memory: float) -> _File:
    if (document := read_in_lines(path, memory)) is not None:
        return _File({"": document})
    data = load(path, memory)
    if isinstance(data, dict) and data.get("schema") == SCHEMA:
        statement = read_statement(data)
        return _File(statement.parts, statement)
    return _File({"": as_document(data, f"{path}: ")})


def _verify(
    file: _File,
    points: Sequence[tuple[Sequence[float], float, float]] | None,
    observer: Callable[[int, int], None],
    functions: Functions,
    workers: int,
    meter: Meter,
    arbitrary: bool,
    executor: Executor | None,
) -> None:
    """Verify each certificate; the observer hears of the leaves of all of them."""
    total = sum(document.count for document in file.documents.values())
    observer(0, total)
    if file.statement is None:
        verify(file.documents[""], points, observer, functions, workers, meter, arbitrary, executor)
        return
    before = 0
    for name, document in file.documents.items():

        def tell(done: int, of: int, before: int = before) -> None:
            observer(before + done, total)

        with of_part(name):
            verify(document, None, tell, {}, workers, meter, arbitrary, executor)
        before += document.count
    verify_integrals(file.statement, meter)


def _of_document(
    document: Document,
    points: Sequence[tuple[Sequence[float], float, float]] | None,
    functions: Functions,
    arbitrary: bool,
) -> CheckResult:
    """What an accepted certificate says."""
    compared = tied(document, points, functions)
    return CheckResult(
        accepted=True,
        reason=_reason(document, compared, functions, arbitrary),
        seconds=0.0,
        leaves=document.count,
        lower=document.lower,
        upper=document.upper,
        problem_checked=compared,
        conditional=document.conditions,
        subject=subject(document),
        unit=quoted(document.error_unit, UNIT),
        deployed_upper=document.deployed.upper if document.deployed else None,
        deployed=(document.deployed.sentence(),) if document.deployed else (),
    )


def _of_statement(file: _File, values: Mapping[str, Values], accepted: bool, arbitrary: bool) -> CheckResult:
    """What a statement says; one that is not accepted may have no words."""
    statement = file.statement
    assert statement is not None
    lower, upper = statement.claims.get("error", (0.0, math.inf))
    compared = any(name in statement.given.programs and len(points) for name, points in values.items())
    count = len(file.documents)
    parts = f"{count} parts" if count > 1 else "part"
    bounded = all(document.upper < math.inf for document in file.documents.values())
    boxes = "every box of them" if bounded else "every box of them that has a bound"
    words = (
        f"the statement follows from its {parts}; {boxes} was proved again in "
        f"{_bits_of(file.documents.values(), arbitrary)}"
    )
    return CheckResult(
        accepted=True,
        reason=f"{words}; {_TIED if compared else _UNTIED}",
        seconds=0.0,
        leaves=sum(d.count for d in file.documents.values()),
        lower=max(lower, 0.0),
        upper=upper,
        problem_checked=compared,
        conditional=(
            *statement.conditions,
            *dict.fromkeys(c for d in file.documents.values() for c in d.conditions),
        ),
        subject=subject_of_statement(statement),
        unit=quoted(statement.unit, UNIT),
        claims=statement.claims,
        statements=statement.lines if accepted else (),
        verdict=statement.verdict if accepted else "",
        parts=len(file.documents),
    )


_TIED = "the programs agree with the problem at the given points"
_UNTIED = "the programs were taken from the file; whether they are your model and reference was not checked"


def _bits_of(documents: Iterable[Document], arbitrary: bool) -> str:
    most = max((one.bits for one in documents), default=0)
    bits = f"{PRECISION}-bit" if most <= PRECISION else f"{PRECISION}-bit to {most}-bit"
    return f"{bits} ball arithmetic alone (FLINT)" if arbitrary else f"53-bit and {bits} ball arithmetic"


def _reason(document: Document, compared: bool, functions: Functions, arbitrary: bool) -> str:
    leaves = (
        "every box" if document.upper < math.inf else "no upper bound is claimed; every box that has a bound"
    )
    parts = [f"{leaves} was proved again in {_bits_of([document], arbitrary)}"]
    parts.append(_TIED if compared else _UNTIED)
    if document.deployed is not None:
        parts.append("what float32 adds to the error of the model was proved again on the named assumptions")
    for one in document.declared:
        again = "compared with your own" if one.which in functions else "taken from the file"
        parts.append(f"values of the {one.which} were {again}")
    return "; ".join(parts)
