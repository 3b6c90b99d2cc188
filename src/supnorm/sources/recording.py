"""Which files define a problem beside those that it names: what its code opens and imports while it is loaded.

A model unpickles its weights, a reference imports a helper: an edit of either makes another problem, and the problem file
says nothing of them. Three ways to know of a file, of which each misses what another finds:

* what Python opens, imports or loads as a library while files of the user are run (`recording`, by an audit hook of the
  interpreter, which compiled code that opens files by itself does not pass);
* what the user's files import by name, followed from file to file (`imported`): the same whether a module was loaded
  before or not, and whatever is in ``__pycache__``;
* what is named in their texts, is there, and has the suffix of a file of weights (`named`): such files are often opened
  by compiled code (`NAMED`).

Only files below the folders of the problem's own files count, or beside these folders, see `Folders`. Files that are written
meanwhile do not: logs and caches.
"""

from __future__ import annotations

import ast
import os
import site
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

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
MOST = 500  # files of code that are followed, so that a file beside a large project costs no minutes
LARGEST = 20_000  # names that are noted: a simulator may open another file in each of a million calls
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass
class Recording:
    """What was opened while it lasted; paths as the code gave them, made absolute."""

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    @property
    def files(self) -> set[str]:
        """Read and not written."""
        return self.read - self.written


_ACTIVE: list[Recording] = []
_OPENED: dict[
    str, set[str]
] = {}  # by the name of what opened them; what is loaded already opens nothing again
_HOOKED: list[bool] = []


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if not _ACTIVE or event not in ("open", "sqlite3.connect", "ctypes.dlopen"):
        return
    try:
        path = given[0]
        if not isinstance(path, str | bytes | os.PathLike):
            return
        text = os.path.abspath(os.fsdecode(path))
        mode = given[1] if event == "open" and len(given) > 1 else None
        flags = given[2] if event == "open" and len(given) > 2 else 0
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITES)
        for one in _ACTIVE:
            noted = one.written if writes else one.read
            if len(noted) < LARGEST:
                noted.add(text)
    except Exception:
        return  # a hook that raises would make the user's own open fail


@contextmanager
def recording() -> Iterator[Recording]:
    """Inside, what Python opens is noted; recordings may be nested."""
    if not _HOOKED:
        sys.addaudithook(_hook)
        _HOOKED.append(True)
    found = Recording()
    _ACTIVE.append(found)
    try:
        yield found
    finally:
        _ACTIVE[:] = [one for one in _ACTIVE if one is not found]


@contextmanager
def belonging_to(name: str) -> Iterator[None]:
    """What is opened inside belongs to ``name``: who opens it again, from what is in memory already, is given it too."""
    with recording() as found:
        yield
    known = _OPENED.setdefault(name, set())
    known |= found.files
    for one in _ACTIVE:
        one.read |= known


@dataclass(frozen=True)
class Folders:
    """Folders whose files can define a problem: those of the files that it names, and what lies beside these folders.

    Not the user's home, the folder of temporary files or the root of the file system as a whole; no packages, no hidden
    folders, nothing of Python's own.
    """

    below: tuple[str, ...]

    @classmethod
    def of(cls, files: Iterable[Path]) -> Folders:
        """The folders of a problem whose own files these are."""
        general = {
            os.path.realpath(p)
            for p in (Path.home(), tempfile.gettempdir(), "/", "/home", "/tmp", "/usr", "/opt")
        }
        found: set[str] = set()
        for file in files:
            folder = Path(os.path.realpath(file.parent))
            found.add(str(folder))
            if str(folder.parent) not in general and len(folder.parent.parts) > 2:
                found.add(str(folder.parent))
        return cls(tuple(sorted(found)))

    def hold(self, file: str) -> bool:
        """Whether a file counts: by its name or, for links, by what they point to."""
        if file.startswith(_FOREIGN):
            return False
        real = os.path.realpath(file)
        if real.startswith(_FOREIGN) or not os.path.isfile(real):
            return False
        given = os.path.join(os.path.realpath(os.path.dirname(file)), os.path.basename(file))
        return any(_inside(path, folder) for path in (real, given) for folder in self.below)


def _inside(path: str, folder: str) -> bool:
    """Below a folder, and not in a hidden one or one of packages."""
    if not path.startswith(folder.rstrip(os.sep) + os.sep):
        return False
    return not any(
        part.startswith(".") or part.endswith("-packages") for part in Path(path[len(folder) :]).parts
    )


def _foreign() -> tuple[str, ...]:
    """Folders of Python, its packages and supnorm itself."""
    own = {
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        *site.getsitepackages(),
        str(Path(__file__).parents[1]),
    }
    system = ("/usr/", "/proc/", "/sys/", "/dev/", "/etc/", "/lib/")
    every = {folder for p in own for folder in (p, os.path.realpath(p)) if folder not in ("/", "/usr")}
    return (*(folder.rstrip(os.sep) + os.sep for folder in sorted(every)), *system)


_FOREIGN = _foreign()


def files_of(opened: Iterable[str], own: Iterable[Path]) -> tuple[Path, ...]:
    """The files that define a problem beside its own.

    Args:
        opened: what was opened while the problem was.
        own: the files that the problem names.

    Returns:
        Resolved paths, sorted, without those of ``own``.
    """
    own = [p for p in own if p.is_file()]
    folders = Folders.of(own)
    found = {os.path.realpath(_source(f)) for f in opened if folders.hold(_source(f))}
    code = [p for p in (*own, *map(Path, sorted(found))) if p.suffix == ".py"]
    for file in imported(code, folders):
        found.add(os.path.realpath(file))
    for file in {*code, *(Path(f) for f in found if f.endswith(".py"))}:
        found |= {os.path.realpath(p) for p in named(file) if folders.hold(str(p))}
    mine = {os.path.realpath(p) for p in own}
    return tuple(Path(p) for p in sorted(found - mine) if os.path.isfile(p))


def _source(file: str) -> str:
    """The source of a compiled module: a cache is there or not, and changes with the version of Python."""
    if file.endswith(".pyc") and os.path.basename(os.path.dirname(file)) == "__pycache__":
        try:
            return source_from_cache(file)
        except ValueError:
            return file
    return file


def imported(files: Iterable[Path], folders: Folders) -> list[Path]:
    """The files that these import by name, directly or not, among those that count."""
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
    """Names of modules that may be imported, and how many dots stand before them."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module else alias.name, node.level


def named(file: Path) -> Iterator[Path]:
    """Files of weights that the text of a file names, from its folder."""
    for node in ast.walk(_tree(file)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            text = node.value
            if os.path.splitext(text)[1].lower() in NAMED and "\0" not in text:
                yield file.parent / text
