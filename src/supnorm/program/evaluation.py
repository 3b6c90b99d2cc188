"""Values of a program on a batch of points, by NumPy matrix products; cost = rows times weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from supnorm.program.node import Node
from supnorm.program.operations import BINARY, TERNARY, UNARY, Array

# Numbers of all nodes for one chunk of rows: about 2 MB, which fits into the second-level cache.
CHUNK = 1 << 18


def evaluate(nodes: Sequence[Node], x: Array) -> Array:
    """Values of a program's last node at points ``x``, shape ``(n, d)``; returns ``(n, m)``.

    Raises:
        ValueError: when ``x`` has another number of columns than the program has inputs.
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim != 2 or x.shape[1] != nodes[0].width:
        raise ValueError(f"points must have shape (n, {nodes[0].width}), got {x.shape}")
    rows = max(CHUNK // sum(node.width for node in nodes), 16)
    if len(x) <= rows:
        return _last(nodes, x)
    return np.concatenate([_last(nodes, x[i : i + rows]) for i in range(0, len(x), rows)])


def _last(nodes: Sequence[Node], x: Array) -> Array:
    """The last node's value; every other value is deleted after its last use, so that its memory is used again."""
    uses = {a: i for i, node in enumerate(nodes) for a in node.args}
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for i, node in enumerate(nodes):
            values[i] = apply(node, [values[a] for a in node.args], x)
            for a in set(node.args):
                if uses[a] == i:
                    del values[a]
    return values[len(nodes) - 1]


def forward(nodes: Sequence[Node], x: Array) -> list[Array]:
    """The value of every node at ``x``, shapes ``(n, width)``."""
    values: list[Array] = []
    with np.errstate(all="ignore"):
        for node in nodes:
            values.append(apply(node, [values[a] for a in node.args], x))
    return values


def apply(node: Node, args: Sequence[Array], x: Array) -> Array:
    """The value of one node from the values of its arguments."""
    if node.op == "input":
        return x
    if node.op == "constant":
        return np.broadcast_to(np.asarray(node.value), (len(x), node.width))
    if node.op == "affine":
        assert node.weight is not None
        assert node.bias is not None
        return np.asarray(args[0] @ node.weight.T + node.bias)
    if node.op == "take":
        return np.asarray(args[0][:, node.columns])
    if node.op == "concat":
        return np.concatenate(args, axis=1)
    if node.op in BINARY:
        return BINARY[node.op](args[0], args[1])
    if node.op in TERNARY:
        return TERNARY[node.op](args[0], args[1], args[2])
    extra = node.parameters
    return UNARY[node.op](args[0], *extra)
