"""A straight-line program: a list of operations on feature vectors, each naming earlier results.

A program maps points ``(n, d)`` to ``(n, m)``, row by row, in float64. It is plain data: it can be hashed,
written as JSON, evaluated, differentiated and enclosed, and two programs with the same hash are the same
function with the same weights to the last bit.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from supnorm.program.derivative import vjp
from supnorm.program.evaluation import evaluate
from supnorm.program.node import Limit, Node
from supnorm.program.operations import BINARY, PARAMETERS, SECOND, TERNARY, UNARY, Array
from supnorm.program.single_precision import Origin

SCHEMA = "supnorm.program/1"


@dataclass(frozen=True, eq=False)
class Program:
    """A function ``(n, d) -> (n, m)`` as a list of operations; the first is the input, the last the output.

    ``remarks`` states where it differs from the code from which it was read; ``narrowest`` is the least precise type of
    numbers in which that code keeps a result, if the code chooses it (ONNX); ``origin`` is the runtime that runs these very
    operations, None where that is not known. ``limits`` says where the program is that code, ``cuts`` at which values of
    which input a table has knots. None of them is part of the hash.

    >>> program = Program((Node("input", (), 1), Node("sin", (0,), 1)))
    >>> program.value(np.array([[0.0], [1.0]])).ravel()
    array([0.        , 0.84147098])
    """

    nodes: tuple[Node, ...]
    remarks: tuple[str, ...] = ()
    narrowest: str = "float64"
    origin: Origin | None = None
    limits: tuple[Limit, ...] = ()
    cuts: tuple[tuple[int, tuple[float, ...]], ...] = ()

    def __post_init__(self) -> None:
        for position, node in enumerate(self.nodes):
            _check(position, node, self.nodes)

    @property
    def d(self) -> int:
        """Number of inputs."""
        return self.nodes[0].width

    @property
    def m(self) -> int:
        """Number of outputs."""
        return self.nodes[-1].width

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the operations in use, sorted."""
        return tuple(sorted({node.op for node in self.nodes}))

    @cached_property
    def work(self) -> int:
        """How many numbers one evaluation combines: the weights of affine operations, and the features of all others."""
        return sum(node.width if node.weight is None else node.weight.size for node in self.nodes)

    def value(self, x: Array) -> Array:
        """Values at points ``x``, shape ``(n, d)``; returns ``(n, m)``.

        Raises:
            ValueError: when ``x`` has another number of columns than the program has inputs.
        """
        return evaluate(self.nodes, x)

    def vjp(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Values and the function that pulls output weights ``(n, m)`` back to gradients ``(n, d)``."""
        return vjp(self.nodes, x)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON text: operations and weights to the last bit."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """A mapping for the ``json`` module; float arrays are base64 of little-endian float64."""
        return {"schema": SCHEMA, "nodes": [_node_to_json(node) for node in self.nodes]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Program:
        """Read what `to_json` wrote.

        Raises:
            ValueError: when the data is no program of this schema, or no valid one.
        """
        if data.get("schema") != SCHEMA:
            raise ValueError(f"not a {SCHEMA} program, got schema {data.get('schema')!r}")
        return cls(tuple(_node_from_json(entry) for entry in data["nodes"]))


def _check(position: int, node: Node, nodes: tuple[Node, ...]) -> None:
    where = f"node {position} ({node.op})"
    if (node.op == "input") != (position == 0):
        raise ValueError(f"{where}: a program has one input, as its first node")
    if any(not 0 <= a < position for a in node.args):
        raise ValueError(f"{where}: arguments must be earlier nodes, got {node.args}")
    widths = [nodes[a].width for a in node.args]
    if not _fits(node, widths):
        raise ValueError(f"{where}: width {node.width} does not fit arguments of widths {widths}")


def _fits(node: Node, widths: list[int]) -> bool:
    w = node.width
    if node.op == "input":
        return w >= 1 and not widths
    if node.op == "constant":
        return not widths and node.value is not None and node.value.shape == (w,)
    if node.op == "affine":
        shapes = node.weight is not None and node.bias is not None and len(widths) == 1
        return shapes and node.weight.shape == (w, widths[0]) and node.bias.shape == (w,)  # type: ignore[union-attr]
    if node.op == "take":
        columns = node.columns
        good = columns is not None and len(widths) == 1 and columns.shape == (w,)
        return bool(good and w > 0 and columns.min() >= 0 and columns.max() < widths[0])  # type: ignore[union-attr]
    if node.op == "concat":
        return bool(widths) and sum(widths) == w
    if node.op in BINARY:
        return widths == [w, w]
    if node.op in TERNARY:
        return widths == [w, w, w]
    given = (node.parameter is not None, node.second is not None) == (
        node.op in PARAMETERS,
        node.op in SECOND,
    )
    return node.op in UNARY and widths == [w] and given


def _pack(array: Array) -> dict[str, Any]:
    data = np.ascontiguousarray(array, dtype="<f8").tobytes()
    return {"shape": list(array.shape), "data": base64.b64encode(data).decode()}


def _unpack(entry: Mapping[str, Any]) -> Array:
    flat = np.frombuffer(base64.b64decode(entry["data"]), dtype="<f8")
    return flat.reshape(entry["shape"]).astype(np.float64)


def _node_to_json(node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = {"op": node.op, "args": list(node.args), "width": node.width}
    for name in ("weight", "bias", "value"):
        array = getattr(node, name)
        if array is not None:
            entry[name] = _pack(array)
    if node.columns is not None:
        entry["columns"] = node.columns.tolist()
    if node.parameter is not None:
        entry[PARAMETERS[node.op]] = float(node.parameter).hex()
    if node.second is not None:
        entry[SECOND[node.op]] = float(node.second).hex()
    return entry


def _node_from_json(entry: Mapping[str, Any]) -> Node:
    op = entry["op"]
    arrays = {k: _unpack(entry[k]) for k in ("weight", "bias", "value") if k in entry}
    columns = np.asarray(entry["columns"], dtype=np.intp) if "columns" in entry else None
    parameter = float.fromhex(entry[PARAMETERS[op]]) if op in PARAMETERS else None
    second = float.fromhex(entry[SECOND[op]]) if op in SECOND else None
    weight, bias, value = (arrays.get(k) for k in ("weight", "bias", "value"))
    return Node(
        op=op,
        args=tuple(entry["args"]),
        width=entry["width"],
        weight=weight,
        bias=bias,
        value=value,
        columns=columns,
        parameter=parameter,
        second=second,
    )
