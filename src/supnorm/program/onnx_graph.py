"""Builds ONNX graphs node by node, so that no constant is rounded to float32; and the `Backend` that does so.

The operations are those that onnxruntime computes in double precision on the CPU, the error function and the arc tangent
aside: a graph of doubles with one of these is refused by onnxruntime when it is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.program.backend import Backend
from supnorm.program.onnx_rewrites import left_out

Array = NDArray[Any]
OPSET, TREES = 20, 3  # of ONNX, and of its trees
NAMES = {
    "neg": "Neg",
    "abs": "Abs",
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "sin": "Sin",
    "cos": "Cos",
}
NAMES |= {"exp": "Exp", "log": "Log", "sqrt": "Sqrt", "erf": "Erf", "atan": "Atan"}
NAMES |= {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "min": "Min", "max": "Max", "pow": "Pow"}


class OnnxGraph:
    """Nodes and constants of a graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._numbers: dict[str, Array] = {}  # constants of one number

    def constant(self, value: Any) -> str:
        """The name of a constant."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        if np.size(value) == 1:
            self._numbers[name] = np.asarray(value)
        return name

    def apply(self, operation: str, *arguments: str, output: str = "", **attributes: Any) -> str:
        """The name of the result of a node."""
        from onnx import helper

        numbers = [self._numbers.get(a) for a in arguments]
        if len(numbers) == 2 and left_out(operation, *numbers):
            return self.apply("Neg", self._opposite(operation, arguments, numbers), output=output)
        name = output or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(arguments), [name], **attributes))
        return name

    def _opposite(self, operation: str, arguments: Sequence[str], numbers: Sequence[Array | None]) -> str:
        """The negative of an operation with a constant, exactly, in a form that onnxruntime does not leave out."""
        x, c = next((a, n) for a, n in zip(arguments, reversed(numbers), strict=True) if n is not None)
        if operation in ("Add", "Sub"):  # a difference *from* a constant: -c - x, or c - x
            return self.apply("Sub", self.constant(-c if operation == "Add" else c), x)
        return self.apply(operation, x, self.constant(-c))


class OnnxBackend(Backend):
    """Operations as nodes of a graph, in one precision.

    Args:
        graph: where they are added; several backends may add to one graph.
        precision: ``"float64"`` or ``"float32"``.
    """

    def __init__(self, graph: OnnxGraph, precision: str = "float64") -> None:
        self.graph, self.precision = graph, np.dtype(precision)

    def cast(self, x: str, precision: str = "") -> str:
        """``x`` in this precision, or in another type."""
        from onnx import helper

        kind = helper.np_dtype_to_tensor_dtype(np.dtype(precision or self.precision))
        return self.graph.apply("Cast", x, to=kind)

    def constant(self, value: Array) -> str:
        """A constant."""
        return self.graph.constant(np.asarray(value, dtype=self.precision))

    def affine(self, x: str, weight: Array, bias: Array) -> str:
        """A product of matrices and a sum."""
        product = self.graph.apply("MatMul", x, self.constant(np.asarray(weight).T))
        return self.graph.apply("Add", product, self.constant(bias))

    def unary(self, name: str, x: str) -> str:
        """One node."""
        return self.graph.apply(NAMES[name], x)

    def binary(self, name: str, x: str, y: str) -> str:
        """One node."""
        return self.graph.apply(NAMES[name], x, y)

    def take(self, x: str, columns: Sequence[int]) -> str:
        """One node."""
        return self.graph.apply("Gather", x, self.graph.constant(np.array(columns, dtype=np.int64)), axis=1)

    def concat(self, parts: Sequence[str]) -> str:
        """One node."""
        return self.graph.apply("Concat", *parts, axis=1)

    def least(self, x: str) -> str:
        """One node."""
        return self.graph.apply("ReduceMin", x, self._columns(), keepdims=1)

    def at_most(self, x: str, y: str) -> str:
        """One node."""
        return self.graph.apply("LessOrEqual", x, y)

    def both(self, a: str, b: str) -> str:
        """One node."""
        return self.graph.apply("And", a, b)

    def either(self, a: str, b: str) -> str:
        """One node."""
        return self.graph.apply("Or", a, b)

    def every(self, a: str) -> str:
        """The least of ones and zeros."""
        least = self.graph.apply("ReduceMin", self.cast(a, "int32"), self._columns(), keepdims=1)
        return self.cast(least, "bool")

    def where(self, a: str, x: str, y: str) -> str:
        """One node."""
        return self.graph.apply("Where", a, x, y)

    def tree(self, u: str, axis: Array, cut: Array, left: Array, right: Array, leaf: Array) -> str:
        """One node of ai.onnx.ml; its result is float32, which holds whole numbers up to 2^24."""
        from onnx import helper

        n, inner = len(axis), axis >= 0
        if n == 1:  # a tree of one leaf is no tree for onnxruntime
            only = self.graph.constant(leaf[:1].astype(np.int64))
            return self.where(self.at_most(self.take(u, [0]), self.constant(np.zeros(1))), only, only)
        leaves = np.flatnonzero(~inner)
        double = np.asarray(np.where(inner, cut, 0.0), dtype=np.float64)
        values = helper.make_tensor("cuts", helper.np_dtype_to_tensor_dtype(double.dtype), [n], double)
        weights = helper.make_tensor(
            "leaves",
            helper.np_dtype_to_tensor_dtype(double.dtype),
            [len(leaves)],
            leaf[leaves].astype(np.float64),
        )
        result = self.graph.apply(
            "TreeEnsembleRegressor",
            u,
            domain="ai.onnx.ml",
            n_targets=1,
            nodes_treeids=[0] * n,
            nodes_nodeids=list(range(n)),
            nodes_featureids=np.maximum(axis, 0).tolist(),
            nodes_modes=["BRANCH_LEQ" if i else "LEAF" for i in inner],
            nodes_values_as_tensor=values,
            nodes_truenodeids=np.where(inner, left, 0).tolist(),
            nodes_falsenodeids=np.where(inner, right, 0).tolist(),
            target_treeids=[0] * len(leaves),
            target_nodeids=leaves.tolist(),
            target_ids=[0] * len(leaves),
            target_weights_as_tensor=weights,
        )
        return self.cast(result, "int64")

    def rows(self, table: str, number: str) -> str:
        """Two nodes: the number without its column, and the rows."""
        flat = self.graph.apply("Squeeze", number, self._columns())
        return self.graph.apply("Gather", table, flat, axis=0)

    def _columns(self) -> str:
        return self.graph.constant(np.array([1], dtype=np.int64))
