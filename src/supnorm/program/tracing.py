"""Building programs from tensor code.

While code is traced for one point, a tensor is a node of the program together with an integer array that
holds the number of a feature of that node for each position of the tensor. Reshaping, transposing, slicing, gathering
and broadcasting are then NumPy operations on the integers and add nothing to the program. Tensors that do not
depend on the input stay NumPy arrays and are folded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from supnorm.program import entry
from supnorm.program.discrepancies import Discrepancy
from supnorm.program.node import Limit, Node
from supnorm.program.operations import BINARY, UNARY, Array, Unsupported
from supnorm.program.program import Program
from supnorm.program.single_precision import Origin

Integers: TypeAlias = NDArray[np.intp]
BLOCK = (
    2**22
)  # entries of one matrix for all rows of a product: 34 MB; beyond, each row has its own operation


@dataclass(frozen=True, eq=False)
class Tensor:
    """Features of a node, arranged as a tensor: ``index`` holds the number of the feature at each position."""

    node: int
    index: Integers

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor (of one point)."""
        return self.index.shape

    def arrange(self, move: Callable[[Integers], Integers]) -> Tensor:
        """The tensor after an operation that only moves entries."""
        return Tensor(self.node, np.asarray(move(self.index), dtype=np.intp))


Value: TypeAlias = Tensor | NDArray[np.generic]


# Numbers of so few bits overflow where a code meets them: those of float32 do so beyond 3e38.
OVERFLOWS = (
    "assumed, not proved: no value that the code has in float16 is beyond 65,504, where it would be infinite"
)
# In float64 a number that may overflow has no bound; in fewer bits it counts as rounding, which no proof is about.
TESTED = "assumed, not proved: no number that the code tests for infinity or NaN overflows as it runs"


class Builder:
    """Collects the nodes of a program.

    Args:
        d: number of inputs.
        least: the precision in which the code is declared to run: no result may be narrower (`entry`).
        runtime: operations whose values in the code's runtime differ from the operation in more than the last digits
            (`discrepancies`).
        origin: name of the runtime, where it is known by which operations the code runs.
        points: for how many points the code is read; the inputs are those of all of them.

    >>> build = Builder(2)
    >>> x = build.input
    >>> y = build.unary("sin", build.binary("mul", x, np.array([2.0, 3.0])))
    >>> build.finish(y).value(np.array([[0.0, 0.5]])).round(4)
    array([[0.    , 0.9975]])
    """

    def __init__(
        self,
        d: int,
        least: str = "float64",
        runtime: Mapping[str, tuple[Discrepancy, ...]] | None = None,
        origin: str = "",
        points: int = 1,
    ) -> None:
        self.least, self.runtime, self.origin, self.points = least, runtime or {}, origin, points
        self.unlike: set[str] = set()  # operators that the runtime may compute by other operations
        self.precision = "float64"  # in which the code computes the operation that is being read
        # The narrowest type of the results, if the code chooses these types itself.
        self.narrowest = "float64"
        self.nodes: list[Node] = [Node("input", (), d)]
        self.input = Tensor(0, np.arange(d))
        self.remarks: set[str] = set()
        self.tested = False  # whether the code goes another way where a number is infinite or none
        self.limits: list[tuple[Tensor, float, float, str]] = []  # arguments that tables allow
        self.cuts: dict[int, set[float]] = {}  # knots of tables of an input, by its column
        self.refused: Exception | None = None  # a question of the code that has no answer while it is traced
        self.events: frozenset[Hashable] = frozenset()  # what told of overflows before the code ran
        self.thread = threading.get_ident()  # that reads the code
        self.calling = False  # whether a call of the code is being read
        self.operators: Any = (
            None  # `each_operator.Operators`, where each is to be compared with what it is alone
        )
        self._positions: dict[tuple[object, ...], int] = {}

    def computed_in(self, kind: str) -> None:
        """Record the type of a result."""
        if entry.narrower(kind, self.narrowest):
            self.narrowest = kind

    def add_node(self, node: Node) -> Tensor:
        """Append a node, unless an earlier one computes the same; returns its features as a vector."""
        arrays = (node.weight, node.bias, node.value, node.columns)
        key = (
            node.op,
            node.args,
            node.width,
            node.parameter,
            node.second,
            node.discrepancies,
            *(None if a is None else a.tobytes() for a in arrays),
        )
        if key not in self._positions:
            self._positions[key] = len(self.nodes)
            self.nodes.append(node)
        return Tensor(self._positions[key], np.arange(node.width))

    def flat(self, value: Value, shape: tuple[int, ...], what: str = "an operation") -> int:
        """The node whose features are ``value``, broadcast to ``shape``, in order."""
        if not isinstance(value, Tensor):
            constant = np.broadcast_to(entry.constant(value, what), shape).ravel().copy()
            return self.add_node(Node("constant", (), len(constant), value=constant)).node
        index = np.broadcast_to(value.index, shape).ravel()
        width = self.nodes[value.node].width
        if len(index) == width and np.array_equal(index, np.arange(width)):
            return value.node
        return self.add_node(Node("take", (value.node,), len(index), columns=index.copy())).node

    def unary(
        self,
        op: str,
        value: Value,
        parameter: float | None = None,
        discrepancies: tuple[Discrepancy, ...] = (),
        second: float | None = None,
    ) -> Value:
        """An operation feature by feature; it is applied to each distinct feature once."""
        extra = tuple(p for p in (parameter, second) if p is not None)
        if not isinstance(value, Tensor):
            with np.errstate(all="ignore"):
                return UNARY[op](entry.constant(value, op), *extra)
        used, inverse = np.unique(value.index, return_inverse=True)
        node = self.flat(Tensor(value.node, used), used.shape)
        # Above the threshold of a branch of the code, a branch of the runtime is never taken.
        ends = [a.above for a in discrepancies if a.above is not None]
        of_runtime = [
            a for a in self.runtime.get(op, ()) if a.above is None or not ends or a.above < min(ends)
        ]
        discrepancies = (*of_runtime, *discrepancies)
        if self.precision == "float64":  # in narrower types the words, which are about float64, say nothing
            self.remarks.update(a.words for a in discrepancies if a.words)
        width = len(used)
        out = self.add_node(
            Node(op, (node,), width, None, None, None, None, parameter, discrepancies, second)
        )
        return Tensor(out.node, inverse.reshape(value.shape).astype(np.intp))

    def binary(self, op: str, a: Value, b: Value) -> Value:
        """An operation of two tensors with NumPy broadcasting."""
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            with np.errstate(all="ignore"):
                return BINARY[op](entry.constant(a, op), entry.constant(b, op))
        shape = np.broadcast_shapes(
            np.shape(a) if not isinstance(a, Tensor) else a.shape,
            np.shape(b) if not isinstance(b, Tensor) else b.shape,
        )
        first, second = self.flat(a, shape, op), self.flat(b, shape, op)
        out = self._shortcut(op, first, second)
        if out is None:
            out = self.add_node(Node(op, (first, second), self.nodes[first].width))
        return Tensor(out.node, out.index.reshape(shape))

    def where(self, z: Value, above: Value, other: Value) -> Value:
        """``above`` where z is above zero, else ``other``, with NumPy broadcasting; z is a tensor."""
        shape = np.broadcast_shapes(
            *(np.shape(v) if not isinstance(v, Tensor) else v.shape for v in (z, above, other))
        )
        nodes = tuple(self.flat(v, shape, "a branch") for v in (z, above, other))
        out = self.add_node(Node("where", nodes, self.nodes[nodes[0]].width))
        return Tensor(out.node, out.index.reshape(shape))

    def _shortcut(self, op: str, first: int, second: int) -> Tensor | None:
        """An equal form with a tighter enclosure: bias in affine, relu for max(x, 0), x for max(x, -inf), silu, a power."""
        if op == "mul" and first == second:
            return self.add_node(Node("pow", (first,), self.nodes[first].width, parameter=2.0))
        for a, b in ((first, second), (second, first)):
            one, other = self.nodes[a], self.nodes[b]
            if op == "add" and one.op == "affine" and other.op == "constant" and not np.any(one.bias):
                return self.add_node(Node("affine", one.args, one.width, weight=one.weight, bias=other.value))
            nothing = {"max": -np.inf, "min": np.inf}.get(op)  # where a maximum begins, as in JAX's softmax
            if nothing is not None and other.op == "constant" and np.all(other.value == nothing):
                return Tensor(a, np.arange(one.width))
            if op == "max" and other.op == "constant" and not np.any(other.value):
                return self.add_node(Node("relu", (a,), one.width))
            if op == "mul" and one.op == "sigmoid" and one.args == (b,):
                return self.add_node(
                    Node("silu", (b,), one.width, discrepancies=self.runtime.get("silu", one.discrepancies))
                )
        return None

    def affine(self, x: Tensor, weight: Array, bias: Array | None = None) -> Tensor:
        """``weight @ x + bias`` for the flattened tensor ``x``, shape ``(k,)``; a vector ``(width,)``."""
        node = self.flat(x, x.shape)
        weight = np.ascontiguousarray(entry.constant(weight, "a linear layer"))
        shift = (
            np.zeros(len(weight)) if bias is None else entry.constant(bias, "a linear layer").ravel().copy()
        )
        return self.add_node(Node("affine", (node,), len(weight), weight=weight, bias=shift))

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """Tensors joined along an axis."""
        if not any(isinstance(p, Tensor) for p in parts):
            return np.concatenate([np.asarray(p) for p in parts], axis)
        parts = [p for p in parts if 0 not in p.shape] or parts  # an operation has one feature at least
        shapes = [p.shape for p in parts]
        nodes = tuple(self.flat(p, s) for p, s in zip(parts, shapes, strict=True))
        sizes = [self.nodes[i].width for i in nodes]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        index = [np.arange(n).reshape(s) + o for n, s, o in zip(sizes, shapes, starts, strict=True)]
        out = self.add_node(Node("concat", nodes, sum(sizes)))
        return Tensor(out.node, np.concatenate(index, axis))

    def sum(self, x: Tensor, axes: Sequence[int], scale: float = 1.0) -> Tensor:
        """Sum over axes (dropped), times ``scale``, as one affine operation."""
        axes = tuple(sorted(a % len(x.shape) for a in axes))
        rest = [i for i in range(len(x.shape)) if i not in axes]
        ordered = x.index.transpose(*rest, *axes)
        shape = ordered.shape[: len(rest)]
        rows = ordered.reshape(int(np.prod(shape)), -1)
        width = self.nodes[x.node].width
        of_points = [i for i in rest if 1 < x.shape[i] == self.points]
        if len(rows) * width > BLOCK and of_points:
            axis, position = of_points[0], rest.index(of_points[0])
            left = [a - (a > axis) for a in axes]
            sums = [
                self.sum(self._as_node(Tensor(x.node, i)), left, scale) for i in np.moveaxis(x.index, axis, 0)
            ]
            joined = self.concatenate(
                [v.arrange(lambda i: np.expand_dims(i, position)) for v in sums], position
            )
            assert isinstance(joined, Tensor)
            return joined
        weight = np.zeros((len(rows), width))
        np.add.at(weight, (np.arange(len(rows))[:, None], rows), scale)
        out = self.affine(Tensor(x.node, np.arange(width)), weight)
        return out.arrange(lambda i: i.reshape(shape))

    def _as_node(self, x: Tensor) -> Tensor:
        """The same tensor, as all of the features of a node."""
        return Tensor(self.flat(x, x.shape), np.arange(x.index.size).reshape(x.shape))

    def fold(self, op: str, x: Tensor, axes: Sequence[int]) -> Value:
        """``"min"``, ``"max"`` or ``"mul"`` over axes (dropped), two by two."""
        rest = [i for i in range(len(x.shape)) if i not in axes]
        moved = x.index.transpose(*rest, *axes)
        columns = moved.reshape(*moved.shape[: len(rest)], -1)
        result: Value = Tensor(x.node, columns[..., 0])
        for k in range(1, columns.shape[-1]):
            result = self.binary(op, result, Tensor(x.node, columns[..., k]))
        return result

    def contract(self, a: Value, b: Value) -> Value:
        """Matrix product ``(r, k) @ (k, c)`` of two matrices, one of which may be constant."""
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            return np.asarray(entry.constant(a, "a matrix product") @ entry.constant(b, "a matrix product"))
        if isinstance(a, Tensor) and isinstance(b, Tensor):
            left = a.arrange(lambda i: i[:, :, None])
            right = b.arrange(lambda i: i[None, :, :])
            product = self.binary("mul", left, right)
            assert isinstance(product, Tensor)
            return self.sum(product, (1,))
        if isinstance(b, Tensor):
            swapped = self.contract(b.arrange(np.transpose), np.transpose(np.asarray(a)))
            assert isinstance(swapped, Tensor)
            return swapped.arrange(np.transpose)
        assert isinstance(a, Tensor)
        matrix = entry.constant(b, "a matrix product")
        if a.shape[0] ** 2 * matrix.size > BLOCK and a.shape[0] > 1:
            rows = [self.affine(Tensor(a.node, row), matrix.T) for row in a.index]
            return self.concatenate([row.arrange(lambda i: i[None]) for row in rows], 0)
        block = np.kron(np.eye(a.shape[0]), matrix.T) if a.shape[0] > 1 else matrix.T
        out = self.affine(a, np.asarray(block, dtype=np.float64))
        return out.arrange(lambda i: i.reshape(a.shape[0], matrix.shape[1]))

    def inline(self, program: Program, x: Tensor) -> Tensor:
        """The output of another program at ``x``, a vector of its inputs."""
        copied = [self.flat(x, x.shape)]
        self.remarks.update(program.remarks)
        self.computed_in(program.narrowest)
        for node in program.nodes[1:]:
            args = tuple(copied[a] for a in node.args)
            copied.append(self.add_node(node.of(args)).node)
        for one in program.limits:
            argument = Tensor(copied[one.node], np.array([one.column]))
            self.limits.append((argument, one.low, one.high, one.name))
        for column, knots in program.cuts:
            self.cuts.setdefault(column, set()).update(knots)
        return Tensor(copied[-1], np.arange(program.m))

    def finish(self, output: Value) -> Program:
        """The program with the flattened output ``output``, without the operations that it does not need."""
        if 0 in output.shape:
            raise Unsupported("a result without numbers", "one number for each point at least")
        last = self.flat(output, output.shape)
        needed = {last}
        for position in range(last, -1, -1):
            if position in needed:
                needed.update(self.nodes[position].args)
        needed.add(0)
        order = sorted(needed)
        rename = {old: new for new, old in enumerate(order)}
        nodes = []
        for old in order:
            args = tuple(rename[a] for a in self.nodes[old].args)
            nodes.append(self.nodes[old].of(args))
        if last == 0:
            nodes.append(Node("take", (0,), self.nodes[0].width, columns=np.arange(self.nodes[0].width)))
        origin = Origin(self.origin, tuple(sorted(self.unlike))) if self.origin else None
        limits = tuple(
            Limit(rename[x.node], int(x.index.ravel()[0]), low, high, name)
            for x, low, high, name in self.limits
            if x.node in rename
        )
        cuts = tuple((column, tuple(sorted(knots))) for column, knots in sorted(self.cuts.items()))
        overflows = {OVERFLOWS} if self.narrowest == "float16" else set()
        single = {self.narrowest, self.least} != {"float64"}
        remarks = tuple(sorted(self.remarks | overflows | ({TESTED} if self.tested and single else set())))
        return Program(tuple(nodes), remarks, self.narrowest, origin, limits, cuts)
