"""ONNX operators that only move the entries of a tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Tensor


def split(args: list[Any], at: dict[str, Any], parts: int) -> list[Any]:
    """The parts of a tensor along an axis, as Split gives them."""
    x, axis = args[0], at.get("axis", 0)
    size = x.shape[axis]
    sizes = at.get("split") or (
        np.asarray(args[1]).tolist() if len(args) > 1 and args[1] is not None else None
    )
    if sizes is None:
        step = -(-size // parts)
        sizes = [step] * (size // step) + ([size % step] if size % step else [])
    cuts = np.cumsum(sizes)[:-1]
    if not isinstance(x, Tensor):
        return list(np.split(x, cuts, axis))
    return [Tensor(x.node, piece) for piece in np.split(x.index, cuts, axis)]


def move(op: str, at: dict[str, Any], i: Any, rest: list[Any], opset: int) -> Any:
    """The index after an operator that only moves entries."""
    if any(isinstance(r, Tensor) for r in rest):
        raise Unsupported(f"{op} steered by the input", f"{op} with constant arguments")
    extra = [None if r is None else np.asarray(r) for r in rest]
    if op == "Reshape":
        sizes = extra[0].ravel().tolist()  # type: ignore[union-attr]
        zero_copies = at.get("allowzero", 0) == 0
        return i.reshape([i.shape[k] if s == 0 and zero_copies else s for k, s in enumerate(sizes)])
    if op == "Flatten":
        axis = at.get("axis", 1)
        return i.reshape(int(np.prod(i.shape[:axis])), -1)
    if op in ("Squeeze", "Unsqueeze"):
        axes = extra[0].ravel().tolist() if extra and extra[0] is not None else at.get("axes")
        if op == "Unsqueeze":
            return np.expand_dims(i, tuple(axes))  # type: ignore[arg-type]
        return np.squeeze(i, tuple(axes) if axes is not None else None)
    if op == "Transpose":
        return np.transpose(i, at.get("perm"))
    if op == "Expand":
        shape = np.broadcast_shapes(i.shape, tuple(extra[0].tolist()))  # type: ignore[union-attr]
        return np.broadcast_to(i, shape)
    if op == "Gather":
        return np.take(i, extra[0].astype(int), axis=at.get("axis", 0))  # type: ignore[union-attr]
    if op == "Tile":
        return np.tile(i, tuple(extra[0].tolist()))  # type: ignore[union-attr]
    if op == "GatherElements":
        return _gather_elements(i, at.get("axis", 0), extra[0].astype(int))  # type: ignore[union-attr]
    if op in ("DepthToSpace", "SpaceToDepth"):
        return _blocks(op, i, at)
    return _slice(i, at, extra)


def _gather_elements(i: Any, axis: int, at: Any) -> Any:
    axis = axis % i.ndim
    held = tuple(slice(None) if k == axis else slice(n) for k, n in enumerate(at.shape))
    return np.take_along_axis(i[held], at, axis)


def _blocks(op: str, i: Any, at: dict[str, Any]) -> Any:
    """Blocks of a picture from channels, or into them."""
    b, (n, c, h, w) = at["blocksize"], i.shape
    if op == "SpaceToDepth":
        parts = i.reshape(n, c, h // b, b, w // b, b).transpose(0, 3, 5, 1, 2, 4)
        return parts.reshape(n, c * b * b, h // b, w // b)
    if at.get("mode", b"DCR") in (b"CRD", "CRD"):
        parts = i.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    else:
        parts = i.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    return parts.reshape(n, c // b**2, h * b, w * b)


def _slice(i: Any, at: dict[str, Any], extra: list[Any]) -> Any:
    starts, ends = (extra[0], extra[1]) if extra else (at["starts"], at["ends"])
    axes = extra[2] if len(extra) > 2 and extra[2] is not None else at.get("axes")
    axes = range(len(starts)) if axes is None else axes
    steps = extra[3] if len(extra) > 3 and extra[3] is not None else np.ones(len(starts), dtype=int)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        size = i.shape[int(axis)]
        first, last = (int(v) + size if v < 0 else int(v) for v in (start, end))
        # ONNX moves both ends into the array, where Python's slices of negative steps take nothing.
        least, most = (-1, size - 1) if step < 0 else (0, size)
        first, last = min(max(first, 0), most), min(max(last, least), most)
        cut: list[Any] = [slice(None)] * i.ndim
        cut[int(axis)] = slice(first, None if last < 0 else last, int(step))
        i = i[tuple(cut)]
    return i
