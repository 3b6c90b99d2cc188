"""Maximum pooling as maxima of slices: each window counts the entries that lie in the tensor.

Padding has the value minus infinity, so entries outside the tensor do not count: another entry of the window replaces them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value


@dataclass(frozen=True)
class Windows:
    """The windows along the last axes of a tensor.

    Attributes:
        sizes, strides, dilations: along each of these axes.
        pads: before each of them, then after each.
        ceil: whether a window that extends beyond the end counts if it begins inside (torch and ONNX).
    """

    sizes: Sequence[int]
    strides: Sequence[int]
    pads: Sequence[int]
    dilations: Sequence[int]
    ceil: bool = False


def max_pool(build: Builder, x: Tensor, windows: Windows) -> Value:
    """The largest entry of each window of ``x``.

    Raises:
        Unsupported: when a window lies entirely in the padding.

    >>> build = Builder(4)
    >>> pooled = max_pool(build, build.input, Windows([2], [2], [0, 0], [1]))
    >>> build.finish(pooled).value(np.array([[3.0, 1.0, 2.0, 5.0]]))
    array([[3., 5.]])
    """
    rank = len(windows.sizes)
    index = x.index
    # From the last axis on: the axes of the windows come after the remaining ones.
    for k in range(rank - 1, -1, -1):
        axis = index.ndim - (rank - k) - (rank - 1 - k)
        taken = _entries(windows, k, x.shape[len(x.shape) - rank + k])
        index = np.moveaxis(np.take(index, taken, axis=axis), axis + 1, -1)
    taps = tuple(range(index.ndim - rank, index.ndim))
    return build.fold("max", Tensor(x.node, index), taps)


def _entries(windows: Windows, k: int, length: int) -> Any:
    """Which entries each window sees along the axis ``k``, shape ``(windows, size)``."""
    size, stride, dilation, ceil = windows.sizes[k], windows.strides[k], windows.dilations[k], windows.ceil
    before, after = windows.pads[k], windows.pads[len(windows.sizes) + k]
    room = length + before + after - dilation * (size - 1) - 1
    count = (room + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (count - 1) * stride >= length + before:
        count -= 1
    at = np.arange(count)[:, None] * stride + np.arange(size) * dilation - before
    inside = (at >= 0) & (at < length)
    if count < 1 or not inside.any(axis=1).all():
        raise Unsupported("max pooling with windows in the padding", "less padding")
    first = np.take_along_axis(at, np.argmax(inside, axis=1)[:, None], axis=1)
    return np.where(inside, at, first)
