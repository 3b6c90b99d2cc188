"""The parts of a result that describe its problem: inputs, outputs, and how the error is measured."""

from __future__ import annotations

from supnorm.problem.domain import Domain
from supnorm.problem.problem import Problem
from supnorm.results.parts import AxisRecord, MeasureRecord


def axis_records(domain: Domain) -> tuple[AxisRecord, ...]:
    """The inputs."""
    return tuple(
        AxisRecord(name=name, low=a.low, high=a.high, unit=a.unit, scale=a.scale, values=a.values)
        for name, a in zip(domain.names, domain.axes, strict=True)
    )


def output_units(problem: Problem, m: int) -> tuple[str, ...]:
    """Units of the ``m`` outputs; empty where none is known."""
    for function in (problem.reference, problem.model):
        if function is not None and len(function.output_units) == m:
            return tuple(function.output_units)
    return ("",) * m


def measure_record(problem: Problem, m: int, joint: bool | None = None) -> MeasureRecord:
    """How the error of ``m`` outputs is measured; an absolute one has the unit that they share.

    >>> square = Domain(a=(0.0, 1.0))
    >>> measure_record(Problem(None, lambda x: x, square), 1).kind
    'absolute'
    """
    error, units = problem.error, set(output_units(problem, m))
    plain = error.kind == "absolute" and not error.per_output and len(units) == 1
    return MeasureRecord(
        kind=error.kind,
        side=error.side,
        floor=error.floor,
        scale=error.scale,
        unit=units.pop() if plain else "ulp" if error.kind == "ulp" and not error.per_output else "",
        per_output=error.per_output,
        failures=error.failures,
        precision=(error.precision or "float64") if error.kind == "ulp" else None,
        joint=joint,
    )
