"""Whether each step of a graph gives what was read of it: all results of its operators, as they run, at some points.

An operator may do something else than its reader knows: by an option that came with a later version, for an input that is
empty, or because its runtime computes with constants otherwise, and the code counts their last digits. If the result is
used on a small part of the domain alone, no comparison of outputs shows it. So results on the way are compared, where they
are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from supnorm.program.evaluation import apply, forward
from supnorm.program.node import Node
from supnorm.program.operations import Array, Unreadable
from supnorm.program.tracing import Tensor

# Name of an operator, names of its arguments, names of its results.
Step: TypeAlias = tuple[str, Sequence[str], Sequence[str]]

# Shares of the largest argument or result. Rounding of one operator is far below; what is read wrongly is mostly not near.
SHARE = {"float64": 1e-5, "float32": 2e-2}
NARROW = 0.3  # of other types
UNIT = {"float64": 2.0**-52, "float32": 2.0**-23}
MOVED = 8.0  # units by which each result is moved, to see how much of those after it is rounding
TIMES = 64.0  # as much of what a result then moves is allowed


def demand_same_steps(
    nodes: Sequence[Node],
    x: Array,
    read: Mapping[str, Any],
    ran: Mapping[str, Any],
    steps: Iterable[Step],
    precision: str,
) -> None:
    """Compare results, step by step.

    Args:
        nodes: of the program, for all points at once.
        x: the points, all inputs of the program in a row.
        read: what each name is in the program: a tensor of it, or a constant; others are not compared.
        ran: arrays by name, as they ran.
        steps: in order.
        precision: the least precise type of numbers in which the steps run.

    Raises:
        Unreadable: names the operator.

    >>> from supnorm.program.tracing import Builder
    >>> build = Builder(1)
    >>> read = {"x": build.input, "y": build.unary("sin", build.input)}
    >>> ran = {"x": np.array([0.5]), "y": np.array([0.4])}
    >>> demand_same_steps(build.nodes, np.array([0.5]), read, ran, [("Sin", ["x"], ["y"])], "float64")
    Traceback (most recent call last):
    supnorm.program.operations.Unreadable: Sin, which gives other numbers than were read of it; nearest ...
    """
    here = forward(nodes, x[None])
    beside = rounded(nodes, x[None], MOVED * UNIT.get(precision, 2.0**-8))
    share = SHARE.get(precision, NARROW)
    for operator, arguments, results in steps:
        known = [read[name] for name in arguments if isinstance(read.get(name), Tensor)]
        size = max((size_of(_value(one, here)) for one in known), default=0.0)
        # A minimum or a ReLU can hide in both how far an argument moves.
        with np.errstate(all="ignore"):
            around = max((size_of(_value(one, beside) - _value(one, here)) for one in known), default=0.0)
        for name in results:
            if name not in read or name not in ran:
                continue
            value, run = _value(read[name], here), numbers(ran[name])
            if value is None or run is None:
                continue
            same = value.shape == run.shape
            if same:
                room = share * max(size, size_of(value), size_of(run)) + TIMES * around
                with np.errstate(all="ignore"):
                    moved = np.abs(_value(read[name], beside) - value)
                    off = np.abs(value - run) > room + TIMES * moved
                same = not (off & np.isfinite(value) & np.isfinite(run)).any()
            if not same:
                raise Unreadable(
                    f"{operator}, which gives other numbers than were read of it",
                    "the same by other operators, or constants with their values",
                )


def as_they_ran(results: Iterable[Any], names: Iterable[str], ran: Mapping[str, Any]) -> list[Any]:
    """Results of a step; constants among them as the runtime computes them."""
    return [
        ran[name] if isinstance(one, np.ndarray) and _is_real(ran.get(name)) else one
        for one, name in zip(results, names, strict=False)
    ]


def _is_real(run: Any) -> bool:
    return isinstance(run, np.ndarray) and run.dtype.kind in "fiub"


def rounded(nodes: Sequence[Node], x: Array, size: float, seed: int = 0) -> list[Array]:
    """Values of all nodes, each moved up or down at random, as by rounding and by what its runtime may be off.

    Branches that test what is given go the way that they go without the moves.
    """
    rng = np.random.default_rng(seed)
    values: list[Array] = []
    given = as_given(nodes)
    tests: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for i, node in enumerate(nodes):
            args = [values[a] for a in node.args]
            if node.op == "where" and node.args[0] in tests:
                args[0] = tests[node.args[0]]
            exact = apply(node, args, x)
            if node.op == "sub" and given.issuperset(node.args):
                tests[i] = apply(node, [_without_moves(nodes, a, x) for a in node.args], x)
            elif node.op == "take" and node.args[0] in tests:
                tests[i] = apply(node, [tests[node.args[0]]], x)
            # Of equal size, two moves would undo each other in every second entry.
            moves = rng.choice([-1.0, 1.0], exact.shape) * rng.uniform(0.5, 1.0, exact.shape)
            values.append(exact * (1.0 + size * moves) + moves * _beyond(node, args, exact, x))
    return values


def as_given(nodes: Sequence[Node]) -> set[int]:
    """Positions of inputs and constants, and of those whose entries moved or have the other sign."""
    given: set[int] = set()
    for i, node in enumerate(nodes):
        if node.op in ("input", "constant") or (
            node.op in ("take", "concat", "neg") and given.issuperset(node.args)
        ):
            given.add(i)
    return given


def _without_moves(nodes: Sequence[Node], position: int, x: Array) -> Array:
    node = nodes[position]
    return apply(node, [_without_moves(nodes, a, x) for a in node.args], x)


def _beyond(node: Node, args: Sequence[Array], exact: Array, x: Array) -> Array | float:
    """How far the runtime may be from the operation beyond rounding (`discrepancies`)."""
    room: Array | float = 0.0
    for one in node.discrepancies:
        if math.isfinite(one.absolute):
            here = one.absolute + one.argument * np.abs(args[0]) + one.value * np.abs(exact)
            if one.moved:
                here = here + np.abs(apply(node, [args[0] * (1.0 + one.moved), *args[1:]], x) - exact)
            room = room + (here if one.above is None else np.where(args[0] > one.above, here, 0.0))
    return room


def _value(read: Any, values: Sequence[Array]) -> Any:
    if isinstance(read, Tensor):
        return values[read.node][0][read.index]
    return numbers(read)


def numbers(value: Any) -> NDArray[np.float64] | None:
    """Real numbers; None for all else."""
    array = np.asarray(value) if not isinstance(value, np.ndarray) else value
    if array.dtype.kind not in "fiub" and str(array.dtype) != "bfloat16":
        return None
    return array.astype(np.float64)


def size_of(value: NDArray[np.float64] | None) -> float:
    if value is None or not value.size:
        return 0.0
    return float(np.max(np.abs(value), where=np.isfinite(value), initial=0.0))
