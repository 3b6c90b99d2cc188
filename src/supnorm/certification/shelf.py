"""Boxes of a proof in a temporary file: those that nobody looks at in the coming steps need no memory.

The file only grows: what was put onto it stays as it was, and a `Stretch` of it is a value like an array. So a bracket that
was kept aside (`Choice` has two) and an interrupt between two instructions find everything as they left it.
Cost: about 70 bytes a box in two inputs, once or a few times for each box.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.certification.boxes import Boxes, Integers
from supnorm.certification.leaf import Bounded, Leaves
from supnorm.certification.rounding import Array
from supnorm.results.writing import writing

# Waiting boxes that stay in memory, and as many closed ones: twice what a step takes at most. A proof of fewer never has a
# file. `tests/certification/test_shelf.py` holds the memory.
HELD = 131_072
BLOCK = 16_384  # boxes that are read at once where all are read: one to three megabytes
Records = NDArray[np.void]


class Shelf:
    """The file, and how many boxes may stay in memory.

    Args:
        d, alternatives: number of inputs, and of alternatives of the error.
        folder: where the file is; None for the system's folder of temporary files.

    Attributes:
        most: waiting boxes that stay in memory, and closed ones.
    """

    def __init__(self, d: int, alternatives: int, folder: Path | None = None) -> None:
        self.most = HELD
        self._folder = folder
        self._file: Any = None
        self._process = os.getpid()
        self._end = 0
        one = (alternatives,)
        whole = [
            ("number", "i8"),
            ("grid", "i4", one),
            ("bits", "i4", one),
            ("degree", "i2", one),
            ("graded", "i2", one),
        ]
        cell = [("index", "i8", (d,)), ("level", "u1", (d,)), ("proof_level", "u1", (d,)), ("proved", "?")]
        self.kind = np.dtype([("upper", "f8"), ("rho", "f8", one), ("rounding", "f8"), *whole, *cell])

    def another(self, folder: Path | None) -> Shelf:
        """An empty one for the same boxes, in this folder."""
        other = Shelf(self.kind["level"].shape[0], self.kind["rho"].shape[0], folder)
        other.most = self.most
        return other

    @property
    def length(self) -> int:
        """How many records the file has."""
        return self._end

    def put(self, records: Records) -> Stretch:
        """The records as a new stretch of the file.

        Raises:
            NotWritten: when the disk is full.
        """
        start = self._end
        self.write(start, records)
        self._end = start + len(records)
        return Stretch(self, start, self._end)

    def write(self, start: int, records: Records) -> None:
        """Write records to a place of the file."""
        with writing(self._folder or "a temporary file of boxes"):
            if self._file is None:
                if self._folder is not None:
                    self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder, prefix=".boxes.", buffering=0)  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            if self._process != os.getpid():  # after a fork both would write to the same places
                raise OSError("it is the file of another process")
            rest, at = memoryview(records.tobytes()), start * self.kind.itemsize
            while len(rest):
                count = os.pwrite(self._file.fileno(), rest, at)
                rest, at = rest[count:], at + count

    def read(self, start: int, stop: int) -> Records:
        """The records from ``start`` to ``stop``. Several threads may read, and processes that were forked."""
        at, end, parts = start * self.kind.itemsize, stop * self.kind.itemsize, []
        while at < end:
            part = os.pread(self._file.fileno(), end - at, at)
            if not part:
                raise OSError("a temporary file of boxes has become shorter")
            parts.append(part)
            at += len(part)
        return np.frombuffer(b"".join(parts), dtype=self.kind)

    def records(self, leaves: Leaves, number: Integers) -> Records:
        """The leaves as records with these numbers."""
        records = np.empty(len(leaves), dtype=self.kind)
        boxes, proof = leaves.boxes, leaves.proof
        for name in ("rho", "grid", "bits", "degree", "graded", "rounding", "proved"):
            records[name] = getattr(proof, name)
        records["upper"], records["index"], records["level"] = boxes.upper, boxes.index, boxes.level
        records["proof_level"], records["number"] = leaves.level, number
        return records


def leaves_of(records: Records) -> Leaves:
    """The leaves that the records are about; what only a step needs (axes, points) is not kept."""
    count, d = records["level"].shape
    upper = records["upper"].copy()
    whole = {
        name: records[name].astype(np.int64)
        for name in ("level", "proof_level", "grid", "bits", "degree", "graded")
    }
    proof = Bounded(
        upper=upper,
        degree=whole["degree"],
        rho=records["rho"].copy(),
        grid=whole["grid"],
        graded=whole["graded"],
        bits=whole["bits"],
        axis=np.zeros(count, dtype=np.intp),
        second=np.full(count, -1),
        rounding=records["rounding"].copy(),
        limited=np.zeros(count, dtype=bool),
        proved=records["proved"].copy(),
        points=np.zeros((0, d)),
    )
    return Leaves(Boxes(whole["level"], records["index"].copy(), upper), proof, whole["proof_level"])


@dataclass(frozen=True, eq=False)
class Stretch:
    """Some of the boxes in the file, one after the other."""

    shelf: Shelf
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    def read(self, first: int, stop: int) -> Records:
        """The records between two positions of the stretch."""
        return self.shelf.read(self.start + first, self.start + min(stop, len(self)))

    def blocks(self, first: int = 0) -> Iterator[Records]:
        """All records from a position on, some at a time."""
        for at in range(first, len(self), BLOCK):
            yield self.read(at, at + BLOCK)

    def parts(self) -> Iterator[Leaves]:
        """All leaves, some at a time."""
        return map(leaves_of, self.blocks())

    @property
    def believed(self) -> int:
        """How many bounds were taken from a file and are not proved again."""
        return sum(int((~r["proved"] & np.isfinite(r["upper"])).sum()) for r in self.blocks())

    def volume_below(self, target: float, first: int = 0) -> float:
        """Fraction of the domain where the bound is proved and at most the target, of the records from ``first`` on."""
        return sum(volume_of(r, (r["upper"] <= target) & r["proved"]) for r in self.blocks(first))


def volume_of(records: Records, rows: NDArray[np.bool_]) -> float:
    """Fraction of the domain that some of the records cover."""
    return float(np.ldexp(1.0, -records["level"][rows].sum(1, dtype=np.int64)).sum())


@dataclass(frozen=True, eq=False)
class Closed(Stretch):
    """Closed boxes.

    Attributes:
        largest: the largest bound.
        volume: fraction of the domain whose bounds are proved in this run.
        all_proved: whether all bounds are.
    """

    largest: float
    volume: float
    all_proved: bool

    @classmethod
    def of(cls, stretch: Stretch) -> Closed:
        """What is in the stretch."""
        largest, volume, proved = 0.0, 0.0, True
        for records in stretch.blocks():
            largest = max(largest, float(records["upper"].max()))
            volume += volume_of(records, records["proved"])
            proved &= bool(records["proved"].all())
        return cls(stretch.shelf, stretch.start, stretch.stop, largest, volume, proved)

    @property
    def believed(self) -> int:
        """How many bounds were taken from a file and are not proved again."""
        return 0 if self.all_proved else super().believed

    def volume_below(self, target: float, first: int = 0) -> float:
        """Fraction of the domain where the bound is proved and at most the target."""
        return self.volume if self.largest <= target and not first else super().volume_below(target, first)


@dataclass(frozen=True, eq=False)
class Stored:
    """The leaves of a proof of which some are in a file. What needs all of them at once has them in memory meanwhile."""

    shelf: Shelf
    pieces: tuple[Leaves | Stretch, ...]

    def __len__(self) -> int:
        return sum(map(len, self.pieces))

    def __reduce__(self) -> tuple[Callable[[Leaves], Leaves], tuple[Leaves]]:
        """A copy, or what another process gets, is in memory: the file is this process's."""
        return _as_it_is, (self.whole,)

    def parts(self) -> Iterator[Leaves]:
        """All leaves, some at a time."""
        for piece in self.pieces:
            yield from piece.parts()

    def blocks(self, number: int = 0) -> Iterator[Records]:
        """The same as records; those in memory get numbers from ``number`` on."""
        for piece in self.pieces:
            if isinstance(piece, Stretch):
                yield from piece.blocks()
            elif len(piece):
                yield self.shelf.records(piece, number + np.arange(len(piece)))
                number += len(piece)

    @property
    def whole(self) -> Leaves:
        """All of them in memory."""
        first, *others = self.parts()
        return first.join(*others)

    @property
    def boxes(self) -> Boxes:
        """The cells with their bounds, in memory."""
        return self.whole.boxes

    @property
    def proof(self) -> Bounded:
        """How the bounds were proved, in memory."""
        return self.whole.proof

    @property
    def level(self) -> Integers:
        """Levels of the cells that the proofs are about, in memory."""
        return self.whole.level


def _as_it_is(leaves: Leaves) -> Leaves:
    return leaves


def largest_by(leaves: Leaves | Stored, by: Callable[[Leaves], Array], count: int) -> Leaves:
    """The leaves for which a number is largest, at most ``count``, the largest first.

    Equal ones have the order of their cells, so that it does not matter where the leaves are, nor in which order.
    """
    best: Leaves | None = None
    for part in leaves.parts():
        both = part if best is None else best.join(part)
        size = by(both)
        least = np.partition(size, -count)[-count] if len(size) > count else -np.inf
        rows = np.flatnonzero(size >= least)
        cells = both.boxes.take(rows)
        best = both.take(rows[np.lexsort((*cells.index.T, *cells.level.T, -size[rows]))[:count]])
    assert best is not None
    return best
