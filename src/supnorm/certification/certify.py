"""The verb: a bracket [lower, upper] of the worst error, with a proof that can be checked by others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Boxes
from supnorm.certification.bracket import Bracket, BracketNarrowed, Goal, Strategy, narrow, settle
from supnorm.certification.certificate import Certificate, load_bracket
from supnorm.certification.chebyshev_certificate import ChebyshevCertificate
from supnorm.certification.error_program import ErrorProgram, error_program
from supnorm.certification.linear_bounds import LinearBounds
from supnorm.certification.lower import proved_error, search
from supnorm.certification.rounding import ULPS, Array
from supnorm.problem import Problem
from supnorm.results import BadInput, Bound, ExitCode, Status, Witness, to_json

Observer = Callable[[BracketNarrowed], None]
ARITHMETIC = (
    f"float64 follows IEEE 754; library functions (tanh, exp, ...) are within {ULPS} units in the last place"
)


@dataclass(frozen=True)
class CertifyResult:
    """A bracket of the worst error.

    Attributes:
        lower: proved error at the witness: the worst error is at least this.
        upper: proved bound: it is at most this, for the same weights in exact arithmetic.
        upper_kind: "exact-arithmetic", "conditional" on the named assumptions, or "none".
        rounding: proved bound of how far float64 evaluation is from exact arithmetic.
        deployed_upper: upper + rounding, for a model known to run in float64; None for others.
        target: what was asked: ratio times lower, or the tolerance.
        proved_volume: fraction of the domain where the bound is at most the target.
        witness: the point of ``lower``; None when the error is zero.
        boxes: boxes of the proof; ``tried`` counts those that were split as well.
        seconds: time used.
        status: why it stopped, advice, exit code.
        certificate: the proof, to be saved and checked.
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
    names: tuple[str, ...]

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

    def to_json(self, path: str | None = None) -> dict[str, Any]:
        """Schema ``supnorm.certify/1``; ``path`` is where the certificate was saved."""
        witness = self.witness
        point = None
        if witness is not None:
            point = {
                "x": dict(zip(self.names, witness.x.tolist(), strict=True)), "model": witness.model,
                "reference": witness.reference, "error": witness.error, "output": witness.output,
            }  # fmt: skip
        return to_json({  # type: ignore[no-any-return]
            "schema": "supnorm.certify/1",
            "status": {"code": self.status.code, "advice": self.status.advice},
            "sup": {"lower": self.lower, "upper": self.upper if math.isfinite(self.upper) else "inf",
                    "upper_kind": self.upper_kind, "deployed_upper": self.deployed_upper},
            "ratio": self.ratio, "target": self.target, "rounding": self.rounding,
            "proved_volume": self.proved_volume, "witness": point, "boxes": self.boxes, "tried": self.tried,
            "seconds": self.seconds, "certificate": path, "assumptions": list(self.assumptions),
            "versions": self.certificate.versions,
        })  # fmt: skip


def certify(
    problem: Problem,
    ratio: float | None = None,
    tolerance: float | None = None,
    *,
    seconds: float | None = None,
    boxes: int = 1_000_000,
    strategy: Strategy | None = None,
    executor: Executor | None = None,
    observer: Observer | None = None,
    witness: Array | None = None,
    resume: Path | str | None = None,
    seed: int = 0,
) -> CertifyResult:
    """Prove a bracket of the worst error of a model against a reference.

    Args:
        problem: model and reference must have straight-line programs: ONNX, JAX code, or ``program`` set.
        ratio: stop at upper <= ratio * lower; 1.1 when neither ratio nor tolerance is given.
        tolerance: stop at upper <= tolerance, or at a witness above it.
        seconds: budget; the best bracket so far is returned.
        boxes: budget in boxes tried.
        strategy: how boxes are bounded; by default `LinearBounds` where the network has kinks, else
            `ChebyshevCertificate`.
        executor: runs batches of boxes in parallel (``concurrent.futures``).
        observer: gets a `BracketNarrowed` after each batch.
        witness: points known to have large errors, shape ``(k, d)``, for example an audit's.
        resume: a saved certificate of the same problem; its proved boxes are kept.
        seed: of the screen for the witness.

    Raises:
        BadInput: naming the operation that stands in the way, or the argument that cannot be used.

    >>> import jax.numpy as jnp
    >>> from supnorm.problem import Domain
    >>> problem = Problem(lambda x: x[:, 0] ** 3, lambda x: jnp.sin(x[:, 0]), Domain(x=(0.0, 1.0)))
    >>> result = certify(problem, ratio=1.01)
    >>> f"{result.lower:.4f}", result.ratio < 1.01, result.status.code
    ('0.3567', True, 'proved')
    """
    start = time.monotonic()
    goal = _goal(ratio, tolerance)
    error = error_program(problem)
    method = strategy or _choose(error)
    bracket = Bracket(error, pending=Boxes.root(error.d))
    if resume is not None:
        previous = load_bracket(resume, error, math.inf)
        bracket = load_bracket(resume, error, goal.target(previous.lower))

    def found(t: Array) -> None:
        bracket.raise_lower(np.clip(error.to_x(t), *_ends(problem)), _admits(problem, error), proved_error)

    if witness is not None:
        given = np.atleast_2d(np.asarray(witness, dtype=float))
        bracket.raise_lower(given, _admits(problem, error), proved_error)
    found(search(error, np.random.default_rng(seed), lambda t: _admits(problem, error)(error.to_x(t))))
    left = None if seconds is None else 0.8 * (seconds - (time.monotonic() - start))
    end = narrow(bracket, method, goal, found, left, boxes, executor, observer or (lambda event: None))
    polynomials = isinstance(method, ChebyshevCertificate)
    hurry = end == "seconds" and polynomials and _too_slow(bracket, seconds or 0.0, time.monotonic() - start)
    settle(bracket, LinearBounds() if hurry else method, executor)
    return _result(problem, bracket, goal, end, time.monotonic() - start)


def _choose(error: ErrorProgram) -> Strategy:
    """Linear bounds where a layer of at least four kinks may cross the boxes; else polynomials."""
    kinks = [
        n for p in error.alternatives for n in p.nodes if n.op in ("relu", "leaky_relu") and n.width >= 4
    ]
    return LinearBounds() if kinks else ChebyshevCertificate()


def _too_slow(bracket: Bracket, seconds: float, spent: float) -> bool:
    """Whether bounding the pending boxes once more at the pace so far would overrun the budget."""
    return len(bracket.pending) * spent > max(seconds - spent, 0.0) * bracket.tried


def _goal(ratio: float | None, tolerance: float | None) -> Goal:
    if ratio is not None and tolerance is not None:
        raise BadInput("give ratio or tolerance, not both")
    if ratio is not None and not 1.0 < ratio < math.inf:
        raise BadInput(f"ratio must be above 1, such as 1.1, got {ratio}")
    if tolerance is not None and not 0.0 < tolerance < math.inf:
        raise BadInput(f"tolerance must be positive and finite, got {tolerance}")
    return Goal(1.1 if ratio is None and tolerance is None else ratio, tolerance)


def _ends(problem: Problem) -> tuple[Array, Array]:
    axes = problem.domain.axes
    return np.array([a.low for a in axes]), np.array([a.high for a in axes])


def _admits(problem: Problem, error: ErrorProgram) -> Callable[[Array], NDArray[np.bool_]]:
    """Which points of the box are in the domain and count."""

    def admit(x: Array) -> NDArray[np.bool_]:
        good = problem.domain.contains(x)
        for i, axis in enumerate(problem.domain.axes):
            if axis.values is not None:
                good = good & np.isin(x[:, i], axis.values)
        if problem.error.mask is not None and good.any():
            good[good] = problem.error.counts(x[good], error.reference.value(x[good]))
        return good

    return admit


def _result(problem: Problem, bracket: Bracket, goal: Goal, end: str, seconds: float) -> CertifyResult:
    target = goal.target(bracket.lower)
    upper, lower = bracket.upper, bracket.lower
    end = "proved" if upper <= target else end  # the last round may have finished what time cut short
    rounding = max((float(p.rounding.max()) for _, p in bracket.done if len(p.rounding)), default=0.0)
    deployed = problem.model.program is not None and problem.model.precision == "float64"
    notes = bracket.error.notes
    kind = "conditional" if any("softplus" in note for note in notes) else "exact-arithmetic"
    kind = kind if math.isfinite(upper) else "none"
    assumptions = (ARITHMETIC, *notes)
    if not deployed:
        assumptions = (*assumptions, "the bound is for exact arithmetic, without the model's own rounding")
    certificate = Certificate.of(bracket, problem.domain, assumptions, _versions())
    return CertifyResult(
        lower, upper, kind, rounding, upper + rounding if deployed else None, target,
        bracket.proved_volume(target), _witness(problem, bracket),
        len(certificate.boxes), bracket.tried, seconds, _status(problem, goal, lower, upper, end),
        assumptions, certificate, problem.domain.names,
    )  # fmt: skip


def _witness(problem: Problem, bracket: Bracket) -> Witness | None:
    if bracket.witness is None:
        return None
    x = bracket.witness[None]
    model, reference = bracket.error.model.value(x), bracket.error.reference.value(x)
    size, output = problem.error(model, reference, x)
    return Witness(x[0], model[0], reference[0], float(size[0]), int(output[0]))


def _status(problem: Problem, goal: Goal, lower: float, upper: float, end: str) -> Status:
    limit = goal.tolerance if goal.tolerance is not None else problem.error.limit
    if limit is not None and lower > limit:
        return Status("tolerance-exceeded", f"The witness has an error of {lower:.4g}, above {limit:g}.",
                      ExitCode.EXCEEDED)  # fmt: skip
    if limit is not None and upper <= limit:
        return Status("within-tolerance", f"Proved: nowhere above {upper:.4g}, within {limit:g}.")
    if end == "interrupted":
        return Status("interrupted", "Stopped by you; save the certificate and resume from it.",
                      ExitCode.INTERRUPTED)  # fmt: skip
    if end == "proved" and limit is None:
        return Status("proved", f"Proved: the worst error is between {lower:.4g} and {upper:.4g}.")
    advice = {
        "proved": f"The bracket is as narrow as asked but {limit} lies inside; give a smaller ratio.",
        "rounding": "Float64 rounding is as large as the gap that is left; the bracket cannot be narrowed.",
        "seconds": "The time is spent; give more seconds, more workers, or a larger ratio, or resume.",
        "boxes": "The budget of boxes is spent; give more boxes or a larger ratio, or resume.",
    }.get(end, "Not decided.")
    return Status("undecided", advice, ExitCode.UNDECIDED)


def _versions() -> dict[str, str]:
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        own = version("supnorm")
    except PackageNotFoundError:
        own = "unknown"
    return {"supnorm": own, "numpy": np.__version__, "python": platform.python_version()}
