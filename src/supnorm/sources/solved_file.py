"""Opens ``flow = "file.py:f"`` and ``integral = "file.py:f"`` of a problem file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.flow import dynamics_of, flow, of_dynamics
from supnorm.sources.integral import integral, integrand_of, of_integrand
from supnorm.sources.unused import with_unused_noted
from supnorm.sources.userfile import UserFunction


def open_flow(
    spec: SourceSpec, folder: Path, columns: list[int], names: Sequence[str], where: str
) -> Function:
    """The function that solves the initial value problem which the table names.

    Args:
        spec: the table of the problem file, with ``flow``, ``initial`` and perhaps ``time``, ``start``, ``components``.
        folder: the folder that relative paths start from.
        columns: the axis of each input: time, and the parameters in their order.
        names: of the axes.
        where: file and table, for messages.

    Raises:
        BadInput: when code cannot be loaded, or there is no such axis of time.
    """
    assert spec.flow is not None
    assert spec.initial is not None
    _demand_batches(spec, where, "f(t, y, p) of a flow takes whole batches, t (n,), y (n, k) and p (n, q)")
    if spec.time is not None and spec.time not in names:
        raise BadInput(f'{where} time = "{spec.time}": no axis has this name; there are {", ".join(names)}')
    f = UserFunction(spec.flow, folder, f"{where} flow")
    initial: Any = spec.initial
    if isinstance(initial, str):
        initial = UserFunction(initial, folder, f"{where} initial")
    time = 0 if spec.time is None else columns.index(names.index(spec.time))
    start = 0.0 if spec.start is None else float(spec.start)
    label = spec.name or spec.flow.rpartition(":")[2]
    try:
        solved = flow(f, initial, components=spec.components, time=time, start=start, name=label)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    dynamics = dynamics_of(solved)
    assert dynamics is not None
    return with_unused_noted(of_dynamics(dynamics.columns(columns)), spec, "a flow", where)


def open_integral(
    spec: SourceSpec, folder: Path, columns: list[int], names: Sequence[str], where: str
) -> Function:
    """The function that integrates what the table names: ``integral`` within ``limits``. Arguments as in `open_flow`.

    Raises:
        BadInput: when code cannot be loaded.
    """
    assert spec.integral is not None
    assert spec.limits is not None
    _demand_batches(spec, where, "f(x, s) of an integral takes whole batches, x (n, d) and s (n,)")
    f = UserFunction(spec.integral, folder, f"{where} integral")
    low, high = (UserFunction(v, folder, f"{where} limits") if isinstance(v, str) else v for v in spec.limits)
    try:
        solved = integral(f, low, high, name=spec.name or spec.integral.rpartition(":")[2])
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    integrand = integrand_of(solved)
    assert integrand is not None
    return with_unused_noted(of_integrand(integrand.columns(columns)), spec, "an integral", where)


def _demand_batches(spec: SourceSpec, where: str, why: str) -> None:
    if spec.per_point:
        raise BadInput(f"{where} per_point = true: {why}; leave it out")
