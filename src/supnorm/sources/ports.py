"""Distributes the columns of a point over the inputs of an exported graph, in batches of the size that it takes.

A graph has one input of shape ``(n, d)``, or several of shapes ``(n, w)`` and ``(n,)`` that share the axes. An input
with more axes of known sizes, such as ``(n, channels, length)``, takes channels x length axes, in row-major order.
``inputs`` of the problem file determines the order: a list of axis names is the order in which the graph takes the axes;
in a list of graph inputs the first one takes the first axes, and so on. Without ``inputs``, graph inputs that have the
names of the axes are matched by name; otherwise both keep their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function, as_columns
from supnorm.problem.coded import Coded, around
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.batching import in_batches

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Port:
    """One input of a graph; ``shape`` has None for a size that is free or unknown."""

    name: str
    shape: tuple[int | None, ...]
    precision: str = "float64"


@dataclass(frozen=True)
class Layout:
    """How a batch of points is fed to a graph.

    Attributes:
        columns: for each graph input, the axes that it takes.
        shapes: for each graph input, the shape of one point in it: ``()``, ``(w,)``, or more axes.
        batch: the fixed batch size of the graph; None if it is free.
        precisions: for each graph input, its dtype.
    """

    columns: tuple[tuple[int, ...], ...]
    shapes: tuple[tuple[int, ...], ...]
    batch: int | None
    precisions: tuple[str, ...]

    def feed(self, x: Any) -> list[Any]:
        """The graph's inputs for a batch ``(n, d)``, an array or a tensor."""
        return [
            _shaped(x[:, list(columns)], shape) if shape else x[:, columns[0]]
            for columns, shape in zip(self.columns, self.shapes, strict=True)
        ]

    def run(self, call: Callable[[Array], Array], x: Array, rows: int) -> Array:
        """``call`` on pieces of at most ``rows`` points, or of exactly ``batch`` points if the batch size is fixed."""
        if self.batch is None:
            return in_batches(call, x, rows)
        tied = self.batch
        return in_batches(call, x, tied, lambda n: tied)


def _shaped(x: Any, shape: tuple[int, ...]) -> Any:
    return x if len(shape) == 1 else x.reshape(len(x), *shape)


def arrange(ports: Sequence[Port], spec: SourceSpec, names: tuple[str, ...], what: str) -> Layout:
    """Distribute the axes over the graph's inputs.

    Args:
        ports: the graph's inputs in the order of the graph.
        spec: the table of the problem file, with ``inputs`` and ``batch``.
        names: names of the axes.
        what: file and key, for messages.

    Raises:
        BadInput: when the inputs cannot take these axes, or ``inputs`` names something else.

    >>> spec = SourceSpec(file="m.onnx", inputs=["p", "T"])
    >>> arrange([Port("x", (None, 2))], spec, ("T", "p"), "m.onnx").columns
    ((1, 0),)
    """
    axes, order = list(range(len(names))), list(range(len(ports)))
    labels = [p.name for p in ports]
    listed = spec.inputs or (labels if sorted(labels) == sorted(names) else None)
    if listed is not None and len(ports) > 1 and sorted(labels) == sorted(names) == sorted(listed):
        axes = [names.index(label) for label in labels]
    elif listed is not None and sorted(listed) == sorted(names):
        axes = [names.index(n) for n in listed]
    elif listed is not None and sorted(listed) == sorted(labels):
        order = [labels.index(n) for n in listed]
    elif listed is not None:
        raise BadInput(
            f"{what}: inputs = {listed} must name each axis ({', '.join(names)}) or each input of the graph "
            f"({', '.join(labels)}) once"
        )
    widths = _widths(ports, len(names), what, names)
    columns: list[tuple[int, ...]] = [()] * len(ports)
    start = 0
    for i in order:
        columns[i] = tuple(axes[start : start + widths[i]])
        start += widths[i]
    return Layout(
        tuple(columns),
        tuple(_of_point(p, width) for p, width in zip(ports, widths, strict=True)),
        _batch(ports, spec, what),
        tuple(p.precision for p in ports),
    )


def _widths(ports: Sequence[Port], d: int, what: str, names: tuple[str, ...]) -> list[int]:
    odd = next((p for p in ports if len(p.shape) == 0 or (len(p.shape) > 2 and None in p.shape[1:])), None)
    if odd is not None:
        raise BadInput(
            f"{what}: input {odd.name} has shape {_shown(odd.shape)}; inputs of shape (n, w) or (n,), and with more axes "
            "of known sizes, can be used: wrap the model so that it takes one point per row"
        )
    known = [_width(p) for p in ports]
    free = [i for i, w in enumerate(known) if w is None]
    rest = d - sum(w for w in known if w is not None)
    share = rest // len(free) if free else 0
    widths = [share if w is None else w for w in known]
    if not ports or sum(widths) != d or min(widths) < 1:
        takes = ", ".join(f"{p.name} {_shown(p.shape)}" for p in ports) or "none"
        raise BadInput(f"{what}: the graph's inputs ({takes}) do not take the {d} axes {', '.join(names)}")
    return widths


def _width(port: Port) -> int | None:
    """How many axes an input takes: the product of the sizes of one point; None if its only size is free."""
    if len(port.shape) == 2:
        return port.shape[1]
    return math.prod(size for size in port.shape[1:] if size is not None)


def _of_point(port: Port, width: int) -> tuple[int, ...]:
    if len(port.shape) < 3:
        return (width,) if len(port.shape) == 2 else ()
    return tuple(size for size in port.shape[1:] if size is not None)


def _batch(ports: Sequence[Port], spec: SourceSpec, what: str) -> int | None:
    tied = {p.shape[0] for p in ports if p.shape[0] is not None}
    if len(tied) > 1:
        raise BadInput(f"{what}: the graph's inputs have different fixed batch sizes, {sorted(tied)}")
    size = tied.pop() if tied else None
    if size is not None and spec.batch not in (None, size):
        raise BadInput(
            f"{what}: batch = {spec.batch}, but the graph has a fixed batch of {size}; leave batch out"
        )
    return size if size is not None else spec.batch


def _shown(shape: tuple[int | None, ...]) -> str:
    sizes = ["n" if i == 0 and s is None else "?" if s is None else str(s) for i, s in enumerate(shape)]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


def joined(results: Sequence[Any], n: int, what: str) -> Array:
    """The graph's outputs side by side, shape ``(n, m)``."""
    return np.concatenate([as_columns(_squeezed(np.asarray(r)), n, what) for r in results], axis=1)


def _squeezed(result: NDArray[Any]) -> NDArray[Any]:
    return result.reshape(len(result), -1) if result.ndim > 2 else result


def reordered(function: Function, columns: list[int]) -> Function:
    """A function whose column j is the axis ``columns[j]``, as a function of the axes in the order of the domain."""
    back = np.argsort(columns)

    def value(x: Array) -> Array:
        return function.value(x[:, columns])

    values = around(function.value, value)
    if isinstance(values, Coded):  # its code is traced, or says why it cannot be
        code = values.code
        values = replace(values, code=lambda x: code(x[:, columns]))

    def vjp(x: Array) -> Any:
        assert function.vjp is not None
        y, pull = function.vjp(x[:, columns])
        return y, lambda weights: pull(weights)[:, back]

    from supnorm.program import Program
    from supnorm.sources.programs import permuted

    layer, program = function.first_layer, function.program
    return replace(
        function,
        value=values,
        vjp=vjp if function.vjp is not None else None,
        program=permuted(program, columns) if isinstance(program, Program) else None,
        first_layer=None if layer is None else (layer[0][:, back], layer[1]),
    )
