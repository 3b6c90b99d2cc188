"""ATen operators of windows that move over axes: convolutions and their transposes, pooling, padding."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program import onnx_operators as shared
from supnorm.program.aten_values import moved, row, value
from supnorm.program.operations import Array, Unsupported
from supnorm.program.pooling import Windows, max_pool
from supnorm.program.tracing import Builder, Value

PADDINGS = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}  # names of torch and NumPy


def _each(rank: int, v: Any) -> list[int]:
    listed = np.atleast_1d(v).tolist()
    return [int(n) for n in (listed * rank if len(listed) == 1 else listed)]


def _convolution(
    build: Builder,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    *rest: Any,
) -> Value:
    rank = len(np.shape(weight)) - 2
    if rest and isinstance(rest[0], bool):  # aten.convolution: transposed, output_padding, groups
        if rest[0]:
            return _conv_transpose(build, x, weight, bias, stride, padding, rest[1], rest[2], dilation)
        group = rest[2]
    else:
        group = rest[0] if rest else 1
    dilations = _each(rank, dilation)
    at = {
        "strides": _each(rank, stride),
        "dilations": dilations,
        "pads": _pads(padding, dilations, np.shape(weight)[2:]),
        "group": group,
    }
    x = value(x)
    alone = len(x.shape) == rank + 1  # without an axis for the batch
    if alone:
        x = moved(x, lambda i: i[None])
    made = shared.OPERATORS["Conv"](build, at, [x, np.asarray(weight), bias])
    return moved(made, lambda i: i[0]) if alone else made


def _pads(padding: Any, dilations: list[int], sizes: tuple[int, ...]) -> list[int]:
    """Numbers of zeros before each axis, then after each; an odd one of ``"same"`` comes after."""
    if not isinstance(padding, str):
        return _each(len(sizes), padding) * 2
    totals = [d * (n - 1) if padding == "same" else 0 for d, n in zip(dilations, sizes, strict=True)]
    return [*(t // 2 for t in totals), *(t - t // 2 for t in totals)]


def _conv_transpose(
    build: Builder,
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    more: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Value:
    kernel = entry.constant(weight, "conv_transpose")
    each = partial(_each, len(kernel.shape) - 2)
    return transposed(
        build, value(x), kernel, bias, each(stride), each(padding) * 2, each(more), groups, each(dilation)
    )


def transposed(
    build: Builder,
    x: Value,
    kernel: Array,
    bias: Any,
    strides: list[int],
    pads: list[int],
    more: list[int],
    groups: int,
    dilations: list[int],
) -> Value:
    """A transposed convolution: each entry of ``x`` adds its multiple of the kernel, as one dense affine map for each point.

    Args:
        x: ``(n, channels, ...)``.
        kernel: ``(channels, results of a group, ...)``.
        pads: how many entries of the result are cut off before each axis, then after each.
        more: how many are appended to each axis.
    """
    spatial, taps, rank = x.shape[2:], kernel.shape[2:], len(kernel.shape) - 2
    sizes = tuple(
        (spatial[k] - 1) * strides[k] - pads[k] - pads[rank + k] + dilations[k] * (taps[k] - 1) + more[k] + 1
        for k in range(rank)
    )
    channels, each = x.shape[1], kernel.shape[1]
    matrix = np.zeros((groups * each, *sizes, channels, *spatial))
    for at in np.ndindex(channels, *spatial):
        first = (at[0] * groups // channels) * each
        for tap in np.ndindex(*taps):
            to = tuple(at[k + 1] * strides[k] - pads[k] + tap[k] * dilations[k] for k in range(rank))
            if all(0 <= p < n for p, n in zip(to, sizes, strict=True)):
                matrix[(slice(first, first + each), *to, *at)] = kernel[(at[0], slice(None), *tap)]
    shift = np.zeros(groups * each) if bias is None else entry.constant(bias, "conv_transpose")
    shifts = np.broadcast_to(shift.reshape(-1, *(1,) * rank), (groups * each, *sizes)).ravel()
    flat = matrix.reshape(len(shifts), -1)
    rows = [
        moved(
            build.affine(row(x, k), flat, shifts),
            lambda i: i.reshape(1, groups * each, *sizes),
        )
        for k in range(x.shape[0])
    ]
    return build.concatenate(rows, 0)


def _max_pool(
    rank: int,
    build: Builder,
    x: Any,
    size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Value:
    sizes = _each(rank, size)
    strides = sizes if stride is None or stride == [] else _each(rank, stride)
    windows = Windows(sizes, strides, _each(rank, padding) * 2, _each(rank, dilation), ceil_mode)
    return max_pool(build, value(x), windows)  # type: ignore[arg-type]


def _mean_pool(
    rank: int,
    build: Builder,
    x: Any,
    size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    with_padding: bool = True,
    divisor: Any = None,
) -> Value:
    if ceil_mode:
        raise Unsupported("torch mean pooling with ceil_mode", "ceil_mode = False and padding")
    sizes = _each(rank, size)
    strides = sizes if stride is None or stride == [] else _each(rank, stride)
    return mean_pool(build, value(x), sizes, strides, _each(rank, padding) * 2, with_padding, divisor)


def mean_pool(
    build: Builder,
    x: Value,
    sizes: list[int],
    strides: list[int],
    pads: list[int],
    with_padding: bool,
    divisor: Any = None,
) -> Value:
    """Means over windows of the last axes, with zeros before each axis, then after each.

    Args:
        with_padding: whether these zeros count.
        divisor: by which sums are divided in place of the count.
    """
    rank, counts = len(sizes), np.ones(())
    ranges: list[list[tuple[int, int]]] = []
    for k, length in enumerate(x.shape[-rank:]):
        starts = range(-pads[k], length + pads[rank + k] - sizes[k] + 1, strides[k])
        ranges.append([(max(s, 0), min(s + sizes[k], length)) for s in starts])
        counts = np.multiply.outer(counts, [sizes[k] if with_padding else b - a for a, b in ranges[-1]])
    return _means(build, x, ranges, counts if divisor is None else np.asarray(float(divisor)))


def _adaptive_mean_pool(rank: int, build: Builder, x: Any, wanted: Any) -> Value:
    x = value(x)
    counts = np.ones(())
    ranges: list[list[tuple[int, int]]] = []
    for length, count in zip(x.shape[-rank:], _each(rank, wanted), strict=True):
        ranges.append([(k * length // count, -(-(k + 1) * length // count)) for k in range(count)])
        counts = np.multiply.outer(counts, [b - a for a, b in ranges[-1]])
    return _means(build, x, ranges, counts)


def _means(build: Builder, x: Value, ranges: list[list[tuple[int, int]]], counts: Any) -> Value:
    """Sums over boxes of the last axes, of the entries from a first one to before a last one, divided by their counts."""
    rank, lead = len(ranges), x.shape[: -len(ranges)]
    spatial = x.shape[-rank:]
    shape = tuple(len(r) for r in ranges)
    matrix = np.zeros((*shape, *spatial))
    for position in np.ndindex(*shape):
        box = tuple(slice(*ranges[k][at]) for k, at in enumerate(position))
        matrix[(*position, *box)] = 1.0
    flat = matrix.reshape(math.prod(shape), -1)
    lines = moved(x, lambda i: i.reshape(-1, flat.shape[1]))
    sums = moved(build.contract(lines, flat.T), lambda i: i.reshape(*lead, *shape))
    return build.binary("div", sums, np.asarray(counts, dtype=np.float64))


def _pad(build: Builder, x: Any, pads: Any, mode: str = "constant", filled: Any = None) -> Value:
    """Padding of the last axes, from the last one on: before it and after it."""
    x = value(x)
    widths = [(int(a), int(b)) for a, b in zip(pads[::2], pads[1::2], strict=True)][::-1]
    widths = [(0, 0)] * (len(x.shape) - len(widths)) + widths
    return pad(build, x, widths, mode, 0.0 if filled is None else filled)


def pad(build: Builder, x: Value, widths: list[tuple[int, int]], mode: str, filled: float) -> Value:
    """More entries before and after each axis: a constant, or others of the tensor (`PADDINGS`)."""
    if any(width < 0 for pair in widths for width in pair):
        raise Unsupported("padding by negative numbers", "slicing")
    if mode != "constant":
        how: Any = PADDINGS[mode]
        return moved(x, lambda i: np.pad(i, widths, mode=how))  # type: ignore[no-any-return]
    constant = np.reshape(np.asarray(filled, dtype=np.float64), (1,))
    with_one = build.concatenate([moved(x, np.ravel), constant], 0)
    last = math.prod(x.shape)
    at = np.pad(np.arange(last).reshape(x.shape), widths, constant_values=last)
    return moved(with_one, lambda i: i[at])  # type: ignore[no-any-return]


WINDOWS: dict[str, Callable[..., Any]] = {
    **{name: _convolution for name in ("convolution", "conv1d", "conv2d", "conv3d")},
    **{f"conv_transpose{rank}d": _conv_transpose for rank in (1, 2, 3)},
    **{f"max_pool{rank}d": partial(_max_pool, rank) for rank in (1, 2, 3)},
    **{
        f"max_pool{rank}d_with_indices": lambda *a, rank=rank, **k: [_max_pool(rank, *a, **k), None]
        for rank in (2, 3)
    },
    **{f"avg_pool{rank}d": partial(_mean_pool, rank) for rank in (1, 2, 3)},
    **{
        f"{prefix}adaptive_avg_pool{rank}d": partial(_adaptive_mean_pool, rank)
        for prefix in ("", "_")
        for rank in (1, 2, 3)
    },
    "pad": _pad,
    "constant_pad_nd": lambda build, x, pads, filled=0.0: _pad(build, x, pads, "constant", filled),
}
