"""From a problem file to a `Problem`: everything the file names is opened here, and nothing before."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Law, PartialFailure, Problem
from supnorm.problem.specification import ErrorSpec, ProblemSpec, SourceSpec, read_specification
from supnorm.results import BadInput
from supnorm.sources.ports import reordered
from supnorm.sources.python import open_python
from supnorm.sources.userfile import load_object

Array = NDArray[np.float64]
PROBES = 8  # points that find out what a source takes; their number is of no weight


def open_problem(path: Path | str, *, trust: bool = False) -> Problem:
    """Read a problem file and open what it names.

    Args:
        path: a ``problem.toml``; paths in it start from its folder.
        trust: allow model files that need full unpickling, which runs whatever code is in them.

    Raises:
        BadInput: one line with file, key, what was got and the remedy.
    """
    path = Path(path)
    spec = read_specification(path)
    root = path.parent
    domain = _domain(spec, root, path.name)
    probe = probe_points(domain)
    functions = {
        key: _opened(getattr(spec, key), root, domain.names, probe, trust, f"{path.name}: [{key}]")
        for key in ("model", "reference", "recheck")
    }
    return Problem(
        functions["model"],
        functions["reference"],
        domain,
        error=_measure(spec.error, root, path.name),
        law=_law(spec, root, domain, path.name),
        recheck=functions["recheck"],
        title=spec.title,
        source=path,
    )


def open_function(
    spec: SourceSpec,
    root: Path,
    names: tuple[str, ...],
    probe: Array,
    trust: bool = False,
    where: str = "problem file:",
) -> Function:
    """Open one model or reference; picklable arguments, so that other processes can do the same.

    Args:
        spec: its table of the problem file.
        root: the folder that relative paths start from.
        names: of the axes, in order.
        probe: points ``(k, d)`` of the domain.
        trust: see `open_problem`.
        where: file and table, for messages.
    """
    columns = _column_order(spec, names, where)
    if columns is not None:
        probe = probe[:, columns]
    if spec.python:
        function = open_python(spec, root, probe, where)
    elif spec.file:
        from supnorm.sources.model_file import open_file

        function = open_file(spec, root, names, trust, where)
    else:
        raise BadInput(f"{where}: commands cannot be opened yet")
    if columns is not None:
        function = reordered(function, columns)
    function = _named(function, spec, names, where)
    remake = functools.partial(open_function, spec, root, names, probe, trust, where)
    origin = spec.model_dump(exclude_defaults=True)
    return replace(function, remake=remake, parallel="process", origin=origin)


def probe_points(domain: Domain) -> Array:
    """A few points of the domain, always the same; from the whole box where the constraints leave none."""
    unit = np.random.default_rng(0).random((64, domain.d))
    points = domain.from_unit(unit)
    inside = points[domain.contains(points)]
    return inside[:PROBES] if len(inside) >= 3 else points[:PROBES]


def _opened(
    spec: SourceSpec | None, root: Path, names: tuple[str, ...], probe: Array, trust: bool, where: str
) -> Function | None:
    return None if spec is None else open_function(spec, root, names, probe, trust, where)


def _column_order(spec: SourceSpec, names: tuple[str, ...], where: str) -> list[int] | None:
    """Which axis each input column is, where ``inputs`` lists the axes in another order."""
    if spec.inputs is None or spec.file is not None:
        return None
    if sorted(spec.inputs) != sorted(names):
        raise BadInput(f"{where} inputs = {spec.inputs}: must name each axis once: {', '.join(names)}")
    order = [names.index(n) for n in spec.inputs]
    return None if order == list(range(len(names))) else order


def _named(function: Function, spec: SourceSpec, names: tuple[str, ...], where: str) -> Function:
    outputs = tuple(spec.outputs or function.outputs)
    units = tuple(spec.output_units or function.output_units)
    if spec.outputs and spec.output_units and len(units) != len(outputs):
        raise BadInput(
            f"{where} output_units has {len(units)} entries for {len(outputs)} outputs; give one each"
        )
    inner = function.value

    def value(x: Array) -> Array:
        try:
            y = inner(x)
        except PartialFailure as failure:
            if len(failure.messages) < len(x):
                _count(failure.values)
            elif outputs:
                failure.values = np.full((len(x), len(outputs)), np.nan)
            raise
        return _count(y)

    def _count(y: Array) -> Array:
        if outputs and y.shape[1] != len(outputs):
            raise BadInput(
                f"{where} outputs names {len(outputs)} outputs ({', '.join(outputs)}), {function.name} "
                f"returned {y.shape[1]}"
            )
        return y

    return replace(
        function, value=value, inputs=function.inputs or names, outputs=outputs, output_units=units
    )


def _domain(spec: ProblemSpec, root: Path, file: str) -> Domain:
    try:
        axes: dict[str, Any] = {}
        for name, axis in spec.domain.items():
            try:
                axes[name] = Axis(
                    axis.low if axis.low is not None else 0.0,
                    axis.high if axis.high is not None else 0.0,
                    axis.unit,
                    axis.scale,
                    tuple(axis.values) if axis.values is not None else None,
                )
            except BadInput as error:
                raise BadInput(f"{file}: [domain] {name}: {error}") from None
        return Domain.from_axes(axes, _constraints(spec, root, file))
    except BadInput as error:
        raise BadInput(str(error) if str(error).startswith(file) else f"{file}: [domain]: {error}") from None


def _constraints(spec: ProblemSpec, root: Path, file: str) -> list[Any]:
    if spec.constraints is None:
        return []
    named = spec.constraints.python
    texts = [named] if isinstance(named, str) else named
    return [_callable(text, root, f"{file}: [constraints] python") for text in texts]


def _callable(text: str, root: Path, where: str) -> Any:
    found = load_object(text, root, where)
    if not callable(found):
        raise BadInput(f'{where} = "{text}" is a {type(found).__name__}; name a function of an array (n, d)')
    return found


def _measure(spec: ErrorSpec, root: Path, file: str) -> ErrorMeasure:
    function = _callable(spec.python, root, f"{file}: [error] python") if spec.python else None
    mask = _callable(spec.mask, root, f"{file}: [error] mask") if spec.mask else None
    kind = "function" if function is not None and spec.kind == "absolute" else spec.kind
    scale = spec.scale if spec.scale is None or isinstance(spec.scale, float) else tuple(spec.scale)
    tolerance = spec.tolerance if not isinstance(spec.tolerance, list) else tuple(spec.tolerance)
    try:
        return ErrorMeasure(kind, spec.side, spec.floor, scale, function, mask, tolerance)  # type: ignore[arg-type]
    except BadInput as error:
        raise BadInput(f"{file}: [error]: {error}") from None


def _law(spec: ProblemSpec, root: Path, domain: Domain, file: str) -> Law | None:
    if spec.law is None:
        return None
    if not spec.law.python:
        raise BadInput(f"{file}: [law]: give python, a sampler (n, rng) -> (n, d)")
    sampler = _callable(spec.law.python, root, f"{file}: [law] python")
    return Law.from_sampler(sampler, domain, spec.law.name or spec.law.python)
