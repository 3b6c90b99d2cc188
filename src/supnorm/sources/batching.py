"""Cuts batches to sizes that a source can take: at most ``rows``, padded if the size is fixed.

JAX compiles a function for each batch size, so sizes are padded to powers of two. An exported graph with a fixed
batch is always called with exactly that many rows. Padding repeats the last point, which is valid if the batch is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def power_of_two(n: int) -> int:
    """The smallest power of two that is at least ``n``.

    >>> [power_of_two(n) for n in (1, 2, 3, 1000)]
    [1, 2, 4, 1024]
    """
    return 1 << max(n - 1, 0).bit_length()


def padded(x: Array, rows: int) -> Array:
    """``x`` with its last row repeated up to ``rows`` rows.

    >>> padded(np.array([[1.0], [2.0]]), 3)
    array([[1.],
           [2.],
           [2.]])
    """
    if len(x) == rows:
        return x
    return np.concatenate([x, np.repeat(x[-1:], rows - len(x), axis=0)])


def pieces(n: int, rows: int) -> Iterator[slice]:
    """Slices of at most ``rows`` rows that cover ``n``; one empty slice for ``n = 0``."""
    for start in range(0, max(n, 1), rows):
        yield slice(start, min(start + rows, n))


def in_batches(
    call: Callable[[Array], Array], x: Array, rows: int, size: Callable[[int], int] | None = None
) -> Array:
    """``call`` on pieces of ``x`` of at most ``rows`` rows, each padded to ``size(len(piece))``.

    >>> in_batches(lambda x: 2 * x, np.arange(3.0)[:, None], rows=2, size=lambda n: 2).ravel()
    array([0., 2., 4.])
    """
    results = []
    for piece in pieces(len(x), rows):
        part = x[piece]
        full = padded(part, size(len(part))) if size is not None and len(part) else part
        results.append(call(full)[: len(part)])
    return np.concatenate(results)
