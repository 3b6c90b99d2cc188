"""Runs the code of a problem's folder as its files are: what runs is what was read, and what was read is what is hashed.

Python by itself runs other code than the files hold in three cases:

* it takes bytecode in ``__pycache__`` for that of a source of the same size and the same time in whole seconds;
* a module in memory stays what it was when its file changes, or a file that it read;
* of two folders with a ``helper.py`` each, the second one gets the module of the first.

So files of the folders that count for a problem (`Folders`) are compiled from their source each time, all modules of a
folder are loaded again once a file of them has changed, and a file that is imported sees the modules of its own folder only
(`Neighbours`). Loaders of others (``spec_from_file_location``, ``pip install -e``) find no bytecode of these folders
(`_without_bytecode`). Packages that are installed elsewhere keep their bytecode and stay in memory. What the calling program
has imported itself stays its own: the problem gets copies of these modules.
"""

from __future__ import annotations

import glob
import hashlib
import linecache
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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

from supnorm.evaluation.executor import USER_FILE
from supnorm.problem.fingerprint import content_of
from supnorm.results import BadInput
from supnorm.sources.recording import FOREIGN, Folders, imported, unrecorded


@dataclass(eq=False)
class Neighbours:
    """The modules that files of one folder import from it and from the folders beside it.

    Attributes:
        folder: where they are looked for first.
        folders: the folders that count.
        modules: by name, as they were when a file of the folder was last imported.
        ran: SHA-256 of each file that was compiled for the folder, by its resolved path.
        read: SHA-256 of files that define problems of the folder, which its code may have read while it was loaded, by each
            path under which they were opened.
    """

    folder: str
    folders: Folders
    modules: dict[str, ModuleType] = field(default_factory=dict)
    ran: dict[str, str] = field(default_factory=dict)
    read: dict[str, str] = field(default_factory=dict)

    def outdated(self) -> bool:
        """Whether a file has changed since, or the name of a module means another file now."""
        with unrecorded():
            if any(content_of(Path(file)) != digest for file, digest in (self.read | self.ran).items()):
                return True
        tops = {
            name: module.__dict__.get("__file__") for name, module in self.modules.items() if "." not in name
        }
        now = {name: PathFinder.find_spec(name, [self.folder, *sys.path]) for name in tops}
        return any(spec is not None and spec.origin != tops[name] for name, spec in now.items())

    def forget(self) -> None:
        """Have everything loaded again; objects that exist keep the modules that they were made from."""
        for name, module in list(sys.modules.items()):
            if _owner(name, module) is self:
                del sys.modules[name]
        self.modules, self.ran, self.read = {}, {}, {}


_ALL: dict[str, Neighbours] = {}  # by folder
_NOW: list[Neighbours] = []  # those of the file that is being imported, the innermost last
_COMPILED: dict[str, str] = {}  # SHA-256 of compiled code when it was first seen, by path
LIBRARIES = (".so", ".dll", ".dylib", ".pyd")
_HOOKED: list[bool] = []
_LOCK = threading.RLock()


class FromSource(SourceFileLoader):
    """Compiles what it reads; it neither reads nor writes bytecode."""

    def __init__(self, name: str, path: str, neighbours: Neighbours) -> None:
        super().__init__(name, path)
        self.neighbours = neighbours

    def get_code(self, fullname: str) -> CodeType:
        """The code of the file as it is now; tracebacks and `inspect` have the same text."""
        path = self.get_filename(fullname)
        source = self.get_data(path)
        digest = hashlib.sha256(source).hexdigest()
        self.neighbours.ran[os.path.realpath(path)] = self.neighbours.read[path] = digest  # links may change
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
        if path is not None and all(str(entry).startswith(FOREIGN) for entry in path):
            return None
        if BuiltinImporter.find_spec(fullname) or FrozenImporter.find_spec(fullname):
            return None
        mine = _NOW[-1] if _NOW else _caller()
        if mine is None:
            return None
        spec = PathFinder.find_spec(fullname, [mine.folder, *sys.path] if path is None else path, target)
        if spec is None:
            return None
        origins = [spec.origin] if spec.origin is not None else [*(spec.submodule_search_locations or ())]
        if not any(map(mine.folders.contain, origins)):
            return None
        if path is None and not _NOW and len(_offering(fullname)) > 1:
            raise ImportError(f"several folders have a {fullname}: import it at the top of the file")
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = FromSource(fullname, origins[0], mine)
        elif isinstance(spec.loader, ExtensionFileLoader):
            _COMPILED.setdefault(origins[0], content_of(Path(origins[0])))
        elif spec.loader is None:
            spec.loader_state = mine  # a package without a file
        return spec


def _without_bytecode(event: str, given: tuple[object, ...]) -> None:
    """An audit hook by which loaders do not find the bytecode of folders that count; then they compile the source.

    Raises:
        FileNotFoundError: which `importlib` and pytest answer with the source.
    """
    if (
        event != "open"
        or not isinstance(given[0], str)
        or not given[0].endswith(".pyc")
        or "w" in str(given[1])
    ):
        return
    folder = os.path.dirname(given[0])
    if os.path.basename(folder) == "__pycache__" and any(
        mine.folders.contain(folder) for mine in [*_ALL.values()]
    ):
        raise FileNotFoundError(given[0])


def neighbours_of(path: Path) -> Neighbours:
    """The modules beside a resolved file: those of earlier imports, if none has changed since.

    Raises:
        BadInput: where compiled code was replaced, which Python cannot load again.
    """
    with _LOCK:
        if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
            sys.meta_path.insert(0, _Finder())
        if not _HOOKED:
            sys.addaudithook(_without_bytecode)  # it cannot be removed
            _HOOKED.append(True)
        mine = _of(path, [path])
        if mine.outdated():
            mine.forget()
        with unrecorded():
            for file, digest in _COMPILED.items():
                if mine.folders.hold(file) and content_of(Path(file)) != digest:
                    raise BadInput(
                        f"{file} was replaced after it had been loaded, and Python cannot load it again: start anew"
                    )
        return mine


def expect(files: Sequence[Path]) -> None:
    """Say that the folders of all these files count for each of them, since one problem names them all."""
    for path in files:
        if path.suffix == ".py":
            _of(path.resolve(), files)


def _of(path: Path, files: Sequence[Path]) -> Neighbours:
    folder, folders = str(path.parent), Folders.of(files)
    mine = _ALL.setdefault(folder, Neighbours(folder, folders))
    if not set(folders.below) <= set(mine.folders.below):
        mine.folders = Folders((*mine.folders.below, *folders.below))
    return mine


@contextmanager
def importing(mine: Neighbours) -> Iterator[None]:
    """A context in which a file of the folder is executed: its folder comes first, and other folders' modules are hidden."""
    with _LOCK:
        for entry in [entry for entry in sys.path_importer_cache if entry.startswith(mine.folder)]:
            del sys.path_importer_cache[entry]  # it remembers which files the folder had
        aside = _taken(mine)
        sys.modules.update(mine.modules)
        sys.path.insert(0, mine.folder)
        _NOW.append(mine)
        try:
            yield
        finally:
            _NOW.pop()
            if mine.folder in sys.path:
                sys.path.remove(mine.folder)
            mine.modules = _taken(mine)
            sys.modules.update(aside if _NOW else _left(mine, aside))


def running(paths: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of the code that runs for some files of a user, theirs and that of modules beside them, by resolved path."""
    code: dict[str, str] = {}
    for path in paths:
        mine = _ALL.get(str(path.resolve().parent))
        code |= {} if mine is None else mine.ran
    return code


def remember(contents: Mapping[Path, str], opened: Iterable[str], files: Sequence[Path]) -> None:
    """Have code that reads data while it is loaded run again once one of the files that define its problem has changed.

    Args:
        contents: SHA-256 of these files, by resolved path.
        opened: names of files that were opened meanwhile, which may be links.
        files: those of them that the problem names.
    """
    read = {str(file): digest for file, digest in contents.items()}
    read |= {f: read.get(os.path.realpath(f), "") for f in opened if not f.startswith(FOREIGN)}
    for path in files:
        if path.suffix == ".py" and (mine := _ALL.get(str(path.resolve().parent))):
            mine.read |= {file: digest for file, digest in read.items() if digest}
    for file, digest in contents.items():
        if file.suffix in LIBRARIES:
            _COMPILED.setdefault(str(file), digest)


def demand_running(wanted: Mapping[str, str], files: Mapping[Path, str] | None = None) -> None:
    """Check that the code that runs here (`running`) is that of another process, or that of the files.

    Args:
        wanted: as `running` gave it.
        files: SHA-256 of files that were read since; this process by default.

    Raises:
        BadInput: naming the file that has changed.
    """
    if files is None:
        here = {file: digest for mine in _ALL.values() for file, digest in mine.ran.items() if file in wanted}
        files = {Path(file): here.get(file) or content_of(Path(file)) for file in wanted}
    for path, digest in files.items():
        if wanted.get(str(path), digest) != digest:
            raise BadInput(f"{path} has changed since the problem was opened: start anew, or restore it")


def forget_bytecode(programs: Sequence[Path]) -> None:
    """Remove the bytecode of Python programs, and of what they import from their folders, before they are started.

    An interpreter of its own would run it instead of a source of the same size and time. Folders that nobody may write to
    keep theirs.
    """
    for file in imported(programs, Folders.of(programs)):
        for old in (file.parent / "__pycache__").glob(f"{glob.escape(file.stem)}.*.pyc"):
            with suppress(OSError):
                old.unlink()


def _taken(mine: Neighbours) -> dict[str, ModuleType]:
    """Modules of the folders that count and of other problems, which are taken out of ``sys.modules``."""
    taken: dict[str, ModuleType] = {}
    for name, module in list(sys.modules.items()):
        locations = () if name.startswith((USER_FILE, "__main__", "__mp_main__")) else _locations(module)
        if all(location.startswith(FOREIGN) for location in locations):
            continue
        if _owner(name, module) is None and not any(map(mine.folders.contain, locations)):
            continue
        if isinstance(module.__dict__.get("__loader__"), ExtensionFileLoader):
            _COMPILED.setdefault(
                locations[0], content_of(Path(locations[0]))
            )  # it can be in memory only once
        else:
            taken[name] = sys.modules.pop(name)
    return taken


def _left(mine: Neighbours, aside: Mapping[str, ModuleType]) -> dict[str, ModuleType]:
    """The modules that stay in ``sys.modules`` after an import, for what is imported or unpickled in calls.

    The calling program's own come first. A name that several folders have stays out: it would mean the wrong file to one.
    """
    owners = {name: _owner(name, module) for name, module in aside.items()}
    callers = {name: module for name, module in aside.items() if owners[name] is None}
    ours = {name: module for name, module in aside.items() if owners[name] not in (None, mine)} | mine.modules
    tops = {_top(name) for name in callers}
    tops |= {top for top in {_top(name) for name in ours} if len(_offering(top)) > 1}
    return {name: module for name, module in ours.items() if _top(name) not in tops} | callers


def _top(name: str) -> str:
    return name.partition(".")[0]


def _offering(top: str) -> list[Neighbours]:
    """The folders that have a module of this name."""
    bases = {folder: os.path.join(folder, top) for folder in _ALL}
    return [_ALL[f] for f, base in bases.items() if os.path.exists(base + ".py") or os.path.isdir(base)]


def _locations(module: ModuleType) -> tuple[str, ...]:
    """The file of a module, or the folders of a package without one; modules that load themselves are not woken."""
    if not isinstance(module, ModuleType):
        return ()
    facts = object.__getattribute__(module, "__dict__")
    file, folders = facts.get("__file__"), facts.get("__path__")
    if isinstance(file, str):
        return (file,)
    return () if file is not None or folders is None else tuple(map(str, folders))


def _owner(name: str, module: ModuleType) -> Neighbours | None:
    """The folder that a module was loaded for; None for modules that Python loaded."""
    if not _locations(module):
        return None
    facts = object.__getattribute__(module, "__dict__")
    loader, state = facts.get("__loader__"), getattr(facts.get("__spec__"), "loader_state", None)
    if isinstance(loader, FromSource):
        return loader.neighbours
    if isinstance(state, Neighbours):
        return state
    return next((mine for mine in _ALL.values() if mine.modules.get(name) is module), None)


def _caller() -> Neighbours | None:
    """The folder of the innermost code of a folder that is running now, in this thread."""
    frame = sys._getframe(1)
    while frame is not None:
        loader = frame.f_globals.get("__loader__")
        if isinstance(loader, FromSource):
            return loader.neighbours
        frame = frame.f_back  # type: ignore[assignment]
    return None
