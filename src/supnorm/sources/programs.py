"""Functions on straight-line programs that sources need: another order of inputs, and the first linear layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function
from supnorm.problem.coded import Coded
from supnorm.program import Narrowed, Node, Program, Unreadable, Unsupported, entry
from supnorm.program.evaluation import forward
from supnorm.program.watched import Unlike

Array = NDArray[np.float64]


def permuted(program: Program, columns: Sequence[int]) -> Program:
    """The program of ``x -> program(x[:, columns])``.

    >>> swap = permuted(Program((Node("input", (), 2), Node("take", (0,), 1, columns=np.array([0])))), [1, 0])
    >>> swap.value(np.array([[3.0, 4.0]]))
    array([[4.]])
    """
    if list(columns) == list(range(program.d)):
        return program
    take = Node("take", (0,), program.d, columns=np.asarray(columns))
    rest = [replace(node, args=tuple(a + 1 for a in node.args)) for node in program.nodes[1:]]
    return replace(program, nodes=(program.nodes[0], take, *rest))


def first_layer_of(program: Program) -> tuple[Array, Array] | None:
    """Weights and biases ``(h, d)``, ``(h,)`` of the linear layers before the first other operation.

    Normalisation of the inputs is included. None if the program does not begin with a linear layer.
    """
    weight, bias = np.eye(program.d), np.zeros(program.d)
    here, layers = 0, 0
    while (following := _only_user(program, here)) is not None:
        step = _linear(program, following, here)
        if step is None:
            break
        weight, bias = step[0] @ weight, step[0] @ bias + step[1]
        layers += program.nodes[following].op == "affine"
        here = following
    return (weight, bias) if layers else None


def _only_user(program: Program, position: int) -> int | None:
    users = [i for i, node in enumerate(program.nodes) if position in node.args]
    return users[0] if len(users) == 1 else None


def _linear(program: Program, position: int, argument: int) -> tuple[Array, Array] | None:
    """The node as ``W z + b`` of its only varying argument; None if it is not linear."""
    node = program.nodes[position]
    if node.op == "affine" and node.weight is not None and node.bias is not None:
        return node.weight, node.bias
    if node.op == "take":
        return np.eye(program.nodes[argument].width)[node.columns], np.zeros(node.width)
    others = [program.nodes[a] for a in node.args if a != argument]
    if len(node.args) != 2 or len(others) != 1 or others[0].value is None:
        return None
    c, one, zero = others[0].value, np.eye(node.width), np.zeros(node.width)
    if node.op == "add":
        return one, c
    if node.op == "mul":
        return np.diag(c), zero
    if node.args[0] != argument:
        return (-one, c) if node.op == "sub" else None
    if node.op == "sub":
        return one, -c
    return (np.diag(1.0 / c), zero) if node.op == "div" and np.all(c != 0) else None


def unread(function: Function, reason: Unsupported) -> Function:
    """The function with the reason why it has no program; `program_of` then raises this reason."""

    def code(x: Any) -> Any:  # a certificate would trace this
        raise reason

    value = function.value
    return replace(
        function, value=replace(value, code=code) if isinstance(value, Coded) else Coded(value, code)
    )


def with_program(function: Function, name: str, lower: Callable[[], Program], probe: Array) -> Function:
    """The function with the program and the first layer of its graph, if both agree at the probe points.

    Args:
        function: the graph as it runs.
        name: name of its file, for notes.
        lower: reads the program; may raise `Unsupported`.
        probe: points of the domain, shape ``(k, d)``.
    """
    how = "without a derivative" if function.vjp is None else "without a program"
    try:
        graph = lower()
    except Unsupported as reason:
        note = f"{name} is run as a black box, {how}: {reason}"
        named = type(reason)(f"{reason.operation} of {name}", reason.nearest)
        if isinstance(reason, Unlike | Unreadable):
            named = Unreadable(f"{name}: {reason.operation}", reason.nearest)
        if isinstance(reason, Narrowed):
            named = Unreadable(f"{reason.operation}, which {name} does", reason.nearest)
        return unread(replace(function, notes=(*function.notes, note)), named)
    if entry.narrower(graph.narrowest, function.precision):
        function = replace(function, precision=graph.narrowest)
    if not agrees(graph, function, probe):
        note = f"{name} is run as a black box, {how}: its outputs depend on the whole batch"
        mixed = Unreadable(
            f"outputs of {name} depend on the whole batch", "a graph whose rows do not depend on each other"
        )
        return unread(replace(function, notes=(*function.notes, note)), mixed)
    return replace(
        function, program=graph, first_layer=first_layer_of(graph), notes=(*function.notes, *graph.remarks)
    )


def agrees(graph: Program, function: Function, probe: Array) -> bool:
    """Whether program and function give the same values, up to the function's precision.

    Numbers that cancel on the way, as in torch's GELU far below zero, leave rounding of the size of these numbers.
    """
    deployed, steps = function.value(probe), forward(graph.nodes, np.asarray(probe, dtype=np.float64))
    read = steps[-1]
    if deployed.shape != read.shape:
        return False
    allowed = {"float64": 1e-6, "float32": 1e-3}.get(function.precision, 1e-1)
    scale = np.nanmax(np.abs(deployed), axis=0, initial=np.finfo(float).tiny)
    sizes = [np.max(np.abs(v), where=np.isfinite(v), initial=0.0) for v in steps]
    cancelled = 1e-14 * max(sizes) if function.precision == "float64" else 0.0
    with np.errstate(invalid="ignore"):
        near = np.abs(deployed - read) <= allowed * scale + cancelled
        return bool(np.all(near | ~np.isfinite(deployed)))
