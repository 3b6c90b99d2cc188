"""Sums over axes of tensors: running sums and Einstein's notation."""

from __future__ import annotations

import numpy as np

from supnorm.program import entry
from supnorm.program.operations import Unsupported
from supnorm.program.tracing import Builder, Tensor, Value

LARGEST_PRODUCT = 1_000_000  # entries of one product of tensors


def cumsum(
    build: Builder, x: Tensor, axis: int | None, reverse: bool = False, exclusive: bool = False
) -> Tensor:
    """Running sums along an axis (over the flattened tensor where it is None), each a row of one affine operation."""
    if axis is None:
        x, axis = x.arrange(np.ravel), 0
    moved = np.moveaxis(x.index, axis, -1)
    lines = moved.reshape(-1, moved.shape[-1])
    k = lines.shape[1]
    ones = np.tril(np.ones((k, k)), -1 if exclusive else 0)
    ones = ones[::-1, ::-1] if reverse else ones
    used, where = np.unique(lines, return_inverse=True)
    where = where.reshape(lines.shape)
    weight = np.zeros((lines.size, len(used)))
    for row, columns in enumerate(where):
        np.add.at(weight[row * k : (row + 1) * k].T, columns, ones.T)
    out = build.affine(Tensor(x.node, used), weight)
    return out.arrange(lambda i: np.moveaxis(i.reshape(moved.shape), -1, axis))


def einsum(build: Builder, subscripts: str, *operands: Value) -> Value:
    """Products of all operands, summed over the letters that the result lacks.

    Raises:
        Unsupported: for an ellipsis, or products of more than `LARGEST_PRODUCT` entries.
    """
    text = subscripts.replace(" ", "")
    if "." in text:
        raise Unsupported("einsum with an ellipsis", "einsum with a letter for each axis")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if not arrow:
        result = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    letters = "".join(dict.fromkeys(result + left.replace(",", "")))
    sizes: dict[str, int] = {}
    parts: list[Value] = []
    for term, operand in zip(terms, operands, strict=True):
        once = "".join(dict.fromkeys(term))
        part = _moved(operand, f"{term}->{once}") if once != term else operand
        given = dict(zip(once, part.shape, strict=True))
        for c, size in given.items():  # an axis of one entry is repeated, as in a product of arrays
            sizes[c] = size if sizes.get(c, 1) == 1 else sizes[c]
        order = "".join(c for c in letters if c in once)
        part = _moved(part, f"{once}->{order}")
        parts.append(_reshaped(part, tuple(given.get(c, 1) for c in letters)))
    if np.prod([sizes[c] for c in letters], dtype=float) > LARGEST_PRODUCT:
        raise Unsupported("einsum of large tensors", "matrix products")
    total: Value | None = None
    for part in parts:
        total = part if total is None else build.binary("mul", total, part)
    assert total is not None
    wide = tuple(sizes[c] for c in letters)
    gone = tuple(range(len(result), len(letters)))
    if isinstance(total, Tensor):
        whole = total.arrange(lambda i: np.broadcast_to(i, wide))
        return build.sum(whole, gone) if gone else whole
    return np.asarray(np.broadcast_to(np.asarray(total, dtype=np.float64), wide).sum(gone))


def _reshaped(x: Value, shape: tuple[int, ...]) -> Value:
    return x.arrange(lambda i: i.reshape(shape)) if isinstance(x, Tensor) else x.reshape(shape)


def _moved(x: Value, how: str) -> Value:
    if isinstance(x, Tensor):
        return x.arrange(lambda i: np.einsum(how, i))
    return np.asarray(np.einsum(how, entry.constant(x, "einsum")))
