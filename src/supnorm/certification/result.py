"""The answer of `certify`: the bracket, what it rests on, and why the work ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.agreement import runs
from supnorm.certification.bracket import Bracket, Goal
from supnorm.certification.certificate import Certificate
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.measured import BEYOND, NOTHING_SEEN, Agreement
from supnorm.certification.rounding import ULPS
from supnorm.problem import ErrorMeasure, Problem, fingerprint
from supnorm.results import (
    BadInput,
    Bound,
    Contradiction,
    ExitCode,
    Status,
    Witness,
    rounded_down,
    rounded_up,
    versions,
)

if TYPE_CHECKING:
    from supnorm.results.certify import CertifyRecord
    from supnorm.results.parts import PointRecord

EXACT = "the bound is for exact arithmetic, without the model's own rounding"
ARITHMETIC = (
    f"float64 follows IEEE 754; library functions (tanh, exp, ...) are within {ULPS} units in the last place"
)


@dataclass(frozen=True)
class CertifyResult:
    """A bracket of the worst error.

    Attributes:
        lower: proved error at the witness: the worst error is at least this. Where functions in float64 run otherwise
            than was read, or only what runs exceeds the tolerance, the largest error of both as they run.
        upper: proved bound: it is at most this, for the same weights in exact arithmetic; with what `agreement` adds to
            it where functions in float64 run otherwise than was read.
        upper_kind: "exact-arithmetic", "conditional" on the named assumptions, or "none".
        rounding: proved bound of how much float64 evaluation can add to ``upper``.
        deployed_upper: upper + rounding, for a model known to run in float64; None for others, and where `agreement`
            shows more than rounding.
        agreement: how far model and reference as they run were seen to be from what was read of them.
        unit: of the error; empty where it has none, or is a multiple of the tolerances.
        target: what was asked: ratio times lower, or the tolerance.
        proved_volume: fraction of the domain where the bound is at most the target.
        witness: the point of ``lower``; None when the error is zero.
        boxes: boxes of the proof; ``tried`` counts those that were split as well, ``believed`` those whose bound was
            taken from a file, unchecked.
        seconds: time used.
        status: why it stopped, advice, exit code.
        certificate: the proof, to be saved and checked.
        fingerprint: of the problem.
    """

    lower: float
    upper: float
    upper_kind: str
    rounding: float
    deployed_upper: float | None
    target: float
    proved_volume: float
    witness: Witness | None
    boxes: int
    tried: int
    seconds: float
    status: Status
    assumptions: tuple[str, ...]
    certificate: Certificate
    names: tuple[str, ...]  # of the inputs
    outputs: tuple[str, ...]
    agreement: Agreement = NOTHING_SEEN
    believed: int = 0
    unit: str = ""
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise Contradiction(
                f"a lower bound of {self.lower:.17g} is above the upper bound {self.upper:.17g}"
            )

    def __repr__(self) -> str:
        """One line; the certificate has thousands."""
        lower, upper = rounded_down(self.lower, 4), rounded_up(self.upper, 4)
        return (
            f"CertifyResult({self.status.code!r}, lower={lower:.4g}, upper={upper:.4g}, "
            f"upper_kind={self.upper_kind!r}{self._apart()})"
        )

    def _apart(self) -> str:
        beyond = self.agreement.hidden + self.agreement.lower_precision
        return f", agreement={rounded_up(beyond, 2):.2g}" if beyond else ""

    @property
    def ratio(self) -> float:
        """upper / lower; infinite when lower is zero and upper is not."""
        if self.upper == 0:
            return 1.0
        return self.upper / self.lower if self.lower > 0 else math.inf

    @property
    def bound(self) -> Bound:
        """The upper bound with what it rests on."""
        return Bound(self.upper, self.upper_kind, self.assumptions)

    def record(self, path: str | None = None) -> CertifyRecord:
        """All of it that is data; ``path`` is where the certificate was saved."""
        from supnorm.results.certify import BracketRecord, CertifyRecord

        return CertifyRecord(
            status=self.status,
            sup=BracketRecord(
                lower=self.lower,
                upper=self.upper if math.isfinite(self.upper) else math.inf,
                upper_kind=self.upper_kind,
                deployed_upper=self.deployed_upper,
            ),
            agreement=self.agreement.record(self.names, self.outputs),
            ratio=self.ratio,
            target=self.target,
            rounding=self.rounding,
            proved_volume=self.proved_volume,
            witness=self._point(),
            boxes=self.boxes,
            tried=self.tried,
            believed=self.believed,
            seconds=self.seconds,
            certificate=path,
            assumptions=self.assumptions,
            versions=self.certificate.versions,
        )

    def _point(self) -> PointRecord | None:
        from supnorm.results.parts import PointRecord

        if (witness := self.witness) is None:
            return None
        return PointRecord(
            x=dict(zip(self.names, witness.x.tolist(), strict=True)),
            model=witness.model.tolist(),
            reference=witness.reference.tolist(),
            error=witness.error,
            output=self.outputs[witness.output],
        )


def result_of(
    problem: Problem, bracket: Bracket, goal: Goal, end: str, seconds: float, obstacle: str | None = None,
    seen: Agreement = NOTHING_SEEN,
) -> CertifyResult:  # fmt: skip
    """What a bracket says about a problem, and why the work ended.

    Args:
        problem, bracket, goal: what was asked, and what is proved.
        end: a word of `narrow`, or "infinite" where the error itself has no finite value.
        seconds: time used.
        obstacle: what stands in the way of an upper bound, where there is none.
        seen: how far functions as they run are from what was read.

    Raises:
        BadInput: where that is more than all that was proved.
    """
    bracket.demand_consistent()
    target = goal.target(bracket.lower)
    proved, lower = bracket.upper, bracket.lower
    limit = goal.tolerance if goal.tolerance is not None else problem.error.limit
    by_run = limit is not None and lower <= limit < seen.worst  # only what runs exceeds the tolerance
    widened = seen.hidden > 0 or (by_run and seen.worst > proved)
    upper = max(proved + BEYOND * seen.size, seen.worst) if widened else proved
    end = (
        "proved" if proved <= target < math.inf else end
    )  # the last round may have finished what time cut short
    rounding = float(bracket.leaves.proof.rounding.max())
    error = bracket.error
    black = [part.which for part in error.declared]
    deployed = _deployed(problem, error)
    conditional = bool(black) or any("softplus" in note for note in error.notes) or widened
    kind = "conditional" if conditional else "exact-arithmetic"
    kind = kind if math.isfinite(upper) else "none"
    assumptions = assumptions_of(problem, error)
    certificate = certificate_of(problem, bracket)
    witness = _witness(problem, bracket)
    if (seen.hidden or by_run) and seen.worst_x is not None:
        lower, witness = seen.worst, _as_it_runs(problem, np.array(seen.worst_x))
    outputs = problem.output_names(1 if witness is None else len(np.atleast_1d(witness.reference)))
    believed = int(np.isin(certificate.boxes.upper, bracket.believed).sum())
    from_file = f"{believed:,} of {len(certificate.boxes):,} bounds were taken from the file, unchecked"
    status = _status(problem, goal, lower, upper, end, conditional, obstacle or "", seen)
    if believed and status.code in ("within-tolerance", "proved"):
        status = replace(status, advice=f"{status.advice} {from_file}: supnorm check proves them again.")
    if seen.hidden > proved and status.code in ("proved", "undecided", "interrupted"):
        raise disagreement(seen, proved)
    if seen.size > 2.0 * rounding or seen.worst > upper + rounding:
        deployed = deployed and bool(black)
    return CertifyResult(
        lower, upper, kind, rounding, upper + rounding if deployed else None, target,
        bracket.proved_volume(target), witness,
        len(certificate.boxes), bracket.tried, seconds, status,
        (*assumptions, *_measured(seen), *([from_file] if believed else ())), certificate, problem.domain.names, outputs,
        seen, believed, unit_of(problem), fingerprint(problem),
    )  # fmt: skip


def disagreement(seen: Agreement, proved: float) -> BadInput:
    """What to say when a function in float64 runs so differently from what was read that nothing is proved of it."""
    side = seen.largest(exact=True)
    return BadInput(
        f"the {side.side} gives {side.words()}: {side.beyond:.3g} more apart, in the unit of the error, than rounding "
        f"explains, and more than the bound {rounded_up(proved, 3):.3g} to be proved; what runs is not what was read (a "
        "cast to lower precision, a branch): repair it, or give a tolerance well above the difference"
    )


def _measured(seen: Agreement) -> list[str]:
    """What was measured and not proved, in words."""
    said = []
    if seen.hidden:
        side = seen.largest(exact=True)
        said.append(
            "measured, not proved: model and reference as they run differ by at most "
            f"{rounded_up(BEYOND * seen.size, 3):.3g} from what was read of them, twice the largest difference seen; "
            f"the {side.side} gives {side.words()}"
        )
    if seen.lower_precision:
        side = seen.largest(exact=False)
        said.append(
            f"the {side.side} as it runs was seen up to {rounded_up(side.beyond, 3):.3g} from exact arithmetic: it gives "
            f"{side.words()}"
        )
    return said


def unit_of(problem: Problem) -> str:
    """That of the outputs, where they share one and the error is a difference of theirs."""
    measure = problem.error
    if measure.kind != "absolute" or measure.per_output:
        return ""
    units = {u for f in (problem.model, problem.reference) if f is not None for u in f.output_units}
    return units.pop() if len(units) == 1 else ""


def _deployed(problem: Problem, error: ErrorProgram) -> bool:
    """Whether the bound can be carried to the model as it runs."""
    black = [part.which for part in error.declared]
    return "model" in black or (problem.model.program is not None and problem.model.precision == "float64")


def certificate_of(problem: Problem, bracket: Bracket) -> Certificate:
    """What is proved so far, as a file."""
    assumptions = assumptions_of(problem, bracket.error)
    return Certificate.of(bracket, problem.domain, assumptions, versions(), about(problem))


def assumptions_of(problem: Problem, error: ErrorProgram) -> tuple[str, ...]:
    """What a bound of the problem rests on, in words: the problem says it, whatever a file says."""
    given = (*error.assumptions, ARITHMETIC, *error.notes)
    exact = () if _deployed(problem, error) else (EXACT,)
    return (*given, *exact)


def about(problem: Problem) -> dict[str, str]:
    """What people read beside the proof: names of the functions, the error in words, and its unit."""
    names = {"model": problem.model.name, "reference": problem.reference.name}
    known = names | {"error_unit": unit_of(problem)}
    return {k: v for k, v in known.items() if v} | {"error": in_words(problem.error)}


def in_words(error: ErrorMeasure) -> str:
    """The measure in words.

    >>> in_words(ErrorMeasure("relative", floor=0.5))
    'relative, floor 0.5'
    """
    parts = [error.kind]
    parts += [f"{k} {v!r}" for k in ("floor", "scale") if (v := getattr(error, k)) is not None]
    return ", ".join(parts + ["in tolerances of the outputs"] * error.per_output)


def _witness(problem: Problem, bracket: Bracket) -> Witness | None:
    if bracket.witness is None:
        return None
    x = bracket.witness[None]
    model, reference = bracket.error.model(x), bracket.error.reference(x)
    size, output = problem.error(model, reference, x)
    return Witness(x[0], model[0], reference[0], float(size[0]), int(output[0]))


def _as_it_runs(problem: Problem, x: NDArray[np.float64]) -> Witness:
    """Both sides as they run, at a point."""
    model, reference = runs(problem.model, x[None], "model"), runs(problem.reference, x[None], "reference")
    size, output = problem.error(model, reference, x[None])
    return Witness(x, model[0], reference[0], float(size[0]), int(output[0]))


def _apart(lower: float, upper: float) -> tuple[str, str]:
    """Both ends in as few digits as tell them apart, rounded outwards.

    >>> _apart(0.001, 0.0010004999)
    ('0.001', '0.001001')
    """
    for digits in range(4, 17):
        ends = f"{rounded_down(lower, digits):.{digits}g}", f"{rounded_up(upper, digits):.{digits}g}"
        if ends[0] != ends[1]:
            break
    return ends


def _status(
    problem: Problem, goal: Goal, lower: float, upper: float, end: str, conditional: bool, obstacle: str,
    seen: Agreement = NOTHING_SEEN,
) -> Status:  # fmt: skip
    limit = goal.tolerance if goal.tolerance is not None else problem.error.limit
    unit = f" {own}" if (own := unit_of(problem)) else ""
    unit = " times the tolerance of its output" if isinstance(problem.error.tolerance, tuple) else unit
    if limit is not None and lower > limit:
        return Status("tolerance-exceeded", f"The witness has an error of {lower:.4g}{unit}, above {limit:g}.",
                      ExitCode.EXCEEDED)  # fmt: skip
    if limit is not None and seen.worst > limit:
        return Status("tolerance-exceeded", f"Model and reference as they run have an error of {seen.worst:.4g}{unit}"
                      f", above {limit:g}, at {list(seen.worst_x or ())}.", ExitCode.EXCEEDED)  # fmt: skip
    if end == "infinite":
        counts = limit is not None and obstacle.startswith("The model")
        return Status("tolerance-exceeded" if counts else "no-bound", obstacle,
                      ExitCode.EXCEEDED if counts else ExitCode.UNDECIDED)  # fmt: skip
    how = "Proved on the declared assumptions" if conditional else "Proved"
    if seen.hidden:
        how = "Proved of what was read, and measured that it runs so"
    run = ""
    if seen.lower_precision:
        run = (
            f" In exact arithmetic: the {seen.largest(exact=False).side} as it runs was seen up to "
            f"{rounded_up(seen.lower_precision, 2):.2g} from it."
        )
    needed = upper + BEYOND * seen.lower_precision
    if limit is not None and needed <= limit:
        said = f"{how}: nowhere above {rounded_up(upper, 4):.4g}{unit}, within {limit:g}.{run}"
        if goal.ratio is not None and end in _WHY and upper > goal.target(lower):  # the ratio that was asked
            said = f"{said} The ratio {goal.ratio:g} was not reached: {_WHY[end][0].lower()}{_WHY[end][1:]}"
        return Status("within-tolerance", said)
    if end == "interrupted":
        return Status("interrupted", "Stopped by you; save the certificate and resume from it.",
                      ExitCode.INTERRUPTED)  # fmt: skip
    if end == "unbounded":
        return Status("no-bound", obstacle, ExitCode.UNDECIDED)
    apart = seen.hidden + seen.lower_precision
    if apart and (end == "agreement" or (limit is not None and upper - BEYOND * seen.size <= limit)):
        return Status("undecided", f"Of what was read no error above {limit:g}{unit} is known, but model and reference as "
                      f"they run were seen up to {rounded_up(apart, 3):.3g} from it, and twice that does not fit under the "
                      "tolerance.", ExitCode.UNDECIDED)  # fmt: skip
    if end == "proved" and limit is None and upper > goal.target(lower) and seen.hidden:
        return Status("undecided", f"The bracket of what was read is as narrow as asked, but model and reference as they "
                      f"run were seen {rounded_up(apart, 3):.3g} from it: together the worst error is between "
                      f"{lower:.4g} and {rounded_up(upper, 4):.4g}.", ExitCode.UNDECIDED)  # fmt: skip
    if end == "proved" and limit is None:
        low, high = _apart(lower, upper)
        return Status("proved", f"{how}: the worst error is between {low} and {high}{unit}.{run}")
    spent = end in ("seconds", "boxes") and goal.ratio is not None
    if lower == 0 and math.isfinite(upper) and (spent or end in ("rounding", "elsewhere")):
        more = f", or more {end}" if spent else ""
        return Status("undecided", "No point that counts was found to have an error beyond rounding, and no ratio can "
                      f"be reached from zero; it is nowhere above {rounded_up(upper, 4):.4g}{unit}: give a tolerance{more}.",
                      ExitCode.UNDECIDED)  # fmt: skip
    advice = _WHY.get(end, "Not decided.")
    if end == "proved":
        advice = f"The bracket is as narrow as asked but {limit} lies inside; give a smaller ratio."
    return Status("undecided", f"{advice} {obstacle}".rstrip(), ExitCode.UNDECIDED)


_WHY = {  # the words of `narrow`
    "rounding": "Float64 rounding is as large as the gap that is left; the bracket cannot be narrowed.",
    "elsewhere": "The upper bound is of the whole box, and points that do not count (mask, constraint, between discrete "
    "values) have errors nearly as large: shrink the domain to what counts.",
    "seconds": "The time is spent; give more seconds, more workers, or a larger ratio, or resume.",
    "boxes": "The budget of boxes is spent; give more boxes or a larger ratio, or resume.",
    "unbounded": "A box that cannot be halved further has no bound.",
    "interrupted": "You stopped it; resume.",
}
