"""Straight-line programs in the operations of another runtime: written once, for ONNX graphs and for torch.

A `Backend` has matrices ``(n, k)`` and a few operations on them. What it does not have is composed here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from supnorm.program.node import Node
from supnorm.program.operations import Unsupported

Array = NDArray[Any]
UNARY = ("neg", "abs", "relu", "tanh", "sigmoid", "sin", "cos", "exp", "log", "sqrt", "erf", "atan")
BINARY = ("add", "sub", "mul", "div", "min", "max", "pow")


class Backend(Protocol):
    """Operations on matrices ``(n, k)``; a constant ``(k,)`` stands for the same row n times.

    Values may be symbols of a graph. ``at_most`` and what follows it are of truth values.
    """

    def constant(self, value: Array) -> Any:
        """A row of numbers, or a table ``(b, k)`` for `rows`."""

    def affine(self, x: Any, weight: Array, bias: Array) -> Any:
        """``x @ weight.T + bias``."""

    def unary(self, name: str, x: Any) -> Any:
        """One of `UNARY`, number by number."""

    def binary(self, name: str, x: Any, y: Any) -> Any:
        """One of `BINARY`, number by number."""

    def take(self, x: Any, columns: Sequence[int]) -> Any:
        """Columns of a matrix."""

    def concat(self, parts: Sequence[Any]) -> Any:
        """Matrices side by side."""

    def least(self, x: Any) -> Any:
        """The least number of each row, shape ``(n, 1)``."""

    def at_most(self, x: Any, y: Any) -> Any:
        """Whether ``x <= y``; false where one of both is NaN."""

    def both(self, a: Any, b: Any) -> Any:
        """Both are true."""

    def either(self, a: Any, b: Any) -> Any:
        """At least one is true."""

    def every(self, a: Any) -> Any:
        """Whether a row has true values only, shape ``(n, 1)``."""

    def where(self, a: Any, x: Any, y: Any) -> Any:
        """``x`` where true, else ``y``."""

    def tree(self, u: Any, axis: Array, cut: Array, left: Array, right: Array, leaf: Array) -> Any:
        """``leaf`` of the leaf that each row of ``u`` falls into, shape ``(n, 1)``: left where ``u[axis] <= cut``."""

    def rows(self, table: Any, number: Any) -> Any:
        """The rows ``number (n, 1)`` of a table, shape ``(n, k)``."""


def run_program(nodes: Sequence[Node], on: Backend, x: Any) -> Any:
    """The last value of a program at ``x``.

    Raises:
        Unsupported: for an operation that neither the backend has nor a composition gives.
    """
    values: list[Any] = []
    for node in nodes:
        values.append(
            x if node.op == "input" else _apply(node, on, [values[a] for a in node.args], x, nodes[0].width)
        )
    return values[-1]


def _apply(node: Node, on: Backend, args: list[Any], x: Any, inputs: int) -> Any:
    if node.op == "constant":
        return on.affine(x, np.zeros((node.width, inputs)), np.asarray(node.value))  # once for each row
    if node.op == "affine":
        assert node.weight is not None
        assert node.bias is not None
        return on.affine(args[0], node.weight, node.bias)
    if node.op == "take":
        assert node.columns is not None
        return on.take(args[0], [int(c) for c in node.columns])
    if node.op == "concat":
        return on.concat(args)
    if node.op in BINARY and len(args) == 2:
        return on.binary(node.op, *args)
    return applied(node.op, on, args[0], node.parameter)


def applied(name: str, on: Backend, x: Any, parameter: float | None = None) -> Any:
    """A function of one argument, number by number.

    Raises:
        Unsupported: for one that is no composition of what every backend has.
    """
    if name in UNARY:
        return on.unary(name, x)
    if name not in COMPOSED:
        raise Unsupported(
            f"{name} in another runtime", "tanh, sin, exp, log, sqrt, erf, powers and what they give"
        )
    return COMPOSED[name](on, x, parameter)


def number(on: Backend, value: float) -> Any:
    """A number as a row of one."""
    return on.constant(np.array([value]))


def _times(on: Backend, x: Any, factor: float) -> Any:
    return on.binary("mul", x, number(on, factor))


def _leaky(on: Backend, x: Any, slope: float | None) -> Any:
    below = on.binary("min", x, number(on, 0.0))
    return on.binary("add", on.unary("relu", x), _times(on, below, float(slope or 0.0)))


def _softplus(on: Backend, x: Any, _: float | None) -> Any:
    """max(x, 0) + log(1 + exp(-|x|)), which cannot overflow."""
    decay = on.unary("exp", on.unary("neg", on.unary("abs", x)))
    rest = on.unary("log", on.binary("add", decay, number(on, 1.0)))
    return on.binary("add", on.unary("relu", x), rest)


def _silu(on: Backend, x: Any, _: float | None) -> Any:
    return on.binary("mul", x, on.unary("sigmoid", x))


def _gelu(on: Backend, x: Any, _: float | None) -> Any:
    half = _times(on, on.binary("add", on.unary("erf", _times(on, x, math.sqrt(0.5))), number(on, 1.0)), 0.5)
    return on.binary("mul", x, half)


def _gelu_tanh(on: Backend, x: Any, _: float | None) -> Any:
    cube = on.binary("mul", x, on.binary("mul", x, x))
    inner = _times(on, on.binary("add", x, _times(on, cube, 0.044715)), math.sqrt(2.0 / math.pi))
    half = _times(on, on.binary("add", on.unary("tanh", inner), number(on, 1.0)), 0.5)
    return on.binary("mul", x, half)


def _pow(on: Backend, x: Any, exponent: float | None) -> Any:
    if exponent == 2.0:
        return on.binary("mul", x, x)
    return on.binary("pow", x, number(on, float(exponent or 0.0)))


COMPOSED: dict[str, Callable[[Backend, Any, float | None], Any]] = {
    "leaky_relu": _leaky,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "pow": _pow,
}
