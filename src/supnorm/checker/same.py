"""Whether the programs that are proved and those that are evaluated at points are the same expressions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from supnorm.checker.document import Document
from supnorm.checker.operation import Operation
from supnorm.checker.rejected import Rejected


def verify_same(document: Document) -> None:
    """Check that the programs of t are those of x after exp on the log axes, as expressions.

    Values at points would prove nothing: a forged file may hold programs that agree at these points, or whose balls are
    so wide that they always overlap.

    Raises:
        Rejected: when the expressions differ.
    """
    if len(document.programs) != len(document.point_programs):
        raise Rejected("programs of t and of x do not correspond")
    table: dict[Operation, int] = {}
    t = expression(document.programs[0][:1], table)
    x = expression(_to_x(document.log), table) if any(document.log) else t
    for p, q in zip(document.programs, document.point_programs, strict=True):
        if expression(p, table, t) != expression(q, table, x):
            raise Rejected("programs of t and of x differ")


def _to_x(log: Sequence[bool]) -> tuple[Operation, ...]:
    """The operations that compute the point x from t."""
    d = len(log)
    nodes = [Operation("input", (), d)]
    for j in range(d if d > 1 else 0):
        nodes.append(Operation("take", (0,), 1, columns=(j,)))
    features = list(range(1, d + 1)) if d > 1 else [0]
    for j in range(d):
        if log[j]:
            nodes.append(Operation("exp", (features[j],), 1))
            features[j] = len(nodes) - 1
    return (*nodes, Operation("concat", tuple(features), d))


def expression(nodes: Sequence[Operation], table: dict[Operation, int], start: int | None = None) -> int:
    """A number for the expression of the last node, equal for equal expressions of the same input ``start``."""
    names: list[int] = []
    for o in nodes:
        if o.op == "input" and start is not None:
            names.append(start)
        else:
            known = replace(o, args=tuple(names[a] for a in o.args))
            names.append(table.setdefault(known, len(table)))
    return names[-1]
