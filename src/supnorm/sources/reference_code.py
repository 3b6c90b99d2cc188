"""Hashes of what defines a reference, so that two runs know whether they have the same one although nobody calls it.

Of a file of Python only those statements count that the named function needs (`needed`), because model and reference often
stand in one file, and two runs are compared because the model has changed. What these statements import from the problem's
folders counts whole, and so do files of data that they name.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath

from supnorm.evaluation.opened_files import unrecorded
from supnorm.problem import Problem
from supnorm.problem.code_texts import code_in
from supnorm.problem.fingerprint import content_of, placeless
from supnorm.results.printable import one_line
from supnorm.sources.unnamed_files import Folders, imported, modules, tree_of

IDLE = ("name", "timeout", "retries", "declared")  # keys of a source that change no value of it
TABLE = "[reference]"
DIGITS = 12


def reference_code(problem: Problem) -> dict[str, str]:
    """Twelve digits of SHA-256 of each part that defines the reference, by the name of the part.

    Args:
        problem: opened from a file; the content of its files then is what counts.

    Returns:
        One entry for the table of the problem file, one for each function ``"file.py:name"``, and one for each other file;
        empty for a reference that was given in Python.
    """
    origin = problem.reference.origin
    if not origin or problem.source is None:
        return {}
    idle = {key: value for key, value in placeless(origin).items() if key not in IDLE}
    parts = {TABLE: [json.dumps(idle, sort_keys=True, default=str)]}
    with unrecorded():
        for name, content in _parts(problem, problem.source.parent):
            parts.setdefault(one_line(name, 100), []).append(content)
    return {name: _hash("\0".join(sorted(contents))) for name, contents in sorted(parts.items())}


def _parts(problem: Problem, root: Path) -> Iterator[tuple[str, str]]:
    """Name and content of each part; a name can come more than once."""
    assert problem.reference.origin is not None
    origin = problem.reference.origin
    texts = [text.rpartition(":") for text in code_in(origin)]
    whole = [root / str(text) for text in (origin.get("file"), *(origin.get("command") or ())) if text]
    whole = [path for path in whole if path.is_file()]
    folders = Folders.of([*whole, *(root / file for file, _, _ in texts)])
    trees: list[ast.AST] = []
    for file, _, function in texts:
        path = root / file
        source, content = b"", _content(problem, path)
        with suppress(OSError):
            source = path.read_bytes()
        if hashlib.sha256(source).hexdigest() != content:  # it has been edited since it was loaded
            yield path.name, content
            continue
        tree = ast.parse(source)
        tree.body = needed(tree, function)
        trees.append(tree)
        yield f"{path.name}:{function}", _lines(source, tree.body)
        whole += modules(tree, path, folders)
    for path in _with_further(whole, trees, folders, problem.files):
        yield path.name, _content(problem, path)


def _with_further(
    files: list[Path], trees: list[ast.AST], folders: Folders, known: Mapping[Path, str]
) -> list[Path]:
    """The files, those that their code imports, and those of the known files of data that this code or the trees name."""
    code = imported([path for path in files if path.suffix == ".py"], folders)
    trees = [*trees, *map(tree_of, code)]
    nodes = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    names = {PurePath(n.value).name for n in nodes if isinstance(n.value, str) and len(n.value) < 300}
    data = {path for path in known if path.suffix != ".py" and path.name in names}
    return sorted({Path(os.path.realpath(path)) for path in (*files, *code)} | data)


def _content(problem: Problem, path: Path) -> str:
    """SHA-256 of a file when the problem was opened."""
    real = Path(os.path.realpath(path))
    return problem.files.get(real) or content_of(real)


def needed(tree: ast.Module, name: str) -> list[ast.stmt]:
    """The statements of a module that a name of it needs, and those that may change anything.

    >>> tree = ast.parse("import numpy as np; A = 1; B = 2; np.seterr(all='raise'); f = lambda x: A * x; g = f")
    >>> [ast.unparse(statement) for statement in needed(tree, "f")]
    ['import numpy as np', 'A = 1', "np.seterr(all='raise')", 'f = lambda x: A * x', 'g = f']
    """
    foreign = {
        one
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for one in _made(node, set()) or ()
    }
    made: dict[str, list[ast.stmt]] = {}
    chosen: set[ast.stmt] = set()
    todo = [name.partition(".")[0]]

    def keep(statement: ast.stmt) -> None:
        if statement not in chosen:
            chosen.add(statement)
            todo.extend(_used(statement))

    for statement in tree.body:
        names = _made(statement, foreign)
        if names is None:
            keep(statement)
        for one in names or ():
            made.setdefault(one, []).append(statement)
    seen: set[str] = set()
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            for statement in made.get(one, ()):
                keep(statement)
    return [statement for statement in tree.body if statement in chosen]


def _made(statement: ast.stmt, foreign: set[str]) -> set[str] | None:
    """The names of the module that a statement makes or changes; None if it may change anything."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Import(names=imported_names) | ast.ImportFrom(names=imported_names):
            made = {(one.asname or one.name).partition(".")[0] for one in imported_names}
            return None if "*" in made else made
        case ast.Assign(targets=targets, value=value):
            bases = {_base(part) for target in targets for part in _targets(target)}
            bases |= {value.id} if isinstance(value, ast.Name) else set()  # another name of one object
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            bases = {_base(target)}
        case ast.Expr(value=ast.Constant()):
            return set()
        case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
            bases = {_base(method)}
        case ast.If(test=test) if "__main__" in {
            n.value for n in ast.walk(test) if isinstance(n, ast.Constant)
        }:
            return set()
        case _:
            return None
    names = {base for base in bases if base is not None}
    return None if None in bases or names & foreign else names


def _targets(target: ast.expr) -> list[ast.expr]:
    return (
        [part for one in target.elts for part in _targets(one)]
        if isinstance(target, ast.Tuple | ast.List)
        else [target]
    )


def _base(expression: ast.expr) -> str | None:
    """The name ``a`` of ``a.b[c].d``; None if there is none."""
    while isinstance(expression, ast.Attribute | ast.Subscript | ast.Starred):
        expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else None


def _used(statement: ast.stmt) -> set[str]:
    """The names that a statement reads, and texts that may name something (``globals()["a"]``)."""
    every = list(ast.walk(statement))
    return {n.id for n in every if isinstance(n, ast.Name)} | {
        n.value for n in every if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def _lines(source: bytes, statements: list[ast.stmt]) -> str:
    lines = source.decode(errors="surrogateescape").splitlines()
    firsts = [min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", ()))]) for s in statements]
    chosen = (lines[first - 1 : s.end_lineno] for first, s in zip(firsts, statements, strict=True))
    return "\n".join(line.rstrip() for part in chosen for line in part)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:DIGITS]
