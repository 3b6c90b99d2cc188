"""The result of `certify`: the bracket, its assumptions, and why the work ended."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.bracket import Bracket, Goal
from supnorm.certification.certificate import Certificate
from supnorm.certification.deployed import deployed_in_single
from supnorm.certification.deployed_record import claimed_in_single, deployed_record
from supnorm.certification.error_program import ErrorProgram
from supnorm.certification.executions import runs
from supnorm.certification.measured import BEYOND, NOTHING_SEEN, Agreement
from supnorm.certification.provable import rounding_is_known
from supnorm.certification.record_parts import about, disagreement, measured_words, point_record
from supnorm.certification.rounding import ULPS
from supnorm.certification.statement import Statement
from supnorm.certification.verdict import Ended, status_of, unit_of
from supnorm.problem import ErrorMeasure, Problem, fingerprint
from supnorm.results import (
    Bound,
    Contradiction,
    ExitCode,
    Status,
    Witness,
    rounded_down,
    rounded_up,
    versions,
)
from supnorm.results.certify import BracketRecord, CertifyRecord
from supnorm.results.numbers import exact, literal
from supnorm.results.record import Recorded
from supnorm.wording import Fact, fact
from supnorm.wording.certify import CERTIFY


@dataclass(frozen=True, kw_only=True, eq=False)
class CertifyResult(Recorded):
    """A bracket of the worst error: its record, and the proof behind it.

    Attributes:
        record: the result as plain data (`supnorm.results.certify`), as ``supnorm certify --json`` writes it.
        certificate: the proof, to be saved and checked; a statement of several parts where the reference is a root.
        agreement: the measured difference between model and reference as they run and their programs.
        witness: the point of `lower`; None when the error is zero.
        unit: unit of the error; empty if it has none or is a multiple of the tolerances.
        per_output: whether errors are multiples of the tolerances of the outputs.
        fingerprint: fingerprint of the problem.
        measure: how the error of the problem is measured; None where that is not known.
        locals: the parts of a statement whose boxes bound the error; empty where ``certificate`` has no parts.
        off: how far the error may be from that of the programs of ``locals``.
        runs: whether each box has a bound of the rounding of the model as it runs, infinite where none is known.
    """

    record: CertifyRecord
    certificate: Certificate | Statement
    agreement: Agreement = NOTHING_SEEN
    witness: Witness | None = None
    unit: str = ""
    per_output: bool = False
    fingerprint: str = ""
    measure: ErrorMeasure | None = None
    locals: tuple[Certificate, ...] = ()
    off: float = 0.0
    runs: bool = False

    def __post_init__(self) -> None:
        if not self.lower <= self.upper:
            raise Contradiction(
                f"a lower bound of {exact(self.lower)} is above the upper bound {exact(self.upper)}"
            )

    def __repr__(self) -> str:
        """One line; the certificate has thousands."""
        lower, upper = rounded_down(self.lower, 4), rounded_up(self.upper, 4)
        beyond = self.agreement.hidden + self.agreement.lower_precision
        seen = f", agreement={literal(rounded_up(beyond, 2), 2)}" if beyond else ""
        return (
            f"CertifyResult({self.status.code!r}, lower={literal(lower, 4)}, upper={literal(upper, 4)}, "
            f"upper_kind={self.upper_kind!r}{seen})"
        )

    @property
    def by_box(self) -> tuple[Certificate, ...]:
        """The proofs whose boxes bound the error: one, or several on parts of the domain that cover it."""
        return (self.certificate,) if isinstance(self.certificate, Certificate) else self.locals

    @property
    def status(self) -> Status:
        """Why the work stopped, advice, and the exit code."""
        return self.record.status

    @property
    def lower(self) -> float:
        """The worst error is at least this."""
        return self.record.sup.lower

    @property
    def upper(self) -> float:
        """The worst error is at most this, if the `assumptions` hold."""
        return self.record.sup.upper

    @property
    def upper_kind(self) -> str:
        """``"exact-arithmetic"``, ``"conditional"`` on the named assumptions, or ``"none"``."""
        return self.record.sup.upper_kind

    @property
    def deployed_upper(self) -> float | None:
        """`upper` with the model's own rounding, where that is known."""
        return self.record.sup.deployed_upper

    @property
    def ratio(self) -> float:
        """upper / lower; infinite when lower is zero and upper is not."""
        return self.record.ratio

    def save(self, path: Path | str) -> None:
        """Write the proof as a file for `check`; it appears whole or not at all."""
        self.certificate.save(path)

    @property
    def target(self) -> float:
        """The bound that was asked for: ratio times lower, or the tolerance."""
        return self.record.target

    @property
    def rounding(self) -> float:
        """Proved bound of how much float64 evaluation can add to `upper`."""
        return self.record.rounding

    @property
    def proved_volume(self) -> float:
        """Fraction of the domain where the bound is at most the target."""
        return self.record.proved_volume

    @property
    def boxes(self) -> int:
        """Boxes of the proof."""
        return self.record.boxes

    @property
    def tried(self) -> int:
        """Boxes of the proof, plus the boxes that were split."""
        return self.record.tried

    @property
    def believed(self) -> int:
        """Bounds that were taken from a file and not proved again."""
        return self.record.believed

    @property
    def seconds(self) -> float:
        """Time used."""
        return self.record.seconds

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The assumptions of the upper bound, in words."""
        return self.record.assumptions

    @property
    def bound(self) -> Bound:
        """The upper bound with its assumptions."""
        return Bound(self.upper, self.upper_kind, self.assumptions)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The bracket that is claimed for the functions as they run.

    Attributes:
        lower, upper: the bracket.
        witness: the point of ``lower``.
        widened: whether ``upper`` is above the proved bound, because the running functions differ from their programs.
    """

    lower: float
    upper: float
    witness: Witness | None
    widened: bool


def result_of(
    problem: Problem,
    bracket: Bracket,
    goal: Goal,
    end: str,
    seconds: float,
    obstacle: Fact | None = None,
    seen: Agreement = NOTHING_SEEN,
) -> CertifyResult:
    """The result for a problem, from the bracket and the reason why the work ended.

    Args:
        problem, bracket, goal: the problem, the proved bracket, and what was asked for.
        end: a word that `narrow` returns, or "infinite" where the error itself has no finite value.
        seconds: time used.
        obstacle: what prevents an upper bound, if there is none.
        seen: the measured agreement of the functions as they run with their programs.

    Raises:
        BadInput: when the functions differ from their programs by more than the bound that was proved.
    """
    bracket.demand_consistent()
    target, proved = goal.target(bracket.lower), bracket.upper
    if proved <= target < math.inf:  # the work after the limit of time may have reached the target
        end = "proved"
    certificate = certificate_of(problem, bracket)
    if math.isfinite(proved):
        certificate = replace(certificate, deployed=deployed_in_single(problem, bracket.error))
    claim = _claim(problem, bracket, goal, seen)
    believed, boxes = bracket.believed, len(certificate.leaves)
    conditional = _conditional(bracket.error) or claim.widened or believed > 0
    stated = fact("stated-bounds", believed=believed, boxes=boxes)
    ended = Ended(
        problem=problem,
        goal=goal,
        lower=claim.lower,
        upper=claim.upper,
        end=end,
        conditional=conditional,
        obstacle=obstacle,
        seen=seen,
        beyond_float64=certificate.rounding
        if any(part.proof.bits.any() for part in certificate.leaves.parts())
        else None,
    )
    status = status_of(ended)
    if believed and status.code in ("within-tolerance", "proved"):  # no verdict rests on what a file states
        advice = CERTIFY.text(fact("no-verdict", stated=(stated,)))
        status = Status("undecided", advice, ExitCode.UNDECIDED)
    if seen.hidden > proved and status.code in ("proved", "undecided", "interrupted"):
        raise disagreement(seen, proved, problem.domain.names)
    rounding = certificate.rounding
    deployed = _deployed(problem, bracket.error)
    if seen.size > 2.0 * rounding or seen.worst > claim.upper + rounding:
        deployed = deployed and bool(bracket.error.declared)
    if seen.hidden:  # what runs does something that was not read, however small it was where it was seen
        deployed = False
    kind = "conditional" if conditional else "exact-arithmetic"
    lower, upper = claim.lower, claim.upper
    certificate, in_single = claimed_in_single(problem, certificate, seen)
    assumptions = (
        *assumptions_of(problem, bracket.error),
        *in_single,
        *measured_words(seen, problem.domain.names),
    )
    names, outputs = problem.domain.names, _outputs(problem, claim.witness)
    upper_as_run = upper + rounding if deployed else None
    if certificate.deployed is not None:
        upper_as_run = certificate.deployed_upper
    runs = upper_as_run is not None
    if upper_as_run == math.inf:
        upper_as_run = None
        if upper < math.inf:
            assumptions = (*assumptions, CERTIFY.text(fact("rounding-without-bound")))
    record = CertifyRecord(
        status=status,
        sup=BracketRecord(
            lower=lower,
            upper=upper,
            upper_kind=kind if math.isfinite(upper) else "none",
            deployed_upper=upper_as_run,
        ),
        deployed=deployed_record(certificate),
        agreement=seen.record(names, outputs),
        ratio=1.0 if upper == 0 else upper / lower if lower > 0 else math.inf,
        target=target,
        rounding=rounding,
        proved_volume=bracket.proved_volume(target),
        witness=None if claim.witness is None else point_record(claim.witness, names, outputs),
        boxes=boxes,
        tried=bracket.tried,
        believed=believed,
        seconds=seconds,
        certificate=None,
        assumptions=(*assumptions, *bracket.taken, *([CERTIFY.text(stated)] if believed else ())),
        versions=certificate.versions,
    )
    return CertifyResult(
        record=record,
        certificate=certificate,
        agreement=seen,
        witness=claim.witness,
        unit=unit_of(problem),
        per_output=problem.error.per_output,
        fingerprint=fingerprint(problem),
        measure=problem.error,
        runs=runs,
    )


def _claim(problem: Problem, bracket: Bracket, goal: Goal, seen: Agreement) -> Claim:
    """The bracket of the programs, widened if the functions as they run were seen to differ from them."""
    limit = goal.tolerance if goal.tolerance is not None else problem.error.limit
    proved, lower = bracket.upper, bracket.lower
    # The functions exceed the tolerance, the programs do not.
    by_run = limit is not None and lower <= limit < seen.worst
    widened = seen.hidden > 0 or (by_run and seen.worst > proved)
    upper = max(proved + BEYOND * seen.size, seen.worst) if widened else proved
    witness = _witness(problem, bracket)
    if (seen.hidden or by_run) and seen.worst_x is not None:
        lower, witness = seen.worst, _as_it_runs(problem, np.array(seen.worst_x))
    return Claim(lower=lower, upper=upper, witness=witness, widened=widened)


def _conditional(error: ErrorProgram) -> bool:
    """Whether a bound assumes declarations, or a softplus that differs from the code's in the last digits."""
    return bool(error.declared) or any("softplus" in note for note in error.notes)


def _outputs(problem: Problem, witness: Witness | None) -> tuple[str, ...]:
    return problem.output_names(1 if witness is None else len(np.atleast_1d(witness.reference)))


def _deployed(problem: Problem, error: ErrorProgram) -> bool:
    """Whether the bound holds for the model as it runs, once its rounding is added."""
    return "model" in [part.which for part in error.declared] or rounding_is_known(problem.model)


def certificate_of(problem: Problem, bracket: Bracket) -> Certificate:
    """The certificate of what is proved so far."""
    assumptions = assumptions_of(problem, bracket.error)
    return Certificate.of(bracket, problem.domain, assumptions, versions(), about(problem))


def assumptions_of(problem: Problem, error: ErrorProgram) -> tuple[str, ...]:
    """The assumptions of a bound, in words. They come from the problem, never from a file."""
    given = (*error.assumptions, CERTIFY.text(fact("arithmetic", units=ULPS)), *error.notes)
    return given if _deployed(problem, error) else (*given, CERTIFY.text(fact("exact-arithmetic")))


def _witness(problem: Problem, bracket: Bracket) -> Witness | None:
    if bracket.witness is None:
        return None
    x = bracket.witness[None]
    model, reference = bracket.error.model(x), bracket.error.reference(x)
    size, output = problem.error(model, reference, x)
    error = float(size[0])
    if not bracket.lower <= error <= bracket.upper:  # float64 does not see an error so small
        error = bracket.lower
    return Witness(x[0], model[0], reference[0], error, int(output[0]))


def _as_it_runs(problem: Problem, x: NDArray[np.float64]) -> Witness:
    """The values and the error of both functions as they run, at a point."""
    model, reference = runs(problem.model, x[None], "model"), runs(problem.reference, x[None], "reference")
    size, output = problem.error(model, reference, x[None])
    return Witness(x, model[0], reference[0], float(size[0]), int(output[0]))
