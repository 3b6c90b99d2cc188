"""The files that functions open when they are called: no fingerprint covers them, because it is known before any call.

A run writes them down while it works, with their content, so that it is known also after a kill which files its values come
from. None of them may change while the run is at work, or before it goes on. Files that were made during the run, such as
the output of a simulator, do not count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from supnorm.problem.fingerprint import content_of
from supnorm.results import BadInput
from supnorm.sources.recording import Recording, files_of, unrecorded

OFTEN = 1.0  # seconds between two looks whether files have changed; new files are looked for each time


def changed_file(contents: Mapping[str, str], root: Path) -> str | None:
    """The first of these files that has another content now; None if there is none."""
    with unrecorded():
        return next((name for name, was in sorted(contents.items()) if content_of(root / name) != was), None)


class CalledFiles:
    """What the calls of one run open.

    Args:
        recorded: of the run.
        named: the files that the problem names.
        known: files that are known before any call.
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
        known: Iterable[Path],
        root: Path,
        folder: Path,
        held: Mapping[str, str],
    ) -> None:
        self._recorded, self._named, self._root = recorded, tuple(named), os.path.realpath(root)
        self._known = {os.path.realpath(path) for path in known}
        self._inside = os.path.realpath(folder) + os.sep
        self._began, self._looked, self._size = time.time(), 0.0, 0
        self._seen: set[str] = set()
        self._opened: dict[str, str] = {}  # names as in `contents`, and as they were opened
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
        if last or time.monotonic() - self._looked > OFTEN:
            self._looked = time.monotonic()
            name = changed_file(self.contents, Path(self._root))
            if name is not None:
                raise BadInput(
                    f"{name}, which a function of this problem opens, has changed while the run was at work: its values may "
                    "be those of two problems; start anew with another --out (a file that a function writes for itself "
                    "belongs into a temporary folder)"
                )
        return self.contents != before

    def _write_down(self) -> None:
        self._size = self._recorded.size
        opened = self._recorded.files
        for name in [name for name, file in self._opened.items() if file not in opened]:
            self.contents.pop(name, None)  # it is written too: a state of the code, and no input
            del self._opened[name]
        new = opened - self._seen
        self._seen |= new
        as_opened = {os.path.realpath(file): file for file in new}
        with unrecorded():
            for path in map(str, files_of(new, self._named)) if new else ():
                if (
                    path in self._known
                    or path.startswith(self._inside)
                    or os.stat(path).st_mtime >= self._began
                ):
                    continue
                name = os.path.relpath(path, self._root)
                self.contents.setdefault(name, content_of(Path(path)))
                if path in as_opened:
                    self._opened[name] = as_opened[path]
