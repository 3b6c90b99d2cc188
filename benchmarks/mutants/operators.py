"""Where a file can be mutated, and each mutant's source: one small change of the syntax tree at a time.

Comparisons at their border or reversed, + and -, * and /, and and or, a negated condition, a constant that is one more or
half as large again, a call whose result nobody takes left out. Not touched: docstrings, annotations, messages (f-strings),
constants in the default of nothing (None, strings), and lines that only name things (``__all__``, imports).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.MatMult: None,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One small change.

    Attributes:
        line: of the change in the file.
        before, after: the expression as it was and as it is.
        source: the whole file with the change.
    """

    line: int
    before: str
    after: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a file, in the order of its syntax tree.

    >>> [(m.before, m.after) for m in mutants("def f(x):\\n    return x + 1")]
    [('x + 1', 'x - 1'), ('1', '2')]
    """
    for index in range(count(source)):
        yield mutant(source, index)


def count(source: str) -> int:
    """How many mutants a file has."""
    return sum(1 for _ in _sites(ast.parse(source)))


def mutant(source: str, index: int) -> Mutant:
    """One of them, by its place in the order of the syntax tree."""
    tree = ast.parse(source)
    node, change = [*_sites(tree)][index]
    before = ast.unparse(node)
    change()
    return Mutant(node.lineno, before, ast.unparse(node), ast.unparse(ast.fix_missing_locations(tree)) + "\n")


def _sites(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, object]]:
    for node in _code(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARED:
            yield node, _setter(node.ops, 0, COMPARED[type(node.ops[0])]())
        elif isinstance(node, ast.BinOp) and COMPUTED.get(type(node.op)) is not None and not _text(node):
            yield node, _attribute(node, "op", COMPUTED[type(node.op)]())
        elif isinstance(node, ast.BoolOp):
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield node, _attribute(node, "op", other)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, _doubled(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield node, _attribute(node, "op", ast.UAdd())
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield node, _attribute(node, "value", not node.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            yield node, _attribute(node, "value", node.value + 1)
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node, _attribute(node, "value", node.value * 1.5 if node.value else 1.0)
        elif isinstance(node, ast.If | ast.While) and not isinstance(
            node.test, ast.Compare | ast.BoolOp | ast.UnaryOp
        ):
            yield node.test, _attribute(node, "test", ast.UnaryOp(ast.Not(), node.test))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield node, _attribute(node, "value", ast.Constant(None))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes whose change is a change of what is computed."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_params", "format_spec"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(
                child, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom
            ):
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__all__" for t in child.targets
            ):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            yield child
            yield from _code(child)


def _text(node: ast.BinOp) -> bool:
    """Whether strings or types are put together."""
    return any(
        isinstance(side, ast.JoinedStr)
        or (isinstance(side, ast.Constant) and isinstance(side.value, str | None))
        for side in (node.left, node.right)
    )


def _setter(values: list[ast.cmpop], at: int, value: ast.cmpop) -> object:
    return lambda: values.__setitem__(at, value)


def _attribute(node: ast.AST, name: str, value: object) -> object:
    return lambda: setattr(node, name, value)


def _doubled(node: ast.UnaryOp) -> object:
    """``not x`` becomes ``not not x``."""
    return lambda: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand))
