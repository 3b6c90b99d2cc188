"""Certificates in lines: many leaves, written and read some at a time. docs/certificate-format.md has the format."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any

import numpy as np

from supnorm.certification.boxes import DEEPEST
from supnorm.certification.leaf import Leaves
from supnorm.certification.tree_order import TreeOrder, tree_order

SCHEMA = "supnorm.certificate/2"
BEGIN = f'{{"schema":"{SCHEMA}",'.encode()
MANY = 50_000  # leaves; a certificate of fewer is one JSON object
MOST_LEAVES = 1024  # of a line
MOST_NUMBERS = 2**18  # leaves of a line times axes
LARGEST_LINE = 2**22  # bytes, but for the head


def text_in_lines(head: Mapping[str, Any], leaves: Leaves) -> Iterator[bytes]:
    """The lines of a file: the head, the leaves in the order of the tree, the digest of all before it.

    Args:
        head: the keys of a certificate, "schema" first, with the number of leaves, and without "digest".
        leaves: they tile the box.
    """
    seal = hashlib.sha256()
    order = tree_order(leaves.boxes.level, leaves.boxes.index, leaves.level)
    size = max(1, min(MOST_LEAVES, MOST_NUMBERS // leaves.boxes.level.shape[1]))
    blocks = (
        _block(leaves, order, start, min(start + size, len(leaves))) for start in range(0, len(leaves), size)
    )
    for line in chain([_line(head)], chain.from_iterable(blocks)):
        seal.update(line)
        yield line
    yield _line({"digest": seal.hexdigest()})


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _block(leaves: Leaves, order: TreeOrder, start: int, stop: int) -> Iterator[bytes]:
    """The leaves from ``start`` to ``stop`` in a line; in two where they are too long for one."""
    part = leaves.take(order.rows[start:stop])
    proof = part.proof
    columns = {
        "halvings": order.halvings(start, stop),
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
    if len(line) <= LARGEST_LINE or stop - start < 2:
        yield line
        return
    middle = (start + stop) // 2
    yield from _block(leaves, order, start, middle)
    yield from _block(leaves, order, middle, stop)


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
    with Path(path).open("rb") as file:
        head = _head(file)
        if head is None:
            return None
        seal = hashlib.sha256(_first_bytes(file))
        d, count, alternatives = len(head["names"]), int(head["leaves"]), len(head["programs"])
        cells, done, blocks = Cells(d), 0, []
        while done < count:
            line = file.readline(LARGEST_LINE + 1)
            seal.update(line)
            blocks.append(_columns(json.loads(line), cells, alternatives))
            done += len(blocks[-1]["upper"])
        if done > count or not cells.whole or file.read() != _line({"digest": seal.hexdigest()}):
            raise ValueError("not a whole file")
    head["leaves"] = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    return head


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
