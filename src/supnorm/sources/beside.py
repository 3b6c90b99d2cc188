"""Runs the code of a problem's folder as its files are: what runs is what was read, and what was read is what is hashed.

Python by itself runs other code than the files hold in three cases:

* it takes bytecode in ``__pycache__`` for that of a source of the same size and the same time in whole seconds;
* a module in memory stays what it was when its file changes, or a file that it read or looked for;
* of two folders with a ``helper.py`` each, the second one gets the module of the first.

So each opening of a problem runs the code of its folders (`Folders`) anew, from source, and a file that is imported sees
the modules of its own folder and opening only (`Neighbours`). Code that is loaded later, inside a function or in another
process, has to be as it was when the problem was opened. Loaders of others (``spec_from_file_location``, ``pip install -e``)
find no bytecode that may be older than its source (`bytecode`). Packages that are installed keep their bytecode and
stay in memory. What the calling program has imported itself stays its own: the problem gets copies of these modules.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    BuiltinImporter,
    ExtensionFileLoader,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import decode_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from supnorm.evaluation.executor import USER_FILE
from supnorm.evaluation.intact import demand_intact, functions
from supnorm.evaluation.opened_files import unrecorded
from supnorm.foreign import is_foreign
from supnorm.problem.fingerprint import content_of
from supnorm.results import BadInput
from supnorm.sources.bytecode import hide_stale_bytecode
from supnorm.sources.in_memory import is_compiled, locations_of, others
from supnorm.sources.unnamed_files import Folders, root_and_name


@dataclass(eq=False)
class Neighbours:
    """What one opening of a problem loads for the files of one folder, from it and from the folders beside it.

    Attributes:
        folder: where modules are looked for first.
        folders: the folders that count.
        modules: by name, as they were when a file of the folder was last imported.
        files: SHA-256 of each file that was compiled, and at the end of the opening of each that defines the problem, by
            resolved path. What is pickled are these facts: another process has to find the same.
        names: of the modules that were looked for; one of them may have put another object into ``sys.modules``.
    """

    folder: str
    folders: Folders
    modules: dict[str, ModuleType] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def __reduce__(self) -> tuple[Any, ...]:
        return Neighbours, (self.folder, self.folders, {}, dict(self.files))

    def demand(self, files: Mapping[str, str]) -> None:
        """Check that files are as this opening has seen them; new ones are written down.

        Raises:
            BadInput: naming the file that has changed.
        """
        for file, digest in files.items():
            if self.files.setdefault(file, digest) != digest:
                raise BadInput(f"{file} has changed since the problem was opened: start anew, or restore it")

    def differs(self, other: Neighbours) -> bool:
        """Whether both have seen a file with two contents."""
        return any(other.files.get(file, digest) != digest for file, digest in self.files.items())


class _Now(threading.local):
    """What the files that this thread is importing belong to, the innermost last, and how many problems it is opening."""

    def __init__(self) -> None:
        self.stack: list[Neighbours] = []
        self.openings = 0


_ALL: dict[str, Neighbours] = {}  # by folder, those of the last opening
_COMPILED: dict[str, str] = {}  # SHA-256 of compiled code when it was first seen, by path
LIBRARIES = (".so", ".dll", ".dylib", ".pyd")
_NOW = _Now()
LOCK = threading.RLock()


class FromSource(SourceFileLoader):
    """Compiles what it reads; it neither reads nor writes bytecode."""

    def __init__(self, name: str, path: str, neighbours: Neighbours) -> None:
        super().__init__(name, path)
        self.neighbours = neighbours

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now; tracebacks and `inspect` have the same text.

        Raises:
            BadInput: for a file that has changed since the problem was opened.
        """
        path = self.get_filename(fullname)
        source = self.get_data(path)
        self.neighbours.demand({os.path.realpath(path): hashlib.sha256(source).hexdigest()})
        code: CodeType = self.source_to_code(source, path)
        lines = decode_source(source).splitlines(keepends=True)
        linecache.cache[path] = (len(source), None, lines, path)  # no time: it is not read again
        return code


class _Finder(MetaPathFinder):
    """Finds what Python finds, for code of the folders alone, and has their files compiled from source."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """See `importlib.abc.MetaPathFinder`.

        Raises:
            ImportError: for an import inside a function whose name could mean files of several folders.
        """
        if path is not None and all(is_foreign(str(entry)) for entry in path):
            return None
        if BuiltinImporter.find_spec(fullname) or FrozenImporter.find_spec(fullname):
            return None
        mine = _caller() or (_NOW.stack[-1] if _NOW.stack else None)
        if mine is None:
            return None
        spec = PathFinder.find_spec(fullname, [mine.folder, *sys.path] if path is None else path, target)
        if spec is None:
            return None
        origins = [spec.origin] if spec.origin is not None else [*(spec.submodule_search_locations or ())]
        if not any(map(mine.folders.contain, origins)):
            return None
        if path is None and mine not in _NOW.stack and len(_offering(fullname)) > 1:
            raise ImportError(f"several folders have a {fullname}: import it at the top of the file")
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = FromSource(fullname, origins[0], mine)
        elif isinstance(spec.loader, ExtensionFileLoader):
            _COMPILED.setdefault(origins[0], content_of(Path(origins[0])))
            spec.loader_state = mine
        elif spec.loader is None:
            spec.loader_state = mine  # a package without a file
        mine.names.add(fullname)
        return spec


@contextmanager
def opening(files: Iterable[Path]) -> Iterator[None]:
    """A context in which a problem that names these files is opened: the code of their folders is loaded anew.

    Other threads that open a problem wait.

    Raises:
        BadInput: when this code replaces functions of Python or NumPy.
    """
    with LOCK:
        files = [path.resolve() for path in files]
        for folder in {_start(path) for path in files if path.suffix == ".py"}:
            here = _ALL.get(folder)
            # Code that is being imported may open a problem of its own folder.
            if here is None or here not in _NOW.stack:
                _begin(Neighbours(folder, Folders.of(files)))
        _NOW.openings += 1
        streams, before = (sys.stdout, sys.stderr), functions()
        try:
            with np.errstate():  # code that is imported may set it for itself only
                yield
        except Exception:
            demand_intact(before)  # which may be the cause
            raise
        finally:
            _NOW.openings -= 1
            # Code that silences its own output sets these to None, and supnorm has to print its results.
            sys.stdout, sys.stderr = sys.stdout or streams[0], sys.stderr or streams[1]
        demand_intact(before)


def opened_before(neighbours: Iterable[Neighbours]) -> None:
    """Have code loaded as an opening has loaded it, of which another process tells, or which was not the last one here."""
    with LOCK:
        for mine in neighbours:
            here = _ALL.get(mine.folder)
            if here is None or here.differs(mine):
                _begin(mine)
            else:
                here.files |= mine.files


def demand_unchanged(neighbours: Iterable[Neighbours]) -> None:
    """Check that the files of an opening are what they were.

    Raises:
        BadInput: naming the file that has changed.
    """
    with unrecorded():
        for mine in neighbours:
            mine.demand({file: content_of(Path(file)) for file in mine.files})


def neighbours_of(path: Path, digest: str) -> Neighbours:
    """What the last opening has loaded for the folder of a resolved file; outside of one, an edited file begins one.

    Args:
        digest: SHA-256 of the file.

    Raises:
        BadInput: where compiled code was replaced, which Python cannot load again.
    """
    folder = _start(path)
    with LOCK:
        here = _ALL.get(folder)
        if here is None or (not _NOW.openings and here.files.get(str(path), digest) != digest):
            _begin(Neighbours(folder, Folders.of([path])))
        mine = _ALL[folder]
        with unrecorded():
            for file, digest in _COMPILED.items():
                if mine.folders.hold(file) and content_of(Path(file)) != digest:
                    raise BadInput(
                        f"{file} was replaced after it had been loaded, and Python cannot load it again: start anew"
                    )
        return mine


def neighbours(paths: Iterable[Path]) -> tuple[Neighbours, ...]:
    """What the last opening has loaded for some files of a user, to be pickled with a function of them."""
    folders = dict.fromkeys(_start(path.resolve()) for path in paths)
    return tuple(_ALL[folder] for folder in folders if folder in _ALL)


@contextmanager
def importing(mine: Neighbours) -> Iterator[None]:
    """A context in which a file of the folder is executed: its folder comes first, and other folders' modules are hidden."""
    with LOCK:
        for entry in [entry for entry in sys.path_importer_cache if entry.startswith(mine.folder)]:
            del sys.path_importer_cache[entry]  # it remembers which files the folder had
        aside = _taken(mine, {})
        left = dict(sys.modules)
        sys.modules.update(mine.modules)
        sys.path.insert(0, mine.folder)
        _NOW.stack.append(mine)
        try:
            yield
        finally:
            _NOW.stack.pop()
            if mine.folder in sys.path:
                sys.path.remove(mine.folder)
            owner_of = _owners()
            taken = {name: (module, owner_of(name, module)) for name, module in _taken(mine, left).items()}
            mine.modules = {name: module for name, (module, owner) in taken.items() if owner in (None, mine)}
            aside |= {name: module for name, (module, owner) in taken.items() if owner not in (None, mine)}
            sys.modules.update(aside if _NOW.stack else _left(mine, aside))


def compiled(files: Iterable[Path]) -> set[str]:
    """The extension modules that are in memory for some files of a user; nothing opens them again."""
    modules = [module for mine in neighbours(files) for module in mine.modules.values()]
    return {locations_of(module)[0] for module in modules if is_compiled(module)}


def remember(contents: Mapping[Path, str], files: Iterable[Path]) -> None:
    """End an opening: write down the files that define the problem, for code that is loaded later.

    Args:
        contents: SHA-256 of these files, by resolved path.
        files: the files of code that the problem names.

    Raises:
        BadInput: for a file of code that has changed since it was loaded.
    """
    for mine in neighbours(files):
        mine.demand({str(file): digest for file, digest in contents.items()})
    for file, digest in contents.items():
        if file.suffix in LIBRARIES:
            _COMPILED.setdefault(str(file), digest)


def _start(path: Path) -> str:
    return str(root_and_name(path)[0])


def _install() -> None:
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    hide_stale_bytecode()


def _begin(mine: Neighbours) -> None:
    """Forget what the opening before has loaded for the folder; its objects keep the modules that they were made from."""
    _install()
    before, owner_of = _ALL.get(mine.folder), _owners()
    known = others(owner_of) + ([] if before is None else list(before.modules.items()))
    old = [pair for pair in known if (owner := owner_of(*pair)) is not None and owner.folder == mine.folder]
    _ALL[mine.folder] = mine
    for file in () if before is None else before.files:
        linecache.cache.pop(file, None)  # code may read its data by it
    for name, module in old:
        if sys.modules.get(name) is module:
            del sys.modules[name]
        if is_compiled(module):
            mine.modules[name] = module  # it can be in memory only once
            spec: Any = module.__spec__
            spec.loader_state = mine


def _taken(mine: Neighbours, left: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    """Modules of the folders that count and of other problems, which are taken out of ``sys.modules``.

    Args:
        left: what was looked at before and stays.
    """
    taken: dict[str, ModuleType] = {}
    owner_of, real, unknown = _owners(), cache(os.path.realpath), object()
    for name, module in others(owner_of):
        if name.startswith((USER_FILE, "__main__", "__mp_main__")) or left.get(name, unknown) is module:
            continue
        locations = locations_of(module)
        if owner_of(name, module) is None and (locations or name not in mine.names):
            if not any(mine.folders.contain(location, real) for location in locations):
                continue
            if is_compiled(module):
                _COMPILED.setdefault(locations[0], content_of(Path(locations[0])))
                continue  # that of the calling program; it can be in memory only once
        taken[name] = sys.modules.pop(name)
    return taken


def _left(mine: Neighbours, aside: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    """The modules that stay in ``sys.modules`` after an import, for what is imported or unpickled in calls.

    The calling program's own come first. A name that several folders have stays out: it would mean the wrong file to one.
    """
    owner_of = _owners()
    owners = {name: owner_of(name, module) for name, module in aside.items()}
    callers = {name: module for name, module in aside.items() if owners[name] is None}
    ours = {name: module for name, module in aside.items() if owners[name] not in (None, mine)} | mine.modules
    tops = {_top(name) for name in callers}
    tops |= {top for top in {_top(name) for name in ours} if len(_offering(top)) > 1}
    return {name: module for name, module in ours.items() if _top(name) not in tops} | callers


def _top(name: str) -> str:
    return name.partition(".")[0]


def _offering(top: str) -> list[Neighbours]:
    """The folders that have a module of this name."""
    bases = {folder: os.path.join(folder, top) for folder in [*_ALL]}
    return [_ALL[f] for f, base in bases.items() if os.path.exists(base + ".py") or os.path.isdir(base)]


def _owners() -> Callable[[str, ModuleType], Neighbours | None]:
    """Which folder a module was loaded for, by its name and itself; None for modules that Python loaded."""
    loaded: dict[str, list[tuple[ModuleType, Neighbours]]] = {}  # a long process opens thousands of folders
    for mine in [*_ALL.values()]:
        for name, module in mine.modules.items():
            loaded.setdefault(name, []).append((module, mine))

    def owner(name: str, module: ModuleType) -> Neighbours | None:
        for one, mine in loaded.get(name, ()):
            if one is module:
                return mine
        if not locations_of(module):
            return None
        facts = object.__getattribute__(module, "__dict__")
        loader, state = facts.get("__loader__"), getattr(facts.get("__spec__"), "loader_state", None)
        if isinstance(loader, FromSource):
            return loader.neighbours
        return state if isinstance(state, Neighbours) else None

    return owner


def _caller() -> Neighbours | None:
    """The folder of the innermost code of a folder that is running now, in this thread."""
    frame = sys._getframe(1)
    while frame is not None:
        loader = frame.f_globals.get("__loader__")
        if isinstance(loader, FromSource):
            return loader.neighbours
        frame = frame.f_back  # type: ignore[assignment]
    return None
