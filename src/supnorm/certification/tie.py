"""Checks whether a certificate is about a given problem.

A proof is about the programs in its file. They belong to a problem if they are, operation by operation, the programs
that supnorm reads from this problem now. Values at points tie these programs to the functions that really run. All else
on which a bound depends is compared too: axes, side, declarations, and that the witness is a point that counts.
Cost: reading the problem's programs, and a few evaluations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification import balls
from supnorm.certification.agreement import slack_of, turned
from supnorm.certification.branch_room import branch_room, has_branches
from supnorm.certification.deployed import runs_in_single, stated
from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.executions import runs
from supnorm.certification.file_leaves import MALFORMED
from supnorm.certification.lower import admits, error_at
from supnorm.certification.measured import Measuring
from supnorm.certification.record_parts import in_words
from supnorm.certification.result import assumptions_of
from supnorm.certification.resume import read_but_leaves
from supnorm.certification.rounding import Array, U
from supnorm.certification.statement import SCHEMA as STATEMENT
from supnorm.certification.unlike_programs import how_unlike
from supnorm.certification.verdict import unit_of
from supnorm.evaluation.guarded import ALLOWED
from supnorm.problem import Domain, Function, Problem
from supnorm.program import Program, Unsupported, program_of
from supnorm.results import BadInput
from supnorm.results.door import reading_table
from supnorm.results.numbers import num
from supnorm.results.printable import one_line
from supnorm.results.versions import versions

LEAST = 1e-10  # allowed share between float64 code and its program, whose order of operations may differ
MOST = 3e-4  # largest allowed share where a float32 model adds numbers that cancel
PACKAGES = ("supnorm", "numpy", "jax", "torch")  # a program may depend on their versions
NO_CERTIFICATE = "it is not a well-formed certificate"
Points = list[tuple[tuple[float, ...], float, float]]


def values_of_problem(
    problem: Problem, count: int = 16, seed: int = 0, witness: tuple[float, ...] | None = None
) -> Points:
    """Errors of the problem's model and reference, as they run, at random points: (x, error, allowance).

    `supnorm.checker.check` takes them as ``problem_points``. The ``witness`` of a certificate is one more point.
    The allowance is the error that rounding in the precision of each function explains (`rounding_of`). Points without a
    finite error or a finite allowance are left out.
    """
    x = problem.law.draw(count, np.random.default_rng(seed))  # type: ignore[union-attr]
    if witness is not None:
        x = np.concatenate([x, [witness]])
    if any(f.precision != "float64" for f in (problem.model, problem.reference)):
        x = _representable(problem.domain, x)
    model, reference = runs(problem.model, x, "model"), runs(problem.reference, x, "reference")
    size, _ = problem.error(model, reference, x)
    allowance = _allowance(problem, model, reference, x)
    return [
        (tuple(map(float, p)), float(e), float(a))
        for p, e, a in zip(x, size, allowance, strict=True)
        if np.isfinite(e) and np.isfinite(a)
    ]


def functions_of_problem(problem: Problem) -> dict[str, Callable[[list[list[float]]], list[list[float]]]]:
    """Model and reference as functions of lists of points, as `supnorm.checker.check` calls them."""

    def of(function: Function) -> Callable[[list[list[float]]], list[list[float]]]:
        return lambda points: function.value(np.asarray(points, dtype=float)).tolist()

    return {"model": of(problem.model), "reference": of(problem.reference)}


def _representable(domain: Domain, x: Array) -> Array:
    """The nearest float32 points if they are in the domain; at these a cast of the inputs changes nothing."""
    free = np.array([axis.values is None for axis in domain.axes])
    with np.errstate(over="ignore"):
        near = np.where(free, x.astype(np.float32).astype(float), x)
    return np.where(domain.contains(near)[:, None], near, x)


def _allowance(problem: Problem, model: Array, reference: Array, x: Array) -> Array:
    """How much the rounding of both functions may change the error at each point, shape ``(n,)``."""
    measure = problem.error
    by_model, by_reference = (
        rounding_of(f, y, x) + _branches(f, problem.domain) + _beside_thresholds(f, x)
        for f, y in ((problem.model, model), (problem.reference, reference))
    )
    divisor = measure.divisor(reference)
    relative = measure.kind == "relative"
    least = np.maximum(divisor - by_reference, measure.floor or 0.0) if relative else divisor
    with np.errstate(invalid="ignore", divide="ignore"):
        moved = (by_model + by_reference) / least
        if relative:
            moved = moved + measure.by_output(model, reference, x) * by_reference / least
    if isinstance(measure.tolerance, tuple):
        moved = moved / np.asarray(measure.tolerance)
    return np.asarray(np.max(np.where(np.isnan(moved), np.inf, moved), axis=1))


def _branches(function: Function, domain: Domain) -> Array | float:
    """Twice the room for branches that the program does not take: the file has room on both sides (`branch_room`)."""
    program = _with_discrepancies(function, domain.d)
    return 0.0 if program is None or not has_branches(program) else 2.0 * branch_room(program, domain)


def _beside_thresholds(function: Function, x: Array) -> Array | float:
    """How far the function may be from its program where rounding may take the other formula; zero at all other points."""
    program = _read(function, x.shape[1])
    if program is None or not (near := turned(function, program, x)).any():
        return 0.0
    return np.where(near[:, None], slack_of(function, program, x), 0.0)


def _read(function: Function, d: int) -> Program | None:
    """The program of a function; None where it has none."""
    if function.declared is not None:
        return None
    try:
        return program_of(function, d, limited=True, branches=True)
    except Unsupported:  # a function without a program still has values
        return None


def _with_discrepancies(function: Function, d: int) -> Program | None:
    """The program of a function whose runtime or branches are known to differ from it; None for all others."""
    program = _read(function, d)
    return program if program is not None and any(node.discrepancies for node in program.nodes) else None


def rounding_of(function: Function, y: Array, x: Array) -> Array:
    """How much rounding may change each output, shape ``(m,)`` or ``(n, m)``.

    It is a share of the largest value over the points (`ALLOWED`, at least 1e-10), because rounding is relative to the
    numbers that were added and not to their sum. In float32 larger numbers than the values may cancel, for example where
    a network standardises raw inputs. There the proved bound of the rounding counts too. Networks show far less, so it
    counts up to 3e-4: a model that is changed by 1e-3 of its range is another model. In float64 code that cancels, as the
    formula of the roots of a quadratic, is allowed what rounding did at a point, and no more than its proved bound
    (`_rounded_by`).
    """
    share = max(ALLOWED.get(function.precision, ALLOWED["float32"]), LEAST)
    largest = np.max(np.abs(y), axis=0, where=np.isfinite(y), initial=0.0)
    rounding = share * largest
    if function.precision != "float64" and function.declared is None:
        bound = _largest_slack(function, program_of(function, x.shape[1], limited=True, branches=True), x)
        rounding = np.fmax(rounding, np.fmin(bound / 16.0, MOST * largest))
    program = _read(function, x.shape[1]) if function.precision == "float64" else None
    if program is not None:
        rounding = _rounded_by(function, program, y, x, rounding)
    if function.declared is not None:  # two calls may be off to different sides
        rounding = rounding + 2.0 * function.declared.accuracy
    return np.asarray(rounding)


def _rounded_by(function: Function, program: Program, y: Array, x: Array, least: Array) -> Array:
    """What rounding did to float64 code, ``(n, m)``: its distance from exact values of its program, at least ``least``.

    It counts up to the proved bound, which stands alone where no exact values are known. The bound by itself is that of the
    largest numbers that may cancel: y + (1e12 x - 1e12 x) has no rounding at all, and was allowed 1e-3.
    """
    bound = _where_known(slack_of(function, program, x), turned(function, program, x))
    # Functions of a runtime that differ from their operation, and cancellation after them.
    if any(node.discrepancies for node in program.nodes):
        bound = np.fmax(bound, _largest_slack(function, program, x))
    rows = np.flatnonzero((bound > least).any(axis=1))
    if len(rows) and balls.available():
        bound[rows] = np.fmin(bound[rows], _from_exact(program, y[rows], x[rows]))
    return np.fmax(least, bound)


def _from_exact(program: Program, y: Array, x: Array) -> Array:
    """At most how far values are from exact ones, shape ``(n, m)``; infinite or NaN where these are not known."""
    distance = np.full(y.shape, np.inf)
    for bits in balls.BITS:
        exact, off = balls.at_points(program, x, bits)
        with np.errstate(invalid="ignore"):
            distance = np.nextafter(np.abs(y - exact) + off + U * np.abs(exact), np.inf)
            if (off <= U * np.abs(exact)).all():
                break
    return distance


def _where_known(slack: Array, turned: NDArray[np.bool_]) -> Array:
    """Bounds of the rounding at points, zero where there is none and where rounding may take the other formula."""
    return np.where(np.isfinite(slack) & ~turned[:, None], slack, 0.0)


def _largest_slack(function: Function, program: Program, x: Array) -> Array:
    """The largest bound of the rounding of each output, where rounding takes no other formula (`_beside_thresholds`)."""
    slack = slack_of(function, program, x[~turned(function, program, x)])
    return np.asarray(np.max(slack, axis=0, initial=0.0))


def mismatch(certificate: Path | str, problem: Problem, measuring: Measuring | None = None) -> str | None:
    """Why a certificate file is not about a problem, in words; None if it is about it.

    The words also tell a file that is missing, one that cannot be read and one that is no well-formed certificate apart.

    Whether the claims of the file are true is decided by `supnorm.checker.check`, with the points of `values_of_problem`.
    ``measuring`` records how far the running functions are from their programs.

    Raises:
        BadInput: when `certify` cannot read the problem.
    """
    error = error_program(problem, measuring)
    data = content_of(certificate, read_but_leaves)
    if isinstance(data, Unread):
        return data.why
    if isinstance(data, dict) and data.get("schema") == STATEMENT:
        return "it is a proof of several parts, which supnorm.certification.statement_mismatch compares"
    try:
        return (
            _axes(data, problem.domain)
            or _side(data, error)
            or _declarations(data, error)
            or _programs(data, error)
            or _witness(data, problem, error)
            or _lower(data, error)
            or _words(data, problem, error)
            or _deployed(data, problem, error)
        )
    except MALFORMED:
        return NO_CERTIFICATE


@dataclass(frozen=True)
class Unread:
    """Why a certificate file has no content, in words."""

    why: str


def content_of(path: Path | str, read: Callable[[Path], Any]) -> Any:
    """What ``read`` makes of a certificate file; `Unread` of one that is missing, cannot be read or is not well-formed."""
    try:
        with reading_table(Path(path), what="the certificate " + one_line(str(path), 200)):
            try:
                return read(Path(path))
            except MALFORMED as fault:
                if isinstance(fault, MemoryError):  # of the limit for reading, which names its remedy
                    raise
                return Unread(NO_CERTIFICATE)
    except BadInput as fault:
        return Unread(str(fault))


def _axes(data: dict[str, Any], domain: Domain) -> str | None:
    same = (
        data["names"] == list(domain.names)
        and data["log"] == [axis.log for axis in domain.axes]
        and [float.fromhex(v) for v in data["axis_low"]] == [axis.low for axis in domain.axes]
        and [float.fromhex(v) for v in data["axis_high"]] == [axis.high for axis in domain.axes]
    )
    return None if same else "its domain is not the problem's domain"


def _side(data: dict[str, Any], error: ErrorProgram) -> str | None:
    if data["side"] == error.side:
        return None
    return f"it counts errors of side {data['side']!r}, the problem those of side {error.side!r}"


def _declarations(data: dict[str, Any], error: ErrorProgram) -> str | None:
    entries = data.get("declared", [])
    held, named = [entry["which"] for entry in entries], [part.which for part in error.declared]
    if held != named:
        words = (", ".join(map(str, names)) or "nothing" for names in (held, named))
        return "it assumes declared bounds of: {}; the problem declares bounds of: {}".format(*words)
    for part, entry in zip(error.declared, entries, strict=True):
        differ = part.differs(entry)
        if differ:
            return (
                f"what it declares of the {part.which} is not what the problem declares: {', '.join(differ)}"
            )
    return None


def _programs(data: dict[str, Any], error: ErrorProgram) -> str | None:
    held, expected = (data["programs"], data["point_programs"]), (error.alternatives, error.at_points)
    if held == tuple([p.to_json() for p in programs] for programs in expected):
        return None
    then, now = data["versions"], versions()
    shown = [p for p in PACKAGES if p == "supnorm" or (p in now and then.get(p, now[p]) != now[p])]
    versions_then, versions_now = (
        ", ".join(f"{p} {v.get(p, 'unknown')}" for p in shown) for v in (then, now)
    )
    otherwise = f"another version reads the code otherwise (file: {versions_then}; here: {versions_now})"
    unlike = how_unlike(
        [one for programs in held for one in programs],
        [one for programs in expected for one in programs],
        "model, reference, measure",
        otherwise,
    )
    return f"its programs are not those of the problem: {unlike}"


def _words(data: dict[str, Any], problem: Problem, error: ErrorProgram) -> str | None:
    """Compare notes and assumptions with those of the problem: a missing one would hide what the bound assumes."""
    expected_words = {
        "notes": list(error.notes),
        "assumptions": list(assumptions_of(problem, error)),
        "units": [a.unit for a in problem.domain.axes],
        "error": in_words(problem.error),
        "error_unit": unit_of(problem),
    }
    for key, expected in expected_words.items():
        held = data.get(key, expected if key in ("units", "error", "error_unit") else None)
        if held == expected:
            continue
        if not isinstance(held, list):
            return f"its {key} {ascii(held)[:80]} is not the problem's, {expected!r}"
        lacks = [v for v in expected if v not in held]
        more = [v for v in held if v not in expected]
        if lacks:
            return f"its {key} lack what the bound assumes: {lacks[0]!r} (edited, or another version: certify again)"
        return f"its {key} are not those of the problem" + (f": {ascii(more[0])[:120]}" if more else "")
    return None


def _deployed(data: dict[str, Any], problem: Problem, error: ErrorProgram) -> str | None:
    """Compare what a deployed bound assumes of the runtime with what supnorm assumes of the problem's."""
    claim = data.get("deployed")
    if claim is None:
        return None
    runs = runs_in_single(problem.model, error.d)
    if isinstance(runs, str) or error.at_least:
        return (
            "it claims a bound of the model in float32, but the rounding of the problem's model is not known"
        )
    runtime, functions = runs
    expected = {op: stated(kernel) for op, kernel in functions.items()}
    if claim["runtime"] == runtime and claim["functions"] == expected:
        return None
    return "what its deployed bound assumes of the runtime is not what supnorm assumes of it: certify again"


def _witness(data: dict[str, Any], problem: Problem, error: ErrorProgram) -> str | None:
    if data["witness"] is None:
        return None
    if len(data["witness"]) != problem.domain.d:
        return NO_CERTIFICATE
    x = np.array([[float.fromhex(v) for v in data["witness"]]])
    if admits(problem, error)(x).all():
        return None
    return "its witness is not a point that counts in the problem (constraint, mask, or values of a discrete axis)"


def _lower(data: dict[str, Any], error: ErrorProgram) -> str | None:
    """Check that the stated lower bound is proved at the witness, also if the code takes branches there."""
    lower = float.fromhex(data["lower"])
    if data["witness"] is None:
        return "it states a lower bound and no witness" if lower > 0.0 else None
    most = float(error_at(error, np.array([[float.fromhex(v) for v in data["witness"]]]), 1.0)[0])
    if lower <= most:
        return None
    return f"it states a worst error of at least {num(lower, 6)}, but the error proved at its witness is only {num(most, 6)}"
