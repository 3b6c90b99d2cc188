"""Certificates in lines: a head, blocks of leaves, and the digest, read in memory that does not grow with the file.

Written from docs/certificate-format.md, "Many leaves". Whoever reads the leaves reads all of them and all rules are
checked on the way, so what was read to its end is a whole file. The file is read several times; each time has to find the
same text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from supnorm.checker.leaf import Leaf, demand_bounded, read_leaves
from supnorm.checker.rejected import MALFORMED, Rejected
from supnorm.checker.text import LARGEST_FILE, opened, parsed
from supnorm.checker.tree import Tree

SCHEMA = "supnorm.certificate/2"
BEGIN = b'{"schema":"supnorm.certificate/2",'  # of every such file
MOST_LEAVES = 1024  # of a line
# Leaves of a line times axes, if it has more than one leaf: its cells are not in the text.
MOST_NUMBERS = 2**18
LARGEST_LINE = 2**22  # bytes, but for the head
NEEDED = {"halvings", "upper", "degree", "rho", "grid"}
ALLOWED = NEEDED | {"proof_level", "graded", "bits"}


def in_lines(path: Path | str) -> bool:
    """Whether a file begins as a certificate in lines does."""
    with opened(path) as file:
        return file.read(len(BEGIN)) == BEGIN


@dataclass(eq=False)
class Lines:
    """The leaves of a file in lines.

    Attributes:
        path: of the file.
        start: bytes of the head.
        sum: SHA-256 of the head.
        d, alternatives, count, upper: axes, programs, leaves and the bound, as the head says.
        memory: bytes that reading a line may take.
        read: what was found when the file was last read to its end; None before.
    """

    path: Path
    start: int
    sum: Any
    d: int
    alternatives: int
    count: int
    upper: float
    memory: float
    read: Read | None = field(default=None)

    @property
    def block(self) -> int:
        """The most leaves that a line can have."""
        return max(1, min(MOST_LEAVES, self.count, MOST_NUMBERS // max(self.d, 1)))

    def blocks(self, meter: Callable[[], None] = lambda: None) -> Iterator[tuple[int, tuple[Leaf, ...]]]:
        """The leaves of each line, with the position of the first one; ``meter`` is called for each line.

        Raises:
            Rejected: when they do not tile the box, one is above the bound or malformed, or the text is not the sealed one.
        """
        tree, done, most, seal = Tree(self.d), 0, 0, self.sum.copy()
        with opened(self.path) as file:
            file.seek(self.start)
            while done < self.count:
                meter()
                line = _line(file, LARGEST_LINE)
                seal.update(line)
                leaves = self._leaves(line, tree, done)
                most = max(most, max(max(leaf.bits, default=0) for leaf in leaves))
                yield done, leaves
                done += len(leaves)
            tree.demand_whole()
            self._demand_sealed(file, seal.hexdigest())
        self.read = Read(seal.hexdigest(), most)

    def _leaves(self, line: bytes, tree: Tree, first: int) -> tuple[Leaf, ...]:
        """The leaves of one line."""
        columns = _json(line, self.memory)
        if type(columns) is not dict or not set(columns) >= NEEDED or not set(columns) <= ALLOWED:
            raise Rejected("malformed certificate: the columns of a line")
        halvings = columns.pop("halvings")
        if type(halvings) is not list or not 0 < len(halvings) <= min(self.block, self.count - first):
            raise Rejected("malformed certificate: a line without leaves, or with too many")
        cells = [tree.next(axes, position) for position, axes in enumerate(halvings, first)]
        columns["level"], columns["index"] = ([cell[k] for cell in cells] for k in (0, 1))
        try:
            leaves = read_leaves(columns, self.d, self.alternatives, first)
        except MALFORMED as error:
            raise Rejected(f"malformed certificate: {type(error).__name__}: {error}") from None
        demand_bounded(leaves, self.upper)
        return leaves

    def _demand_sealed(self, file: IO[bytes], seal: str) -> None:
        """Check the last line, and that it is the last one; and that the text is the one that was read before."""
        last = _line(file, LARGEST_LINE)
        if last != f'{{"digest":"{seal}"}}\n'.encode():
            raise Rejected("the file was changed after it was written (digest)")
        if file.read(1):
            raise Rejected("malformed certificate: text after the digest")
        if self.read is not None and self.read.seal != seal:
            raise Rejected("the file was changed while it was checked")


@dataclass(frozen=True)
class Read:
    """What was found in a whole file: the digest, and the largest precision that a leaf asks for."""

    seal: str
    bits: int


@dataclass(frozen=True)
class Head:
    """The first line of a file: its JSON, its length in bytes, and its SHA-256."""

    data: dict[str, Any]
    start: int
    sum: Any


def read_head(path: Path | str, memory: float) -> Head:
    """The first line of a certificate in lines.

    Raises:
        Rejected: when it is not a line of JSON.
        TooCostly: when reading it would take more memory.
    """
    with opened(path) as file:
        line = _line(file, LARGEST_FILE)
    data = _json(line, memory)
    if type(data) is not dict or data.get("schema") != SCHEMA:
        raise Rejected(f"{path}: not a certificate (schema {SCHEMA})")
    return Head(data, len(line), hashlib.sha256(line))


def _line(file: IO[bytes], most: int) -> bytes:
    """The next line.

    Raises:
        Rejected: when the file ends inside of it, or it is longer than ``most``.
    """
    line = file.readline(most + 1)
    if len(line) > most:
        raise Rejected(f"malformed certificate: a line of more than {most} bytes")
    if not line.endswith(b"\n"):
        raise Rejected("the file ends before its last line")
    return line


def _json(line: bytes, memory: float) -> Any:
    try:
        return parsed(line, memory)
    except (RecursionError, ValueError):
        raise Rejected("malformed certificate: a line that is not JSON") from None
