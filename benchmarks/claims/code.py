"""A fingerprint of the code below a number: what runs, without comments, docstrings and blank lines.

So a sentence that is put right in a docstring makes no measurement old, and any change of what runs does. The text of
the code is hashed, not its syntax tree, whose form differs between versions of Python.
"""

from __future__ import annotations

import ast
import hashlib
import io
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Files of a benchmark's folder that print what was measured, and measure nothing.
SAYERS = ("said.py", "table.py", "page.py")


def fingerprints(paths: Iterable[str], commit: str | None = None) -> dict[str, str]:
    """The fingerprint of each path (a file or folder below the root), of the working tree or of a commit."""
    return {path: _fingerprint(_files(path) if commit is None else _past(path, commit)) for path in paths}


def commit_of(paths: Iterable[str]) -> str:
    """The last commit that changed any of the paths: the one whose code is measured.

    Raises:
        RuntimeError: where the paths hold changes that no commit has.
    """
    names = [*paths]
    if changed := _git("status", "--porcelain", "--", *names):
        raise RuntimeError(f"commit first: what is measured must be in a commit, changed are\n{changed}")
    return _git("log", "-1", "--format=%h", "--abbrev=7", "--", *names)


def essence(source: str) -> str:
    """Python source without comments, docstrings and blank lines.

    >>> essence('x = 1  # one\\n\\n\\ndef f():\\n    "Says."\\n    return x\\n').splitlines()
    ['x = 1', 'def f():', '    return x']
    """
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for first, last in _docstrings(ast.parse(source)):
        lines[first - 1 : last] = [""] * (last - first + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


_essence = cache(essence)  # the same file stands below many claims


def _docstrings(tree: ast.AST) -> Iterator[tuple[int, int]]:
    todo = [tree]
    while todo:  # through statements alone: no docstring stands below an expression
        node = todo.pop()
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            todo += getattr(node, field, ())
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            first = node.body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                yield first.lineno, first.end_lineno or first.lineno


def _fingerprint(files: Iterable[tuple[str, str]]) -> str:
    found = hashlib.sha256()
    for name, text in sorted(files):
        found.update(f"{name}\0{_essence(text) if name.endswith('.py') else text}\0".encode())
    return found.hexdigest()[:16]


def _files(path: str) -> Iterator[tuple[str, str]]:
    place = ROOT / path
    if place.is_file():
        yield path, place.read_text("utf-8")
        return
    if not place.is_dir():
        raise FileNotFoundError(f"no file or folder {path} for a claim to rest on")
    for file in place.rglob("*.py"):
        if file.name not in SAYERS:
            yield file.relative_to(ROOT).as_posix(), file.read_text("utf-8")


def _past(path: str, commit: str) -> Iterator[tuple[str, str]]:
    for name in _git("ls-tree", "-r", "--name-only", commit, "--", path).splitlines():
        if (name.endswith(".py") and Path(name).name not in SAYERS) or name == path:
            yield name, _git("show", f"{commit}:{name}", strip=False)


def _git(*arguments: str, strip: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip() if strip else done.stdout
