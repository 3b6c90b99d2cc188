"""ATen operators that only move entries, as functions of arrays: `supnorm.program.tracing` applies them to indices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Tensor

# operations that return a new tensor; the result of any other may share the memory of its argument
COPIES = frozenset(
    {"clone", "_to_copy", "lift_fresh_copy", "repeat", "tile", "repeat_interleave", "index_select", "index"}
    | {"gather", "flip", "roll", "upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"}
)


def _flatten(i: Any, start: int = 0, end: int = -1) -> Any:
    start, end = start % i.ndim, end % i.ndim
    return i.reshape(*i.shape[:start], -1, *i.shape[end + 1 :])


def _unflatten(i: Any, dim: int, sizes: Any) -> Any:
    return i.reshape(*i.shape[: dim % i.ndim], *sizes, *i.shape[dim % i.ndim + 1 :])


def _slice(i: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    cut: list[Any] = [slice(None)] * i.ndim
    cut[dim] = slice(start, None if end is None or end > 2**40 else end, step)
    return i[tuple(cut)]


def _split(i: Any, size: Any, dim: int = 0) -> list[Any]:
    cuts = np.cumsum(size)[:-1] if isinstance(size, list) else range(size, i.shape[dim], size)
    return list(np.split(i, list(cuts), dim))


def _tensor_split(i: Any, parts: Any, dim: int = 0) -> list[Any]:
    return list(np.array_split(i, parts, dim))


def _expand(i: Any, sizes: Any, implicit: bool = False) -> Any:
    lead = len(sizes) - i.ndim
    return np.broadcast_to(i, [i.shape[k - lead] if s == -1 else s for k, s in enumerate(sizes)])


def _roll(i: Any, shifts: Any, dims: Any = ()) -> Any:
    if np.size(dims):
        return np.roll(i, tuple(np.atleast_1d(shifts)), tuple(np.atleast_1d(dims)))
    return np.roll(i, int(np.squeeze(shifts)))


def _repeat_interleave(i: Any, repeats: Any, dim: Any = None, output_size: Any = None) -> Any:
    return np.repeat(i, _constant(repeats, "repeat_interleave"), dim)


def _constant(index: Any, op: str) -> Any:
    if isinstance(index, Tensor):
        raise Unsupported(f"torch aten.{op} steered by the input", f"{op} with a constant index")
    array = np.asarray(index)
    if array.dtype == np.uint8:  # torch takes it for a mask
        raise Unsupported(f"torch aten.{op} with an index of uint8", "an index of int64, or a mask of bool")
    return array if array.dtype == bool else array.astype(np.int64)


def _index(i: Any, indices: Any) -> Any:
    """``i[indices]``, where None stands for a whole axis; NumPy and torch place the axes of a result alike."""
    return i[tuple(slice(None) if one is None else _constant(one, "index") for one in indices)]


def _gather(i: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    at = _constant(index, "gather")
    dim = dim % max(i.ndim, 1)
    held = tuple(slice(None) if k == dim else slice(n) for k, n in enumerate(at.shape))
    return np.take_along_axis(i[held], at, dim)


def _pixel_shuffle(i: Any, r: int) -> Any:
    *lead, c, h, w = i.shape
    k = len(lead)
    parts = i.reshape(*lead, c // r**2, r, r, h, w)
    order = (*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return parts.transpose(order).reshape(*lead, c // r**2, h * r, w * r)


def _pixel_unshuffle(i: Any, r: int) -> Any:
    *lead, c, h, w = i.shape
    k = len(lead)
    parts = i.reshape(*lead, c, h // r, r, w // r, r)
    order = (*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return parts.transpose(order).reshape(*lead, c * r**2, h // r, w // r)


def _nearest(rank: int) -> Callable[..., Any]:
    """``upsample_nearest`` along the last ``rank`` axes, to whole multiples of their lengths."""

    def upsample(i: Any, sizes: Any = None, *scales: Any, scale_factors: Any = None) -> Any:
        # one list of factors (the overload of `F.interpolate`), or a factor for each axis
        factors = scale_factors or (scales[0] if scales and isinstance(scales[0], list) else scales)
        for k in range(rank):
            axis = i.ndim - rank + k
            length, factor = i.shape[axis], factors[k] if len(factors) == rank else None
            size = int(sizes[k]) if sizes else int(np.floor(length * factor))
            if size % length or (factor is not None and factor != size // length):
                raise Unsupported(
                    f"torch upsampling from {length} entries to {size}", "a whole multiple of the entries"
                )
            i = np.repeat(i, size // length, axis)
        return i

    return upsample


MOVES: dict[str, Callable[..., Any]] = {
    "view": lambda i, shape: i.reshape(shape),
    "reshape": lambda i, shape: i.reshape(shape),
    "_unsafe_view": lambda i, shape: i.reshape(shape),
    "view_as": lambda i, other: i.reshape(other.shape),
    "reshape_as": lambda i, other: i.reshape(other.shape),
    "expand_as": lambda i, other: np.broadcast_to(i, other.shape),
    "ravel": lambda i: i.reshape(-1),
    "flatten": _flatten,
    "unflatten": _unflatten,
    "unsqueeze": lambda i, dim: np.expand_dims(i, dim if dim >= 0 else i.ndim + 1 + dim),
    "squeeze": lambda i, dim=None: np.squeeze(i, tuple(dim) if isinstance(dim, list) else dim),
    "t": np.transpose,
    "numpy_T": np.transpose,
    "mT": lambda i: np.swapaxes(i, -1, -2),
    "transpose": lambda i, a, b: np.swapaxes(i, a, b),
    "swapaxes": lambda i, a, b: np.swapaxes(i, a, b),
    "swapdims": lambda i, a, b: np.swapaxes(i, a, b),
    "movedim": lambda i, source, destination: np.moveaxis(i, source, destination),
    "moveaxis": lambda i, source, destination: np.moveaxis(i, source, destination),
    "permute": lambda i, order: np.transpose(i, order),
    "expand": _expand,
    "repeat": lambda i, counts: np.tile(i, counts),
    "tile": lambda i, counts: np.tile(i, counts),
    "repeat_interleave": _repeat_interleave,
    "select": lambda i, dim, at: np.take(i, at, axis=dim),
    "slice": _slice,
    "narrow": lambda i, dim, start, length: _slice(i, dim, int(start), int(start) % i.shape[dim] + length),
    "diagonal": lambda i, offset=0, dim1=0, dim2=1: np.diagonal(i, offset, dim1, dim2),
    "index_select": lambda i, dim, at: np.take(i, _constant(at, "index_select"), axis=dim),
    "index": _index,
    "gather": _gather,
    "flip": lambda i, dims: np.flip(i, tuple(dims)),
    "roll": _roll,
    "unbind": lambda i, dim=0: [np.take(i, k, axis=dim) for k in range(i.shape[dim])],
    "split": _split,
    "split_with_sizes": _split,
    "tensor_split": _tensor_split,
    "chunk": lambda i, parts, dim=0: _split(i, -(-i.shape[dim] // parts), dim),
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    **{f"upsample_nearest{rank}d": _nearest(rank) for rank in (1, 2, 3)},
}
