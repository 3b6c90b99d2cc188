"""A proof that cannot be written into its folder is kept in the temporary folder; the message says how to put it back."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from supnorm.results.printable import file_word
from supnorm.results.status import NotWritten

if TYPE_CHECKING:
    from supnorm.certification.certificate import Certificate
    from supnorm.certification.statement import Statement

AGAIN = "then the same command with --resume writes the rest without proving again"


def written_elsewhere(certificate: Certificate | Statement) -> Path | None:
    """The file of the certificate in the temporary folder; None if that cannot be written either."""
    with suppress(NotWritten, OSError):
        path = Path(tempfile.mkdtemp(prefix="supnorm-")) / "proof.json"
        certificate.save(path)
        return path
    return None


def not_lost(why: NotWritten, path: Path, elsewhere: Path | None, checkpoint: Path) -> NotWritten:
    """The failure with where the proof is, and how it gets into the folder.

    Args:
        why: what could not be written.
        path: the certificate in the folder of the run.
        elsewhere: its file in the temporary folder; None if there is none.
        checkpoint: the file that a run leaves for ``--resume``.
    """
    if elsewhere is not None:
        put = f"mv {file_word(elsewhere)} {file_word(path)}"
        return NotWritten(f"{why}; the proof is in {elsewhere}: make room and {put}, {AGAIN}")
    if checkpoint.exists():
        return NotWritten(
            f"{why}; {checkpoint} has the proof as it was a moment before: --resume goes on from there"
        )
    return NotWritten(f"{why}; the proof fits nowhere and is lost: make room and run the same command again")
