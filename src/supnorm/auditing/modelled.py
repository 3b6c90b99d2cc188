"""Cheap problems in place of an expensive one: processes of its reference, or of its error, that can be searched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from supnorm.auditing.surrogate import GaussianProcess
from supnorm.problem import ErrorMeasure, Function, Problem

Array = NDArray[np.float64]


def believed(u: Array, y: Array, waiting: Array, process: GaussianProcess | None = None) -> GaussianProcess:
    """A process of values ``y`` at ``u`` that believes its own prediction at the points in flight."""
    process = process or GaussianProcess.fit(u, y)
    if not len(waiting):
        return process
    both = np.concatenate([u, waiting]), np.concatenate([y, process.predict(waiting)])
    return GaussianProcess.fit(*both, process.scale)


def reference_problem(problem: Problem, process: GaussianProcess, bonus: float) -> Problem:
    """The audited problem with the process in place of the reference."""
    domain = problem.domain

    def value(x: Array) -> Array:
        return process.predict(domain.to_unit(x))

    def vjp(x: Array) -> tuple[Array, Callable[[Array], Array]]:
        u = domain.to_unit(x)
        slope = domain.slope(x)
        safe = np.where(slope != 0, slope, np.inf)
        return process.predict(u), lambda w: process.pull(u, w) / safe

    reference = Function(value, vjp=vjp, name="Gaussian process of the reference")
    error = replace(problem.error, mask=problem.error.mask if _one_argument(problem.error) else None)
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
        unit = spread / error.divisor(reference).clip(1e-300) if error.kind == "relative" else spread
        deviation = process.deviation(problem.domain.to_unit(x))[:, None] * unit
        raised: Array = np.nan_to_num(error.in_units(model, reference, x)) + bonus * deviation
        return raised

    return ErrorMeasure("function", function=optimistic, mask=error.mask)


def error_problem(problem: Problem, process: GaussianProcess) -> Problem:
    """The error itself as a process: mean plus one deviation, against zero."""
    domain = problem.domain

    def value(x: Array) -> Array:
        u = domain.to_unit(x)
        high: Array = np.abs(process.predict(u)) + process.deviation(u)[:, None] * process.spread
        return high

    zero = Function(lambda x: np.zeros((len(x), len(process.spread))))
    return Problem(Function(value), zero, domain)


def _one_argument(error: ErrorMeasure) -> bool:
    import inspect

    return error.mask is not None and len(inspect.signature(error.mask).parameters) == 1
