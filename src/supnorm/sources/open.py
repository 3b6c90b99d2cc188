"""Opens a problem file as a `Problem`. Everything that the file names is opened here, and nothing before."""

from __future__ import annotations

import functools
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.networks import Network
from supnorm.networks import load as load_network
from supnorm.networks.patched import with_patches
from supnorm.networks.summed import with_residuals
from supnorm.problem import Axis, Declared, Domain, ErrorMeasure, Function, Law, PartialFailure, Problem
from supnorm.problem.coded import around
from supnorm.problem.equations import Equation
from supnorm.problem.fingerprint import content_of
from supnorm.problem.pairs import demand_inputs
from supnorm.problem.specification import ErrorSpec, ProblemSpec, SourceSpec, law_name, read_specification
from supnorm.results import BadInput
from supnorm.results.door import reading, reading_table
from supnorm.results.guard import exists
from supnorm.sources.derivatives import with_derivatives
from supnorm.sources.named_files import defining_files
from supnorm.sources.ports import reordered
from supnorm.sources.recording import belonging_to, recording
from supnorm.sources.unused import with_unused_noted
from supnorm.sources.userfile import UserFunction

Array = NDArray[np.float64]
PROBES = 8  # points that show what a source takes; any number of more than 2 would do
TABLES = (".csv", ".parquet", ".nc")


def open_problem(path: Path | str, *, trust: bool = False) -> Problem:
    """Read a problem file and open what it names.

    Args:
        path: a ``problem.toml``; paths in it start from its folder.
        trust: allow model files that need full unpickling, which runs any code in them.

    Raises:
        BadInput: one line with file, key, the value that was given, and the remedy.
    """
    path = Path(path)
    with recording() as opened:
        problem, spec = _problem(path, trust)
    return replace(problem, files=defining_files(spec, path.parent, opened.files - {os.path.abspath(path)}))


def _problem(path: Path, trust: bool) -> tuple[Problem, ProblemSpec]:
    spec = _keys_of_both(read_specification(path))
    root = path.parent
    data = _data(spec, root, path.name)
    domain = _domain(spec, root, data, path.name)
    probe = probe_points(domain)
    opened: dict[str, Function | None] = {}
    for key in ("model", "reference", "recheck"):
        table: SourceSpec | None = getattr(spec, key)
        where = f"{path.name}: [{key}]"
        function = None if table is None else open_function(table, root, domain.names, probe, trust, where)
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
        source=path,
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
        or not (_is_table(model) and _is_table(reference))
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


def _is_table(spec: SourceSpec) -> bool:
    return bool(spec.file) and Path(spec.file or "").suffix.lower() in TABLES


def _demand_inputs(spec: ProblemSpec, opened: dict[str, Function | None], file: str) -> None:
    """If only one side is a table, check that no row lacks an input, because the other side is called at the rows.

    Two tables are compared row by row; an input is then only a coordinate, and a row may lack it.
    """
    tables = {k: f for k, f in opened.items() if f is not None and f.table is not None}
    if {"model", "reference"} <= {*tables}:
        tables = {k: f for k, f in tables.items() if k == "recheck"}
    for key, table in tables.items():
        demand_inputs(table, f'{file}: [{key}] file = "{getattr(spec, key).file}"')


def open_function(
    spec: SourceSpec,
    root: Path,
    names: tuple[str, ...],
    probe: Array,
    trust: bool = False,
    where: str = "problem file:",
) -> Function:
    """Open one model or reference; all arguments can be pickled, so that other processes can do the same.

    Args:
        spec: its table of the problem file.
        root: the folder that relative paths start from.
        names: names of the axes, in order.
        probe: points ``(k, d)`` of the domain, by which it is found out what a Python object takes.
        trust: see `open_problem`.
        where: file and table, for messages.

    Raises:
        BadInput: when the source cannot be opened.
    """
    remake = functools.partial(open_function, spec, root, names, probe, trust=trust, where=where)
    origin = spec.model_dump(exclude_defaults=True)
    function = replace(
        _patched(_opened(spec, root, names, probe, trust, where), spec, root, len(names), where),
        remake=remake,
        origin=origin,
        declared=_declared(spec, names, where),
    )
    return replace(_named(function, spec, names, where), parallel="thread" if spec.command else "process")


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


def _declared(spec: SourceSpec, names: tuple[str, ...], where: str) -> Declared | None:
    declared = spec.declared
    if declared is None:
        return None
    derivatives = declared.derivatives
    if derivatives is not None and sorted(derivatives) != sorted(names):
        raise BadInput(f"{where} declared.derivatives must name each axis once: {', '.join(names)}")
    try:
        return Declared(
            tuple(declared.bound) if isinstance(declared.bound, list) else declared.bound,
            declared.stretch,
            declared.order,
            None if derivatives is None else tuple(derivatives[n] for n in names),
            declared.accuracy,
        )
    except BadInput as error:
        raise BadInput(f"{where} declared: {error}") from None


def probe_points(domain: Domain) -> Array:
    """A few points of the domain, always the same; points of the whole box if the constraints leave none of them."""
    points = domain.from_unit(np.random.default_rng(0).random((64, domain.d)))
    inside = points[domain.contains(points)]
    return inside[:PROBES] if len(inside) >= 3 else points[:PROBES]


def _opened(
    spec: SourceSpec, root: Path, names: tuple[str, ...], probe: Array, trust: bool, where: str
) -> Function:
    if spec.key and not _is_table(spec):
        raise BadInput(f"{where} key = {spec.key!r} is for tables ({', '.join(TABLES)}); leave it out")
    if spec.file and _is_table(spec):
        from supnorm.sources.table import open_table

        path = _there(spec.file, root, where)
        with reading_table(path, f'{where} file = "{spec.file}"'):
            table = open_table(path, spec, names, where)
        return with_unused_noted(table, spec, "a table", where)
    if spec.file:
        from supnorm.sources.model_file import open_file

        function = open_file(spec, root, names, probe, trust, where)
        suffix = Path(spec.file).suffix.lower()
        used: tuple[str, ...] = ("batch", "precision", "device", "timeout")
        used = () if suffix == ".npz" else used if suffix in (".onnx", ".pt2") else used[:3]
        return with_unused_noted(function, spec, f"{suffix} files", where, *used)
    columns = _column_order(spec, names, where)
    if spec.python:
        from supnorm.sources.python import open_python

        with belonging_to(
            f"{(root / spec.python).resolve()} {content_of(root / spec.python.rpartition(':')[0])}"
        ):
            function = open_python(spec, root, probe[:, columns], where)
    elif spec.root:
        from supnorm.sources.root_file import open_root

        return open_root(spec, root, columns, where)
    else:
        from supnorm.sources.command import open_command

        function = replace(open_command(spec, root, where), precision=spec.precision or "float64")
        used = ("timeout", "retries", "protocol", "precision")
        function = with_unused_noted(function, spec, "a command", where, *used)
    return function if columns == list(range(len(names))) else reordered(function, columns)


def _patched(function: Function, spec: SourceSpec, root: Path, d: int, where: str) -> Function:
    """The function with the corrections of `repair` that ``residuals`` and ``patches`` name.

    Raises:
        BadInput: for a table, a file that is no network, or a network of other inputs.
    """
    for key, corrected in (("residuals", with_residuals), ("patches", with_patches)):
        names: list[str] | None = getattr(spec, key)
        if names is None:
            continue
        if function.table is not None:
            raise BadInput(f"{where} {key}: a table cannot be corrected between its rows; leave {key} out")
        function = corrected(function, [_correction(name, key, root, d, where) for name in names])
    return function


def _correction(name: str, key: str, root: Path, d: int, where: str) -> Network:
    with reading(root / name, f'{where} {key}: "{name}"'):
        network = load_network(_there(name, root, where, key))
    if network.d != d:
        raise BadInput(f'{where} {key}: "{name}" has {network.d} inputs, the domain has {d} axes')
    return network


def _there(file: str, root: Path, where: str, key: str = "file") -> Path:
    if not exists(root / file):
        raise BadInput(f'{where} {key} = "{file}": there is no file {root / file}; paths start from {root}')
    return root / file


def _column_order(spec: SourceSpec, names: tuple[str, ...], where: str) -> list[int]:
    """The axis of each input of a function: in the order of the axes, or as ``inputs`` lists them."""
    if spec.inputs is None:
        return list(range(len(names)))
    if sorted(spec.inputs) != sorted(names):
        raise BadInput(f"{where} inputs = {spec.inputs}: must name each axis once: {', '.join(names)}")
    return [names.index(n) for n in spec.inputs]


def _named(function: Function, spec: SourceSpec, names: tuple[str, ...], where: str) -> Function:
    """Names and units of the outputs from the file, checked against the values that the function returns."""
    outputs = tuple(spec.outputs or function.outputs)
    parts = dict.fromkeys(n if n in outputs else n.rpartition(" ")[0] for n in function.outputs)
    if tuple(parts) == outputs:
        outputs = function.outputs  # some outputs of the graph have several columns
    units = tuple(spec.output_units or function.output_units)
    if spec.outputs and units and len(units) != len(outputs):
        raise BadInput(f"{where} output_units has {len(units)} units for {len(outputs)} outputs")
    named = replace(function, inputs=names, outputs=outputs, output_units=units)
    m = len(outputs or spec.output_units or ())
    if not m:
        return named
    inner = function.value

    def counted(y: Array) -> Array:
        if not outputs and y.shape[1] != m:
            raise BadInput(
                f"{where} output_units has {m} units, {function.name} returned {y.shape[1]} outputs"
            )
        if y.shape[1] != m:
            raise BadInput(
                f"{where} outputs names {len(outputs)} ({', '.join(outputs)}), {function.name} returned "
                f"{y.shape[1]}"
            )
        return y

    def value(x: Array) -> Array:
        try:
            return counted(inner(x))
        except PartialFailure as failure:
            if len(failure.messages) == len(x):
                failure.values = np.full((len(x), m), np.nan)
            counted(failure.values)
            raise

    return replace(named, value=around(inner, value))


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
        if t is not None and _is_table(t) and (t.inputs or not t.key or k == "model")
    )
    where = f"{file}: [{key}]"
    path = _there(table.file or "", root, where)
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
