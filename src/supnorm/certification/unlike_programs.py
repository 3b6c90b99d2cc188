"""Says how programs in a certificate file differ from those of the problem: in their operations, or in numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from supnorm.certification.file_leaves import MALFORMED
from supnorm.certification.rounding import Array
from supnorm.program import Node, Program
from supnorm.results.numbers import num


def how_unlike(held: Sequence[Any], read: Sequence[Program], what: str, read_otherwise: str) -> str:
    """Why programs of a file, as JSON, are not those of a problem.

    Args:
        held: the programs of the file, in the order of ``read``.
        what: "model, reference, measure", the parts of the problem that they are about.
        read_otherwise: who may read the code otherwise, with the versions.
    """
    try:
        off = _difference([Program.from_json(one) for one in held], read)
    except MALFORMED:  # one of another version, or a forged one
        off = None
    if not off:
        return f"{what} or domain has changed since, or {read_otherwise}; certify again"
    return (
        f"the operations are the same, but numbers differ, by up to {num(off)} of the largest of an operation. A weight or "
        f"the domain has changed since, or {read_otherwise}, or the code computes weights while it is loaded (a fit, a "
        "solver), which differ with another number of threads: then store them in a file. Certify again"
    )


def _difference(held: Sequence[Program], read: Sequence[Program]) -> float | None:
    """The largest difference between numbers, relative to the largest of each array; None where operations differ."""
    if len(held) != len(read) or any(len(a.nodes) != len(b.nodes) for a, b in zip(held, read, strict=True)):
        return None
    pairs = [pair for a, b in zip(held, read, strict=True) for pair in zip(a.nodes, b.nodes, strict=True)]
    if any(_operation(a) != _operation(b) for a, b in pairs):
        return None
    return max((_largest(a, b) for a, b in pairs), default=0.0)


def _operation(node: Node) -> tuple[Any, ...]:
    columns = None if node.columns is None else node.columns.tolist()
    return node.op, node.args, node.width, columns, [v.shape for v in _arrays(node)]


def _arrays(node: Node) -> list[Array]:
    every = (node.weight, node.bias, node.value, node.parameter, node.second)
    return [np.asarray(v, dtype=float) for v in every if v is not None]


def _largest(a: Node, b: Node) -> float:
    with np.errstate(all="ignore"):
        sizes = [
            (np.max(np.abs(v - w), initial=0.0), np.max(np.abs(w), initial=0.0))
            for v, w in zip(_arrays(a), _arrays(b), strict=True)
        ]
        return max((float(off / size) if off > 0.0 else 0.0 for off, size in sizes), default=0.0)
