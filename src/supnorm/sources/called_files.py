"""The files that functions open when they are called: no fingerprint covers them, because it is known before any call.

A run writes them down while it works, with their content, so that it is known also after a kill which files its values come
from. None of them may change while the run is at work, or before it goes on. Files that were made during the run, such as
the output of a simulator, do not count.
"""

from __future__ import annotations

import math
import os
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from supnorm.evaluation.opened_files import Recording, unrecorded
from supnorm.problem.fingerprint import content_of
from supnorm.results import BadInput
from supnorm.sources.unnamed_files import Folders, counted

OFTEN = 1.0  # seconds between two looks whether files have changed; new files are looked for each time
SHARE = 0.05  # of the time, at most, goes into these looks


def changed_file(contents: Mapping[str, str], root: Path) -> str | None:
    """The first of these files that has another content now; None if there is none."""
    with unrecorded():
        return next((name for name, was in sorted(contents.items()) if content_of(root / name) != was), None)


class CalledFiles:
    """What the calls of one run open.

    Args:
        recorded: of the run.
        named: the files that the problem names.
        known: SHA-256 of the files that are known before any call, when the problem was opened. Of these, data that a call
            opens once more must stay as they are; code has been loaded.
        root: the folder that names in `contents` start from.
        folder: of the run; its files do not count.
        held: the contents that the run wrote down before it was resumed.

    Attributes:
        contents: SHA-256 by name.
    """

    def __init__(
        self,
        recorded: Recording,
        named: Iterable[Path],
        known: Mapping[Path, str],
        root: Path,
        folder: Path,
        held: Mapping[str, str],
    ) -> None:
        self._recorded = recorded
        self._root, self._named_root = os.path.realpath(root), os.path.abspath(root)
        self._folders = Folders.of(path for path in named if path.is_file())
        self._known = {os.path.realpath(path): content for path, content in known.items()}
        self._inside = os.path.realpath(folder) + os.sep
        self._began, self._size = _clock_of(folder), 0
        self._looked, self._took = 0.0, 0.0
        self._seen: set[str] = set()
        self._written: dict[str, str] = {}  # resolved paths by the names of what was written
        self._opened: dict[str, str] = {}  # names as in `contents`, and resolved paths
        self.contents = dict(held)

    def look(self, last: bool = False) -> bool:
        """Write down new files; returns whether `contents` has changed.

        Args:
            last: look in any case whether those that were written down have changed.

        Raises:
            BadInput: naming a file that has changed since it was written down.
        """
        before = dict(self.contents)
        if self._recorded.size != self._size:
            self._write_down()
        if last or time.monotonic() - self._looked > max(OFTEN, self._took / SHARE):
            began = time.monotonic()
            name = changed_file(self.contents, Path(self._root))
            self._looked = time.monotonic()
            self._took = self._looked - began
            if name is not None:
                raise BadInput(
                    f"{name}, which a function of this problem opens, has changed while the run was at work: its values may "
                    "be those of two problems; start anew with another --out (a file that a function writes for itself "
                    "belongs into a temporary folder)"
                )
        return self.contents != before

    def _write_down(self) -> None:
        self._size = self._recorded.size
        opened, written = self._recorded.files, self._resolved()
        for name in [name for name, path in self._opened.items() if path in written]:
            self.contents.pop(name, None)  # it is written too: a state of the code, and no input
            del self._opened[name]
        new = opened - self._seen
        self._seen |= new
        names: dict[str, set[str]] = {}  # by resolved path
        for file in new:
            if (path := os.path.realpath(file)) != file:
                names.setdefault(path, set()).add(self._name(file, path))
        with unrecorded():
            for path in sorted(counted(new, self._folders) - written) if new else ():
                loaded = path in self._known and path.endswith(".py")
                if loaded or path.startswith(self._inside) or _time_of(path) >= self._began:
                    continue
                if (content := self._known.get(path) or content_of(Path(path))) == "absent":
                    continue  # it has vanished, or is too large to be read
                for name in names.get(path) or (os.path.relpath(path, self._root),):
                    self.contents.setdefault(name, content)
                    self._opened[name] = path

    def _name(self, file: str, path: str) -> str:
        """An opened file by the name that the code used: a link such as ``latest.npz`` may point to another file later.

        Args:
            file: absolute.
            path: the same, resolved.
        """
        starts = [self._root, self._named_root]  # which is a link itself, maybe
        given = [os.path.relpath(file, start) for start in starts]
        same = [name for name in given if os.path.realpath(os.path.join(self._root, name)) == path]
        return min(same, key=len) if same else os.path.relpath(path, self._root)

    def _resolved(self) -> set[str]:
        """What was written, by whichever of its names."""
        for file in self._recorded.changed - self._written.keys():
            self._written[file] = os.path.realpath(file)
        return {*self._written.values()}


def _clock_of(folder: Path) -> float:
    """The time now by the clock of a file system, which may be another computer's, or by this one's if that is earlier."""
    now = time.time()
    with suppress(OSError), unrecorded(), tempfile.TemporaryFile(dir=folder) as file:
        return min(now, os.fstat(file.fileno()).st_mtime)
    return now


def _time_of(path: str) -> float:
    """When a file was written last; infinite if it has vanished.

    Its own time can lie ahead (an archive of another time zone). The system's time of its last change cannot be set; Windows
    has none.
    """
    try:
        state = os.stat(path)
    except OSError:
        return math.inf
    return state.st_mtime if os.name == "nt" else min(state.st_mtime, state.st_ctime)
