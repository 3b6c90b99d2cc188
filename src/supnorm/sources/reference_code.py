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
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Any

from supnorm.evaluation.opened_files import unrecorded
from supnorm.problem import Problem
from supnorm.problem.code_texts import code_in
from supnorm.problem.fingerprint import content_of, placeless
from supnorm.results.printable import one_line
from supnorm.sources.needed import needed
from supnorm.sources.statements import last_of
from supnorm.sources.unnamed_files import Folders, imported, modules, tree_of

IDLE = ("name", "timeout", "retries", "declared")  # keys of a source that change no value of it
TABLE = "[reference]"
DIGITS = 12
LOADERS = frozenset({
    "SourceFileLoader", "__import__", "import_module", "run_module", "run_path", "spec_from_file_location",
})  # fmt: skip
# Calls that write a file, or make it ready for that; so does ``open`` in one of these modes.
WRITERS = frozenset({
    "FileHandler", "basicConfig", "dump", "makedirs", "mkdir", "rename", "save", "savefig", "savetxt", "savez",
    "savez_compressed", "to_csv", "to_json", "to_parquet", "tofile", "touch", "unlink", "write_bytes", "write_text",
})  # fmt: skip
MODES = ("a", "w", "x")
OPENERS = frozenset({"bz2", "codecs", "gzip", "io", "lzma"})  # modules with an ``open`` of their own
# Calls that put a name of a file together.
JOINING = frozenset(
    {"Path", "PurePath", "absolute", "dirname", "format", "fspath", "join", "joinpath", "resolve", "str"}
)


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
    named = [origin.get(key) for key in ("file", "template")]
    named += [text for key in ("command", "residuals", "patches") for text in origin.get(key) or ()]
    whole = [path for text in named if text and (path := root / str(text)).is_file()]
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
        tree.body = needed(tree, function, _of_user(tree, path, folders))
        trees.append(tree)
        yield f"{path.name}:{function}", _lines(source, tree.body)
        whole += modules(tree, path, folders)
    whole += _unnamed(problem, folders)
    for path in _with_further(whole, trees, folders, problem.files):
        yield path.name, _content(problem, path)


def _of_user(tree: ast.Module, path: Path, folders: Folders) -> dict[str, str]:
    """The names that a file imports from files of the user, each with its file."""
    files = {}
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for one in statement.names:
                alone = ast.Module([_with_one(statement, one)], [])
                for file in modules(alone, path, folders):
                    files[(one.asname or one.name).partition(".")[0]] = str(file)
    return files


def _with_one(statement: ast.Import | ast.ImportFrom, one: ast.alias) -> ast.stmt:
    """The import of one of its names."""
    if isinstance(statement, ast.Import):
        return ast.Import([one])
    return ast.ImportFrom(statement.module, [one], statement.level)


def _with_further(
    files: list[Path], trees: list[ast.AST], folders: Folders, known: Mapping[Path, str]
) -> list[Path]:
    """The files, those that their code imports, and those that this code or the trees name."""
    code = imported([path for path in files if path.suffix == ".py"], folders)
    trees = [*trees, *map(tree_of, code)]
    texts = _texts(trees)
    names = {PurePath(text).name for text in texts}
    names |= {f"{name}.py" for name in names} if _loads(trees) else set()
    data = {path for path in known if path.name in names and (path.suffix != ".py" or _loads(trees))}
    # Also those that nobody has opened yet.
    beside = {Path(folder) / text for folder in folders.below for text in texts if "\0" not in text}
    data |= {path for path in beside if path.suffix != ".py" and folders.hold(str(path))}
    return sorted({Path(os.path.realpath(path)) for path in (*files, *code, *data)})


def _unnamed(problem: Problem, folders: Folders) -> list[Path]:
    """Files that define the problem and that no text names: code puts their names together, perhaps the reference's."""
    assert problem.source is not None
    try:
        texts = {*_strings(tomllib.loads(problem.source.read_text("utf-8")))}
    except (OSError, ValueError):
        return []
    names = {PurePath(part).name for text in texts for part in (text, text.rpartition(":")[0])} - {""}
    code = imported([path for path in problem.files if path.suffix == ".py" and path.name in names], folders)
    names |= {PurePath(text).name for text in _texts(map(tree_of, code))}
    starts = tuple(name for name in names if "." in name)  # also of parts, such as a.onnx.data
    names |= {f"{name}.py" for name in names}
    others = (path for path in problem.files if path not in code and path.name not in names)
    return [path for path in others if not path.name.startswith(starts)]


def _texts(trees: Iterable[ast.AST]) -> list[str]:
    """The texts in code that may be names of files, but for those of files that it writes: a log changes at every call."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    written = _written(nodes)
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and node not in written)
    return [text for text in texts if isinstance(text, str) and len(text) < 300]


def _written(nodes: list[ast.AST]) -> set[ast.AST]:
    """Texts and names that stand for files that are only written: in calls that write, or in names that only these use."""
    written = {
        part for node in nodes if isinstance(node, ast.Call) and _writes(node) for part in _file_of(node)
    }
    loads, beyond = _uses(nodes)
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = {part for one in functions for part in ast.walk(one) if isinstance(part, ast.Assign)}
    for node in nodes:
        if isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
            names = {getattr(target, "id", "") for target in node.targets}
            uses = [use for name in names for use in loads.get(name, ())]
            if uses and written.issuperset(uses) and (node in inside or not names & beyond):
                written.update(_file_of(node.value))
    return written


def _uses(nodes: list[ast.AST]) -> tuple[dict[str, list[ast.AST]], set[str]]:
    """Where each name is read, and the names that another file may use."""
    loads: dict[str, list[ast.AST]] = {}
    beyond: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loads.setdefault(node.id, []).append(node)
        elif isinstance(node, ast.Attribute | ast.alias):
            beyond.add(node.attr if isinstance(node, ast.Attribute) else node.name)
    return loads, beyond


def _writes(call: ast.Call) -> bool:
    """Whether a call writes a file and reads nothing of it."""
    if (name := last_of(call.func)) != "open":
        return name in WRITERS
    if any(
        last_of(flag) == "O_WRONLY" for part in call.args[1:2] for flag in ast.walk(part)
    ):  # os.open(file, flags)
        return True
    # open(file, mode) or file.open(mode)
    of_file = isinstance(call.func, ast.Attribute) and last_of(call.func.value) not in OPENERS
    modes = [k.value for k in call.keywords if k.arg == "mode"] or call.args[0 if of_file else 1 :][:1]
    mode = modes[0].value if modes and isinstance(modes[0], ast.Constant) else ""
    return isinstance(mode, str) and mode.startswith(MODES) and "+" not in mode


def _file_of(node: ast.AST) -> Iterator[ast.AST]:
    """Texts and names in an expression, but not those of calls in it that do more than put names together."""
    if isinstance(node, ast.Constant | ast.Name):
        yield node
    for part in ast.iter_child_nodes(node):
        if not isinstance(part, ast.Call) or last_of(part.func) in JOINING:
            yield from _file_of(part)


def _strings(value: Any) -> Iterator[str]:
    """All texts in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(part)


def _loads(trees: Iterable[ast.AST]) -> bool:
    """Whether code may load other code by a name in a text."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return any(
        (isinstance(node, ast.Name) and node.id in LOADERS)
        or (isinstance(node, ast.Attribute) and node.attr in LOADERS)
        for node in nodes
    )


def _content(problem: Problem, path: Path) -> str:
    """SHA-256 of a file when the problem was opened."""
    real = Path(os.path.realpath(path))
    return problem.files.get(real) or content_of(real)


def _lines(source: bytes, statements: list[ast.stmt]) -> str:
    lines = source.decode(errors="surrogateescape").splitlines()
    firsts = [min([s.lineno, *(d.lineno for d in getattr(s, "decorator_list", ()))]) for s in statements]
    chosen = (lines[first - 1 : s.end_lineno] for first, s in zip(firsts, statements, strict=True))
    return "\n".join(line.rstrip() for part in chosen for line in part)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:DIGITS]
