"""Reads one pair of fields ahead of the one that is compared, so that a processor reads while another compares."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

from supnorm.fields.reading import Block, FieldPair, Reader

AHEAD = 2  # the mark at the end of a part, and the pair after it


def read_ahead(reader: Reader, blocks: Sequence[Block]) -> Generator[FieldPair | None, None, None]:
    """The pairs of fields of some parts; None after the last pair of each part.

    A thread reads the next pair while the caller works on this one. It ends when the iterator is closed, after the read
    that it is in.

    Args:
        reader: is used by that thread alone until the iterator is closed.
        blocks: the parts, in the order in which they are read.

    Raises:
        BadInput: for data that cannot be read, when its turn comes.
    """
    pairs = _pairs(reader, blocks)
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, pairs) for _ in range(AHEAD))
        while True:
            try:
                now = coming.popleft().result()
            except StopIteration:
                return
            coming.append(thread.submit(next, pairs))
            yield now


def _pairs(reader: Reader, blocks: Sequence[Block]) -> Generator[FieldPair | None, None, None]:
    for block in blocks:
        yield from reader.pairs(block)
        yield None
