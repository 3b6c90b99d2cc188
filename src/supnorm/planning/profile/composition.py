"""Deeper structure: is f(x) = g(h(x_A), x_B), so that the inputs of A enter only through one number?

Then grad_A f = g' grad h(x_A): its *direction* does not depend on x_B. Test: at each of N points x_A,
gradients for two values of x_B; the largest sine of the angle between them decides. Sums and products pass too; the
result names the largest sets that pass inside one additive block. Udrescu and Tegmark, AI Feynman, 2020.
Cost: 4 |A| N calls a set; all sets up to d = 6, pairs only above.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from supnorm.planning.profile.differences import slopes

Array = NDArray[np.float64]


def inner_function(
    f: Callable[[Array], Array], d: int, subset: Sequence[int], samples: int, rng: np.random.Generator
) -> float:
    """The largest sine between gradients in ``subset`` at equal x_A and different x_B; 0 means: it holds.

    Points where a gradient is too small to have a direction are left out; NaN when none is left.

    >>> rng = np.random.default_rng(0)
    >>> f = lambda u: np.exp(u[:, 0] * u[:, 1]) * u[:, 2] + np.sin(3 * u[:, 0] * u[:, 1] + u[:, 2])
    >>> inner_function(f, 3, [0, 1], 50, rng) < 1e-4 < inner_function(f, 3, [0, 2], 50, rng)
    True
    """
    a = list(subset)
    x = 0.02 + 0.96 * rng.random((samples, d))
    other = 0.02 + 0.96 * rng.random((samples, d))
    other[:, a] = x[:, a]
    first, second = slopes(f, x, a), slopes(f, other, a)
    size = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    largest = float(np.nanmax(np.where(np.isfinite(size), size, np.nan), initial=0.0))
    good = np.isfinite(size) & (size > 1e-6 * largest)
    if good.sum() < 5:
        return float("nan")
    u = first[good] / np.linalg.norm(first[good], axis=1, keepdims=True)
    v = second[good] / np.linalg.norm(second[good], axis=1, keepdims=True)
    sine = np.linalg.norm(v - (u * v).sum(axis=1, keepdims=True) * u, axis=1)
    return float(sine.max())


def inner_functions(
    f: Callable[[Array], Array],
    d: int,
    blocks: Sequence[Sequence[int]],
    rng: np.random.Generator,
    samples: int = 40,
    tolerance: float = 1e-3,
) -> list[list[int]]:
    """The largest sets of inputs that enter through one number, inside the given blocks."""
    sets: list[list[int]] = []
    for block in blocks:
        sizes = range(len(block) - 1, 1, -1) if len(block) <= 6 else (2,)
        for size in sizes:
            for subset in itertools.combinations(block, size):
                if any(set(subset) <= set(known) for known in sets):
                    continue
                if inner_function(f, d, subset, samples, rng) < tolerance:
                    sets.append(list(subset))
    return sets
