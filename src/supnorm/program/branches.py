"""Branches that a program can express: those that are continuous operations by themselves (where(x > 0, x, s x),
where(x > c, c, x), ELU, torch's softplus), tests for NaN and for infinity, and ``where`` of any two formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from supnorm.program import entry
from supnorm.program.discrepancies import linear_above
from supnorm.program.node import Node
from supnorm.program.operations import Array, Unsupported
from supnorm.program.program import Program
from supnorm.program.tracing import Builder, Tensor, Value


@dataclass(frozen=True)
class Comparison:
    """A boolean of the input: ``op`` is gt, ge, lt, le, eq, ne, or is_finite, of ``left`` alone; and, or: of two others."""

    op: str
    left: Any
    right: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """That of both together."""
        return np.broadcast_shapes(self.left.shape, self.right.shape)


def select(build: Builder, test: Comparison | Value, if_true: Value, if_false: Value) -> Value:
    """``where(test, if_true, if_false)``; the result has the common shape of all arguments, as in NumPy, JAX and torch.

    Raises:
        Unsupported: for a branch of no known form.
    """
    if not isinstance(test, Comparison):
        if isinstance(test, Tensor):
            raise Unsupported("select by a number", "a comparison")
        return _chosen(build, np.asarray(test), if_true, if_false)
    if test.op == "and":
        return select(build, test.left, select(build, test.right, if_true, if_false), if_false)
    if test.op == "or":
        return select(build, test.left, if_true, select(build, test.right, if_true, if_false))
    of_value = test.op == "is_finite" or (
        test.left is test.right and test.op in ("ne", "eq")
    )  # x == x: for NaN
    left, right, if_true, if_false = _broadcast(test.left, test.right, if_true, if_false)
    if of_value:
        return _defined(build, left, if_false if test.op == "ne" else if_true)
    test = Comparison(test.op, left, right)
    slope = _leaky_slope(build, test, if_true, if_false)
    if slope is not None:
        return build.unary("leaky_relu", test.left, slope)
    clamped = _clamped(build, test, if_true, if_false)
    if clamped is not None:
        return clamped
    if _exponential_below(build, test, if_true, if_false):
        below = if_false if test.op in ("gt", "ge") else if_true
        return build.binary("add", build.binary("max", test.left, np.asarray(0.0)), below)
    softplus = _thresholded_softplus(build, test, if_true, if_false)
    if softplus is not None:
        return softplus
    return _piecewise(build, test, if_true, if_false)


_OPPOSITE = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt", "eq": "ne", "ne": "eq"}


def both(op: str, one: Any, other: Any) -> Comparison:
    """``one and other``, or ``one or other``.

    Raises:
        Unsupported: where one is no comparison.
    """
    if not isinstance(one, Comparison) or not isinstance(other, Comparison):
        raise Unsupported(f"{op} of a comparison and a constant", "two comparisons")
    return Comparison(op, one, other)


def opposite(test: Comparison) -> Comparison:
    """``not test``; where a number is none, a program has no value on either side.

    Raises:
        Unsupported: for a test of finite numbers.

    >>> opposite(Comparison("and", Comparison("gt", 1, 0), Comparison("le", 1, 0))).op
    'or'
    """
    if test.op in ("and", "or"):
        return Comparison("or" if test.op == "and" else "and", opposite(test.left), opposite(test.right))
    if test.op not in _OPPOSITE:
        raise Unsupported(f"not {test.op}", "where(test, b, a)")
    return Comparison(_OPPOSITE[test.op], test.left, test.right)


def arranged(
    test: Comparison, move: Callable[[Any], Any], shape: tuple[int, ...] | None = None
) -> Comparison:
    """The test after a function of arrays that only moves entries."""
    shape = test.shape if shape is None else shape
    if test.op in ("and", "or"):
        return Comparison(test.op, arranged(test.left, move, shape), arranged(test.right, move, shape))

    def one(v: Any) -> Any:
        if isinstance(v, Tensor):
            return v.arrange(lambda i: move(np.broadcast_to(i, shape)))
        return move(np.broadcast_to(np.asarray(v), shape))

    left = one(test.left)
    return Comparison(test.op, left, left if test.right is test.left else one(test.right))


def as_number(build: Builder, test: Comparison) -> Value:
    """One where the test holds, else zero."""
    return select(build, test, np.asarray(1.0), np.asarray(0.0))


def sign(build: Builder, x: Value) -> Value:
    """1, -1, or 0 where x is zero."""
    if not isinstance(x, Tensor):
        return np.sign(x)
    zero = np.asarray(0.0)
    below = build.where(build.unary("neg", x), np.asarray(-1.0), zero)
    return build.where(x, np.asarray(1.0), below)


def step(build: Builder, x: Value, at_zero: Value) -> Value:
    """Heaviside's function: 0 below zero, 1 above it."""
    test = Comparison("lt", x, np.asarray(0.0))
    return select(
        build,
        Comparison("gt", x, np.asarray(0.0)),
        np.asarray(1.0),
        select(build, test, np.asarray(0.0), at_zero),
    )


def _piecewise(build: Builder, test: Comparison, if_true: Value, if_false: Value) -> Value:
    """One of two formulas: ``where`` of the operations, whose test is z > 0; a >= b holds where b - a > 0 does not."""
    if test.op not in ("gt", "ge", "lt", "le"):
        raise Unsupported("where(x == y, a, b)", "where(x < y, a, b)")
    above = test.op in ("gt", "le")  # left <= right unless left - right > 0
    z = build.binary("sub", *((test.left, test.right) if above else (test.right, test.left)))
    return build.where(z, if_true, if_false) if test.op in ("gt", "lt") else build.where(z, if_false, if_true)


def jumps(program: Program) -> bool:
    """Whether a formula of a program is replaced by another one at a threshold."""
    return any(node.op == "where" for node in program.nodes)


def demand_no_branches(program: Program, use: str) -> None:
    """Check that no formula of a program is replaced by another one at a threshold.

    Args:
        program: any program.
        use: what it is for, for the message.

    Raises:
        Unsupported: naming ``where``.
    """
    if jumps(program):
        raise Unsupported(f"where(comparison, a, b) in {use}", "minimum, maximum, abs, relu or leaky_relu")


def rounds_a_threshold(program: Program, precision: str = "float64") -> bool:
    """Whether a ``where`` tests a number that is computed, and not an input beside another one or a constant.

    Code in lower ``precision`` rounds the inputs themselves.

    >>> from supnorm.program import lower_numpy
    >>> direct = lower_numpy(lambda x: np.where(x[:, 0] < 0.3, 1.0, x[:, 0]), 1)
    >>> computed = lower_numpy(lambda x: np.where(2.0 * x[:, 0] < 0.3, 1.0, x[:, 0]), 1)
    >>> rounds_a_threshold(direct), rounds_a_threshold(computed)
    (False, True)
    """
    nodes = program.nodes

    def source(position: int) -> int:
        while nodes[position].op == "take":
            position = nodes[position].args[0]
        return position

    def exact(test: Node) -> bool:
        given = (nodes[source(a)].op in ("input", "constant") for a in test.args)
        return precision == "float64" and test.op == "sub" and all(given)

    return any(node.op == "where" and not exact(nodes[source(node.args[0])]) for node in nodes)


def _chosen(build: Builder, mask: Array, if_true: Value, if_false: Value) -> Value:
    """The entries of one where a constant mask is true, of the other elsewhere."""
    chosen = np.unique(mask)
    mask, if_true, if_false = _broadcast(mask, if_true, if_false)  # type: ignore[assignment]
    if chosen.size == 1:
        return if_true if bool(chosen[0]) else if_false
    if not isinstance(if_true, Tensor) and not isinstance(if_false, Tensor):
        return np.where(mask, if_true, if_false)
    flat = [v.arrange(np.ravel) if isinstance(v, Tensor) else np.ravel(v) for v in (if_true, if_false)]
    both = build.concatenate(flat, 0)
    assert isinstance(both, Tensor)
    positions = np.arange(mask.size).reshape(mask.shape)
    return both.arrange(lambda i: i[np.where(mask, positions, mask.size + positions)])


def _broadcast(*values: Value) -> list[Value]:
    """All values in their common shape.

    Otherwise two values would look the same that have the same entries in other orders, as ``v[:, None]`` and ``v[None]``.
    """
    shape = np.broadcast_shapes(*(np.shape(v) if not isinstance(v, Tensor) else v.shape for v in values))
    return [
        v.arrange(lambda i: np.broadcast_to(i, shape)) if isinstance(v, Tensor) else np.broadcast_to(v, shape)
        for v in values
    ]


def _defined(build: Builder, tested: Value, result: Value) -> Value:
    """``result``, in a program that has a value only where ``tested`` has one: elsewhere the other branch runs."""
    if not isinstance(tested, Tensor):
        return result
    build.tested = True
    if _same(build, tested, result):
        return result
    return build.binary("add", result, build.binary("mul", tested, np.asarray(0.0)))


def _leaky_slope(build: Builder, test: Comparison, if_true: Value, if_false: Value) -> float | None:
    """The slope s if the branch is where(x > 0, x, s x)."""
    if isinstance(test.right, Tensor) or np.any(test.right) or test.op in ("ne", "eq"):
        return None
    above, below = (if_true, if_false) if test.op in ("gt", "ge") else (if_false, if_true)
    if not _same(build, above, test.left):
        return None
    if not isinstance(below, Tensor):
        return None if np.any(below) else 0.0
    product = build.nodes[below.node]
    for one, other in (product.args, product.args[::-1]) if product.op == "mul" else ():
        factor = build.nodes[one].value
        factors = np.unique(factor) if factor is not None else np.zeros(0)
        if len(factors) == 1 and _same(build, Tensor(other, below.index), test.left):
            return float(factors[0])
    return None


def _clamped(build: Builder, test: Comparison, if_true: Value, if_false: Value) -> Value | None:
    """min(x, c) for where(x > c, c, x), max(x, c) for where(x < c, c, x); x may be clamped on the other side already."""
    if isinstance(test.right, Tensor) or not isinstance(test.left, Tensor) or test.op in ("ne", "eq"):
        return None
    above, below = (if_true, if_false) if test.op in ("gt", "ge") else (if_false, if_true)
    level, shape = entry.constant(test.right, "a comparison"), test.left.shape
    for limit, rest, op, other in ((above, below, "min", "max"), (below, above, "max", "min")):
        if isinstance(limit, Tensor) or not _equal(limit, level, shape):
            continue
        if _same(build, rest, test.left) or _clamped_before(build, rest, test.left, other, level):
            return build.binary(op, rest, level)
    return None


def _equal(a: Value, b: Array, shape: tuple[int, ...]) -> bool:
    """Whether two constants are equal at each position of a tensor."""
    if np.broadcast_shapes(np.shape(a), np.shape(b), shape) != shape:
        return False
    return bool(np.all(entry.constant(a, "a branch") == b))


def _clamped_before(build: Builder, rest: Value, x: Tensor, op: str, level: Array) -> bool:
    """Whether ``rest`` is max(x, a) with a <= level, or min(x, a) with a >= level: then it equals x beyond the level."""
    if not isinstance(rest, Tensor) or rest.shape != x.shape:
        return False
    node = build.nodes[rest.node]
    if node.op == "relu":
        bound, inner = np.zeros(node.width), node.args[0]
    elif node.op == op and build.nodes[node.args[1]].value is not None:
        bound, inner = np.asarray(build.nodes[node.args[1]].value), node.args[0]
    else:
        return False
    given = bound[rest.index]
    ordered = given <= level if op == "max" else given >= level
    return (
        (node.op != "relu" or op == "max")
        and bool(np.all(ordered))
        and _same(build, Tensor(inner, rest.index), x)
    )


def _exponential_below(build: Builder, test: Comparison, if_true: Value, if_false: Value) -> bool:
    """Whether the branch is ELU, where(x > 0, x, a (exp(min(x, 0)) - 1)), whose second part is zero for x > 0."""
    if isinstance(test.right, Tensor) or np.any(test.right) or test.op in ("ne", "eq"):
        return False
    above, below = (if_true, if_false) if test.op in ("gt", "ge") else (if_false, if_true)
    if not _same(build, above, test.left) or not isinstance(below, Tensor):
        return False
    position = below.node
    while build.nodes[position].op == "mul":
        constant = [build.nodes[a].value is not None for a in build.nodes[position].args]
        if sum(constant) != 1:
            return False
        position = build.nodes[position].args[constant.index(False)]
    for op in ("sub", "exp", "min"):
        node = build.nodes[position]
        if node.op != op or (op == "sub" and not _is(build, node.args[1], 1.0)):
            return False
        if op == "min" and not _is(build, node.args[1], 0.0):
            return False
        position = node.args[0]
    return _same(build, Tensor(position, below.index), test.left)


def _is(build: Builder, position: int, number: float) -> bool:
    value = build.nodes[position].value
    return value is not None and bool(np.all(value == number))


def _thresholded_softplus(build: Builder, test: Comparison, if_true: Value, if_false: Value) -> Value | None:
    """softplus for where(x > t, x, softplus(x)); the code is at most log(1 + exp(-t)) smaller, which the node records."""
    if isinstance(test.right, Tensor) or test.op in ("ne", "eq"):
        return None
    above, below = (if_true, if_false) if test.op in ("gt", "ge") else (if_false, if_true)
    if not _same(build, above, test.left) or not isinstance(below, Tensor):
        return None
    node = build.nodes[below.node]
    if node.op != "softplus" or not _same(build, Tensor(node.args[0], below.index), test.left):
        return None
    # That of torch is linear above another threshold, which may be below this one.
    threshold = float(np.min(test.right))
    lower = [one for one in node.discrepancies if one.above is not None and one.above < threshold]
    return build.unary("softplus", test.left, discrepancies=(*lower, linear_above(threshold)))


def _same(build: Builder, a: Value, b: Value) -> bool:
    if not isinstance(a, Tensor) or not isinstance(b, Tensor):
        return False
    return build.flat(a, a.shape) == build.flat(b, b.shape)
