"""Inputs of its own for each argument of an operator, in place of the graph before it, and random numbers for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.branches import Comparison
from supnorm.program.operations import BINARY, TERNARY, UNARY, Array
from supnorm.program.steps import numbers
from supnorm.program.tracing import Builder, Integers, Tensor

# Arguments are drawn from these: (low, high, whether they are whole numbers). Whole numbers are equal to each other in
# places, and zero; positive ones have logarithms; among large ones are those beyond the thresholds of most branches; tiny
# ones show what is added to a variance.
DRAWS = (
    (-1.0, 1.0, False),
    (-30.0, 30.0, False),
    (-3.0, 3.0, True),
    (0.1, 2.0, False),
    (-1e-4, 1e-4, False),
    (-1e3, 1e3, False),
)
# Draws with numbers at the first constant that is tested and beside it, at the second one, ...
NEAR = (0, 3, 1, 5, 2)
OF_HALF = 30.0  # the largest number that is drawn in float16, whose squares and sums end at 65,504; of more, exp overflows
STEPS = 12  # from what is tested to another argument: ELU and softplus as programs have them take six
_EACH_NUMBER = frozenset({"take", "concat", *UNARY, *BINARY, *TERNARY})


class Inputs:
    """Inputs of its own for each argument of an operator.

    A branch is often written so that one of its arguments is computed of what it tests: ``where(x > 0, x, 0.1 * x)``, or
    ELU, and its reader looks for that. So what a comparison tests is an input, and arguments that follow from it in a few
    steps of each number for itself still do.

    Args:
        build: of the graph.
        leaves: tensors and comparisons among the arguments.
        kinds: types of numbers of these tensors and comparisons, in order.
    """

    def __init__(self, build: Builder, leaves: Sequence[Any], kinds: Sequence[str]) -> None:
        self._build, self._leaves = build, leaves
        # By the number of a node, all of it, or by what a tensor shares with others that are the same.
        self._columns: dict[Any, Integers] = {}
        self._kinds: list[str] = []
        self._following: dict[tuple[int, int], bool] = {}
        tested = [pair for leaf in leaves if isinstance(leaf, Comparison) for pair in _tested(leaf)]
        self._cut = {tensor.node for tensor, _ in tested}
        types: dict[int, str] = {}
        for leaf, kind in zip(leaves, kinds, strict=False):
            if isinstance(leaf, Tensor):
                types[leaf.node] = narrowest((kind,), types.get(leaf.node, build.least))
        for node in sorted(self._cut):
            self._before(node, types)
        for leaf, kind in zip(leaves, kinds, strict=False):
            if isinstance(leaf, Tensor) and self._follows(leaf.node):
                self._before(leaf.node, types)
            elif isinstance(leaf, Tensor):
                self._add(_same_as(leaf), leaf.shape, kind)
        self._near = [
            np.broadcast_arrays(self._columns[tensor.node][tensor.index], beside)
            for tensor, beside in tested
            if beside is not None and tensor.node in self._columns
        ]

    @property
    def _width(self) -> int:
        return len(self._kinds)

    def placed(self) -> tuple[Builder, list[Any]]:
        """A builder with these inputs, and all arguments there."""
        of = self._build
        alone = Builder(max(self._width, 1), of.least, of.runtime, of.origin, of.points)
        alone.precision = of.precision
        copied: dict[int, int] = {}

        def node(position: int) -> int:
            if position not in copied:
                one = of.nodes[position]
                if position in self._columns:
                    copied[position] = alone.flat(Tensor(0, self._columns[position]), (one.width,))
                else:
                    copied[position] = alone.add_node(one.of(tuple(map(node, one.args)))).node
            return copied[position]

        def anew(leaf: Any) -> Any:
            if isinstance(leaf, Comparison):
                left = anew(leaf.left)
                return Comparison(leaf.op, left, left if leaf.right is leaf.left else anew(leaf.right))
            if not isinstance(leaf, Tensor):
                return leaf
            if (key := _same_as(leaf)) in self._columns:
                return Tensor(0, self._columns[key])
            return Tensor(node(leaf.node), leaf.index)

        return alone, [anew(leaf) for leaf in self._leaves]

    def drawn(self) -> Array:
        """Random numbers for all inputs, a row for each of `DRAWS`."""
        rng, size = np.random.default_rng(0), max(self._width, 1)
        rows = [
            rng.integers(int(a), int(b) + 1, size).astype(float) if whole else rng.uniform(a, b, size)
            for a, b, whole in DRAWS
        ]
        for k, (columns, beside) in zip(NEAR, self._near, strict=False):
            finite = np.isfinite(beside)
            rows[k][columns[finite]] = beside[finite] + np.resize([0.0, 1.0, -1.0], np.count_nonzero(finite))
        kinds = np.array(self._kinds or [""])
        drawn = np.stack(rows)
        for kind in {*self._kinds}:
            drawn[:, kinds == kind] = _stored(drawn[:, kinds == kind], kind)
        return drawn

    def _follows(self, position: int, steps: int = STEPS) -> bool:
        """Whether a node is what is tested, or is computed of it in a few steps of each number for itself."""
        if position in self._cut or not steps:
            return position in self._cut
        if (position, steps) not in self._following:
            node = self._build.nodes[position]
            before = node.args if node.op in _EACH_NUMBER else ()
            self._following[position, steps] = any(self._follows(a, steps - 1) for a in before)
        return self._following[position, steps]

    def _before(self, position: int, types: Mapping[int, str]) -> None:
        """Add all inputs from which a node is computed."""
        node = self._build.nodes[position]
        if position in self._cut or not self._follows(position):
            if node.op != "constant":
                self._add(position, (node.width,), types.get(position, self._build.least))
            return
        for one in node.args:
            self._before(one, types)

    def _add(self, key: Any, shape: tuple[int, ...], kind: str) -> None:
        if key not in self._columns:
            size = int(np.prod(shape))
            self._columns[key] = np.arange(self._width, self._width + size).reshape(shape)
            self._kinds += [kind] * size


def narrowest(kinds: Sequence[str], least: str) -> str:
    """The narrowest of some types of numbers and another one."""
    least_yet = least
    for kind in kinds:
        if kind in entry.BITS and entry.narrower(kind, least_yet):
            least_yet = kind
    return least_yet


def _tested(test: Comparison) -> Iterator[tuple[Tensor, Array | None]]:
    """Tensors that a comparison tests, each with the constants beside it."""
    for one, other in ((test.left, test.right), (test.right, test.left)):
        if isinstance(one, Comparison):
            yield from _tested(one)
        elif isinstance(one, Tensor):
            yield one, None if isinstance(other, Tensor | Comparison) else numbers(other)


def _same_as(leaf: Tensor) -> Any:
    """What two arguments share that are one tensor."""
    return leaf.node, leaf.index.shape, leaf.index.tobytes()


def _stored(drawn: Array, kind: str) -> Array:
    """Numbers as a type stores them."""
    if kind == "float16":
        return np.clip(drawn, -OF_HALF, OF_HALF).astype(kind).astype(np.float64)
    if kind == "float32":
        return drawn.astype(kind).astype(np.float64)
    if kind == "bfloat16":
        return (
            (drawn.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32).astype(float)
        )
    return drawn
