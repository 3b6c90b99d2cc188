"""Opens ``root = "file.py:g"`` of a problem file: a function that is defined by an equation."""

from __future__ import annotations

from pathlib import Path

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.ends import End
from supnorm.sources.root import equation_of, of_equation, root
from supnorm.sources.unused import with_unused_noted
from supnorm.sources.userfile import UserFunction


def open_root(spec: SourceSpec, folder: Path, columns: list[int], where: str) -> Function:
    """The function that solves the equation which the table names.

    Args:
        spec: the table of the problem file, with ``root``, ``between`` and perhaps ``start``.
        folder: the folder that relative paths start from.
        columns: the axis of each input of g.
        where: file and table, for messages.

    Raises:
        BadInput: when code cannot be loaded, or the ends are no branch.
    """
    assert spec.root is not None
    assert spec.between is not None
    if spec.per_point:
        raise BadInput(
            f"{where} per_point = true: g(x, y) of a root takes whole batches, x (n, d) and y (n,); leave it out"
        )
    g = UserFunction(spec.root, folder, f"{where} root")
    start = spec.start if spec.start is None else _end(spec.start, folder, f"{where} start")
    low, high = (_end(end, folder, f"{where} between") for end in spec.between)
    label = spec.name or spec.root.rpartition(":")[2]
    try:
        solved = root(g, start, between=(low, high), name=label)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    equation = equation_of(solved)
    assert equation is not None
    return with_unused_noted(of_equation(equation.columns(columns)), spec, "a root", where)


def _end(given: float | str, folder: Path, where: str) -> End:
    return UserFunction(given, folder, where) if isinstance(given, str) else given
