"""Opens a problem file as a `Problem`. Everything that the file names is opened here, and nothing before."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.opened_files import recording
from supnorm.problem import Axis, Domain, ErrorMeasure, Function, Law, Problem
from supnorm.problem.equations import Equation
from supnorm.problem.pairs import demand_inputs
from supnorm.problem.problem_file import read_specification
from supnorm.problem.specification import ErrorSpec, ProblemSpec, SourceSpec, law_name
from supnorm.results import BadInput
from supnorm.results.door import reading_table
from supnorm.results.working_folder import demand_same_folder, working_folder
from supnorm.sources.beside import opening
from supnorm.sources.derivatives import with_derivatives
from supnorm.sources.named_files import defining_files, named_files
from supnorm.sources.open_function import is_table, named_path, open_function
from supnorm.sources.rounded_inputs import on_the_axes
from supnorm.sources.userfile import UserFunction

Array = NDArray[np.float64]
PROBES = 8  # points that show what a source takes; any number of more than 2 would do


def open_problem(path: Path | str, *, trust: bool = False) -> Problem:
    """Read a problem file and open what it names.

    Args:
        path: a ``problem.toml``; paths in it start from its folder.
        trust: allow model files that need full unpickling, which runs any code in them.

    Raises:
        BadInput: one line with file, key, the value that was given, and the remedy.
    """
    path, began_in = Path(path), working_folder()
    spec = read_specification(path)
    with opening(named_files(spec, path.parent)):
        with recording() as opened:
            try:
                problem, spec = _problem(spec, path, path.parent, trust)
            except BadInput:
                demand_same_folder(began_in, path)  # no file has its relative path any more
                raise
        return replace(
            problem, files=defining_files(spec, path.parent, opened.files - {os.path.abspath(path)})
        )


def open_specification(spec: ProblemSpec, name: str) -> Problem:
    """The problem that a specification describes; its paths start from the working directory.

    Args:
        spec: as `read_specification` returns it.
        name: what messages call it.

    Raises:
        BadInput: as `open_problem`.
    """
    with opening(named_files(spec, Path())):
        with recording() as opened:
            problem, spec = _problem(spec, Path(name), Path(), trust=False, saved=False)
        return replace(problem, files=defining_files(spec, Path(), opened.files))


def _problem(
    spec: ProblemSpec, path: Path, root: Path, trust: bool, saved: bool = True
) -> tuple[Problem, ProblemSpec]:
    spec = _keys_of_both(spec)
    data = _data(spec, root, path.name)
    domain = _domain(spec, root, data, path.name)
    probe = probe_points(domain)
    opened: dict[str, Function | None] = {}
    for key in ("model", "reference", "recheck"):
        table: SourceSpec | None = getattr(spec, key)
        where = f"{path.name}: [{key}]"
        function = None if table is None else open_function(table, root, domain.names, probe, trust, where)
        function = function and on_the_axes(function, domain)
        opened[key] = function and _with_derivatives(function, spec.error, domain, where)
    _demand_inputs(spec, opened, path.name)
    problem = Problem(
        opened["model"],
        opened["reference"],
        domain,
        error=_measure(spec.error, root, path.name),
        law=_law(spec, root, domain, opened, path.name),
        recheck=opened["recheck"],
        equation=_equation(spec, root, domain, probe, path.name),
        title=spec.title,
        data=None if data is None else data[0],
        source=path if saved else None,
        source_data=None if data is None else data[0],
    )
    return problem, spec


def _equation(spec: ProblemSpec, root: Path, domain: Domain, probe: Array, file: str) -> Equation | None:
    if spec.equation is None:
        return None
    from supnorm.sources.equation import open_equation

    return open_equation(spec.equation, root, domain.names, probe, f"{file}: [equation]")


def _keys_of_both(spec: ProblemSpec) -> ProblemSpec:
    """A ``key`` that only one of two tables names holds for the other table too."""
    model, reference = spec.model, spec.reference
    if (
        model is None
        or reference is None
        or not (is_table(model) and is_table(reference))
        or bool(model.key) == bool(reference.key)
    ):
        return spec
    key = model.key or reference.key
    return spec.model_copy(
        update={
            "model": model.model_copy(update={"key": key}),
            "reference": reference.model_copy(update={"key": key}),
        }
    )


def _demand_inputs(spec: ProblemSpec, opened: dict[str, Function | None], file: str) -> None:
    """If only one side is a table, check that no row lacks an input, because the other side is called at the rows.

    Two tables are compared row by row; an input is then only a coordinate, and a row may lack it.
    """
    tables = {k: f for k, f in opened.items() if f is not None and f.table is not None}
    if {"model", "reference"} <= {*tables}:
        tables = {k: f for k, f in tables.items() if k == "recheck"}
    for key, table in tables.items():
        demand_inputs(table, f'{file}: [{key}] file = "{getattr(spec, key).file}"')


def _with_derivatives(function: Function, error: ErrorSpec, domain: Domain, where: str) -> Function:
    """A model or reference with its derivatives as further outputs, for ``[error] derivatives = true``."""
    if not error.derivatives:
        return function
    if function.table is not None:
        raise BadInput(f"{where}: a table has no derivatives; leave [error] derivatives out")
    try:
        return replace(with_derivatives(function, domain, step=error.step), origin=function.origin)
    except BadInput as problem:
        raise BadInput(f"{where}: {problem} ([error] step = 1e-4)") from None


def probe_points(domain: Domain) -> Array:
    """A few points of the domain, always the same; points of the whole box if the constraints leave none of them."""
    points = domain.from_unit(np.random.default_rng(0).random((64, domain.d)))
    inside = points[domain.contains(points)]
    return inside[:PROBES] if len(inside) >= 3 else points[:PROBES]


def _data(spec: ProblemSpec, root: Path, file: str) -> tuple[Array, tuple[str, ...]] | None:
    if spec.data is None:
        return None
    from supnorm.sources.points_file import read_points

    names = spec.data.inputs or list(spec.domain)
    return read_points(spec.data.file, root, names, f"{file}: [data] file")


def _domain(spec: ProblemSpec, root: Path, data: tuple[Array, tuple[str, ...]] | None, file: str) -> Domain:
    constraints = _constraints(spec, root, file)
    if spec.data is not None and spec.data.domain and data is not None:
        if spec.domain:
            raise BadInput(f"{file}: [domain] and [data] domain = true both define the domain; give only one")
        try:
            covered = Domain.from_samples(*data)
        except BadInput as error:
            raise BadInput(f'{file}: [data] file = "{spec.data.file}": {error}') from None
        axes: dict[str, Any] = dict(zip(covered.names, covered.axes, strict=True))
        return Domain.from_axes(axes, constraints, covered.cloud)
    if not spec.domain:
        return _bounding_box(spec, root, constraints, file)
    built = {}
    for name, axis in spec.domain.items():
        low, high = axis.low or 0.0, axis.high or 0.0
        values = None if axis.values is None else tuple(axis.values)
        try:
            built[name] = Axis(low, high, axis.unit, axis.scale, values)
        except BadInput as error:
            raise BadInput(f"{file}: [domain] {name}: {error}") from None
    return Domain.from_axes(dict(built), constraints)


def _bounding_box(spec: ProblemSpec, root: Path, constraints: list[UserFunction], file: str) -> Domain:
    """The domain of a table without ``[domain]``: from the smallest to the largest value of each input."""
    from supnorm.sources.table import read_columns

    key, table = next(
        (k, t)
        for k, t in (("reference", spec.reference), ("model", spec.model))
        if t is not None and is_table(t) and (t.inputs or not t.key or k == "model")
    )
    where = f"{file}: [{key}]"
    path = named_path(table.file or "", root, where)
    if not table.inputs:
        raise BadInput(f"{where} inputs is missing: name the columns of the inputs, or give [domain]")
    with reading_table(path, f'{where} file = "{table.file}"'):
        points = read_columns(path, table.inputs, f'{where} file = "{table.file}"')
    points = np.where(np.isfinite(points), points, np.nan)  # `open_table` names the row
    empty = [name for name, column in zip(table.inputs, points.T, strict=True) if np.isnan(column).all()]
    if empty:
        raise BadInput(f"{where}: column {', '.join(empty)} has no value in any row")
    ends = zip(table.inputs, np.nanmin(points, 0).tolist(), np.nanmax(points, 0).tolist(), strict=True)
    axes = {}
    for name, low, high in ends:
        if not low < high:
            raise BadInput(f"{where}: input {name} never varies ({low:g}); leave it out of inputs")
        axes[name] = Axis(low, high)
    return Domain.from_axes(dict(axes), constraints)


def _constraints(spec: ProblemSpec, root: Path, file: str) -> list[UserFunction]:
    if spec.constraints is None:
        return []
    named = spec.constraints.python
    texts = [named] if isinstance(named, str) else named
    return [UserFunction(text, root, f"{file}: [constraints] python") for text in texts]


def _measure(spec: ErrorSpec, root: Path, file: str) -> ErrorMeasure:
    function = UserFunction(spec.python, root, f"{file}: [error] python") if spec.python else None
    mask = UserFunction(spec.mask, root, f"{file}: [error] mask") if spec.mask else None
    kind = "function" if function is not None and spec.kind == "absolute" else spec.kind
    scale: Any = tuple(spec.scale) if isinstance(spec.scale, list) else spec.scale
    tolerance = tuple(spec.tolerance) if isinstance(spec.tolerance, list) else spec.tolerance
    try:
        return ErrorMeasure(
            kind=kind,
            side=spec.side,
            floor=spec.floor,
            scale=scale,
            function=function,
            mask=mask,
            tolerance=tolerance,
            failures=spec.failures,
            precision=spec.precision,
        )
    except BadInput as error:
        raise BadInput(f"{file}: [error]: {error}") from None


def _law(
    spec: ProblemSpec, root: Path, domain: Domain, opened: dict[str, Function | None], file: str
) -> Law | None:
    """The law of the file; for a table the law of its rows; None for the uniform law."""
    sides = (opened["reference"], opened["model"], opened["recheck"])
    tables = [f for f in sides if f is not None and f.table is not None]
    if spec.law is None:
        if not tables or tables[0].table is None:
            return None
        whole = [t for t in tables if t.table is not None and np.isfinite(t.table[0]).all(axis=1).any()]
        if not whole or whole[0].table is None:
            return None
        rows, named = whole[0].table[0], whole[0].rows.name if whole[0].rows else whole[0].name
        if not domain.contains(rows).any():
            raise BadInput(f"{file}: none of the {len(rows)} rows of {named} lies in the [domain]")
        return Law.from_samples(rows, domain, f"rows of {named}")
    if tables:
        raise BadInput(
            f"{file}: [law] has no effect beside {tables[0].name}, a table of values, because averages are over its rows; "
            "leave [law] out"
        )
    if (spec.law.python is None) == (spec.law.file is None):
        raise BadInput(
            f"{file}: [law]: give python = a sampler (n, rng) -> (n, d), or file = the points of a sample"
        )
    if spec.law.python:
        sampler = UserFunction(spec.law.python, root, f"{file}: [law] python")
        return Law.from_sampler(sampler, domain, law_name(spec.law))
    from supnorm.sources.points_file import read_points

    points, _ = read_points(spec.law.file or "", root, domain.names, f"{file}: [law] file")
    return Law.from_samples(points, domain, law_name(spec.law))
