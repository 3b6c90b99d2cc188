"""Whether each operator of a graph gives what was read of it, at random arguments of its own.

An operator may do something else than its reader knows, by an option, a shape or a type. Where its argument is zero on all
but a small part of the domain (what follows a ReLU), no comparison along the graph (`steps`) shows it. So each operator is
also read alone, with inputs of its own, and runs alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.program.branches import Comparison
from supnorm.program.evaluation import forward
from supnorm.program.fresh_inputs import DRAWS, OF_HALF, Inputs, narrowest
from supnorm.program.node import Node
from supnorm.program.operations import Array, Unreadable
from supnorm.program.steps import MOVED, UNIT, as_given, numbers, rounded, size_of
from supnorm.program.tracing import Builder, Tensor

TIMES = 4.0  # as much is allowed of what random rounding moves: 14 times the most in 14,000 operators of ONNX and torch
ROUNDS = 4  # random roundings of all steps: in one alone, two of an operator's steps may cancel
FINITE = (
    1e3  # what is read as a number of this size may not run as NaN or infinity; the least type ends at 65,504
)

Read = Callable[[Builder, Any], Sequence[Any]]


@dataclass(frozen=True)
class Case:
    """An operator with random arguments.

    Attributes:
        name: of the operator, for messages.
        arguments: for each draw all arguments, nested as the reader has them, with arrays for tensors and comparisons.
        token: what the caller needs to run the operator.
        expected: for each draw what was read of each result, and how far rounding may move it; None for what is not read.
    """

    name: str
    arguments: tuple[Any, ...]
    token: Any
    expected: tuple[list[tuple[Array, Array] | None], ...]

    def demand(self, results: Sequence[Sequence[Any]]) -> None:
        """Compare with the results as they ran: those of each draw, in order.

        Raises:
            Unreadable: names the operator.
        """
        for (low, high, _), expected, ran in zip(DRAWS, self.expected, results, strict=True):
            overflows = max(-low, high) > OF_HALF  # as exp(800) on the way to 800
            for read, one in zip(expected, ran, strict=False):
                run = numbers(one)
                if read is not None and run is not None and not _near(*read, run, overflows):
                    raise Unreadable(
                        f"{self.name}, which gives other numbers than were read of it",
                        "the same by other operators",
                    )


def _near(value: Array, room: Array, run: Array, overflows: bool) -> bool:
    if value.shape != run.shape:
        return False
    with np.errstate(all="ignore"):
        off = np.isfinite(value) & np.isfinite(run) & (np.abs(value - run) > room)
    without = np.isfinite(value) & (np.abs(value) < FINITE) & ~np.isfinite(run)
    return not (off | (without & (not overflows))).any()


class Operators:
    """Collects operators while a graph is read; each with its options, shapes and types once in a process."""

    _known: set[bytes] = set()  # noqa: RUF012 - of all graphs

    def __init__(self) -> None:
        self._cases: list[Case] = []
        self._here: set[bytes] = set()

    def note(
        self,
        build: Builder,
        name: str,
        options: Any,
        arguments: Any,
        kinds: Sequence[str],
        read: Read,
        token: Any,
    ) -> None:
        """Read an operator alone.

        Args:
            build: of the graph.
            name: of the operator, for messages.
            options: all that it takes beside its arguments; what has the same text is the same.
            arguments: nested lists and mappings of tensors, comparisons and constants.
            kinds: types of numbers of these tensors and comparisons, in order, and of the results behind them.
            read: reads it.
            token: what the caller needs to run it.
        """
        inputs = Inputs(build, [*_leaves(arguments)], kinds)
        alone, leaves = inputs.placed()
        key = _key(name, options, _with(arguments, leaves), kinds, alone)
        if key in self._known or key in self._here:
            return
        self._here.add(key)
        draws = inputs.drawn()
        parts = read(alone, _with(arguments, leaves))
        precision = narrowest(kinds, build.least)
        drawn = _Drawn(alone.nodes, draws, MOVED * UNIT.get(precision, 2.0**-8))
        given, expected = [], []
        for k in range(len(DRAWS)):
            around = max((size_of(drawn.moved(leaf, k)) for leaf in leaves), default=0.0)
            read_here = drawn.within(alone.limits, k)
            expected.append([drawn.with_room(part, k, around) if read_here else None for part in parts])
            given.append(
                _with(
                    arguments, [drawn.stored(leaf, k, one) for leaf, one in zip(leaves, kinds, strict=False)]
                )
            )
        self._cases.append(Case(name, tuple(given), token, tuple(expected)))

    def demand(self, run: Callable[[Sequence[Case]], Sequence[Sequence[Sequence[Any]]]]) -> None:
        """Run all operators, and compare.

        Args:
            run: from cases to the results of each at each draw.

        Raises:
            Unreadable: names an operator that gives other numbers.
        """
        if not self._cases:
            return
        for case, results in zip(self._cases, run(self._cases), strict=True):
            case.demand(results)
        self._known.update(self._here)
        self._cases.clear()


class _Drawn:
    """Numbers of a program at each draw, and how far random rounding of all steps moves them."""

    def __init__(self, nodes: Sequence[Node], draws: Array, unit: float) -> None:
        self._unit = unit
        self._here = forward(nodes, draws)
        self._moved = [rounded(nodes, draws, unit, seed) for seed in range(ROUNDS)]
        given = as_given(nodes)  # what is given and not computed, a comparison tests as it is
        self._tested = [
            [here if i in given else one for i, (here, one) in enumerate(zip(self._here, some, strict=True))]
            for some in self._moved
        ]

    def stored(self, leaf: Tensor | Comparison, k: int, kind: str) -> NDArray[Any]:
        """An argument in a draw, of its type of numbers if NumPy has it; that of a comparison has booleans."""
        value: Array = _at(leaf, self._here, k)
        if isinstance(leaf, Comparison):
            return np.asarray(value > 0)
        return value.astype(kind if kind in ("float16", "float32") else np.float64)

    def moved(self, read: Any, k: int) -> Array:
        """How far rounding moves the numbers of a tensor or a comparison."""
        moved = self._tested if isinstance(read, Comparison) else self._moved
        with np.errstate(all="ignore"):
            exact = _at(read, self._here, k)
            largest: Array = np.max([np.abs(_at(read, one, k) - exact) for one in moved], axis=0)
        return largest

    def within(self, limits: Sequence[tuple[Tensor, float, float, str]], k: int) -> bool:
        """Whether all arguments of tables are where the program is the code."""
        return all(
            bool(((low <= _at(x, self._here, k)) & (_at(x, self._here, k) <= high)).all())
            for x, low, high, _ in limits
        )

    def with_room(self, part: Any, k: int, around: float) -> tuple[Array, Array] | None:
        """A result, and how far it may be from what runs, if rounding moves the arguments so far."""
        value = _at(part, self._here, k)
        if value is None:
            return None
        with np.errstate(all="ignore"):
            return value, TIMES * (around + self._unit * np.abs(value) + self.moved(part, k))


def _leaves(value: Any) -> Iterator[Tensor | Comparison]:
    if isinstance(value, Tensor | Comparison):
        yield value
    elif isinstance(value, list | tuple | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(part)


def _with(arguments: Any, leaves: Sequence[Any]) -> Any:
    """The arguments with others for their tensors and comparisons, in order."""
    order = iter(leaves)

    def one(value: Any) -> Any:
        if isinstance(value, Tensor | Comparison):
            return next(order)
        if isinstance(value, Mapping):
            return {k: one(v) for k, v in value.items()}
        if isinstance(value, tuple):
            return tuple(map(one, value))
        return [*map(one, value)] if isinstance(value, list) else value

    return one(arguments)


def _key(name: str, options: Any, arguments: Any, kinds: Sequence[str], alone: Builder) -> bytes:
    digest = hashlib.blake2b(repr((name, options, [*kinds], alone.least, alone.points)).encode())

    def add(value: Any) -> None:
        if isinstance(value, Comparison):
            digest.update(repr((value.op, value.left is value.right)).encode())
            add(value.left)
            add(value.right)
        elif isinstance(value, Tensor):
            digest.update(repr((value.node, value.shape)).encode())
            digest.update(value.index.tobytes())
        elif isinstance(value, Mapping):
            digest.update(repr([*value]).encode())
            for part in value.values():
                add(part)
        elif isinstance(value, list | tuple):
            digest.update(f"[{len(value)}".encode())
            for part in value:
                add(part)
        elif isinstance(value, np.ndarray | np.generic) and value.dtype.kind != "O":
            digest.update(repr((str(value.dtype), value.shape)).encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(repr(value).encode())

    for node in alone.nodes[1:]:
        add([node.op, node.args, node.width, *node.parameters, node.discrepancies, node.value, node.columns])
    add(arguments)
    return digest.digest()


_TESTS: dict[str, Callable[..., Any]] = {
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "is_finite": lambda left, right: np.isfinite(left),
}


def _at(read: Any, values: Sequence[Array], k: int) -> Any:
    """A tensor's numbers in a draw; those of a comparison are 0 and 1."""
    if isinstance(read, Comparison):
        return _TESTS[read.op](_at(read.left, values, k), _at(read.right, values, k)).astype(float)
    if isinstance(read, Tensor):
        return values[read.node][k][read.index]
    return None if read is None else numbers(read)
