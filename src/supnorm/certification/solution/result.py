"""The result of `solution_error`: the bracket, its parts and constants, and the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supnorm.certification.measured import BEYOND
from supnorm.certification.part import PartProof
from supnorm.certification.rounding import ULPS
from supnorm.certification.solution.claims import DIFFERENCE
from supnorm.certification.solution.programs import Coefficient, Posed, with_equal_ends
from supnorm.certification.solution.proof import Proving, of_values
from supnorm.certification.solution.theorem import Barrier
from supnorm.certification.statement import Statement
from supnorm.interrupts import INTERRUPTS
from supnorm.problem import Function
from supnorm.program import Program
from supnorm.results import Contradiction, ExitCode, Status, rounded_down, rounded_up, versions
from supnorm.results.certify import BracketRecord
from supnorm.results.numbers import exact, literal, num
from supnorm.results.record import Recorded
from supnorm.results.solution import BarrierRecord, PartRecord, SolutionRecord
from supnorm.wording import Fact, fact
from supnorm.wording.solution import SOLUTION


@dataclass(frozen=True, kw_only=True, eq=False)
class SolutionResult(Recorded):
    """A bracket of the error of a model against the solution of an equation: its record, and the proof.

    Attributes:
        record: the result as plain data.
        statement: the proof of all parts, to be saved and checked.
        reference: the function whose residual is bounded, as a program; it is a solution with a proved error.
    """

    record: SolutionRecord
    statement: Statement
    reference: Program

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise Contradiction(
                f"a lower bound of {exact(self.lower)} is above the upper bound {exact(self.upper)}"
            )

    def __repr__(self) -> str:
        """One line."""
        lower, upper = rounded_down(self.lower, 4), rounded_up(self.upper, 4)
        return f"SolutionResult({self.status.code!r}, lower={literal(lower, 4)}, upper={literal(upper, 4)})"

    @property
    def status(self) -> Status:
        """Why the work stopped, advice, and the exit code."""
        return self.record.status

    @property
    def lower(self) -> float:
        """The model is at least so far from the solution, somewhere."""
        return self.record.sup.lower

    @property
    def upper(self) -> float:
        """The model is at most so far from the solution, everywhere."""
        return self.record.sup.upper

    @property
    def reference_error(self) -> float:
        """Proved bound of the error of `reference` against the solution."""
        return self.record.reference_error

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the proof rests on, in words."""
        return self.record.assumptions

    def save(self, path: Path | str) -> None:
        """Write the proof; the file appears whole or not at all."""
        self.statement.save(path)


@dataclass(frozen=True, kw_only=True)
class About:
    """What a proof is about.

    Attributes:
        posed: the equation.
        network, v: the model, and the function whose residual is bounded.
        kind: "collocation", "given" or "model": where v comes from.
        name, unit: of the model, and of its output.
        points: how many points formulas were compared at with their programs.
    """

    posed: Posed
    network: Program
    v: Program
    kind: str
    name: str
    unit: str
    points: int

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the statement rests on, in words."""
        return assumptions_of(self.posed, self.points)


def unit_of(model: Function) -> str:
    """The unit of the error of a model; empty where it has none."""
    return model.output_units[0] if len(model.output_units) == 1 else ""


def compared(posed: Posed, kind: str, network: Program) -> Program | None:
    """The model, to be compared with the function whose residual is bounded; None where this is the model itself.

    With periodic axes that is never so: there v is the model less what makes its ends differ.
    """
    return None if kind == "model" and not posed.periodic else network


def assumptions_of(posed: Posed, points: int) -> tuple[str, ...]:
    """What a statement about the solution of an equation rests on, in words."""
    return (
        SOLUTION.text(
            fact(
                "solution-exists",
                time=posed.time is not None or None,
                sides=bool(posed.fluxes),
                periodic=bool(posed.periodic),
            )
        ),
        SOLUTION.text(fact("solution-of-programs", points=points)),
        SOLUTION.text(fact("arithmetic", units=ULPS)),
    )


def statement_of(about: About, proving: Proving, proofs: Mapping[str, PartProof]) -> Statement:
    """The statement with some proofs of its parts."""
    return Statement(
        "solution",
        about.posed.domain,
        programs_of(
            about.posed,
            about.network,
            None if compared(about.posed, about.kind, about.network) is None else about.v,
        ),
        data_of(about.posed, proving.barrier),
        dict(proofs),
        about.assumptions,
        {"model": about.name} | ({"unit": about.unit} if about.unit else {}),
    )


def result_of(
    about: About,
    proving: Proving,
    asked: tuple[float | None, float | None],
    seconds: float,
    difference: float,
) -> SolutionResult:
    """The result, also of work that was cut short: a part without a proof has no bound.

    Parts that an earlier file states and that were not proved again stay in the file to be saved, and count for nothing.
    ``difference`` is how far the model as it runs was seen from its program: no tolerance is decided without room for
    twice as much, as `certify` does.
    """
    posed, barrier, proofs = about.posed, proving.barrier, proving.proved
    claims = statement_of(about, proving, proofs).claims
    lower, upper = claims["error"]
    of_reference = claims.get("reference", claims["error"])[1]
    source = (
        DIFFERENCE
        if DIFFERENCE in proofs
        else max(
            of_values(posed, {n: p for n, p in proofs.items() if n.startswith("face ")}),
            key=lambda n: proofs[n].lower,
            default="",
        )
    )
    status = _status(lower, upper, of_reference, asked, proving, difference)
    record = SolutionRecord(
        status=status,
        sup=BracketRecord(
            lower=lower,
            upper=upper,
            upper_kind="conditional" if upper < math.inf else "none",
            deployed_upper=None,
        ),
        unit=about.unit,
        equation=in_words(posed),
        reference=about.kind,
        reference_error=of_reference,
        barrier=BarrierRecord(
            kind=barrier.kind,
            on_faces=barrier.on_faces,
            inside=barrier.inside,
            growth=proving.growth,
            words=SOLUTION.text(_words(posed, barrier, proving.growth)),
        ),
        parts=tuple(
            PartRecord(name=n, lower=p.lower, upper=p.upper, boxes=len(p.bracket.leaves.boxes))
            for n, p in proofs.items()
        ),
        witness=_point(posed, source, proving) if lower > 0.0 else None,
        ratio=1.0 if upper == 0.0 else upper / lower if lower > 0.0 else math.inf,
        boxes=sum(len(p.bracket.leaves.boxes) for p in proofs.values()),
        seconds=seconds,
        certificate=None,
        assumptions=(*about.assumptions, SOLUTION.text(fact("solution-as-run", difference=difference))),
        versions=versions(),
    )
    saved = statement_of(about, proving, proving.proofs)
    try:
        _ = saved.claims
    except Contradiction:  # of what an earlier file states: it is dropped
        saved = statement_of(about, proving, proofs)
    return SolutionResult(record=record, statement=saved, reference=with_equal_ends(posed, about.v))


def _point(posed: Posed, source: str, proving: Proving) -> dict[str, float] | None:
    """The point of the lower bound, on the whole domain."""
    proof = proving.proved.get(source)
    if proof is None or proof.bracket.witness is None:
        return None
    known = dict(zip(proof.part.domain.names, proof.bracket.witness.tolist(), strict=True))
    if source != DIFFERENCE:
        _, axis, end = source.split(" ")
        held = posed.domain.axes[int(axis)]
        known[posed.domain.names[int(axis)]] = held.low if end == "low" else held.high
    return {name: known[name] for name in posed.domain.names}


def _status(
    lower: float,
    upper: float,
    of_reference: float,
    asked: tuple[float | None, float | None],
    proving: Proving,
    difference: float,
) -> Status:
    ratio, tolerance = asked
    proofs = proving.proved
    ends = {proof.end for proof in proofs.values()}
    late = [fact("solution-time", ratio=ratio)] if ends & {"seconds", "boxes"} else []
    share = (
        [fact("solution-reference", share=of_reference)]
        if of_reference > 0.3 * (upper - lower) and lower > 0.0
        else []
    )
    between = fact("solution-between", lower=lower or None, upper=upper)
    facts: list[Fact]
    if "interrupted" in ends:
        code, ending, facts = (
            "interrupted",
            ExitCode.INTERRUPTED,
            [fact("solution-stopped", cause=INTERRUPTS.cause)],
        )
    elif tolerance is not None and lower > tolerance:
        above = fact("solution-above", lower=lower, tolerance=tolerance)
        code, ending, facts = "tolerance-exceeded", ExitCode.EXCEEDED, [above]
    elif not upper < math.inf:
        missing = ", ".join(n for n, p in proofs.items() if not p.upper < math.inf)
        no_bound = fact("solution-no-bound", parts=missing)
        code, ending, facts = "no-bound", ExitCode.UNDECIDED, [no_bound]
    elif tolerance is not None:
        if upper + BEYOND * difference <= tolerance:
            within = fact("solution-within", upper=upper, tolerance=tolerance)
            code, ending, facts = "within-tolerance", ExitCode.DONE, [within]
        elif upper <= tolerance:
            runs = fact("solution-runs", upper=upper, tolerance=tolerance, difference=difference)
            code, ending, facts = "undecided", ExitCode.UNDECIDED, [runs]
        else:
            open_ = fact("solution-open", upper=upper, tolerance=tolerance)
            code, ending, facts = "undecided", ExitCode.UNDECIDED, [open_, *late, *share]
    elif ratio is not None and upper <= ratio * lower:
        code, ending, facts = "proved", ExitCode.DONE, [between]
    else:
        wide = fact("solution-wide", ratio=ratio)
        code, ending, facts = "undecided", ExitCode.UNDECIDED, [between, wide, *late, *share]
    return Status(code, " ".join(map(SOLUTION.text, facts)), ending)


def programs_of(posed: Posed, network: Program, v: Program | None) -> dict[str, Program]:
    """The base programs of the file: the model, the reference solution if there is one, and the formulas."""
    programs = {"model": network} | ({} if v is None else {"reference": v}) | {"boundary": posed.boundary}
    if posed.equation.initial is not None:
        programs["initial"] = posed.initial
    terms = {f"velocity {i}": b for i, b in enumerate(posed.velocity)}
    terms |= {"reaction": posed.reaction, "source": posed.source}
    terms |= {f"flux {axis} {end}": flux.value for (axis, end), flux in posed.fluxes.items()}
    return programs | {name: term for name, term in terms.items() if isinstance(term, Program)}


def data_of(posed: Posed, barrier: Barrier) -> dict[str, Any]:
    """What the file says of the equation and of the constants."""
    return {
        "equation": equation_data(posed),
        "barrier": {
            "kind": barrier.kind,
            "axes": list(barrier.axes),
            "numbers": [v.hex() for v in barrier.numbers],
            "on_faces": barrier.on_faces.hex(),
            "inside": barrier.inside.hex(),
        }
        | ({"fluxes": _flux_data(posed, barrier)} if posed.fluxes else {}),
    }


def _flux_data(posed: Posed, barrier: Barrier) -> list[dict[str, Any]]:
    return [
        {"axis": posed.space[i], "kind": kind, "factor": factor.hex()}
        for i, (kind, factor) in sorted(barrier.fluxes.items())
    ]


def equation_data(posed: Posed) -> dict[str, Any]:
    """Coefficients as hexadecimal text; "program" where a base program has them, "u" for the solution itself."""
    return (
        {
            "name": posed.equation.kind,
            "time": posed.time,
            "diffusivity": posed.diffusivity.hex(),
            "velocity": [_spelled(b) for b in posed.velocity],
            "reaction": _spelled(posed.reaction),
            "source": _spelled(posed.source),
        }
        | ({"sides": sides} if (sides := _sides(posed)) else {})
        | ({"periodic": list(posed.periodic)} if posed.periodic else {})
    )


def _sides(posed: Posed) -> list[dict[str, Any]]:
    return [
        {"axis": axis, "end": end, "coefficient": flux.coefficient.hex(), "value": _spelled(flux.value)}
        for (axis, end), flux in posed.fluxes.items()
    ]


def _spelled(value: Coefficient) -> str:
    return "program" if isinstance(value, Program) else value if isinstance(value, str) else value.hex()


def in_words(posed: Posed) -> str:
    """The equation in words, with its domain."""
    names = posed.domain.names
    left = "" if posed.time is None else f"u_{names[posed.time]} "
    left += _term(-posed.diffusivity, "", "laplace u")
    for i, b in zip(posed.space, posed.velocity, strict=True):
        left += _term(b, f"b_{names[i]}", f"u_{names[i]}")
    left += _term(posed.reaction, "c", "u")
    right = "source" if isinstance(posed.source, Program) else num(posed.source, 6)
    ends = zip(names, posed.domain.axes, strict=True)
    box = ", ".join(f"{name} in [{num(axis.low, 6)}, {num(axis.high, 6)}]" for name, axis in ends)
    fluxes = "".join(f"; {_flux_words(posed, *key)}" for key in posed.fluxes)
    around = ", ".join(names[i] for i in posed.periodic)
    return (
        f"{posed.equation.kind}: {left}= {right}; {box}{fluxes}{f'; periodic in {around}' if around else ''}"
    )


def _flux_words(posed: Posed, axis: int, end: str) -> str:
    """What is given on a face, such as "du/dn + 2 u = 0 at x = 1"."""
    flux, held = posed.fluxes[axis, end], posed.domain.axes[axis]
    given = "its data" if isinstance(flux.value, Program) else num(flux.value, 6)
    robin = f" + {num(flux.coefficient, 6)} u" if flux.coefficient else ""
    return f"du/dn{robin} = {given} at {posed.domain.names[axis]} = {num(held.low if end == 'low' else held.high, 6)}"


def _term(factor: Coefficient, name: str, what: str) -> str:
    """A term with its sign; nothing for zero."""
    if isinstance(factor, str | Program):
        return f"+ {factor if isinstance(factor, str) else name} {what} "
    size = "" if abs(factor) == 1.0 else f"{num(abs(factor), 6)} "
    return f"{'-' if factor < 0.0 else '+'} {size}{what} " if factor != 0.0 else ""


def _words(posed: Posed, barrier: Barrier, growth: float) -> Fact:
    names = [posed.domain.names[posed.space[i]] for i in barrier.axes]
    if barrier.kind == "none":
        return fact("barrier-none")
    if barrier.kind == "time":
        return fact("barrier-time", growth=growth)
    if barrier.kind == "reaction":
        return fact("barrier-reaction", least=-growth)
    if barrier.kind == "cosines":
        return fact("barrier-cosines")
    if barrier.kind == "axis" and any(
        (posed.space[barrier.axes[0]], end) in posed.fluxes for end in ("low", "high")
    ):
        return fact("barrier-axis-flux", axis=names[0])
    return fact(f"barrier-{barrier.kind}", axis=names[0], other=names[1] if len(names) > 1 else None)
