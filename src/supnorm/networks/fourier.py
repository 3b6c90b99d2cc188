"""Fourier features: z becomes (z, sin(B z), cos(B z)) with a fixed B, for oscillating targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def features(z: Array, frequencies: Array) -> Array:
    """Shape ``(n, d + 2 k)`` from scaled inputs ``(n, d)`` and ``k`` frequencies ``(k, d)``.

    >>> features(np.zeros((1, 1)), np.ones((1, 1)))
    array([[0., 0., 1.]])
    """
    if not len(frequencies):
        return z
    waves = z @ frequencies.T
    return np.concatenate([z, np.sin(waves), np.cos(waves)], axis=1)


def features_pull(z: Array, frequencies: Array, back: Array) -> Array:
    """Derivatives by ``z``, shape ``(n, d)``, from those by its features."""
    if not len(frequencies):
        return back
    k, d = frequencies.shape
    waves = z @ frequencies.T
    along = back[:, d : d + k] * np.cos(waves) - back[:, d + k :] * np.sin(waves)
    inward: Array = back[:, :d] + along @ frequencies
    return inward
