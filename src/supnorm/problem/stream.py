"""Random points that are nobody's training points.

A model that was trained on points of ``numpy.random.default_rng(0)`` knows the values there. If an audit with seed 0 drew
the same points, its statistics would be those of training points.
"""

from __future__ import annotations

import numpy as np

OURS = int.from_bytes(b"supnorm", "big")  # any number that no user writes beside a seed


def stream(seed: int, *part: int) -> np.random.Generator:
    """The random numbers of a seed, independent of those of ``numpy.random.default_rng(seed)``.

    Args:
        seed: at least 0.
        part: numbers of the part of a work that draws; each part has a stream of its own.

    >>> theirs, ours = np.random.default_rng(0), stream(0)
    >>> bool(np.intersect1d(theirs.random(1000), ours.random(1000)).size)
    False
    >>> stream(7, 1).random() == stream(7, 1).random()
    True
    """
    # Last: zeros at the end change nothing, so that default_rng([7, 0]) is default_rng(7).
    return np.random.default_rng([seed, *part, OURS])
