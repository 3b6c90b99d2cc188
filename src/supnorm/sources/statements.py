"""What the text of a statement says: the names that it reads, the functions that it defines, what it does on import."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Names = frozenset[str]
Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
READS_ALL = frozenset({"eval", "exec", "globals"})  # any name of the module
MODULE = frozenset({"__globals__", "f_globals"})  # attributes: all names of a module


def defined_by(node: ast.AST) -> Iterator[tuple[str, Function]]:
    """Names of functions and the functions; a call of a class calls what is defined in it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name, node
    elif isinstance(node, ast.ClassDef):
        yield from ((node.name, one) for one in ast.walk(node) if isinstance(one, Function))
    elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
        yield from ((name, node.value) for target in node.targets for name in names_of(target))


def executed_with(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of a statement that are executed with it: not the bodies of the functions that it defines."""
    todo: list[ast.AST] = [node]
    while todo:
        one = todo.pop()
        yield one
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            signature = one.args
            todo += [
                *one.decorator_list,
                *signature.defaults,
                *(v for v in signature.kw_defaults if v is not None),
            ]
        elif isinstance(one, ast.Lambda):
            todo += [*one.args.defaults, *(v for v in one.args.kw_defaults if v is not None)]
        else:
            todo += ast.iter_child_nodes(one)


def imported_by(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """The names that an import binds, each with what it stands for."""
    for one in node.names:
        if isinstance(node, ast.ImportFrom):
            yield one.asname or one.name, f"{node.module}.{one.name}"
        else:
            full = one.name if one.asname else one.name.partition(".")[0]
            yield one.asname or full, full


def further_names(tree: ast.Module, foreign: set[str]) -> set[str]:
    """Further names of imported objects and of their parts: ``table = other.TABLE``, ``context = getcontext()``."""
    further: set[str] = set()
    assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    for _ in assigned:
        before = len(further)
        for node in assigned:
            value = node.value
            if isinstance(value, ast.Call) and last_of(value.func) == "getcontext":
                value = value.func
            if base_of(value) in foreign | further:
                further |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if len(further) == before:
            break
    return further


def returned_by(function: Function) -> Names:
    """Names of the module's objects, or of parts of them, that a function returns as they are."""
    if isinstance(function, ast.Lambda):
        values: list[ast.expr | None] = [function.body]
    else:
        values = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    local = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    local |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return frozenset(base for value in values if value and (base := base_of(value))) - local


def is_module(node: ast.AST) -> bool:
    """Whether an expression may stand for all names of a module: ``f.__globals__``, ``sys.modules``."""
    if not isinstance(node, ast.Attribute):
        return False
    return node.attr in MODULE or (node.attr == "modules" and base_of(node) == "sys")


def reads_all(statement: ast.stmt) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id in READS_ALL) or is_module(node)
        for node in ast.walk(statement)
    )


def is_main(statement: ast.If) -> bool:
    """Whether a statement does nothing when its file is imported."""
    tests = [statement.test]
    if isinstance(statement.test, ast.BoolOp) and isinstance(statement.test.op, ast.And):
        tests = statement.test.values
    plain = {"__name__ == '__main__'", "'__main__' == __name__"}
    return not statement.orelse and bool(plain & {*map(ast.unparse, tests)})


def names_of(expression: ast.AST) -> Names:
    return frozenset(node.id for node in ast.walk(expression) if isinstance(node, ast.Name))


def targets_of(target: ast.expr) -> list[ast.expr]:
    """The targets in a target such as ``(a, *b)``."""
    if isinstance(target, ast.Tuple | ast.List):
        return [part for one in target.elts for part in targets_of(one)]
    return [target]


def last_of(expression: ast.AST) -> str:
    """The name ``c`` of ``a.b.c``; empty if it has none."""
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""


def base_of(expression: ast.expr) -> str | None:
    """The name ``a`` of ``a.b[c].d``; None if there is none."""
    while isinstance(expression, ast.Attribute | ast.Subscript | ast.Starred):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None


def used_by(statement: ast.stmt) -> Names:
    """The names that a statement reads, and texts that may name something (``globals()["a"]``)."""
    texts = (n.value for n in ast.walk(statement) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return names_of(statement) | frozenset(texts)
