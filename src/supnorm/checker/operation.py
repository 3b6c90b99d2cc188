"""The programs of a certificate; each operation is checked as it is read."""

from __future__ import annotations

import base64
import math
import struct
from dataclasses import dataclass
from typing import Any

from supnorm.checker.rejected import Rejected, exact, whole, wholes
from supnorm.checker.special_functions import LARGEST, NAMES, Parameter, allowed

UNARY = (
    "neg",
    "abs",
    "relu",
    "leaky_relu",
    "tanh",
    "sigmoid",
    "softplus",
    "silu",
    "gelu",
    "gelu_tanh",
    "sin",
    "cos",
    "exp",
    "log",
    "sqrt",
    "erf",
    "pow",
    *NAMES,
)
BINARY = ("add", "sub", "mul", "div", "min", "max")
TERNARY = ("where",)  # the second where the first is above zero, else the third
# Numbers of the affine models of a program, so that a hostile file cannot stall the checker.
LARGEST_MODEL = 5_000_000
KEYS = {
    "affine": {"weight", "bias"},
    "constant": {"value"},
    "take": {"columns"},
    "leaky_relu": {"slope"},
    "pow": {"exponent"},
    **{op: {"order" if op.startswith("bessel") else "shape"} for op in LARGEST},
    "betainc": {"shape", "second_shape"},
}
SECOND = {"betainc": "second_shape"}
PARAMETERS = {
    op: next(iter(keys - {*SECOND.values()}))
    for op, keys in KEYS.items()
    if op in ("leaky_relu", "pow", *LARGEST)
}


@dataclass(frozen=True)
class Operation:
    """One node of a program; ``numbers`` are weight rows, bias, constant or parameter."""

    op: str
    args: tuple[int, ...]
    width: int
    weight: tuple[float, ...] = ()
    vector: tuple[float, ...] = ()
    columns: tuple[int, ...] = ()
    parameter: float | None = None
    second: float | None = None

    @property
    def given(self) -> Parameter:
        """What the operation takes beside its argument."""
        if self.parameter is None or self.second is None:
            return self.parameter
        return self.parameter, self.second


def program(data: dict[str, Any], branches: bool = False) -> tuple[Operation, ...]:
    """A program of the file.

    Args:
        data: the program as the file has it.
        branches: whether what is proved about it holds for programs that jump (``where``); else they are rejected.

    Raises:
        Rejected: for a program that is not well-formed, or too large.
    """
    if data["schema"] != "supnorm.program/1" or set(data) != {"schema", "nodes"}:
        raise Rejected("unknown program schema")
    operations: list[Operation] = []
    known: list[int] = []  # widths
    features = 0
    for entry in data["nodes"]:
        operation = _operation(entry, known)
        if operation.op in TERNARY and not branches:
            raise Rejected(f"{operation.op} in a proof that needs continuous programs")
        widths = [known[a] for a in operation.args if 0 <= a < len(known)]
        if len(widths) != len(operation.args) or not _fits(operation, widths, not operations):
            raise Rejected(f"malformed program: node {len(operations)} ({ascii(operation.op)[:40]})")
        operations.append(operation)
        known.append(operation.width)
        features += operation.width
        if features * (operations[0].width + 1) > LARGEST_MODEL:
            raise Rejected("a program has too many features for its inputs")
    return tuple(operations)


def _array(entry: dict[str, Any], shape: list[int]) -> tuple[float, ...]:
    if set(entry) != {"shape", "data"} or list(wholes(entry["shape"])) != shape:
        raise Rejected("malformed program: an array of the wrong shape")
    raw = base64.b64decode(entry["data"], validate=True)
    values = struct.unpack(f"<{math.prod(shape)}d", raw)
    if not all(map(math.isfinite, values)):
        raise Rejected("a program has a number that is not finite")
    return values


def _operation(entry: dict[str, Any], widths: list[int]) -> Operation:
    """A node; its entry must have exactly the keys of its operation. ``widths`` are those of the nodes before it."""
    op, args, width = str(entry["op"]), wholes(entry["args"]), whole(entry["width"])
    if set(entry) != {"op", "args", "width"} | KEYS.get(op, set()):
        raise Rejected(f"malformed program: keys of {ascii(op)[:40]}")
    weight: tuple[float, ...] = ()
    if op == "affine":
        inside = len(args) == 1 and 0 <= args[0] < len(widths)
        weight = _array(entry["weight"], [width, widths[args[0]] if inside else 0])
    vector = (
        _array(entry["bias" if op == "affine" else "value"], [width]) if op in ("affine", "constant") else ()
    )
    parameter = exact(entry[PARAMETERS[op]]) if op in PARAMETERS else None
    second = exact(entry[SECOND[op]]) if op in SECOND else None
    for key, number in ((PARAMETERS.get(op), parameter), (SECOND.get(op), second)):
        if number is not None and not math.isfinite(number):
            raise Rejected("a program has a number that is not finite")
        if number is not None and op in LARGEST and not allowed(op, number):
            raise Rejected(f"{op} with {key} {number:.6g}, beyond those that are checked")
    return Operation(
        op=op,
        args=args,
        width=width,
        weight=weight,
        vector=vector,
        columns=wholes(entry.get("columns", [])),
        parameter=parameter,
        second=second,
    )


def _fits(o: Operation, widths: list[int], first: bool) -> bool:
    if o.width < 1:
        return False
    if first or o.op == "input":
        return first and o.op == "input" and not widths
    if o.op == "constant":
        return not widths and len(o.vector) == o.width
    if o.op == "affine":
        return len(widths) == 1 and len(o.weight) == o.width * widths[0] and len(o.vector) == o.width
    if o.op == "take":
        inside = all(0 <= c < widths[0] for c in o.columns)
        return len(widths) == 1 and inside and len(o.columns) == o.width
    if o.op == "concat":
        return sum(widths) == o.width
    if o.op in BINARY:
        return widths == [o.width] * 2
    if o.op in TERNARY:
        return widths == [o.width] * 3
    given = (o.parameter is not None, o.second is not None) == (o.op in PARAMETERS, o.op in SECOND)
    return o.op in UNARY and widths == [o.width] and given
