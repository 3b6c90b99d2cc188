"""Finds files that define a problem and that its file does not name: its code opens and imports them while it is loaded.

A model unpickles its weights, a reference imports a helper. An edit of such a file makes another problem. There are three
ways to find these files, and each finds files that the others miss:

* files that Python opens, imports or loads as a library while the user's files run (`supnorm.evaluation.opened_files`);
* files that the user's files import by name, followed from file to file (`imported`); the result does not depend on
  whether a module was loaded before, or on ``__pycache__``;
* files that exist, that the texts of these files name, and that have the suffix of a file of weights (`named`), because
  compiled code often opens such files (`NAMED`).

Only files below the folders of the named files, or beside these folders, count (see `Folders`). Files that are written
while the code is loaded (logs, caches) do not count. Files that the command line of another program names count as opened,
if they stay as they are.
"""

from __future__ import annotations

import ast
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

from supnorm.foreign import OWN, is_foreign

# Weights, data and libraries. Suffixes of files that programs often write (.csv, .dat, .db, .vtk) are left out: what Python
# opens counts whatever its name is.
NAMED = frozenset({
    ".npz", ".npy", ".pt", ".pt2", ".pth", ".pkl", ".pickle", ".joblib", ".onnx", ".keras", ".tflite", ".pb", ".ckpt",
    ".msgpack", ".ubj", ".bin", ".safetensors", ".gguf", ".nc", ".nc4", ".cdf", ".h5", ".hdf5", ".he5", ".mat", ".grib",
    ".grib2", ".grb", ".grb2", ".fits", ".parquet", ".pq", ".feather", ".arrow", ".orc", ".avro", ".rds", ".rdata", ".so",
    ".dll", ".dylib", ".pyd",
})  # fmt: skip
MOST = 500  # largest number of code files that are followed; in a large project more would take minutes


@dataclass(frozen=True)
class Folders:
    """Folders whose files can define a problem: the folders of the files that it names, and folders beside these.

    The user's home, the folder of temporary files and the root of the file system do not count as a whole. Packages,
    hidden folders and Python's own folders do not count at all.
    """

    below: tuple[str, ...]

    @classmethod
    def of(cls, files: Iterable[Path]) -> Folders:
        """The folders of a problem that names these files."""
        general = {
            os.path.realpath(p)
            for p in (Path.home(), tempfile.gettempdir(), "/", "/home", "/tmp", "/usr", "/opt", *OWN)
        }
        folders: set[str] = set()
        for file in files:
            folder = Path(os.path.realpath(file.parent))
            for inner in (folder, *_package(folder)):
                folders.add(str(inner))
                if str(inner.parent) not in general and len(inner.parent.parts) > 2:
                    folders.add(str(inner.parent))
        return cls(tuple(sorted(folders)))

    def hold(self, file: str) -> bool:
        """Whether a file counts, by its path or, for a link, by the path that it points to."""
        return os.path.isfile(file) and self.contain(file)

    def contain(self, file: str, real: Callable[[str], str] = os.path.realpath) -> bool:
        """The same of a name, whether there is such a file or not; it may be that of a folder.

        Args:
            real: the resolved path of a folder; who asks of many files keeps those of their folders.
        """
        if is_foreign(file):
            return False
        folder, name = os.path.split(file)
        given = os.path.join(real(folder), name)
        resolved = os.path.realpath(file) if name in ("", ".", "..") or os.path.islink(given) else given
        if is_foreign(resolved):
            return False
        return any(_inside(path, below) for path in {resolved, given} for below in self.below)


def _inside(path: str, folder: str) -> bool:
    """Whether a path is below a folder, and not in a hidden folder or one of packages."""
    if not path.startswith(folder.rstrip(os.sep) + os.sep):
        return False
    *between, name = path[len(folder.rstrip(os.sep)) + 1 :].split(os.sep)
    return not any(
        part.startswith(".") or part.endswith("-packages") or part == "__pycache__"
        for part in [*between, name.lstrip(".")]
    )


def _package(folder: Path) -> list[Path]:
    """The folder and those above it as far as they are one package."""
    last = next((k for k, f in enumerate((folder, *folder.parents)) if not (f / "__init__.py").is_file()), 0)
    return [folder, *folder.parents][:last]


def root_and_name(path: Path) -> tuple[Path, str | None]:
    """The folder that a file is imported from, and its name if it is a module of a package and imports from that by dots."""
    folders = _package(path.parent)
    if not folders or not any(level for _, level in _named_imports(tree_of(path))):
        return path.parent, None
    parts = [folder.name for folder in reversed(folders)] + [path.stem] * (path.name != "__init__.py")
    return folders[-1].parent, ".".join(parts)


def files_of(opened: Iterable[str], named_paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files that define a problem in addition to the files that it names.

    Args:
        opened: the files that were opened while the problem was opened.
        named_paths: the files that the problem names.

    Returns:
        Resolved paths, sorted, without those of ``named_paths``.
    """
    named_paths = [p for p in named_paths if p.is_file()]
    beside = counted(opened, Folders.of(named_paths), named_paths)
    mine = {os.path.realpath(p) for p in named_paths}
    return tuple(Path(p) for p in sorted(beside - mine) if os.path.isfile(p))


def counted(opened: Iterable[str], folders: Folders, code: Iterable[Path] = ()) -> set[str]:
    """The opened files that count, and those that their code, or further ``code``, imports and names; resolved paths."""
    beside = {os.path.realpath(_source(f)) for f in opened if folders.hold(_source(f))}
    code = [p for p in (*code, *map(Path, sorted(beside))) if p.suffix == ".py"]
    for file in imported(code, folders):
        beside.add(os.path.realpath(file))
    for file in {*code, *(Path(f) for f in beside if f.endswith(".py"))}:
        beside |= {os.path.realpath(p) for p in named(file) if folders.hold(str(p))}
    return beside


def _source(file: str) -> str:
    """The source of a compiled module; the cache does not always exist and depends on the version of Python."""
    if file.endswith(".pyc") and os.path.basename(os.path.dirname(file)) == "__pycache__":
        try:
            return source_from_cache(file)
        except ValueError:
            return file
    return file


def imported(files: Iterable[Path], folders: Folders) -> list[Path]:
    """The files that ``files`` import by name, directly or indirectly, among the files that count."""
    todo, seen = [Path(os.path.realpath(f)) for f in files], set[Path]()
    while todo and len(seen) < MOST:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        todo += modules(tree_of(file), file, folders)
    return sorted(seen)


def modules(tree: ast.AST, file: Path, folders: Folders) -> Iterator[Path]:
    """The files that the code of a file imports by name, among the files that count; resolved paths."""
    roots = [file.parent, *(Path(p) for p in folders.below)]
    for module, level in _imports(tree):
        starts = roots if level == 0 else [(file.parent, *file.parents)[min(level, len(file.parents))]]
        for start in starts:
            base = start.joinpath(*module.split(".")) if module else start
            for candidate in (
                base.with_suffix(".py") if module else base / "__init__.py",
                base / "__init__.py",
            ):
                if candidate.is_file() and folders.hold(str(candidate)):
                    yield Path(os.path.realpath(candidate))


def tree_of(file: Path) -> ast.AST:
    """The code of a file; nothing if it cannot be read."""
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Names of modules that may be imported, with those of their packages, and the number of dots before them."""
    for name, level in _named_imports(tree):
        parts = name.split(".")
        yield from ((".".join(parts[:k]), level) for k in range(1, len(parts) + 1))


def _named_imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module else alias.name, node.level


def named(file: Path) -> Iterator[Path]:
    """Files of weights that the text of a file names, relative to its folder."""
    for node in ast.walk(tree_of(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            text = node.value
            if os.path.splitext(text)[1].lower() in NAMED and "\0" not in text:
                yield file.parent / text
