"""Opens ``[equation]`` of a problem file: the differential equation that the model solves."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, equations
from supnorm.problem.code_texts import is_code
from supnorm.problem.equations import Equation
from supnorm.problem.specification import EquationSpec, SideSpec, SourceSpec
from supnorm.results import BadInput
from supnorm.sources.python import open_python

Array = NDArray[np.float64]


def open_equation(
    spec: EquationSpec, root: Path, names: tuple[str, ...], probe: Array, where: str
) -> Equation:
    """The equation that the table describes.

    Args:
        spec: the table.
        root: the folder that relative paths start from.
        names: names of the axes.
        probe: points ``(k, d)`` of the domain, by which it is found out what a formula takes.
        where: file and table, for messages.

    Raises:
        BadInput: for a key that the kind does not have or that it needs, a time axis that does not exist, or code that
            cannot be opened.
    """
    given = spec.model_dump(exclude_none=True)
    kind, chosen = given.pop("kind"), given.pop("approximation", None)
    make: Callable[..., Equation] = getattr(equations, kind)
    taken = inspect.signature(make).parameters
    unknown = [key for key in given if key not in taken]
    if unknown:
        raise BadInput(f"{where} {unknown[0]}: {kind} has no {unknown[0]}; it takes {', '.join(taken)}")
    needed = [key for key, one in taken.items() if one.default is one.empty and key not in given]
    if needed:
        raise BadInput(f"{where} {needed[0]} is missing; {kind} takes {', '.join(taken)}")
    time = given.get("time", None if "time" not in taken else taken["time"].default)
    if time is not None and time not in names:
        raise BadInput(
            f'{where} time: [domain] has no axis "{time}", only {", ".join(names)}; name the axis of time by time = ".."'
        )

    def opened(value: Any, key: str) -> Any:
        if isinstance(value, list):
            return [opened(one, key) for one in value]
        if isinstance(value, Mapping):
            return {name: opened(one, f"{key}.{name}") for name, one in value.items()}
        return _formula(value, root, probe, f"{where} {key}") if is_code(value) else value

    try:
        sides: dict[str, Any] = {
            axis: _sides(ends, axis, names, where, opened) for axis, ends in (spec.sides or {}).items()
        }
        values = {key: opened(value, key) for key, value in given.items() if key != "sides"}
        equation = make(**values, **({"sides": sides} if sides else {}))
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    approximation = opened(chosen, "approximation")
    if isinstance(approximation, str) and approximation != "model":
        raise BadInput(f'{where} approximation = "{approximation}": give "file.py:name", or "model"')
    return replace(equation, approximation=approximation, origin=spec.model_dump(exclude_defaults=True))


def _sides(
    ends: list[SideSpec | str] | str,
    axis: str,
    names: tuple[str, ...],
    where: str,
    opened: Callable[[Any, str], Any],
) -> Any:
    """The conditions at both ends of an axis.

    Raises:
        BadInput: for an axis that does not exist, or what is no condition.
    """
    if axis not in names:
        raise BadInput(f"{where} sides: [domain] has no axis {axis!r}, only {', '.join(names)}")
    if ends == equations.PERIODIC:
        return ends
    if isinstance(ends, str):
        ends = [ends]
    odd = [one for one in ends if isinstance(one, str) and one != "boundary"]
    if odd:
        raise BadInput(
            f'{where} sides.{axis}: {odd[0]!r} boundaries have no proved constant here; give "periodic", or a list of '
            '"boundary" (the value), { neumann = .. } or { robin = .., value = .. } for the low and the high end'
        )
    return [None if isinstance(one, str) else _side(one, axis, opened) for one in ends]


def _side(one: SideSpec, axis: str, opened: Callable[[Any, str], Any]) -> equations.Flux:
    if one.robin is None:
        return equations.Neumann(opened(one.neumann, f"sides.{axis} neumann"))
    return equations.Robin(one.robin, opened(one.value or 0.0, f"sides.{axis} value"))


def _formula(text: str, root: Path, probe: Array, where: str) -> Function:
    function = open_python(SourceSpec(python=text), root, probe, where)
    return replace(function, origin={"python": text})
