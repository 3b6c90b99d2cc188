"""The `Backend` of torch: operations on tensors, with constants that a module can register."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.program.backend import Backend

Array = NDArray[Any]


class TorchBackend(Backend):
    """Operations on tensors of one type.

    Args:
        held: gives the tensor for a constant array; the same calls come in the same order each time, so that a module can
            register the tensors as buffers.
        dtype: of constants, a ``torch.dtype``.
    """

    def __init__(self, held: Callable[[Array], Any], dtype: Any) -> None:
        self.held, self.dtype = held, dtype

    def constant(self, value: Array) -> Any:
        """A tensor."""
        return self.held(np.asarray(value)).to(self.dtype)

    def affine(self, x: Any, weight: Array, bias: Array) -> Any:
        """A product of matrices and a sum."""
        import torch

        return torch.nn.functional.linear(x, self.constant(weight), self.constant(bias))

    def unary(self, name: str, x: Any) -> Any:
        """A function of torch."""
        import torch

        return getattr(torch, name)(x)

    def binary(self, name: str, x: Any, y: Any) -> Any:
        """A function of torch."""
        import torch

        return getattr(torch, {"min": "minimum", "max": "maximum"}.get(name, name))(x, y)

    def take(self, x: Any, columns: Sequence[int]) -> Any:
        """Columns."""
        return x[:, self.held(np.array(columns, dtype=np.int64))]

    def concat(self, parts: Sequence[Any]) -> Any:
        """Side by side."""
        import torch

        return torch.cat(list(parts), dim=1)

    def least(self, x: Any) -> Any:
        """Of each row."""
        return x.amin(dim=1, keepdim=True)

    def at_most(self, x: Any, y: Any) -> Any:
        """Number by number."""
        return x <= y

    def both(self, a: Any, b: Any) -> Any:
        """Both."""
        return a & b

    def either(self, a: Any, b: Any) -> Any:
        """One of both."""
        return a | b

    def every(self, a: Any) -> Any:
        """Of each row."""
        return a.all(dim=1, keepdim=True)

    def where(self, a: Any, x: Any, y: Any) -> Any:
        """Number by number."""
        import torch

        return torch.where(a, x, y)

    def tree(self, u: Any, axis: Array, cut: Array, left: Array, right: Array, leaf: Array) -> Any:
        """As many steps as the tree is deep: a leaf stays where it is."""
        import torch

        here = np.arange(len(axis))
        inner = axis >= 0
        axes, cuts = self.held(np.maximum(axis, 0)), self.constant(np.where(inner, cut, 0.0))
        lefts = self.held(np.where(inner, left, here))
        rights = self.held(np.where(inner, right, here))
        node = torch.zeros_like(u[:, :1], dtype=torch.int64)
        for _ in range(depth_of(left, right, axis)):
            goes_left = u.gather(1, axes[node]) <= cuts[node]
            node = torch.where(goes_left, lefts[node], rights[node])
        return self.held(np.asarray(leaf, dtype=np.int64))[node]

    def rows(self, table: Any, number: Any) -> Any:
        """Rows of a table."""
        return table[number[:, 0]]


def depth_of(left: Array, right: Array, axis: Array) -> int:
    """The largest number of inner nodes between the root and a leaf.

    >>> depth_of(np.array([1, -1, 3, -1, -1]), np.array([2, -1, 4, -1, -1]), np.array([0, -1, 0, -1, -1]))
    2
    """
    level, depth = np.array([0]), 0
    while (level := level[axis[level] >= 0]).size:
        depth += 1
        level = np.concatenate([left[level], right[level]])
    return depth
