"""Programs in which ``where`` is the last operation: what follows a choice of two formulas is done to each of them.

If model and reference have one threshold, their difference is where(z, a, b) - where(z, c, d). A box that the threshold
crosses has both formulas of each, and bounds know no connection: the difference seems to be as large as the jump. The same
function is where(z, a - c, b - d), of which each formula is small. In general op(where(z, a, b), y) is
where(z, op(a, y), op(b, y)), in exact arithmetic and rounded: each point takes the same operations.

Here the value of a node is a tree: its inner vertices are tests, its leaves nodes of the new program. A test is one feature
that all features of a ``where`` share, or one for each of a few features; an activation of a layer stays as it is.

Cost: the operations after k tests are there up to 2^k times, at most `LEAVES`; beyond these ``where`` stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from supnorm.program.node import Node
from supnorm.program.program import Program
from supnorm.program.tracing import Builder, Tensor

# Four tests that nothing shares have 16 cases. A program that grows by more than `GROWTH` stays as it is: its boxes would
# take as many times longer.
LEAVES, GROWTH = 16, 16
FEATURES = 4  # more tests than these give more cases than `LEAVES`


@dataclass(frozen=True)
class _Test:
    """``above`` where feature 0 of node z is above zero, else ``other``."""

    z: int
    above: Tree
    other: Tree


Tree: TypeAlias = "int | _Test"
Known = Mapping[int, bool]


def lifted(program: Program) -> Program:
    """The same function with ``where`` after all other operations.

    A last division by what has no threshold stays the last operation, because bounds of a relative error know what it means
    where both are zero.

    >>> from supnorm.program import lower_numpy
    >>> program = lower_numpy(lambda x: np.sin(np.where(x[:, 0] > 1.0, x[:, 0], 1.0 + x[:, 0])), 1)
    >>> program.nodes[-1].op, lifted(program).nodes[-1].op
    ('sin', 'where')
    """
    if program.limits or not any(node.op == "where" for node in program.nodes):
        return program
    work = _Lifting(program.d)
    trees: list[Tree] = [0]
    last = len(program.nodes) - 1
    for position, node in enumerate(program.nodes[1:], 1):
        args = [trees[a] for a in node.args]
        if position == last and node.op == "div" and isinstance(args[1], int):
            args = [work.joined(args[0]), args[1]]
        trees.append(work.of(node, args))
    end = work.joined(trees[-1])
    build = work.build
    made = build.finish(Tensor(end, np.arange(build.nodes[end].width)))
    if made.work > GROWTH * program.work:
        return program
    return replace(
        made, remarks=program.remarks, narrowest=program.narrowest, origin=program.origin, cuts=program.cuts
    )


class _Lifting:
    """The new program, and which of its nodes have one value in all features.

    Attributes:
        build: the new program.
    """

    def __init__(self, d: int) -> None:
        self.build = Builder(d)

    def of(self, node: Node, args: list[Tree]) -> Tree:
        """The value of an operation; trees of more than `LEAVES` leaves are joined first."""
        tree = self._apply(node, args, {})
        return tree if _leaves(tree) <= LEAVES else self._apply(node, [self.joined(one) for one in args], {})

    def _apply(self, node: Node, args: list[Tree], known: Known) -> Tree:
        tests = [one.z for one in args if isinstance(one, _Test)]
        if tests:
            first = tests[0]  # the root of one tree: what its other leaves need is not asked twice
            above, other = (
                self._apply(node, [_decided(one, first, side) for one in args], {**known, first: side})
                for side in (True, False)
            )
            return above if above == other else _Test(first, above, other)
        leaves = tuple(one for one in args if isinstance(one, int))
        if node.op == "where" and (z := self._shared(leaves[0])) is not None:
            if z in known:
                return leaves[1] if known[z] else leaves[2]
            return leaves[1] if leaves[1] == leaves[2] else _Test(z, leaves[1], leaves[2])
        if node.op == "where" and node.width <= FEATURES:
            each = [
                self._apply(Node("where", (0, 0, 0), 1), self._features(leaves, k), known)
                for k in range(node.width)
            ]
            return self._apply(Node("concat", (0,) * node.width, node.width), each, known)
        return self._added(node.of(leaves))

    def _features(self, leaves: tuple[int, ...], k: int) -> list[Tree]:
        """Feature k of some nodes."""
        return [self._added(Node("take", (one,), 1, columns=np.array([k]))) for one in leaves]

    def _added(self, node: Node) -> int:
        return self.build.add_node(node).node

    def _shared(self, position: int) -> int | None:
        """The node of one feature that all features of a node equal; None where they may differ."""
        node, nodes = self.build.nodes[position], self.build.nodes
        if node.width == 1:
            return position
        if node.op == "take" and node.columns is not None and len(set(node.columns.tolist())) == 1:
            column = node.columns[:1].copy()
            source = nodes[node.args[0]]
            alone = source.width == 1
            return node.args[0] if alone else self._added(Node("take", node.args, 1, columns=column))
        if node.op == "constant" and node.value is not None and len(np.unique(node.value)) == 1:
            return self._added(Node("constant", (), 1, value=node.value[:1].copy()))
        if not node.args or node.op in ("take", "concat", "affine", "constant"):
            return None
        parts = [self._shared(a) for a in node.args]
        if any(one is None for one in parts):
            return None
        return self._added(replace(node, args=tuple(one for one in parts if one is not None), width=1))

    def joined(self, tree: Tree) -> int:
        """A tree as a node: ``where`` of its two sides."""
        if isinstance(tree, int):
            return tree
        above, other = self.joined(tree.above), self.joined(tree.other)
        width = self.build.nodes[above].width
        z = tree.z
        if width > 1:
            z = self._added(Node("take", (z,), width, columns=np.zeros(width, dtype=np.intp)))
        return self._added(Node("where", (z, above, other), width))


def _decided(tree: Tree, z: int, side: bool) -> Tree:
    """A tree where one test is known."""
    if isinstance(tree, int):
        return tree
    if tree.z == z:
        return _decided(tree.above if side else tree.other, z, side)
    above, other = _decided(tree.above, z, side), _decided(tree.other, z, side)
    return above if above == other else _Test(tree.z, above, other)


def _leaves(tree: Tree) -> int:
    return 1 if isinstance(tree, int) else _leaves(tree.above) + _leaves(tree.other)
