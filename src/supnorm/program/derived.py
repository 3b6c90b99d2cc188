"""Programs that follow from other programs: partial derivatives, compositions, differences, some of the outputs.

A proof of several parts is about such programs. The checker derives them again from the base programs and compares both
as expressions, so each rule here is one of docs/certificate-format.md, "Derived programs", to the last operation: nothing
is simplified. Derivatives are exact in real arithmetic. An operation whose derivative needs a number that float64 does not
hold (erf, GELU) or that has a kink has none here.

Cost: a derivative has two to four times the operations of its program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from supnorm.program.discrepancies import Discrepancy
from supnorm.program.node import Node
from supnorm.program.operations import Array, Unsupported
from supnorm.program.program import Program
from supnorm.program.tracing import Builder, Tensor

K, Q = 0.7978845608028654, 0.044715  # the constants of gelu_tanh, as the format has them
KINKS = ("abs", "relu", "leaky_relu", "min", "max", "where")


def derivative(program: Program, axis: int) -> Program:
    """The derivative of all outputs by one input, as a program of the same inputs.

    Raises:
        Unsupported: naming an operation without an exact derivative.

    >>> sine = Program((Node("input", (), 2), Node("take", (0,), 1, columns=np.array([0])), Node("sin", (1,), 1)))
    >>> derivative(sine, 0).value(np.array([[0.0, 5.0]]))
    array([[1.]])
    """
    build = Builder(program.d)
    values = _inlined(build, program, 0)
    slopes: list[int | None] = [_constant(build, np.eye(program.d)[axis])]
    for position in range(1, len(program.nodes)):
        node = build.nodes[values[position]]
        args = [values[a] for a in program.nodes[position].args]
        slopes.append(
            _slope(build, node, values[position], args, [slopes[a] for a in program.nodes[position].args])
        )
    last = slopes[-1]
    return _finished(build, _constant(build, np.zeros(program.m)) if last is None else last, program)


def substituted(outer: Program, inner: Sequence[Program]) -> Program:
    """The outer program, whose inputs are the outputs of the inner ones, in order; all of these have the same inputs.

    >>> square = Program((Node("input", (), 1), Node("pow", (0,), 1, parameter=2.0)))
    >>> substituted(square, [square]).value(np.array([[3.0]]))
    array([[81.]])
    """
    build = Builder(inner[0].d)
    ends = [_inlined(build, one, 0)[-1] for one in inner]
    start = ends[0] if len(ends) == 1 else _add(build, "concat", tuple(ends), outer.d)
    return _finished(build, _inlined(build, outer, start)[-1], *inner, outer)


def outputs(program: Program, columns: Sequence[int]) -> Program:
    """Some of the outputs: ``take``, also where these are all."""
    build = Builder(program.d)
    end = _inlined(build, program, 0)[-1]
    taken = build.add_node(Node("take", (end,), len(columns), columns=np.asarray(columns, dtype=np.intp)))
    return _finished(build, taken.node, program)


def difference(program: Program, other: Program | Array) -> Program:
    """The program minus another one of the same inputs, or minus constants."""
    build = Builder(program.d)
    first = _inlined(build, program, 0)[-1]
    if isinstance(other, Program):
        second, parts = _inlined(build, other, 0)[-1], [program, other]
    else:
        second, parts = _constant(build, other), [program]
    return _finished(build, _add(build, "sub", (first, second), program.m), *parts)


def square_of_gradient(program: Program) -> Program:
    """The sum over the inputs of the squares of the derivatives: the ``pow`` 2 of each, added in order."""
    build = Builder(program.d)
    ends = []
    for axis in range(program.d):
        end = _inlined(build, derivative(program, axis), 0)[-1]
        ends.append(_add(build, "pow", (end,), program.m, parameter=2.0))
    total = ends[0]
    for end in ends[1:]:
        total = _add(build, "add", (total, end), program.m)
    return _finished(build, total, program)


def _inlined(build: Builder, program: Program, start: int) -> list[int]:
    """The positions of the nodes of a program whose input is a node that exists."""
    positions = [start]
    for node in program.nodes[1:]:
        positions.append(build.add_node(node.of(tuple(positions[a] for a in node.args))).node)
    return positions


def _finished(build: Builder, last: int, *parts: Program) -> Program:
    """The program that ends with a node, with the remarks of those it was made of."""
    for part in parts:
        build.remarks.update(part.remarks)
        build.computed_in(part.narrowest)
    return build.finish(Tensor(last, np.arange(build.nodes[last].width)))


def _add(build: Builder, op: str, args: tuple[int, ...], width: int, parameter: float | None = None) -> int:
    return build.add_node(Node(op, args, width, parameter=parameter)).node


def _constant(build: Builder, value: Array) -> int:
    return build.add_node(Node("constant", (), len(value), value=np.asarray(value, dtype=np.float64))).node


def _slope(build: Builder, node: Node, y: int, args: list[int], slopes: list[int | None]) -> int | None:
    """The node of the derivative of one operation; None where it is zero because no argument depends on the input."""
    if all(s is None for s in slopes):
        return None
    w = node.width
    if node.op == "concat":
        parts = [
            _constant(build, np.zeros(build.nodes[a].width)) if s is None else s
            for a, s in zip(args, slopes, strict=True)
        ]
        return _add(build, "concat", tuple(parts), w)
    if len(args) == 2:
        return _of_two(build, node.op, y, args, slopes)
    if node.op == "where":
        raise _refused(node.op)
    (s,) = slopes
    assert s is not None
    if node.op == "affine":
        return build.add_node(replace(node, args=(s,), bias=np.zeros(w))).node
    if node.op == "take":
        return build.add_node(node.of((s,))).node
    return _of_one(build, node, y, args[0], s)


def _of_two(build: Builder, op: str, y: int, args: list[int], slopes: list[int | None]) -> int | None:
    (a, b), (s, t), w = args, slopes, build.nodes[y].width
    if op in ("add", "sub"):
        if s is None or t is None:
            return (
                _add(build, "neg", (t,), w)
                if s is None and t is not None and op == "sub"
                else (s if t is None else t)
            )
        return _add(build, op, (s, t), w)
    if op == "mul":
        first = None if s is None else _add(build, "mul", (s, b), w)
        second = None if t is None else _add(build, "mul", (a, t), w)
        if first is None or second is None:
            return second if first is None else first
        return _add(build, "add", (first, second), w)
    if op == "div":
        lost = None if t is None else _add(build, "mul", (y, t), w)
        if lost is None:
            assert s is not None
            return _add(build, "div", (s, b), w)
        top = _add(build, "neg", (lost,), w) if s is None else _add(build, "sub", (s, lost), w)
        return _add(build, "div", (top, b), w)
    raise _refused(op)


def _of_one(build: Builder, node: Node, y: int, z: int, s: int) -> int | None:
    """A function phi(z) with slope s of z: the product of phi'(z) and s, or the quotient that the format names."""
    op, w, p = node.op, node.width, node.parameter

    def new(name: str, *args: int, parameter: float | None = None) -> int:
        return _add(build, name, args, w, parameter)

    def number(v: float) -> int:
        return _constant(build, np.full(w, v))

    if op == "softplus":  # whose code may go on otherwise above a number: at the step it has no derivative
        steps = tuple(Discrepancy(math.inf, above=a.above) for a in node.discrepancies if a.above is not None)
        return new("mul", build.add_node(Node("sigmoid", (z,), w, discrepancies=steps)).node, s)
    if op == "neg":
        return new("neg", s)
    if op == "log":
        return new("div", s, z)
    if op == "sqrt":
        return new("div", s, new("mul", number(2.0), y))
    if op == "pow":
        assert p is not None
        return _of_power(new, number, p, y, z, s)
    slopes = {
        "tanh": lambda: new("sub", number(1.0), new("pow", y, parameter=2.0)),
        "sigmoid": lambda: new("mul", y, new("sub", number(1.0), y)),
        "silu": lambda: new(
            "add", new("sigmoid", z), new("mul", y, new("sub", number(1.0), new("sigmoid", z)))
        ),
        "gelu_tanh": lambda: _gelu_tanh(new, number, z),
        "sin": lambda: new("cos", z),
        "cos": lambda: new("neg", new("sin", z)),
        "exp": lambda: y,
    }
    if op not in slopes:
        raise _refused(op)
    return new("mul", slopes[op](), s)


def _of_power(
    new: Callable[..., int], number: Callable[[float], int], p: float, y: int, z: int, s: int
) -> int | None:
    if p in (0.0, 1.0):
        return s if p else None
    if p == 2.0:
        return new("mul", new("mul", number(2.0), z), s)
    if Fraction(p) - 1 == Fraction(p - 1.0):
        return new("mul", new("mul", number(p), new("pow", z, parameter=p - 1.0)), s)
    return new("mul", new("div", new("mul", number(p), y), z), s)


def _gelu_tanh(new: Callable[..., int], number: Callable[[float], int], z: int) -> int:
    square = new("pow", z, parameter=2.0)
    inner = new("mul", number(K), new("mul", z, new("add", number(1.0), new("mul", number(Q), square))))
    t = new("tanh", inner)
    first = new("mul", number(0.5), new("add", number(1.0), t))
    steep = new("mul", number(3.0), square)
    steep = new("mul", number(K), new("add", number(1.0), new("mul", number(Q), steep)))
    bent = new("mul", new("sub", number(1.0), new("pow", t, parameter=2.0)), steep)
    return new("add", first, new("mul", new("mul", number(0.5), z), bent))


def _refused(op: str) -> Unsupported:
    if op in KINKS:
        return Unsupported(
            f"{op} in a derivative", "a smooth function: where it has a kink there is no derivative"
        )
    return Unsupported(
        f"{op} in a derivative",
        "gelu_tanh, silu or tanh: the derivative needs a number that float64 does not hold",
    )
