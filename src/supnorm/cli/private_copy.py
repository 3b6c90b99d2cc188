"""A private copy of a certificate: `check` reads the file once, and all that it reads again are the same bytes.

A file is read several times while it is checked (its head, its programs, its leaves). If another program replaced it
meanwhile and put it back, what was compared with the problem and what was proved could be two files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from supnorm.results import BadInput
from supnorm.results.writing import writing

AT_ONCE = 2**20  # bytes


@dataclass(frozen=True)
class PrivateCopy:
    """The private copy of a certificate.

    Attributes:
        name: of the user's file, for messages.
        path: of the copy, which is read.
        sha256: of the copy, in hexadecimal digits; "absent" where the user's file cannot be read.
        size: of the copy, in bytes.
    """

    name: Path
    path: Path
    sha256: str
    size: int

    def named(self, words: str) -> str:
        """A message about the copy, as one about the user's file."""
        return words.replace(str(self.path), str(self.name))

    @property
    def changed(self) -> bool:
        """Whether the user's file is another one now."""
        from supnorm.problem.fingerprint import content_of

        return content_of(self.name) != self.sha256


@contextmanager
def copied(certificate: Path) -> Iterator[PrivateCopy]:
    """A context with the private copy of a certificate.

    Raises:
        NotWritten: when there is no room for it.
        BadInput: about the user's file in place of its copy.
    """
    with TemporaryDirectory(prefix="supnorm-", ignore_cleanup_errors=True) as folder:
        copy = Path(folder) / "certificate.json"
        try:
            sha256, size = _copy(certificate, copy)
        except OSError:  # it cannot be read: the checker says so
            file = PrivateCopy(certificate, certificate, "absent", 0)
        else:
            file = PrivateCopy(certificate, copy, sha256, size)
        try:
            yield file
        except BadInput as fault:
            if file.named(str(fault)) == str(fault):
                raise
            raise type(fault)(file.named(str(fault))) from None


def _copy(certificate: Path, copy: Path) -> tuple[str, int]:
    """SHA-256 and size of what was copied; no more than a certificate may have, and a little.

    Raises:
        OSError: when the certificate cannot be read.
        NotWritten: when the copy cannot be written.
    """
    from supnorm.checker.text import LARGEST_FILE

    digest, size = hashlib.sha256(), 0
    with certificate.open("rb") as source, writing(copy), copy.open("wb") as target:
        while size <= LARGEST_FILE and (part := source.read(AT_ONCE)):
            digest.update(part)
            size += target.write(part)
    return digest.hexdigest(), size
