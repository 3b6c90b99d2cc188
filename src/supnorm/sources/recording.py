"""Finds further files that define a problem: files that its code opens and imports while it is loaded.

A model unpickles its weights, a reference imports a helper. An edit of such a file makes another problem, but the problem
file does not name it. There are three ways to find these files, and each finds files that the others miss:

* files that Python opens, imports or loads as a library while the user's files run (`recording`, by an audit hook of the
  interpreter, which does not see files that compiled code opens);
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
import site
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

NAMED = frozenset(
    {
        ".nc",
        ".h5",
        ".hdf5",
        ".npz",
        ".npy",
        ".onnx",
        ".pt",
        ".pt2",
        ".pth",
        ".pkl",
        ".pickle",
        ".joblib",
        ".keras",
        ".ubj",
        ".bin",
        ".safetensors",
        ".parquet",
        ".mat",
        ".so",
        ".dll",
        ".dylib",
    }
)
MOST = 500  # largest number of code files that are followed; in a large project more would take minutes
# Largest number of recorded names: a simulator may open another file in each of a million calls.
LARGEST = 20_000
NEW = os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITES = os.O_WRONLY | os.O_RDWR | NEW
EVENTS = ("open", "sqlite3.connect", "ctypes.dlopen", "subprocess.Popen", "os.system")


@dataclass
class Recording:
    """The files that were opened while it lasted, with absolute paths.

    Attributes:
        read, written: those that were opened for one of both.
        both: those that existed and were opened for both, with their state then.
    """

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    both: dict[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def files(self) -> set[str]:
        """The files that were read and not written."""
        return (self.read | {*self.both}) - self.changed

    @property
    def changed(self) -> set[str]:
        """The files that were written."""
        return self.written | {file for file, state in [*self.both.items()] if _state(file) != state}

    @property
    def size(self) -> int:
        """How many names were recorded."""
        return len(self.read) + len(self.written) + len(self.both)

    def note(self, file: str, reads: bool, writes: bool) -> None:
        """Write down that a file is about to be opened."""
        if reads and writes:
            if len(self.both) < LARGEST:
                self.both.setdefault(file, _state(file))
        elif len(noted := self.written if writes else self.read) < LARGEST:
            noted.add(file)


_ACTIVE: list[Recording] = []
_HOOKED: list[bool] = []
_OWN = threading.local()  # whether supnorm itself reads files in a thread


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if not _ACTIVE or event not in EVENTS or getattr(_OWN, "reads", False):
        return
    try:
        if event in ("subprocess.Popen", "os.system"):
            files: list[Any] = _arguments(*given)
            reads, writes = True, True
        elif isinstance(given[0], str | bytes | os.PathLike):
            files = [_of_uri(given[0]) if event == "sqlite3.connect" else given[0]]
            reads, writes = _access(*given[1:]) if event == "open" else (True, event == "sqlite3.connect")
        else:
            return
        for text in [os.path.abspath(os.fsdecode(file)) for file in files]:
            for one in _ACTIVE:
                one.note(text, reads, writes)
    except Exception:
        return  # if a hook raised, the user's own open would fail


def _of_uri(database: Any) -> Any:
    """The file of a database that SQLite gets as a URI (``file:data.db?mode=ro``)."""
    text = os.fsdecode(database)
    return unquote(urlsplit(text).path) if text.startswith("file:") else database


def _access(mode: Any = None, flags: Any = 0) -> tuple[bool, bool]:
    """Whether what a file holds may be read, and whether it may be written; a file that is made or emptied is written."""
    if isinstance(mode, str):
        return not any(c in mode for c in "wax"), any(c in mode for c in "wax+")
    flags = flags or 0
    return not flags & NEW and not flags & os.O_WRONLY, bool(flags & WRITES)


def _arguments(command: Any, words: Any = (), folder: Any = None, *_: Any) -> list[str]:
    """The files that the command line of another program names."""
    words = [command, *([words] if isinstance(words, str | bytes | os.PathLike) else words)]
    texts = [os.fsdecode(word) for word in words if word is not None]
    texts += [part for text in texts if " " in text for part in text.split()]  # a line for the shell
    texts += [text.partition("=")[2] for text in texts if "=" in text]
    return [file for text in texts if os.path.isfile(file := os.path.join(os.fsdecode(folder or ""), text))]


def _state(file: str) -> tuple[int, ...]:
    try:
        now = os.stat(file)
    except (OSError, ValueError):
        return ()
    return now.st_ino, now.st_size, now.st_mtime_ns


@contextmanager
def recording() -> Iterator[Recording]:
    """A context in which all files that Python opens are recorded; recordings may be nested."""
    if not _HOOKED:
        sys.addaudithook(_hook)
        _HOOKED.append(True)
    recorded = Recording()
    _ACTIVE.append(recorded)
    try:
        yield recorded
    finally:
        _ACTIVE[:] = [one for one in _ACTIVE if one is not recorded]


@contextmanager
def unrecorded() -> Iterator[None]:
    """A context in which supnorm itself reads files, which are not what the user's code opens."""
    before, _OWN.reads = getattr(_OWN, "reads", False), True
    try:
        yield
    finally:
        _OWN.reads = before


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
            for p in (Path.home(), tempfile.gettempdir(), "/", "/home", "/tmp", "/usr", "/opt")
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

    def contain(self, file: str) -> bool:
        """The same of a name, whether there is such a file or not; it may be that of a folder."""
        if file.startswith(FOREIGN):
            return False
        real = os.path.realpath(file)
        if real.startswith(FOREIGN):
            return False
        given = os.path.join(os.path.realpath(os.path.dirname(file)), os.path.basename(file))
        return any(_inside(path, folder) for path in (real, given) for folder in self.below)


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
    if not folders or not any(level for _, level in _named_imports(path)):
        return path.parent, None
    parts = [folder.name for folder in reversed(folders)] + [path.stem] * (path.name != "__init__.py")
    return folders[-1].parent, ".".join(parts)


def _foreign() -> tuple[str, ...]:
    """Folders of Python, its packages and supnorm itself."""
    installed = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *site.getsitepackages(),
        str(Path(__file__).parents[1]),
    }
    system = ("/usr/", "/proc/", "/sys/", "/dev/", "/etc/", "/lib/")
    every = {folder for p in installed for folder in (p, os.path.realpath(p)) if folder not in ("/", "/usr")}
    return (*(folder.rstrip(os.sep) + os.sep for folder in sorted(every)), *system)


FOREIGN = _foreign()


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
        roots = [file.parent, *(Path(p) for p in folders.below)]
        for module, level in _imports(file):
            starts = roots if level == 0 else [(file.parent, *file.parents)[min(level, len(file.parents))]]
            for start in starts:
                base = start.joinpath(*module.split(".")) if module else start
                for candidate in (
                    base.with_suffix(".py") if module else base / "__init__.py",
                    base / "__init__.py",
                ):
                    if candidate.is_file() and folders.hold(str(candidate)):
                        todo.append(Path(os.path.realpath(candidate)))
    return sorted(seen)


def _tree(file: Path) -> ast.AST:
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return ast.Module([], [])


def _imports(file: Path) -> Iterator[tuple[str, int]]:
    """Names of modules that may be imported, with those of their packages, and the number of dots before them."""
    for name, level in _named_imports(file):
        parts = name.split(".")
        yield from ((".".join(parts[:k]), level) for k in range(1, len(parts) + 1))


def _named_imports(file: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module else alias.name, node.level


def named(file: Path) -> Iterator[Path]:
    """Files of weights that the text of a file names, relative to its folder."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            text = node.value
            if os.path.splitext(text)[1].lower() in NAMED and "\0" not in text:
                yield file.parent / text
