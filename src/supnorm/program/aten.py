"""Graphs of ATen operations (torch.export) as straight-line programs, for one point (batch size 1).

The graph is plain data: nodes with the names of operations and of their arguments, and weights as NumPy arrays;
torch is not needed. float32 weights keep their exact values, and the program is the graph in real arithmetic.
Residual connections, layer normalisation, convolution and softmax become compositions of operations.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from supnorm.foreign import is_any
from supnorm.program import entry
from supnorm.program.aten_moves import COPIES, MOVES
from supnorm.program.aten_operators import NEAREST, OPERATORS, SAME
from supnorm.program.aten_values import moved
from supnorm.program.branches import Comparison, arranged, as_number, both, opposite, select
from supnorm.program.discrepancies import TORCH
from supnorm.program.each_operator import Case, Operators
from supnorm.program.operations import Unsupported
from supnorm.program.program import Program
from supnorm.program.single_precision import ATEN_ALIKE, names
from supnorm.program.steps import as_they_ran, demand_same_steps
from supnorm.program.tracing import Builder, Tensor, Value


class Alone(Protocol):
    """Runs nodes of a graph alone."""

    def kind(self, name: str) -> str:
        """The type of a result's numbers."""

    def run(self, node: int, given: Mapping[str, Any]) -> list[Any]:
        """Results of a node with arrays for some of its arguments, by name; all others as they ran."""


# Runs a graph for a number of points: points (the features in a row), all results by name, and what runs its nodes alone;
# None where it cannot.
Run = Callable[[int], tuple[np.ndarray[Any, np.dtype[np.float64]], Mapping[str, Any], Alone] | None]
WHOLE = 2**53  # float64 numbers have not all integers from here on

_COMPARE = {"gt": "gt", "ge": "ge", "lt": "lt", "le": "le", "eq": "eq", "ne": "ne"}
# beginnings of the names of types whose numbers are not real floating-point numbers, or are far too narrow
_NOT_REAL = ("int", "uint", "bool", "complex", "float4", "float8", "quint", "qint")
# operators that fill a constant, which torch and this reader do alike
_FILLED = names("zeros_like ones_like full_like full zeros ones scalar_tensor arange cat concat stack")
# that make a constant, which is what torch makes: masks, and in the second line what normalisations of weights need
_MADE = names("""
    eye linspace eq ne lt le gt ge logical_not logical_and logical_or bitwise_not bitwise_and bitwise_or outer
    _weight_norm vdot dot
""")
# operators that round once, or not at all: of narrower numbers torch gives what float64 gives, if they represent it
_ONCE = (
    MOVES.keys()
    | SAME
    | _FILLED
    | names("eye tril triu")
    | names("add sub rsub mul div neg abs sqrt reciprocal maximum minimum clamp relu")
)
_KNOWN = ATEN_ALIKE | SAME | MOVES.keys() | {"getitem"}  # operators whose rounding follows from the program
# operators of each number for itself: in place, one reads its other argument where it writes
_EACH = names("add sub mul div copy maximum minimum pow where")
_SIZES: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "neg": operator.neg,
    "getitem": operator.getitem,
}


@dataclass(frozen=True)
class Ref:
    """An argument that is the result of an earlier node, by its name."""

    name: str


@dataclass(frozen=True)
class AtenNode:
    """One call: ``target`` such as ``"aten.linear.default"`` or ``"getitem"``, and names of its results.

    A type of numbers among the arguments is given by its name, ``"int64"``; ``types`` are the types of the results as
    torch computes them, empty if they are not known.
    """

    target: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()


def lower_aten(
    nodes: Sequence[AtenNode],
    constants: Mapping[str, Any],
    inputs: Sequence[tuple[str, Sequence[int]]],
    outputs: Sequence[str],
    least: str = "float64",
    n: int = 1,
    run: Run | None = None,
) -> Program:
    """The program of a graph.

    Args:
        nodes: in order.
        constants: weights and buffers by name, NumPy arrays.
        inputs: names and shapes of one point: ``(1, k)``, or ``(1,)``; their features follow each other.
        outputs: names of the results to keep, in order.
        least: the precision in which the graph is declared to run: no result may be narrower.
        n: the number of points: the program is one of ``n`` times as many inputs, those of the first point first.
        run: gives results on the way, as they run, to be compared with what was read; without it, nothing is compared.

    Raises:
        Unsupported: names the operation, and the nearest form that is supported.

    >>> net = [AtenNode("aten.linear.default", (Ref("x"), Ref("w")), outputs=("y",)),
    ...        AtenNode("aten.tanh.default", (Ref("y"),), outputs=("z",))]
    >>> lower_aten(net, {"w": np.array([[2.0]])}, [("x", (1, 1))], ["z"]).value(np.array([[0.5]])).round(4)
    array([[0.7616]])
    """
    _demand_no_out(nodes)
    starts = np.cumsum([0, *(math.prod(shape) for _, shape in inputs)])
    build = Builder(n * int(starts[-1]), least, TORCH, "torch", n)
    values: dict[str, Any] = {k: np.asarray(v) for k, v in constants.items()}
    for (name, shape), start, end in zip(inputs, starts, starts[1:], strict=False):
        columns = starts[-1] * np.arange(n)[:, None] + np.arange(start, end)
        values[name] = Tensor(0, columns.reshape((n, *shape[1:])))
    memory, changed = _Memory(set(constants)), set[str]()
    x, ran, alone = (run(n) if run is not None else None) or (None, {}, None)
    build.operators = Operators()
    for position, node in enumerate(nodes):
        memory.read(node.args, node.kwargs)
        args = [_look_up(a, values) for a in node.args]
        named = {k: _look_up(v, values) for k, v in node.kwargs.items()}
        build.precision = entry.name_of(node.types[0]) if node.types else "float64"
        result = _constant_as_it_ran(node, [*args, *named.values()], ran)
        if result is None:
            result = _as_it_ran(_apply(build, node.target, args, named), node, ran)
            _note_alone(build, position, node, [args, named], alone)
        for part, dtype in zip(result if isinstance(result, list) else [result], node.types, strict=False):
            _check_type(part, dtype, node.target, least)
            _note_rounding(build, node, part, dtype)
        if node.outputs:  # an assertion has no outputs
            results = [result] if len(node.outputs) == 1 else result
            values.update(zip(node.outputs, results, strict=False))
        for name in memory.write(node):  # a tensor that the operation changes in place
            values[name] = result
            changed.add(name)
    memory.read([Ref(name) for name in outputs])
    if x is not None and n != 2:  # for several points, the program is compared with that of one, too
        known = {name: values[name] for name in values.keys() - changed}
        demand_same_steps(build.nodes, x, known, ran, _steps(nodes), least)
    build.operators.demand(lambda cases: [_ran_alone(nodes, case, alone) for case in cases])
    rows = [values[name] for name in outputs]
    flat = [
        r.arrange(lambda i: i.reshape(n, -1)) if isinstance(r, Tensor) else np.reshape(r, (n, -1))
        for r in rows
    ]
    return build.finish(build.concatenate(flat, 1) if len(flat) > 1 else flat[0])


def _note_alone(build: Builder, position: int, node: AtenNode, given: Any, alone: Alone | None) -> None:
    """Note an operation of tensors that depend on the input, to be compared with what it is alone."""
    if alone is None or not node.target.startswith("aten."):
        return
    named = _symbolic_names([node.args, node.kwargs], given)
    if not named:
        return

    def read(other: Builder, arguments: Any) -> list[Any]:
        result = _apply(other, node.target, *arguments)
        return result if isinstance(result, list) else [result]

    kinds = [*map(alone.kind, named), *map(entry.name_of, node.types)]
    build.operators.note(build, f"torch {node.target}", "", given, kinds, read, position)


def _symbolic_names(refs: Any, given: Any) -> list[str]:
    """Names of the arguments that depend on the input."""
    return [name for name, value in _pairs(refs, given) if isinstance(value, Tensor | Comparison)]


def _pairs(refs: Any, given: Any) -> Iterator[tuple[str, Any]]:
    """Names of earlier results in arguments, each with its value."""
    if isinstance(refs, Ref):
        yield refs.name, given
    elif isinstance(refs, list | tuple):
        for one, value in zip(refs, given, strict=True):
            yield from _pairs(one, value)
    elif isinstance(refs, Mapping):
        for key in refs:
            yield from _pairs(refs[key], given[key])


def _ran_alone(nodes: Sequence[AtenNode], case: Case, alone: Alone | None) -> list[list[Any]]:
    assert alone is not None
    node = nodes[case.token]
    return [
        alone.run(case.token, dict(_pairs([node.args, node.kwargs], arguments)))
        for arguments in case.arguments
    ]


def _demand_no_out(nodes: Sequence[AtenNode]) -> None:
    """Refuse operators that write into another tensor, before anything runs."""
    for node in nodes:
        if "out" in node.kwargs:
            raise Unsupported(f"torch {node.target}", "the operation without out")


def _steps(nodes: Sequence[AtenNode]) -> list[tuple[str, list[str], tuple[str, ...]]]:
    return [(f"torch {node.target}", _names([*node.args, node.kwargs]), node.outputs) for node in nodes]


def _constant_as_it_ran(node: AtenNode, given: list[Any], ran: Mapping[str, Any]) -> Any:
    """What torch made of constants alone by an operator that is read of the input, too; None for all else."""
    parts = [part for one in given for part in (one if isinstance(one, list) else [one])]
    constant = not any(isinstance(part, Tensor | Comparison) for part in parts)
    op = _operation(node.target)[1]
    known = op in _MADE or (op in OPERATORS and any(isinstance(part, np.ndarray) for part in parts))
    if not (constant and known and len(node.outputs) == 1):
        return None
    for part in parts:
        if isinstance(part, np.ndarray):
            entry.constant(part, f"torch {node.target}")
    result = ran.get(node.outputs[0])
    return result if isinstance(result, np.ndarray) and result.dtype.kind in "fiub" else None


def _as_it_ran(result: Any, node: AtenNode, ran: Mapping[str, Any]) -> Any:
    """The result of a node; a constant as torch computes it, which rounds a sum in another order than NumPy."""
    constant = isinstance(result, np.ndarray) and node.outputs
    return as_they_ran([result], node.outputs, ran)[0] if constant else result


def _check_type(result: Any, dtype: str, target: str, least: str) -> None:
    """Check that a result has the type that torch gives it; this reader folds constants in float64."""
    if result is None or isinstance(result, Comparison) or is_any(type(result), int, float, bool):
        return  # sizes and constants without axes (numbers of NumPy) need no check
    if isinstance(result, Tensor):
        entry.result(dtype, f"torch {target}", least)
        return
    array, name = np.asarray(result), entry.name_of(dtype)
    if name.startswith(("int", "uint", "bool")):
        room = 2.0 ** (int(name.removeprefix("uint").removeprefix("int") or 1) - 1) if name != "bool" else 2.0
        whole = np.isfinite(array) & (array == np.round(array)) & (np.abs(array) < min(room, 2.0**53))
        if not whole.all() or (name.startswith("uint") and (array < 0).any()):
            raise entry.Narrowed(f"torch {target} to {name}", "floating-point constants")
    elif name not in entry.BITS:
        raise entry.Narrowed(f"torch {target} to {name}", "real numbers")
    elif entry.narrower(name, "float64") and not (
        _held(array, name) and _operation(target)[1].removesuffix("_") in _ONCE
    ):
        entry.result(dtype, f"torch {target} of constants", least)


def _note_rounding(build: Builder, node: AtenNode, result: Any, dtype: str) -> None:
    """Record an operation whose rounding in float32 does not follow from the program's operations."""
    op = _operation(node.target)[1].removesuffix("_")
    if build.least != "float32":
        return
    # torch rounds the factor and its product with a constant, which the reader makes one constant.
    factors = [node.kwargs.get(name, 1) for name in ("alpha", "beta", "value")]
    if op == "rsub":
        factors += node.args[2:]
    if any(factor not in (0, 1) for factor in factors):
        build.unlike.add(f"{op} with a factor")
    if isinstance(result, Comparison) or (isinstance(result, Tensor) and op not in _KNOWN):
        build.unlike.add(op)
    elif isinstance(result, Tensor) and entry.name_of(dtype) == "float64":
        build.unlike.add(f"{op} in float64")
    elif isinstance(result, np.ndarray) and op in OPERATORS and op not in _FILLED:
        build.unlike.add(f"{op} of constants")


def _held(array: Any, name: str) -> bool:
    """Whether a narrower type represents these numbers exactly, so that torch rounded nothing."""
    if name not in ("float32", "float16"):
        return False
    with np.errstate(all="ignore"):
        return np.array_equal(array.astype(name).astype(np.float64), array, equal_nan=True)


def _operation(target: str) -> tuple[str, str]:
    """Family and operation of a target, without its overload."""
    parts = target.split(".")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])


def _in_place(target: str) -> bool:
    """Whether the call changes its first argument: ``relu_``, but not ``_softmax``."""
    family, op = _operation(target)
    return family == "aten" and op.endswith("_") and not op.startswith("_")


class _Memory:
    """Knows which tensors share memory: an operation in place changes all of them, but this reader changes one.

    A graph that ``torch.export`` writes may contain such operations (`run_decompositions` would remove them).
    """

    def __init__(self, constants: set[str]) -> None:
        self._owner: dict[str, str] = {}  # the tensor whose memory a possible view shares, by name
        self._constants = constants
        self._stale: dict[
            str, str
        ] = {}  # names of tensors that were changed through another one, and the operation that did it

    def read(self, *arguments: Any) -> None:
        """Refuse a tensor that was changed through another name."""
        for name in _names(arguments):
            if name in self._stale:
                raise Unsupported(
                    f"torch {self._stale[name]} in place on a view of a tensor that is used again",
                    "the operation without underscore, or exported.run_decompositions({})",
                )

    def write(self, node: AtenNode) -> tuple[str, ...]:
        """Record a node; returns the name that it changes in place, if any."""
        op, first = _operation(node.target)[1], next(iter(node.args), None)
        view = (op in MOVES or op in SAME or op == "getitem") and op not in COPIES
        held = _names(first) if view or _in_place(node.target) else []
        if op == "einsum" and len(_names(node.args)) == 1:  # it only moves entries where it sums none
            held = _names(node.args)
        for name in node.outputs if held else ():
            self._owner[name] = self._of(held[0])
        if not _in_place(node.target) or not isinstance(first, Ref):
            return ()
        owner = self._of(first.name)
        beside = [name for name in _names([node.args[1:], node.kwargs]) if self._of(name) == owner]
        if any(name != first.name for name in beside) or (beside and op.removesuffix("_") not in _EACH):
            raise Unsupported(
                f"torch {node.target} in place with another argument in the same memory",
                "the operation without underscore",
            )
        if owner in self._constants:
            raise Unsupported(
                f"torch {node.target} of a weight or buffer, which changes at each call", "none"
            )
        others = {owner, *(k for k in self._owner if self._of(k) == owner)}
        for name in others - {first.name, *node.outputs}:
            self._stale[name] = node.target
        return (first.name,)

    def _of(self, name: str) -> str:
        return self._owner.get(name, name)


def _names(arg: Any) -> list[str]:
    """The results of earlier nodes in an argument."""
    if isinstance(arg, Ref):
        return [arg.name]
    parts = arg.values() if isinstance(arg, Mapping) else arg if isinstance(arg, list | tuple) else ()
    return [name for part in parts for name in _names(part)]


def _look_up(arg: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(arg, Ref):
        if values[arg.name] is None:
            raise Unsupported(f"torch code that uses {arg.name} (places, or statistics of a batch)", "values")
        return values[arg.name]
    if isinstance(arg, list | tuple):
        return [_look_up(a, values) for a in arg]
    return arg


def _apply(build: Builder, target: str, args: list[Any], named: dict[str, Any]) -> Any:
    family, op = _operation(target)
    if family != "aten":
        return _size(target, op if family in ("_operator", "operator", "") else "", args)
    op = op.removesuffix("_") if not op.startswith("_") else op
    _demand_real(build, target, op, args, named)
    for arg in (*args, *named.values()):  # weights must be real, whatever the operation does with them
        for part in arg if isinstance(arg, list) else [arg]:
            if isinstance(part, np.ndarray):
                entry.constant(part, f"torch {target}")
                if (
                    part.dtype.kind in "iu"
                    and part.size
                    and max(abs(int(part.min())), int(part.max())) >= WHOLE
                ):
                    raise entry.Narrowed(f"torch {target} with integers of 2^53 and more", "smaller integers")
    try:
        if op in ("sym_size", "size"):
            return args[0].shape[args[1]]
        if (test := _test(build, op, args, named)) is not None:
            return test
        if op in SAME:
            return _same(op, args, named)
        if op in _COMPARE:
            return Comparison(_COMPARE[op], _value(args[0]), _value(args[1]))
        if op == "where":
            return select(build, args[0], _value(args[1]), _value(args[2]))
        if op in MOVES:
            return moved(args[0], lambda i: MOVES[op](i, *args[1:], **named))
        if op in OPERATORS:
            return OPERATORS[op](build, *args, **named)
    except Unsupported:
        raise
    except ValueError as error:
        raise Unsupported(
            f"torch {target} ({error})",
            "a graph that does not fix the batch size: export with a dynamic batch",
        ) from None
    except Exception as error:  # of arguments that this reader does not know
        raise Unsupported(f"torch {target} ({type(error).__name__}: {error})", "its plain form") from None
    raise Unsupported(f"torch {target}", NEAREST.get(op, "elementwise functions, linear layers, reshapes"))


def _value(arg: Any) -> Value:
    return arg if isinstance(arg, Tensor) else entry.constant(arg, "a comparison")


def _demand_real(build: Builder, target: str, op: str, args: list[Any], named: dict[str, Any]) -> None:
    kinds = [a for a in (*args, *named.values()) if isinstance(a, str) and a.startswith(_NOT_REAL)]
    of_test = op == "_assert_tensor_metadata" and isinstance(args[0], Comparison)  # a boolean is what it is
    if kinds and not of_test and any(isinstance(a, Tensor | Comparison) for a in args):
        entry.result(kinds[0], f"torch {target}", build.least)


_LOGICAL = {
    "logical_and": "and",
    "bitwise_and": "and",
    "__and__": "and",
    "logical_or": "or",
    "bitwise_or": "or",
    "__or__": "or",
}


def _test(build: Builder, op: str, args: list[Any], named: dict[str, Any]) -> Any:
    """What an operation makes of comparisons: another one, or numbers; None for all other operations."""
    if not any(isinstance(a, Comparison) for a in args):
        return None
    if op == "_assert_tensor_metadata":
        return args[0]
    if op in _LOGICAL:
        return both(_LOGICAL[op], args[0], args[1])
    if op in ("logical_not", "bitwise_not"):
        return opposite(args[0])
    if op in MOVES:
        return arranged(args[0], lambda i: MOVES[op](i, *args[1:], **named))
    if op in ("_to_copy", "to", "type_as"):
        others = (*args[1:], *named.values())
        if any(isinstance(a, Tensor) or (isinstance(a, str) and "float" in a) for a in others):
            return as_number(build, args[0])
    if op in ("mul", "add", "sub") and any(isinstance(a, Tensor) for a in args):
        parts = [as_number(build, a) if isinstance(a, Comparison) else a for a in args]
        return OPERATORS[op](build, *parts, **named)
    return None


def _same(op: str, args: list[Any], named: dict[str, Any]) -> Any:
    """Operations that change nothing in real arithmetic."""
    if op.endswith("dropout") and bool(args[2] if len(args) > 2 else named.get("train")):
        raise Unsupported(f"torch aten.{op} in training mode", "model.eval() before it is exported")
    return args[0] if op != "native_dropout" else [args[0], None]


def _size(target: str, op: str, args: list[Any]) -> Any:
    """Arithmetic on sizes, and picking one of several results."""
    if op in _SIZES and not any(isinstance(a, Tensor) for a in args):
        return _SIZES[op](*args)
    raise Unsupported(f"torch {target}", "tensor operations")
