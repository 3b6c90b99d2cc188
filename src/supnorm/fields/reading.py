"""Reads pairs of fields piece by piece, as they are stored: each piece of the prediction once, fields of the truth through a
cache of fixed size.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.fields.pairing import Pair
from supnorm.fields.side import OUTER, Side
from supnorm.fields.validity import without
from supnorm.results import BadInput
from supnorm.results.guard import cause
from supnorm.results.printable import first_line, one_line

PIECE = 64 * 2**20  # bytes of the prediction that are read at once; 15 fields of 0.25 degrees
# Bytes of fields of the truth that are kept at most, of one variable: 20 lead times, which the next init needs again.
CACHE = 96 * 2**20


class Unreadable(BadInput):
    """A file that the system does not read, or that is damaged.

    Attributes:
        why: what the system or the library says.
    """

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why

    def __reduce__(self) -> tuple[type[Unreadable], tuple[str, str]]:
        """For another process, to which an exception is sent by its arguments."""
        return Unreadable, (str(self), self.why)


@dataclass(frozen=True)
class Block:
    """A part of a variable that is read at once: first number and number of inits, lead times, levels, members."""

    start: tuple[int, int, int, int]
    size: tuple[int, int, int, int]


@dataclass(frozen=True)
class Invalid:
    """Values declared missing, see `supnorm.fields.validity`: how many, and the first of them; -1 for none."""

    n: int
    first: int

    @classmethod
    def of(cls, missing: NDArray[np.bool_] | None) -> Invalid:
        """From a field that says where values are declared missing."""
        n = 0 if missing is None else int(np.count_nonzero(missing))
        return cls(n, int(np.argmax(missing))) if missing is not None and n else NONE_INVALID


NONE_INVALID = Invalid(0, -1)


@dataclass(frozen=True, eq=False)
class FieldPair:
    """A pair of fields with its numbers, with NaN for what is ``invalid`` in the prediction and in the truth."""

    init: int
    lead: int
    level: int
    member: int
    prediction: NDArray[Any]
    truth: NDArray[Any]
    invalid: tuple[Invalid, Invalid]


def blocks_of(pair: Pair) -> list[Block]:
    """The parts of a variable, in an order in which few fields of the truth are read twice."""
    sizes, chunks = [pair.prediction.size(r) for r in OUTER], _together(pair)
    found = [
        Block((i, k, v, m), tuple(min(c, n - s) for c, n, s in zip(chunks, sizes, (i, k, v, m), strict=True)))  # type: ignore[arg-type]
        for i in range(0, sizes[0], chunks[0])
        for k in range(0, sizes[1], chunks[1])
        for v in range(0, sizes[2], chunks[2])
        for m in range(0, sizes[3], chunks[3])
    ]
    if _by_valid_time(chunks):  # each field of the truth is needed by one init after the other
        found.sort(key=lambda b: (int(pair.truth_init[b.start[0], b.start[1]]), *b.start[2:], *b.start[:2]))
    return found


def _together(pair: Pair) -> list[int]:
    """How many inits, lead times, levels and members of the prediction are read at once."""
    sizes = [pair.prediction.size(r) for r in OUTER]
    chunks = [min(pair.prediction.chunks()[r], n) for r, n in zip(OUTER, sizes, strict=True)]
    if pair.mean:
        chunks[3] = sizes[3]
    each = pair.grid.size * int(pair.prediction.variable.dtype.itemsize)
    for k in (0, 2, 1):  # fewer inits, then levels, then lead times, until a part fits
        rest = int(np.prod(chunks)) // chunks[k]
        chunks[k] = max(min(chunks[k], PIECE // max(rest * each, 1)), 1)
    return chunks


def _by_valid_time(chunks: list[int]) -> bool:
    return chunks[:2] == [1, 1]


class Reader:
    """Reads the fields of a variable."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._cache: OrderedDict[tuple[int, int, int, int], tuple[NDArray[Any], Invalid]] = OrderedDict()
        each = pair.grid.size * int(pair.truth.variable.dtype.itemsize)
        self._most = max(CACHE // max(each, 1), 2)
        self._counts = [pair.truth.chunks()[r] for r in OUTER]
        while int(np.prod(self._counts)) > min(max(PIECE // max(each, 1), 1), self._most):
            k = int(np.argmax(self._counts))
            self._counts[k] = max(self._counts[k] // 2, 1)
        if _by_valid_time(together := _together(pair)):  # one part needs no more than the fields of its time
            times, levels, members = self._counts[0] * self._counts[1], *self._counts[2:]
            fields = times * _up(together[2], levels) * _up(1 if pair.mean else together[3], members)
            self._most = max(min(fields, self._most), 2)

    def pairs(self, block: Block) -> Iterator[FieldPair]:
        """The pairs of fields of a part for which there is a truth."""
        pair, start, size = self._pair, block.start, block.size
        if not (pair.truth_init[start[0] : start[0] + size[0], start[1] : start[1] + size[1]] >= 0).any():
            return
        index = {r: slice(s, s + n) for r, s, n in zip(OUTER, start, size, strict=True)}
        values, missing = self._read(pair.prediction, "prediction", index)
        if pair.mean:
            values = values.mean(axis=3, keepdims=True, dtype=np.float64)
            missing = None if missing is None else np.any(missing, axis=3, keepdims=True)
        for i, k, v, m in np.ndindex(*values.shape[:4]):
            init, lead, level, member = start[0] + i, start[1] + k, start[2] + v, start[3] + m
            found = self._truth(init, lead, level, member)
            if found is not None:
                invalid = (Invalid.of(None if missing is None else missing[i, k, v, m]), found[1])
                yield FieldPair(init, lead, level, member, values[i, k, v, m], found[0], invalid)

    def prediction(self, init: int, lead: int, level: int, member: int) -> NDArray[Any]:
        """One field of the prediction, or of the mean of its members."""
        members = slice(0, None) if self._pair.mean else member
        values, _ = self._read(
            self._pair.prediction,
            "prediction",
            {"init": init, "lead": lead, "level": level, "member": members},
        )
        field: NDArray[Any] = (
            values.mean(axis=3, dtype=np.float64)[0, 0, 0] if self._pair.mean else values[0, 0, 0, 0]
        )
        return field

    def truth(self, init: int, lead: int, level: int, member: int) -> NDArray[Any] | None:
        """The field of the truth that belongs to one of the prediction; None if there is none."""
        found = self._truth(init, lead, level, member)
        return None if found is None else found[0]

    def _truth(self, init: int, lead: int, level: int, member: int) -> tuple[NDArray[Any], Invalid] | None:
        pair = self._pair
        at = (int(pair.truth_init[init, lead]), int(pair.truth_lead[init, lead]), int(pair.truth_level[level]),
              int(pair.truth_member[member]))  # fmt: skip
        if min(at) < 0:
            return None
        if at not in self._cache:
            self._load(at)
        self._cache.move_to_end(at)
        return self._cache[at]

    def _load(self, at: tuple[int, int, int, int]) -> None:
        """Read the part of the truth that is stored with a field, as far as it is small."""
        counts = self._counts
        while len(self._cache) and len(self._cache) + int(np.prod(counts)) > self._most:
            self._cache.popitem(last=False)  # before more is read, so that both never stand beside each other
        starts = [i - i % n for i, n in zip(at, counts, strict=True)]
        index = {r: slice(s, s + n) for r, s, n in zip(OUTER, starts, counts, strict=True)}
        values, missing = self._read(self._pair.truth, "truth", index)
        values, missing = self._pair.turn(values), None if missing is None else self._pair.turn(missing)
        for offset in np.ndindex(*values.shape[:4]):
            a, b, c, d = (s + o for s, o in zip(starts, offset, strict=True))
            self._cache[a, b, c, d] = values[offset], Invalid.of(None if missing is None else missing[offset])
        while len(self._cache) > self._most:
            oldest = next(iter(self._cache))
            if oldest == at:
                self._cache.move_to_end(at)
                continue
            del self._cache[oldest]

    def _read(
        self, side: Side, what: str, index: dict[str, Any]
    ) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Values with NaN for what is declared missing, and where that is; None where nothing is declared."""
        try:
            values: NDArray[Any] = side.read(**index)
        except MemoryError:
            raise
        except Exception as error:  # a damaged piece makes the library raise errors of many types
            name, path = one_line(self._pair.name, 60), side.variable.encoding.get("source")
            where = f" ({one_line(str(path), 200)})" if path else ""
            why = cause(error) if isinstance(error, OSError) else first_line(error)
            message = f"variable {name} of the {what}{where} cannot be read: {why}"
            raise Unreadable(message, why) if isinstance(error, OSError) else BadInput(message) from None
        if not side.validity:
            return values, None
        missing = side.validity.missing(values)
        return without(values, missing), missing


def _up(n: int, step: int) -> int:
    """The next multiple of a step."""
    return -(-n // step) * step
