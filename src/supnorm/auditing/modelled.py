"""Cheap problems in place of an expensive one: processes of its reference, or of its error, that can be searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.surrogate import GaussianProcess
from supnorm.problem import Domain, ErrorMeasure, Function, Problem

Array = NDArray[np.float64]


def believed(u: Array, y: Array, waiting: Array, process: GaussianProcess | None = None) -> GaussianProcess:
    """A process of values ``y`` at ``u`` that believes its own prediction at the points in flight."""
    process = process or GaussianProcess.fit(u, y)
    if not len(waiting):
        return process
    both = np.concatenate([u, waiting]), np.concatenate([y, process.predict(waiting)])
    return GaussianProcess.fit(*both, process.scale)


def as_function(process: GaussianProcess, domain: Domain, of: str) -> Function:
    """The process as a function of the inputs, with derivatives; none along a list of values."""

    def value(x: Array) -> Array:
        return process.predict(domain.to_unit(x))

    def vjp(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        u, slope = domain.to_unit(x), domain.slope(x)
        safe = np.where(slope != 0, slope, np.inf)
        return process.predict(u), lambda w: process.pull(u, w) / safe

    return Function(value, vjp=vjp, name=f"Gaussian process of {of}")


def reference_problem(problem: Problem, process: GaussianProcess, bonus: float) -> Problem:
    """The audited problem with the process in place of the reference."""
    domain = problem.domain
    reference = as_function(process, domain, "the reference")
    error = replace(problem.error, mask=_mask(problem.error))
    if bonus:
        return Problem(problem.model, reference, domain, _with_deviation(error, process, problem, bonus))
    if not error.per_output:  # one tolerance only says what is compared with it; several weigh the outputs
        error = replace(error, tolerance=None)
    return Problem(problem.model, reference, domain, error)


def _with_deviation(
    error: ErrorMeasure, process: GaussianProcess, problem: Problem, bonus: float
) -> ErrorMeasure:
    spread = process.spread / error.weights(len(process.spread))

    def optimistic(model: Array, reference: Array, x: Array) -> Array:
        unit = spread / error.divisor(reference).clip(1e-300) if error.kind in ("relative", "ulp") else spread
        deviation = process.deviation(problem.domain.to_unit(x))[:, None] * unit
        raised: Array = np.nan_to_num(error.in_units(model, reference, x)) + bonus * deviation
        return raised

    return ErrorMeasure("function", function=optimistic, mask=error.mask)


def signed_errors(error: ErrorMeasure, model: Array, reference: Array, x: Array) -> Array:
    """Errors of each output in the unit that is searched for, smooth where they pass zero; shape ``(n, m)``.

    Positive where they count; of an error of both sides, where the model is above. A user's own has no sign.
    """
    if error.function is not None:
        return error.in_units(model, reference, x)
    with np.errstate(invalid="ignore"):
        side = np.sign(model - reference) * (-1.0 if error.side == "under" else 1.0)
        return np.asarray(side * replace(error, side="both").in_units(model, reference, x))


def error_problem(problem: Problem, process: GaussianProcess) -> Problem:
    """The error itself as a process (of `signed_errors`): mean plus one deviation, against zero."""
    domain = problem.domain
    signed = problem.error.side == "both" and problem.error.function is None

    def value(x: Array) -> Array:
        u = domain.to_unit(x)
        mean = process.predict(u)
        high = (np.abs(mean) if signed else mean) + process.deviation(u)[:, None] * process.spread
        return np.maximum(high, 0.0)

    zero = Function(lambda x: np.zeros((len(x), len(process.spread))))
    return Problem(Function(value), zero, domain, ErrorMeasure(mask=_mask(problem.error)))


def _mask(error: ErrorMeasure) -> Callable[..., Any] | None:
    """The mask where it asks for the inputs only: the process knows no reference to ask for."""
    return None if error.masks_by_reference else error.mask
