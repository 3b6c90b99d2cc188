"""Certificates in lines: many leaves, written and read some at a time. docs/certificate-format.md has the format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np

from supnorm.certification.boxes import DEEPEST
from supnorm.certification.leaf import Leaves
from supnorm.certification.shelf import Stored
from supnorm.certification.tree_file import Group, groups_in_order

SCHEMA = "supnorm.certificate/2"
BEGIN = f'{{"schema":"{SCHEMA}",'.encode()
MANY = 50_000  # leaves; a certificate of fewer is one JSON object
MOST_LEAVES = 1024  # of a line
MOST_NUMBERS = 2**18  # leaves of a line times axes
LARGEST_LINE = 2**22  # bytes, but for the head


def text_in_lines(
    head: Mapping[str, Any], leaves: Leaves | Stored, folder: Path | None = None
) -> Iterator[bytes]:
    """The lines of a file: the head, the leaves in the order of the tree, the digest of all before it.

    Args:
        head: the keys of a certificate, "schema" first, with the number of leaves, and without "digest".
        leaves: they tile the box.
        folder: of a temporary file that leaves in a file need once more.
    """
    seal = hashlib.sha256()
    size = max(1, min(MOST_LEAVES, MOST_NUMBERS // len(head["names"])))
    blocks = (_block(part, halvings) for part, halvings in _parts(groups_in_order(leaves, folder), size))
    for line in chain([_line(head)], chain.from_iterable(blocks)):
        seal.update(line)
        yield line
    yield _line({"digest": seal.hexdigest()})


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _parts(groups: Iterable[Group], size: int) -> Iterator[tuple[Leaves, list[list[int]]]]:
    """So many leaves at a time, across the ends of groups, with their halvings."""
    held: Leaves | None = None
    halvings: list[list[int]] = []
    for leaves, order, before in groups:
        at = 0
        while at < len(leaves):
            stop = min(at + size - len(halvings), len(leaves))
            part, new = leaves.take(order.rows[at:stop]), order.halvings(at, stop)
            if not at:
                new[0] = before + new[0]
            held, halvings, at = part if held is None else held.join(part), halvings + new, stop
            if len(halvings) == size:
                yield held, halvings
                held, halvings = None, []
    if held is not None:
        yield held, halvings


def _block(part: Leaves, halvings: list[list[int]]) -> Iterator[bytes]:
    """The leaves in a line; in two where they are too long for one."""
    proof = part.proof
    columns = {
        "halvings": halvings,
        "upper": [v.hex() for v in part.boxes.upper.tolist()],
        "degree": proof.degree.tolist(),
        "rho": proof.rho.tolist(),
        "grid": proof.grid.tolist(),
    }
    if not np.array_equal(part.level, part.boxes.level):
        columns["proof_level"] = part.level.tolist()
    if (proof.graded >= 0).any():
        columns["graded"] = proof.graded.tolist()
    if proof.bits.any():
        columns["bits"] = proof.bits.tolist()
    line = _line(columns)
    if len(line) <= LARGEST_LINE or len(part) < 2:
        yield line
        return
    middle = len(part) // 2
    yield from _block(part.take(np.arange(middle)), halvings[:middle])
    yield from _block(part.take(np.arange(middle, len(part))), halvings[middle:])


def head_in_lines(path: Path | str) -> dict[str, Any] | None:
    """The head of a file in lines, not compared with its digest; None for any other file.

    Raises:
        OSError, ValueError: when the file cannot be read, or its first line is not JSON.
    """
    with Path(path).open("rb") as file:
        return _head(file)


def _head(file: IO[bytes]) -> dict[str, Any] | None:
    if file.read(len(BEGIN)) != BEGIN:
        return None
    file.seek(0)
    head: dict[str, Any] = json.loads(file.readline())
    return head


def read_in_lines(path: Path | str) -> dict[str, Any] | None:
    """A file in lines: its head, with the columns of all leaves as arrays under "leaves"; None for any other file.

    Raises:
        OSError, ArithmeticError, LookupError, TypeError, ValueError: when it is not a whole file.
    """
    head = head_in_lines(path)
    if head is None:
        return None
    blocks = list(columns_in_lines(path))
    head["leaves"] = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return head


def columns_in_lines(path: Path | str) -> Iterator[dict[str, Any]]:
    """The columns of the leaves of a file in lines, line by line. Whoever has seen the last line has seen a whole file.

    Raises:
        OSError, ArithmeticError, LookupError, TypeError, ValueError: when it is not a whole file.
    """
    with Path(path).open("rb") as file:
        head = _head(file)
        if head is None:
            raise ValueError("not in lines")
        seal = hashlib.sha256(_first_bytes(file))
        d, count, alternatives = len(head["names"]), int(head["leaves"]), len(head["programs"])
        cells, done = Cells(d), 0
        while done < count:
            line = file.readline(LARGEST_LINE + 1)
            seal.update(line)
            block = _columns(json.loads(line), cells, alternatives)
            done += len(block["upper"])
            yield block
        if done > count or not cells.whole or file.read() != _line({"digest": seal.hexdigest()}):
            raise ValueError("not a whole file")


def _first_bytes(file: IO[bytes]) -> bytes:
    """The bytes before the present position."""
    end = file.tell()
    file.seek(0)
    return file.read(end)


def _columns(line: Mapping[str, Any], cells: Cells, alternatives: int) -> dict[str, Any]:
    """The leaves of a line as arrays."""
    count = len(line["halvings"])
    if not 0 < count <= MOST_LEAVES:
        raise ValueError("leaves of a line")
    level, index = (np.array(v) for v in zip(*map(cells.next, line["halvings"]), strict=True))
    none = np.full((count, alternatives), -1)
    return {
        "level": level,
        "index": index,
        "upper": np.array([float.fromhex(v) for v in line["upper"]]),
        "degree": np.array(line["degree"]),
        "rho": np.array(line["rho"], dtype=float),
        "grid": np.array(line["grid"]),
        "proof_level": np.array(line.get("proof_level", level)),
        "graded": np.array(line.get("graded", none)),
        "bits": np.array(line.get("bits", none + 1)),
    }


class Cells:
    """The cells of a file in lines, one after the other.

    Attributes:
        whole: whether the cells so far cover the box.
    """

    def __init__(self, d: int) -> None:
        self.whole = False
        self._path: list[int] = []  # a halving to the present cell: its axis, or ~axis in the second half
        self._level, self._index = [0] * d, [0] * d

    def next(self, halvings: list[int]) -> tuple[list[int], list[int]]:
        """Level and index of the cell that is left when the waiting one is halved along these axes.

        Raises:
            IndexError, ValueError: when none waits, an axis does not exist, or the cell is too small.
        """
        if self.whole:
            raise ValueError("more leaves than the box has room for")
        for axis in halvings:
            if axis < 0 or self._level[axis] > DEEPEST + 1:
                raise ValueError("halvings")
            self._level[axis] += 1
            self._index[axis] <<= 1
            self._path.append(axis)
        cell = self._level[:], self._index[:]
        while self._path and self._path[-1] < 0:
            axis = ~self._path.pop()
            self._level[axis] -= 1
            self._index[axis] >>= 1
        if not self._path:
            self.whole = True
        else:
            axis = self._path[-1]
            self._path[-1] = ~axis
            self._index[axis] |= 1
        return cell
