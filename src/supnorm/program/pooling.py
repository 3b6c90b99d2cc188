"""Maximum pooling as maxima of slices: of each window the entries that lie in the tensor.

Padding is with minus infinity, so entries outside do not count: another entry of the window replaces them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value


def max_pool(
    build: Builder,
    x: Tensor,
    sizes: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil: bool = False,
) -> Value:
    """The largest entry of each window along the last axes of ``x``.

    Args:
        sizes: entries of a window along each of the last axes.
        pads: before each of these axes, then after each.
        ceil: whether a window that hangs over the end counts, as long as it begins inside (torch and ONNX).

    Raises:
        Unsupported: when a window lies in the padding altogether.

    >>> build = Builder(4)
    >>> pooled = max_pool(build, build.input, [2], [2], [0, 0], [1])
    >>> build.finish(pooled).value(np.array([[3.0, 1.0, 2.0, 5.0]]))
    array([[3., 5.]])
    """
    rank = len(sizes)
    index = x.index
    for k in range(rank - 1, -1, -1):  # from the last: axes of taps are put behind those that are left
        axis = index.ndim - (rank - k) - (rank - 1 - k)
        taken = _windows(
            x.shape[len(x.shape) - rank + k],
            sizes[k],
            strides[k],
            pads[k],
            pads[rank + k],
            dilations[k],
            ceil,
        )
        index = np.moveaxis(np.take(index, taken, axis=axis), axis + 1, -1)
    taps = tuple(range(index.ndim - rank, index.ndim))
    return build.fold("max", Tensor(x.node, index), taps)


def _windows(length: int, size: int, stride: int, before: int, after: int, dilation: int, ceil: bool) -> Any:
    """Which entries each window sees along one axis, shape ``(windows, size)``."""
    room = length + before + after - dilation * (size - 1) - 1
    windows = (room + (stride - 1 if ceil else 0)) // stride + 1
    if ceil and (windows - 1) * stride >= length + before:
        windows -= 1
    at = np.arange(windows)[:, None] * stride + np.arange(size) * dilation - before
    inside = (at >= 0) & (at < length)
    if windows < 1 or not inside.any(axis=1).all():
        raise Unsupported("max pooling with windows in the padding", "less padding")
    first = np.take_along_axis(at, np.argmax(inside, axis=1)[:, None], axis=1)
    return np.where(inside, at, first)
