"""Opens one model or reference that a table of a problem file names.

Each worker imports this file when it begins, so it imports readers and networks only where it needs them.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Declared, Function, PartialFailure
from supnorm.problem.code_texts import code_in
from supnorm.problem.coded import around
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.results.door import reading, reading_table
from supnorm.results.guard import exists
from supnorm.sources.beside import Neighbours, demand_unchanged, neighbours, opened_before
from supnorm.sources.ports import reordered
from supnorm.sources.unused import with_unused_noted

if TYPE_CHECKING:
    from supnorm.networks import Network

Array = NDArray[np.float64]
TABLES = (".csv", ".parquet", ".nc")


def is_table(spec: SourceSpec) -> bool:
    """Whether it names a file of rows."""
    return bool(spec.file) and Path(spec.file or "").suffix.lower() in TABLES


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
    # A worker of a cluster may run in another folder.
    there = Path(os.path.abspath(root))
    remake = functools.partial(open_function, spec, there, names, probe, trust=trust, where=where)
    origin = spec.model_dump(exclude_defaults=True)
    opened = _patched(_opened(spec, root, names, probe, trust, where), spec, root, len(names), where)
    if code := [root / text.rpartition(":")[0] for text in code_in(origin)]:
        remake = functools.partial(_again, remake, neighbours(code))
    function = replace(
        opened,
        remake=remake,
        origin=origin,
        declared=_declared(spec, names, where),
    )
    return replace(_named(function, spec, names, where), parallel="thread" if spec.command else "process")


def _again(remake: Callable[[], Function], beside: tuple[Neighbours, ...]) -> Function:
    """The function in another process, which has to run the same code and read the same files."""
    opened_before(beside)
    function = remake()
    demand_unchanged(beside)
    return function


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


def _opened(
    spec: SourceSpec, root: Path, names: tuple[str, ...], probe: Array, trust: bool, where: str
) -> Function:
    if spec.key and not is_table(spec):
        raise BadInput(f"{where} key = {spec.key!r} is for tables ({', '.join(TABLES)}); leave it out")
    if spec.by and not is_table(spec):
        raise BadInput(f"{where} by = {spec.by!r} is for tables ({', '.join(TABLES)}); leave it out")
    if spec.file and is_table(spec):
        from supnorm.sources.table import open_table

        path = named_path(spec.file, root, where)
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

        function = open_python(spec, root, probe[:, columns], where, tuple(spec.inputs or names))
    elif spec.root:
        from supnorm.sources.root_file import open_root

        return open_root(spec, root, columns, where)
    elif spec.flow or spec.integral:
        from supnorm.sources.solved_file import open_flow, open_integral

        return (open_flow if spec.flow else open_integral)(spec, root, columns, names, where)
    elif spec.mpmath:
        return _of_mpmath(spec, names, where)
    else:
        from supnorm.sources.arguments import takes_arguments
        from supnorm.sources.command import open_command

        function = replace(
            open_command(spec, root, tuple(names[c] for c in columns), where),
            precision=spec.precision or "float64",
        )
        used = ("timeout", "retries", "precision") + (() if takes_arguments(spec) else ("protocol",))
        function = with_unused_noted(function, spec, "a command", where, *used)
    return function if columns == list(range(len(names))) else reordered(function, columns)


def _of_mpmath(spec: SourceSpec, names: tuple[str, ...], where: str) -> Function:
    from supnorm.sources.mpmath_values import mpmath_function

    order = spec.inputs if spec.arguments is None and spec.inputs is not None else None
    try:
        function = mpmath_function(spec.mpmath or "", names, spec.arguments or order, spec.timeout)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    return with_unused_noted(function, spec, "a function of mpmath", where, "timeout")


def _patched(function: Function, spec: SourceSpec, root: Path, d: int, where: str) -> Function:
    """The function with the corrections of `repair` that ``residuals`` and ``patches`` name.

    Raises:
        BadInput: for a table, a file that is no network, or a network of other inputs.
    """
    if spec.residuals is None and spec.patches is None:
        return function
    from supnorm.networks.patched import with_patches
    from supnorm.networks.summed import with_residuals

    for key, corrected in (("residuals", with_residuals), ("patches", with_patches)):
        names: list[str] | None = getattr(spec, key)
        if names is None:
            continue
        if function.table is not None:
            raise BadInput(f"{where} {key}: a table cannot be corrected between its rows; leave {key} out")
        function = corrected(function, [_correction(name, key, root, d, where) for name in names])
    return function


def named_path(file: str, root: Path, where: str, key: str = "file") -> Path:
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


def _correction(name: str, key: str, root: Path, d: int, where: str) -> Network:
    from supnorm.networks import load as load_network

    with reading(root / name, f'{where} {key}: "{name}"'):
        network = load_network(named_path(name, root, where, key))
    if network.d != d:
        raise BadInput(f'{where} {key}: "{name}" has {network.d} inputs, the domain has {d} axes')
    return network
