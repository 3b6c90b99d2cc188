"""Programs that a proof of several parts needs, derived from the base programs of the file.

Written from docs/certificate-format.md, "Derived programs". The results are compared with the programs of the parts as
expressions (`same_expression`), so nothing is simplified. Equal operations are kept once. All derivations of a file
together may ask for `MOST` operations, one with many numbers counts more than once, and each derivation stays below
`LARGEST_MODEL` features for its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from supnorm.checker.cost import watch
from supnorm.checker.operation import LARGEST_MODEL, Operation
from supnorm.checker.rejected import Rejected
from supnorm.checker.same import expression

Operations = tuple[Operation, ...]
# of gelu by tanh: sqrt(2/pi) and the factor of x^3, which the format fixes
K, Q = 0.7978845608028654, 0.044715
MOST = 2_000_000  # operations of all derivations for one file, about 10 s; a network has 10 to 100, its Hessian 1000
TOO_LARGE = "the programs that the statement needs are too large"
NUMBERS = 5_000  # of an operation that take about 200 us; so many count as one operation more


@dataclass
class Derivation:
    """Derives programs, and counts the operations that this takes.

    Attributes:
        left: operations that may still be asked for.
    """

    left: int = MOST

    def partial(self, program: Operations, axis: int) -> Operations:
        """The partial derivative of every output by input ``axis``.

        Raises:
            Rejected: for an operation that the format does not differentiate.
        """
        d = program[0].width
        if not 0 <= axis < d:
            raise Rejected("malformed statement: a derivative by an input that does not exist")
        grow = Growing(d, self)
        at = grow.run(program, 0)
        rates: list[int | None] = [grow.numbers([1.0 if j == axis else 0.0 for j in range(d)])]
        for position, o in enumerate(program[1:], 1):
            inner = [rates[a] for a in o.args]
            rates.append(
                None if not any(r is not None for r in inner) else _rate(grow, o, at, position, inner)
            )
        last = rates[-1]
        return grow.until(grow.numbers([0.0] * program[-1].width) if last is None else last)

    def insert(self, outer: Operations, inner: Sequence[Operations]) -> Operations:
        """``outer`` at the outputs of ``inner``, which are programs of the same inputs."""
        if len({p[0].width for p in inner}) != 1 or sum(p[-1].width for p in inner) != outer[0].width:
            raise Rejected("malformed statement: programs that do not fit together")
        grow = Growing(inner[0][0].width, self)
        ends = [grow.run(p, 0)[-1] for p in inner]
        start = ends[0] if len(ends) == 1 else grow.put(Operation("concat", tuple(ends), outer[0].width))
        return grow.until(grow.run(outer, start)[-1])

    def pick(self, program: Operations, columns: Sequence[int]) -> Operations:
        """Some of the outputs."""
        if not columns or not all(0 <= c < program[-1].width for c in columns):
            raise Rejected("malformed statement: an output that does not exist")
        grow = Growing(program[0].width, self)
        end = grow.run(program, 0)[-1]
        return grow.until(grow.put(Operation("take", (end,), len(columns), columns=tuple(columns))))

    def less(self, program: Operations, other: Operations) -> Operations:
        """``program`` minus another one."""
        if (other[0].width, other[-1].width) != (program[0].width, program[-1].width):
            raise Rejected("malformed statement: programs that do not fit together")
        grow = Growing(program[0].width, self)
        return grow.until(grow.call("sub", grow.run(program, 0)[-1], grow.run(other, 0)[-1]))

    def less_numbers(self, program: Operations, numbers: Sequence[float]) -> Operations:
        """``program`` minus a constant for each output."""
        if len(numbers) != program[-1].width:
            raise Rejected("malformed statement: constants that do not fit a program")
        grow = Growing(program[0].width, self)
        return grow.until(grow.call("sub", grow.run(program, 0)[-1], grow.numbers(numbers)))

    def steepness(self, program: Operations) -> Operations:
        """The sum of the squares of the partial derivatives of each output."""
        d = program[0].width
        grow = Growing(d, self)
        total: int | None = None
        for axis in range(d):
            square = grow.call("pow", grow.run(self.partial(program, axis), 0)[-1], parameter=2.0)
            total = square if total is None else grow.call("add", total, square)
        assert total is not None
        return grow.until(total)


class Growing:
    """A program that is made operation by operation; an operation that exists already is not made again."""

    def __init__(self, inputs: int, budget: Derivation) -> None:
        self.budget = budget
        self.operations: list[Operation] = [Operation("input", (), inputs)]
        self._known: dict[Operation, int] = {}
        self._features = inputs

    def put(self, o: Operation) -> int:
        """The position of an operation."""
        watch()
        self.budget.left -= 1 + (len(o.weight) + len(o.vector)) // NUMBERS
        if self.budget.left < 0:
            raise Rejected(TOO_LARGE)
        if o not in self._known:
            self._features += o.width
            if self._features * (self.operations[0].width + 1) > LARGEST_MODEL:
                raise Rejected(TOO_LARGE)
            self._known[o] = len(self.operations)
            self.operations.append(o)
        return self._known[o]

    def call(self, op: str, *args: int, parameter: float | None = None) -> int:
        """An operation feature by feature."""
        return self.put(Operation(op, args, self.operations[args[0]].width, parameter=parameter))

    def numbers(self, values: Sequence[float]) -> int:
        """A constant."""
        return self.put(Operation("constant", (), len(values), vector=tuple(map(float, values))))

    def run(self, program: Operations, start: int) -> list[int]:
        """The positions of all operations of a program, with its input at ``start``."""
        at = [start]
        for o in program[1:]:
            at.append(self.put(replace(o, args=tuple(at[a] for a in o.args))))
        return at

    def until(self, last: int) -> Operations:
        """The program with this last operation."""
        return tuple(self.operations[: last + 1])


def same_expression(one: Operations, other: Operations) -> bool:
    """Whether two programs are the same expression of their inputs."""
    table: dict[Operation, int] = {}
    return one[0].width == other[0].width and expression(one, table) == expression(other, table)


def _rate(grow: Growing, o: Operation, at: list[int], position: int, inner: list[int | None]) -> int | None:
    """The derivative of one operation, of whose arguments at least one depends on the input."""
    args = [at[a] for a in o.args]
    if o.op == "concat":
        filled = [
            grow.numbers([0.0] * grow.operations[a].width) if r is None else r
            for a, r in zip(args, inner, strict=True)
        ]
        return grow.put(Operation("concat", tuple(filled), o.width))
    if len(args) == 2:
        return _binary(grow, o.op, at[position], args, inner)
    (r,) = inner
    assert r is not None
    if o.op == "affine":
        return grow.put(replace(o, args=(r,), vector=(0.0,) * o.width))
    if o.op == "take":
        return grow.put(replace(o, args=(r,)))
    return _unary(grow, o, at[position], args[0], r)


def _binary(grow: Growing, op: str, y: int, args: list[int], inner: list[int | None]) -> int | None:
    (a, b), (r, q) = args, inner
    if op == "add":
        return grow.call("add", r, q) if r is not None and q is not None else r if q is None else q
    if op == "sub":
        if q is None:
            return r
        return grow.call("neg", q) if r is None else grow.call("sub", r, q)
    if op == "mul":
        terms = ([] if r is None else [grow.call("mul", r, b)]) + (
            [] if q is None else [grow.call("mul", a, q)]
        )
        return terms[0] if len(terms) == 1 else grow.call("add", *terms)
    if op == "div":
        if q is None:
            assert r is not None
            return grow.call("div", r, b)
        loss = grow.call("mul", y, q)
        return grow.call("div", grow.call("neg", loss) if r is None else grow.call("sub", r, loss), b)
    raise Rejected(f"the format has no derivative of {op}")


def _unary(grow: Growing, o: Operation, y: int, z: int, r: int) -> int | None:
    call, width = grow.call, o.width

    def filled(v: float) -> int:
        return grow.numbers([v] * width)

    if o.op == "neg":
        return call("neg", r)
    if o.op == "exp":
        return call("mul", y, r)
    if o.op == "log":
        return call("div", r, z)
    if o.op == "sqrt":
        return call("div", r, call("mul", filled(2.0), y))
    if o.op == "sin":
        return call("mul", call("cos", z), r)
    if o.op == "cos":
        return call("mul", call("neg", call("sin", z)), r)
    if o.op == "tanh":
        return call("mul", call("sub", filled(1.0), call("pow", y, parameter=2.0)), r)
    if o.op == "sigmoid":
        return call("mul", call("mul", y, call("sub", filled(1.0), y)), r)
    if o.op == "softplus":
        return call("mul", call("sigmoid", z), r)
    if o.op == "silu":
        s = call("sigmoid", z)
        return call("mul", call("add", s, call("mul", y, call("sub", filled(1.0), s))), r)
    if o.op == "gelu_tanh":
        return call("mul", _gelu_tanh(grow, z, filled), r)
    if o.op == "pow" and o.parameter is not None:
        return _power(grow, o.parameter, y, z, r, width)
    raise Rejected(f"the format has no derivative of {o.op}")


def _power(grow: Growing, p: float, y: int, z: int, r: int, width: int) -> int | None:
    call = grow.call
    if p == 0.0:
        return None
    if p == 1.0:
        return r
    times = grow.numbers([p] * width)
    if p == 2.0:
        slope = call("mul", times, z)
    elif Fraction(p - 1.0) == Fraction(p) - 1:
        slope = call("mul", times, call("pow", z, parameter=p - 1.0))
    else:
        slope = call("div", call("mul", times, y), z)
    return call("mul", slope, r)


def _gelu_tanh(grow: Growing, z: int, filled: Callable[[float], int]) -> int:
    call, one, k, q, half = grow.call, filled(1.0), filled(K), filled(Q), filled(0.5)
    z2 = call("pow", z, parameter=2.0)
    t = call("tanh", call("mul", k, call("mul", z, call("add", one, call("mul", q, z2)))))
    rate = call("mul", k, call("add", one, call("mul", q, call("mul", filled(3.0), z2))))
    second = call("mul", call("sub", one, call("pow", t, parameter=2.0)), rate)
    return call("add", call("mul", half, call("add", one, t)), call("mul", call("mul", half, z), second))
