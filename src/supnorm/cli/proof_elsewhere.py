"""A proof that cannot be written into its folder is kept in the temporary folder; the message says how to put it back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from supnorm.cli.folder import name_aside, set_aside
from supnorm.results.printable import file_word
from supnorm.results.status import NotWritten
from supnorm.results.writing import all_there

AGAIN = "then the same command with --resume checks it and writes the rest"


class Proof(Protocol):
    """What writes a certificate."""

    def save(self, path: Path | str) -> None:
        """Write the file."""


@dataclass
class Keeping:
    """A proof that is written into a folder, or elsewhere.

    Attributes:
        proof: the proof.
        path: its certificate in the folder of the run.
        checkpoint: the file that a run leaves for ``--resume``.
        goes_on: whether the proof goes on with the one that lies at ``path``, and so takes its place.
        elsewhere: its file in the temporary folder; None if it is not there.
        saved: whether it was written to ``path``, where an older one may lie before.
    """

    proof: Proof
    path: Path
    checkpoint: Path
    goes_on: bool
    elsewhere: Path | None = None
    saved: bool = False

    def make_room(self) -> None:
        """Set an older certificate aside that the proof does not go on with: it may have taken hours."""
        if not self.goes_on:
            set_aside(self.path)

    def save(self) -> None:
        """Write the proof into the folder."""
        self.proof.save(self.path)
        self.saved = True

    @contextmanager
    def nothing_lost(self) -> Iterator[None]:
        """Inside, the files of the run are written; if one of them cannot be and the proof is not there, it goes elsewhere.

        Raises:
            NotWritten: with where the proof is, and how it gets into the folder.
        """
        try:
            with all_there():
                yield
        except NotWritten as why:
            if self.saved and self.path.exists():
                raise
            self.elsewhere = self._written_elsewhere()
            raise NotWritten(f"{why}; {self._remedy()}") from why

    def _written_elsewhere(self) -> Path | None:
        with suppress(NotWritten, OSError):
            path = Path(tempfile.mkdtemp(prefix="supnorm-")) / "proof.json"
            self.proof.save(path)
            return path
        return None

    def _remedy(self) -> str:
        if self.elsewhere is not None:
            folder, held, path = map(file_word, (self.path.parent, self.elsewhere, self.path))
            put = f"mkdir -p {folder} && "  # a folder without a file is removed at the end of the run
            if self.path.exists() and not self.goes_on:  # it could not be set aside either
                put += f"mv {path} {file_word(name_aside(self.path))} && "
            put += f"mv {held} {path}"
            if self.checkpoint.exists():  # of a moment before: --resume would go on from it
                put += f" && rm {file_word(self.checkpoint)}"
            return f"the proof is in {self.elsewhere}: make room and {put}, {AGAIN}"
        if self.checkpoint.exists():
            return f"{self.checkpoint} has the proof as it was a moment before: --resume goes on from there"
        return "the proof fits nowhere and is lost: make room and run the same command again"
