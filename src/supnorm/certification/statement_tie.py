"""Checks whether a file of several parts is about a given problem: axes, units and base programs are the problem's.

The parts follow from the base programs, and the checker derives them. So only the base programs need a comparison:
operation by operation with what supnorm reads from the problem now, and at points with the functions as they run
(`values_for_statement`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.certification import root_tie
from supnorm.certification.assumed import assumptions_in_words
from supnorm.certification.branch_room import branch_room, has_branches
from supnorm.certification.certificate import SCHEMA
from supnorm.certification.executions import runs
from supnorm.certification.lines import SCHEMA as IN_LINES
from supnorm.certification.lines import head_in_lines
from supnorm.certification.rounding import Array
from supnorm.certification.solution import tie as solution_tie
from supnorm.certification.solved import flow_tie, integral_tie
from supnorm.certification.tie import NO_CERTIFICATE, Unread, content_of, rounding_of
from supnorm.certification.unlike_programs import how_unlike
from supnorm.problem import Domain, Function, Problem
from supnorm.program import Program, Unsupported, program_of
from supnorm.results import BadInput

Values = list[tuple[tuple[float, ...], list[float], list[float]]]


@dataclass(frozen=True)
class Tie:
    """What a problem gives of one kind of statement.

    Attributes:
        functions: from the problem, its functions by the names of the base programs.
        assumptions: of the statement, from those base programs and the domain.
        free, perhaps: base programs that the proof chooses, and those that it may choose to have.
        data: from the problem, what the data of the statement have to be; None where the claims name all of it.
        points: from the problem and points of the domain, those at which functions are compared, where they are others.
        chosen: entries of the data that the proof may choose.
        several: first words of the names of base programs of which the proof chooses any number.
        assumed: what the statement assumes, from the problem; where it does not follow from base programs and domain.
        unit: from the problem, the unit of the file's numbers; empty where they have none.
    """

    functions: Callable[[Problem], Mapping[str, Function]]
    assumptions: Callable[[Mapping[str, Program], Domain], tuple[str, ...]] | None = None
    free: tuple[str, ...] = ()
    perhaps: tuple[str, ...] = ()
    data: Callable[[Problem], Mapping[str, Any]] | None = None
    points: Callable[[Problem, Array], Mapping[str, Array]] = lambda problem, x: {}
    chosen: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    assumed: Callable[[Problem], tuple[str, ...]] | None = None
    unit: Callable[[Problem], str] = lambda problem: ""


def _model(problem: Problem) -> Mapping[str, Function]:
    return {"model": problem.model}


def _both(problem: Problem) -> Mapping[str, Function]:
    return {"model": problem.model, "reference": problem.reference}


def _of_all(programs: Mapping[str, Program], domain: Domain) -> tuple[str, ...]:
    return assumptions_in_words(domain, programs.values())


KINDS: dict[str, Tie] = {
    "norms": Tie(_both, _of_all),
    "properties": Tie(_model, _of_all),
    "solution": Tie(
        solution_tie.functions,
        perhaps=("reference",),
        data=solution_tie.data,
        chosen=("barrier",),
        assumed=solution_tie.assumptions,
        unit=solution_tie.unit,
    ),
    "root": Tie(
        root_tie.functions,
        root_tie.assumptions,
        free=("correction",),
        data=root_tie.data,
        points=root_tie.points,
    ),
    "flow": Tie(
        flow_tie.functions,
        flow_tie.assumptions,
        data=flow_tie.data,
        points=flow_tie.points,
        chosen=("times", "scale", "reach", "growth"),
        several=("path",),
    ),
    "integral": Tie(
        integral_tie.functions,
        integral_tie.assumptions,
        data=integral_tie.data,
        points=integral_tie.points,
        chosen=("cuts",),
        several=("values", "basis"),
    ),
}


PLAIN = ("norms", "solution")  # kinds that know no other error than the absolute one on the whole box
# Kinds that count the points of the domain, each with the first words of the parts whose witnesses have to be such points;
# empty for all of them. In a solved one the lower end is an error at the witness of a "correction".
COUNTED = {"root": ("correction",), "flow": ("correction",), "integral": ("correction",), "properties": ()}


def statement_mismatch(path: Path | str, problem: Problem) -> str | None:
    """Why a file of several parts is not about a problem, in words; None if it is.

    Raises:
        BadInput: when a function of the problem cannot be read.
    """
    data = content_of(path, _json)
    if isinstance(data, Unread):
        return data.why
    if isinstance(data, dict) and data.get("schema") in (SCHEMA, IN_LINES):
        return "it is a certificate of one bound, which supnorm.mismatch compares"
    try:
        return (
            _axes(data, problem)
            or _measure(data, problem)
            or _programs(data, problem)
            or _witnesses(data, problem.domain)
            or _slopes(data, problem.domain)
        )
    except (AttributeError, LookupError, TypeError, ValueError):
        return NO_CERTIFICATE


def _json(path: Path) -> Any:
    head = head_in_lines(path)
    return json.loads(path.read_text(encoding="utf-8")) if head is None else head


def _axes(data: Mapping[str, Any], problem: Problem) -> str | None:
    domain = problem.domain
    same = (
        data["names"] == list(domain.names)
        and data["log"] == [axis.log for axis in domain.axes]
        and [float.fromhex(v) for v in data["axis_low"]] == [axis.low for axis in domain.axes]
        and [float.fromhex(v) for v in data["axis_high"]] == [axis.high for axis in domain.axes]
        and data["units"] == [axis.unit for axis in domain.axes]
    )
    return None if same else "its domain is not the problem's domain"


def _programs(data: Mapping[str, Any], problem: Problem) -> str | None:
    if data["kind"] == "solution" and problem.equation is None:
        return "it is about the solution of an equation, and the problem has no [equation]"
    if data["kind"] not in KINDS:
        return NO_CERTIFICATE
    tie = KINDS[data["kind"]]
    functions = tie.functions(problem)
    held = {name for name in data["programs"] if name.partition(" ")[0] not in tie.several}
    if {*functions, *tie.free} != held - set(tie.perhaps):
        return "its base programs are not functions of the problem"
    programs = {}
    for name, function in functions.items():
        try:
            program = program_of(function, problem.domain.d)
        except Unsupported as error:
            raise BadInput(f"check cannot read the {name}: {error}") from None
        if program.to_json() != data["programs"][name]:
            unlike = how_unlike(
                [data["programs"][name]], [program], f"the {name}", "another version reads the code otherwise"
            )
            return f"the program of its {name} is not that of the problem: {unlike}"
        if _branches(program, problem.domain):
            return f"the {name} has a branch that its program does not take, of which no proof of several parts knows"
        programs[name] = program
    stated = {k: v for k, v in data["data"].items() if k not in tie.chosen}
    if tie.data is not None and dict(tie.data(problem)) != stated:
        what = "equation is not that" if data["kind"] == "solution" else "error is not measured as that"
        return f"its {what} of the problem; certify again"
    assumed = None if tie.assumed is None else tie.assumed(problem)
    if tie.assumptions is not None:
        assumed = tie.assumptions(programs, problem.domain)
    if data["unit"] != tie.unit(problem):
        return f"its unit {ascii(data['unit'])[:80]} is not the problem's, {tie.unit(problem)!r}"
    if assumed is not None and data["assumptions"] != list(assumed):
        return "its assumptions are not those of the problem (edited, or another version: certify again)"
    return None


def _branches(program: Program, domain: Domain) -> bool:
    """Whether code takes branches that its program does not take; of inputs that are not the problem's nobody knows it."""
    return has_branches(program) and (program.d != domain.d or bool(np.any(branch_room(program, domain))))


def _measure(data: Mapping[str, Any], problem: Problem) -> str | None:
    """Check that claims about the absolute error on the whole box are not taken for those of another error."""
    error, domain = problem.error, problem.domain
    plain = error.kind == "absolute" and error.side == "both" and error.mask is None and not error.per_output
    listed = any(axis.values is not None for axis in domain.axes)
    whole = not domain.constraints and domain.cloud is None and not listed
    if data["kind"] not in PLAIN or (plain and whole):
        return None
    return "it is about the absolute error on the whole box, and the problem counts another error or other points"


def _witnesses(data: Mapping[str, Any], domain: Domain) -> str | None:
    """Check that the points at which errors or extremes of the model are proved are points that count."""
    if data["kind"] not in COUNTED:
        return None
    words = COUNTED[data["kind"]]
    for name, part in data["parts"].items():
        if (words and name.partition(" ")[0] not in words) or part["witness"] is None:
            continue
        x = np.array([[float.fromhex(v) for v in part["witness"]]])
        if not domain.contains(x).all():
            what = "constraint, or values of a discrete axis"
            return f"the witness of its part {name!r} is not a point that counts in the problem ({what})"
    return None


def _slopes(data: Mapping[str, Any], domain: Domain) -> str | None:
    """Check that no property is about a derivative by an input with a list of values: between them no point counts."""
    if data["kind"] != "properties":
        return None
    for name in data["parts"]:
        by = name.partition("/")[2].split("/")
        listed = [n for n, a in enumerate(domain.axes) if a.values is not None and {"*", str(n)} & set(by)]
        if listed:
            return f"its part {name!r} is about a derivative by {domain.names[listed[0]]}, which has a list of values"
    return None


def values_for_statement(path: Path | str, problem: Problem, count: int, seed: int = 0) -> dict[str, Values]:
    """Values of the problem's functions as they run at random points, for `supnorm.checker.check` (``values``).

    Each entry is a point, the values there, and how far rounding may take each of them from that of the program.

    Raises:
        BadInput: when the file cannot be read, or is no certificate of several parts.
    """
    data = content_of(path, _json)
    if isinstance(data, Unread):
        raise BadInput(data.why)
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise BadInput(f"{path}: not a well-formed certificate of several parts")
    x = problem.law.draw(count, np.random.default_rng(seed))  # type: ignore[union-attr]
    tie = KINDS[kind]
    points = tie.points(problem, x)
    return {n: _values(n, f, points.get(n, x)) for n, f in tie.functions(problem).items()}


def _values(name: str, function: Function, x: Array) -> Values:
    y = runs(function, x, name)
    allowed = np.broadcast_to(rounding_of(function, y, x), y.shape)
    good = np.isfinite(y).all(axis=1) & np.isfinite(allowed).all(axis=1)
    return [
        (tuple(map(float, p)), v.tolist(), a.tolist())
        for p, v, a in zip(x[good], y[good], allowed[good], strict=True)
    ]
