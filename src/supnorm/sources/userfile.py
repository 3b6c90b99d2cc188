"""Loads an object from the user's Python file, ``"file.py:name"``.

The file runs once, as a module with a unique name, and its folder is at the front of the import path while it is
imported. So two files of the same name do not collide, and the file can import helper modules from its folder. What runs is
the content of the files, never bytecode (`supnorm.sources.beside`).
"""

from __future__ import annotations

import ast
import hashlib
import os
import sys
import traceback
from contextlib import nullcontext
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from supnorm.evaluation.executor import GUARD, IN_PACKAGES, USER_FILE
from supnorm.problem import exited
from supnorm.process import CALLS
from supnorm.results import BadInput
from supnorm.results.door import read_bytes
from supnorm.results.guard import LARGEST, exists
from supnorm.sources.beside import (
    LOCK,
    FromSource,
    Neighbours,
    demand_unchanged,
    importing,
    neighbours,
    neighbours_of,
    opened_before,
)
from supnorm.sources.unnamed_files import root_and_name

JAX_LIKE = frozenset({"jax", "equinox", "flax", "haiku", "optax"})


def load_object(text: str, root: Path, where: str) -> Any:
    """The object that ``"file.py:name"`` names; ``name`` may have dots.

    Args:
        text: the value of the key.
        root: the folder that relative paths start from.
        where: file and key, for messages.

    Raises:
        BadInput: for a missing file or name, or a file that fails while it is imported.
    """
    file, _, name = text.rpartition(":")
    if not file.endswith(".py") or not name:
        raise BadInput(f'{where} = "{text}": write it as "file.py:name", such as "truth.py:density"')
    path = root / file
    if not exists(path):
        raise BadInput(f'{where} = "{text}": there is no file {path}; paths start from {root}')
    loaded: Any = load_module(path, f'{where} = "{text}"')
    for part in name.split("."):
        if not hasattr(loaded, part):
            raise BadInput(f'{where} = "{text}": {file} has no name {name}; it has: {_names(loaded)}')
        loaded = getattr(loaded, part)
    return loaded


def load_module(path: Path, where: str) -> ModuleType:
    """Import a file; a second call while the same problem is opened returns the same module.

    Its name is made from its path and content; that of a module of a package that imports from it by dots is its own.
    """
    path = path.resolve()
    source = read_bytes(path, where, LARGEST["python"])
    digest = hashlib.sha256(source).hexdigest()
    unique = hashlib.sha256(f"{path} {digest}".encode(errors="surrogateescape")).hexdigest()[:16]
    name = f"{USER_FILE}{path.stem}_{unique}"
    of_package = root_and_name(path)[1]
    with LOCK:  # another thread may have begun
        beside = neighbours_of(path, digest)
        known = beside.modules.get(of_package) if of_package else sys.modules.get(name)
        return known or _imported(of_package or name, path, beside, where)


def _imported(name: str, path: Path, beside: Neighbours, where: str) -> ModuleType:
    try:
        with importing(beside), _double_for_jax(path), CALLS.importing(path.name):
            if name.startswith(USER_FILE):
                return _executed(name, path, beside)
            top = name.partition(".")[0]
            if top in sys.modules and top not in beside.modules:
                raise ImportError(
                    f"the package {top} has the name of one that is in memory: rename its folder"
                )
            IN_PACKAGES.add(name)
            return import_module(name)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise BadInput(
                f"{where}: {path.name}{_line(error, path)} ended the program (sys.exit) while it was imported; put "
                f"code that only a script should run under {GUARD}"
            ) from error
        if isinstance(error, Exception):
            raise BadInput(
                f"{where}: {path.name} failed while it was imported: {_described(error, path)}"
            ) from error
        raise


def _executed(name: str, path: Path, beside: Neighbours) -> ModuleType:
    spec = spec_from_file_location(name, path, loader=FromSource(name, str(path), beside))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def imported_roots(path: Path) -> frozenset[str]:
    """Names of the packages that a file imports anywhere; they show for which library its functions are written."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return frozenset()
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            roots.add(node.module.split(".")[0])
    return frozenset(roots)


def _double_for_jax(path: Path) -> Any:
    """64-bit mode while a JAX file is imported; otherwise its module-level arrays would be rounded to float32."""
    if not imported_roots(path) & JAX_LIKE:
        return nullcontext()
    from supnorm.problem.double_precision import double_precision

    try:
        return double_precision()
    except ImportError:
        return nullcontext()


def _names(owner: Any) -> str:
    module = getattr(owner, "__name__", None)
    names = [
        n
        for n, v in getattr(owner, "__dict__", {}).items()
        if not n.startswith("_")
        and not isinstance(v, ModuleType)
        and getattr(v, "__module__", module) == module
    ]
    return ", ".join(names[:20]) or "nothing public"


def _described(error: Exception, path: Path) -> str:
    """The error in one line, with the line of the user's file that raised it."""
    text = str(error).strip().splitlines()
    message = f"{type(error).__name__}: {text[0] if text else 'no message'}"
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    line = _line(error, path).removeprefix(", ")
    return f"{line}: {message}" if line else message


def _line(error: BaseException, path: Path) -> str:
    """``", line 7"`` if the user's file raised the error; empty if it was raised elsewhere."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == path]
    return f", line {lines[-1]}" if lines else ""


class UserFunction:
    """A function of the user's file that knows its file (`FromFile`), for other processes and for saving."""

    def __init__(self, text: str, root: Path, where: str) -> None:
        loaded = load_object(text, root, where)
        if not callable(loaded):
            raise BadInput(f'{where} = "{text}" is of type {type(loaded).__name__}; name a function')
        self.text, self.root, self._where = text, root, where
        self._beside = neighbours([root / text.rpartition(":")[0]])
        self.__name__ = text.rpartition(":")[2]
        self.__wrapped__: Any = loaded  # inspect.signature takes the parameters from here

    def __call__(self, *given: Any) -> Any:
        try:
            return self.__wrapped__(*given)
        except SystemExit as error:  # a failure like any other, which must not end the calling program
            raise RuntimeError(f"{self.__name__} ended the program: {exited(error)}") from error

    def __reduce__(self) -> tuple[Any, ...]:
        there = Path(os.path.abspath(self.root))  # a worker of a cluster may run in another folder
        return _again, (self.text, there, self._where, self._beside)


def _again(text: str, root: Path, where: str, beside: tuple[Neighbours, ...]) -> UserFunction:
    """The function in another process, which has to run the same code and read the same files."""
    opened_before(beside)
    function = UserFunction(text, root, where)
    demand_unchanged(beside)
    return function
