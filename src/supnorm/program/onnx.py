"""ONNX graphs as straight-line programs, for one point (batch size 1).

Graph inputs follow each other in the given order; each is one row ``(1, k)`` (or ``(k,)``, ``(1,)``, a scalar) of
the feature vector. float32 weights keep their exact values, and the program is the graph in real arithmetic. One
row does not show whether a graph mixes the rows of a batch, so it is read for several rows, too (`rows`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.program import entry
from supnorm.program.branches import Comparison, as_number, both, opposite, select
from supnorm.program.discrepancies import ONNXRUNTIME
from supnorm.program.each_operator import Operators
from supnorm.program.onnx_alone import in_one_graph
from supnorm.program.onnx_constants import EXACT, folded
from supnorm.program.onnx_fused import FUSED
from supnorm.program.onnx_layers import LAYERS
from supnorm.program.onnx_moves import move, split
from supnorm.program.onnx_operators import OPERATORS, reduce
from supnorm.program.onnx_rows import each_row_alone
from supnorm.program.operations import Unsupported
from supnorm.program.program import Program
from supnorm.program.rows import beyond_rows, demand_each_alone
from supnorm.program.single_precision import ONNX_ALIKE
from supnorm.program.steps import as_they_ran, demand_same_steps
from supnorm.program.tracing import Builder, Tensor, Value

# Runs a graph: from the names of results, and a number of points, to points (the features in a row) and these results.
Run = Callable[[Sequence[str], int], tuple[NDArray[np.float64], Mapping[str, Any]]]

OF_ONNXRUNTIME = ("ai.onnx", "com.microsoft", "com.ms.")  # domains of operators that onnxruntime has itself
_UNARY = {
    "Neg": "neg",
    "Abs": "abs",
    "Relu": "relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Softplus": "softplus",
    "Sin": "sin",
    "Cos": "cos",
    "Exp": "exp",
    "Log": "log",
    "Sqrt": "sqrt",
    "Erf": "erf",
    "Atan": "atan",
    "Swish": "silu",
}
_BINARY = {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}
_SAME = ("Identity", "Dropout", "Cast", "CastLike")
_MOVE = (
    *("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Gather", "Expand", "Tile"),
    *("GatherElements", "DepthToSpace", "SpaceToDepth"),
)
_HALF = frozenset({"float16", "bfloat16"})
_MOVE_CONSTANTS = frozenset(
    {*_MOVE, "Constant", "Identity", "Cast", "CastLike", "Concat", "Split", "ConstantOfShape"}
)
# What these give of a tensor without numbers is one without numbers, or zero.
_OF_NOTHING = frozenset({*_MOVE, *_SAME, "Concat", "Split", "ReduceSum"})
_COMPARE = {"Greater": "gt", "GreaterOrEqual": "ge", "Less": "lt", "LessOrEqual": "le"}
_NEAREST = {
    "LSTM": "unrolled Gemm and Tanh",
    "Floor": "none: a step has no certificate",
    "Round": "none: a step has no certificate",
}


def lower_onnx(
    model: Any,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    alone: bool = False,
    run: Run | None = None,
) -> Program:
    """The program of an ONNX model.

    Args:
        model: an ``onnx.ModelProto``.
        inputs: graph inputs in the order of the feature vector; the graph's own order by default.
        outputs: graph outputs to keep, in order; all by default.
        alone: whether each call has one point, whatever number the graph can take.
        run: gives results on the way, as they run, to be compared with what was read; without it, nothing is compared.

    Raises:
        Unsupported: for an operator (or a use of it) that programs do not have.
        Unlike: if rows of a batch of any size depend on more than themselves.
    """
    program, batch = _of_points(model, inputs, outputs, 1, run)
    batch = 1 if alone else batch
    demand_each_alone(program, lambda n: _of_points(model, inputs, outputs, n, run)[0], batch)
    return beyond_rows(program, batch, each_row_alone(model))


def _of_points(
    model: Any, inputs: Sequence[str] | None, outputs: Sequence[str] | None, n: int, run: Run | None
) -> tuple[Program, int | None]:
    """The program of ``n`` points, and how many points the graph takes at once; None if it takes any number."""
    from onnx import numpy_helper

    graph = model.graph
    constants = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    free = {i.name: i for i in graph.input if i.name not in constants}
    order = list(inputs) if inputs is not None else list(free)
    if sorted(order) != sorted(free):
        raise Unsupported(f"inputs {order}", f"the graph's inputs {list(free)}, each once")
    shapes = [_shape(free[name], n) for name in order]
    build = Builder(sum(map(math.prod, shapes)), runtime=ONNXRUNTIME, origin="onnxruntime", points=n)
    values: dict[str, Value] = {**constants}
    types = {name: _type_name(free[name].type.tensor_type.elem_type) for name in order}
    starts = np.cumsum([0, *(math.prod(s) // n for s in shapes)])
    row = np.arange(n).reshape(-1, 1) * int(starts[-1])
    for name, shape, start, end in zip(order, shapes, starts, starts[1:], strict=False):
        values[name] = Tensor(0, (row + np.arange(start, end)).reshape(shape))
    opset = _opset(model)
    wanted = list(outputs) if outputs is not None else [o.name for o in graph.output]
    needed = _needed(graph.node, wanted)
    batch = _batch([free[name] for name in order])
    half = not _HALF.isdisjoint(types.values())
    reading = _Graph(build, opset, _functions(model), half)
    if run:
        build.operators = Operators()
    if run and n == (batch or n):
        alike = batch in (
            None,
            1,
        )  # else constants would be others in the program of one point, which is not run
        _run_both(reading, needed, values, types, run, n, alike, compared=n == (batch or 1))
    else:
        _run(reading, needed, values, types)
    if build.operators is not None:
        build.operators.demand(lambda cases: in_one_graph(model, cases))
    for name in wanted:
        if name not in values:
            raise Unsupported(
                f"the output {name}, which is not the first result of its operator", "the first result"
            )
    return _finish(build, [values[name] for name in wanted], n), batch


def _run_both(
    graph: _Graph,
    nodes: list[Any],
    values: dict[str, Value],
    types: dict[str, str],
    run: Run,
    n: int,
    alike: bool,
    compared: bool,
) -> None:
    """Read the nodes with constants as they run, and compare all results.

    Args:
        alike: whether constants are taken from what runs.
        compared: whether results are compared. The program for several points is compared with that of one.
    """
    x, ran = run([name for node in nodes for name in node.output if name], n)
    _run(graph, nodes, values, types, ran=ran if alike else {})
    if compared:
        steps = [(f"ONNX {node.op_type}", node.input, node.output) for node in nodes]
        demand_same_steps(graph.build.nodes, x, values, ran, steps, graph.build.narrowest)


def _functions(model: Any) -> dict[tuple[str, ...], Any]:
    """The functions of a file, by what they are known by."""
    for one in model.functions:
        if not one.domain or one.domain.startswith(OF_ONNXRUNTIME):
            what = f"a function of the file, {one.name}, in the domain {one.domain or 'ai.onnx'!r}"
            raise Unsupported(f"{what}, where onnxruntime runs its own", "one in a domain of your own")
    return {(f.domain, f.name, getattr(f, "overload", "")): f for f in model.functions}


def _batch(inputs: Sequence[Any]) -> int | None:
    """How many points a graph takes at once; None if it takes any number."""
    known = [_sizes(one) for one in inputs]
    sizes = {size[0] if len(size) > 1 or size == [0] else 1 for size in known}
    return None if sizes == {0} else max(sizes, default=1)


def _opset(model: Any) -> int:
    """The version of ONNX's operators; of two, onnxruntime would take the last one."""
    versions = {i.version for i in model.opset_import if i.domain in ("", "ai.onnx")}
    if len(versions) > 1:
        raise Unsupported("a graph with two versions of ONNX's operators", "one version in opset_import")
    return versions.pop() if versions else 18


def _needed(nodes: Sequence[Any], wanted: Sequence[str]) -> list[Any]:
    """The nodes that the wanted values depend on: others may hold operators that programs do not have."""
    asked, needed = set(wanted), []
    for node in reversed(nodes):
        if asked.intersection(node.output):
            needed.append(node)
            asked.update(node.input)
    return needed[::-1]


def _finish(build: Builder, results: list[Value], n: int) -> Program:
    rows = [
        r.arrange(lambda i: i.reshape(n, -1)) if isinstance(r, Tensor) else np.reshape(r, (n, -1))
        for r in results
    ]
    return build.finish(build.concatenate(rows, 1) if len(rows) > 1 else rows[0])


def _sizes(info: Any) -> list[int]:
    """Sizes of the axes of an input, 0 where any is allowed."""
    sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in info.type.tensor_type.shape.dim]
    return [max(size, 0) for size in sizes]


def _shape(info: Any, n: int) -> tuple[int, ...]:
    """Shape of ``n`` points: other sizes that may be any are 1, and so is a fixed size of the first axis of several."""
    sizes = _sizes(info)
    first = [n if len(sizes) > 1 or not size else size for size in sizes[:1]]
    return (*first, *(size or 1 for size in sizes[1:]))


@dataclass
class _Graph:
    build: Builder
    opset: int
    functions: dict[tuple[str, ...], Any] = field(default_factory=dict)
    half: bool = False  # whether its inputs are of a type of 16 bits


def _run(
    graph: _Graph,
    nodes: Any,
    values: dict[str, Value],
    types: dict[str, str],
    given: dict[str, Any] | None = None,
    ran: Mapping[str, Any] | None = None,
) -> None:
    """Run the nodes in order; nodes of a function may refer to ``given``, the attributes of its call.

    ``types`` has the types of the numbers of all results, by name; ``ran`` the results as the runtime computes them.
    """
    for node in nodes:
        attributes = _attributes(node, given or {})
        args = [_known(node, values, name) if name else None for name in node.input]
        kinds = [_kind(values.get(name), types.get(name)) for name in node.input]
        if _function(node) in graph.functions:
            results, made = _called(graph, node, attributes, args, kinds)
        else:
            _demand_numbers(node.op_type, args)
            graph.build.precision = next((k for k in kinds if k in entry.BITS), "float64")
            try:
                results = _apply(graph, node, attributes, args, kinds)
            except (KeyError, IndexError, TypeError) as error:  # of arguments that this reader does not know
                raise Unsupported(
                    f"ONNX {node.op_type} ({type(error).__name__}: {error})", "its plain form"
                ) from None
            results = [*as_they_ran(results, node.output, ran or {}), *results[len(node.output) :]]
            made = [_check_type(graph, node, attributes, r, kinds) for r in results]
            _note_alone(graph, node, attributes, args, kinds, made, given or {})
        values.update({name: r for name, r in zip(node.output, results, strict=False) if name})
        types.update({name: kind for name, kind in zip(node.output, made, strict=False) if name and kind})


def _note_alone(
    graph: _Graph,
    node: Any,
    attributes: dict[str, Any],
    args: list[Any],
    kinds: list[str | None],
    made: list[str | None],
    given: dict[str, Any],
) -> None:
    """Note an operator of tensors that depend on the input, to be compared with what it is alone."""
    symbolic = [isinstance(a, Tensor | Comparison) for a in args]
    if graph.build.operators is None or not any(symbolic):
        return

    def read(build: Builder, some: list[Any]) -> list[Any]:
        return _apply(replace(graph, build=build), node, attributes, some, kinds)[: len(node.output)]

    types = ["bool" if isinstance(a, Comparison) else k or "" for a, k in zip(args, kinds, strict=True)]
    of_tensors = [t for t, one in zip(types, symbolic, strict=True) if one]
    options = (node.domain, attributes, len(node.output), graph.opset, types)
    graph.build.operators.note(
        graph.build,
        f"ONNX {node.op_type}",
        options,
        args,
        [*of_tensors, *(k or "" for k in made)],
        read,
        (node, given, types),
    )


def _demand_numbers(op: str, args: list[Any]) -> None:
    """Refuse what is computed of a tensor without numbers, such as its mean: it has no value."""
    if op not in _OF_NOTHING and any(isinstance(a, Tensor) and not a.index.size for a in args):
        raise Unsupported(f"ONNX {op} of a tensor without numbers", "tensors with a number at least")


def _known(node: Any, values: Mapping[str, Any], name: str) -> Any:
    if name not in values:  # such as the mean that LayerNormalization gives, too
        raise Unsupported(
            f"ONNX {node.op_type} of {name}, another result of its operator", "the first result"
        )
    return values[name]


def _type_name(code: int) -> str:
    from onnx import helper

    return entry.name_of(helper.tensor_dtype_to_np_dtype(code))


def _kind(value: Any, known: str | None) -> str | None:
    """The type of an argument's numbers."""
    return known if value is None or isinstance(value, Tensor | Comparison) else str(np.asarray(value).dtype)


def _check_type(
    graph: _Graph, node: Any, at: dict[str, Any], result: Any, kinds: list[str | None]
) -> str | None:
    """The type of a result's numbers; numbers that depend on the input must be real and floating. Records the narrowest."""
    op = node.op_type
    if result is None or isinstance(result, Comparison):
        return None
    if not isinstance(result, Tensor):
        kind = str(np.asarray(result).dtype)
        if kind in _HALF and op not in _MOVE_CONSTANTS and not graph.half:
            # onnxruntime computes them in float32, and rounds some of them on the way.
            raise entry.Narrowed(f"ONNX {op} of constants to {kind}", "constants of float32 or float64")
        if op not in EXACT and kind in entry.BITS:
            graph.build.computed_in(kind)
            graph.build.unlike.add(f"{op} of constants")
        return kind
    if op == "Cast":
        kind = _type_name(at["to"])
    elif op == "CastLike":
        kind = kinds[1] or "numbers of an unknown type"
    else:
        kind = next((k for k in kinds if k in entry.BITS), None) or "numbers of an unknown type"
    if kind not in entry.BITS:
        entry.result(kind, f"ONNX {op}")
    graph.build.computed_in(kind)
    return kind


def _function(node: Any) -> tuple[str, ...]:
    """By what a function of the file is known: several may have one name, and differ in their ``overload``."""
    return node.domain, node.op_type, getattr(node, "overload", "")


def _called(
    graph: _Graph, node: Any, attributes: dict[str, Any], args: list[Any], kinds: list[str | None]
) -> tuple[list[Any], list[str | None]]:
    """Results of a function that the file defines, and their types."""
    from onnx import helper

    function = graph.functions[_function(node)]
    local = dict(zip(function.input, args, strict=False))
    types = {name: kind for name, kind in zip(function.input, kinds, strict=False) if kind}
    defaults = {a.name: helper.get_attribute_value(a) for a in function.attribute_proto}
    _run(graph, function.node, local, types, defaults | attributes)
    return [local[name] for name in function.output], [types.get(name) for name in function.output]


def _attributes(node: Any, given: dict[str, Any]) -> dict[str, Any]:
    from onnx import helper

    literal = {a.name: helper.get_attribute_value(a) for a in node.attribute if not a.ref_attr_name}
    named = {a.name: a.ref_attr_name for a in node.attribute if a.ref_attr_name}
    return literal | {name: given[there] for name, there in named.items() if there in given}


def _apply(
    graph: _Graph, node: Any, attributes: dict[str, Any], args: list[Any], kinds: list[str | None]
) -> list[Any]:
    op = node.op_type
    for arg in args:
        if isinstance(arg, np.ndarray):
            entry.constant(arg, f"ONNX {op}")
    if op == "CastLike" and not isinstance(args[0], Tensor | Comparison) and kinds[1]:
        with np.errstate(all="ignore"):
            return [np.asarray(args[0]).astype(kinds[1])]
    if op == "Split":
        return split(args, attributes, len(node.output))
    if op == "Dropout" and len(args) > 2 and (isinstance(args[2], Tensor | Comparison) or np.any(args[2])):
        raise Unsupported("ONNX Dropout in training mode", "model.eval() before it is exported")
    if op == "BatchNormalization" and attributes.get("training_mode"):
        raise Unsupported("ONNX BatchNormalization in training mode", "model.eval() before it is exported")
    if op == "Shape":
        shape = args[0].shape if isinstance(args[0], Tensor) else np.shape(args[0])
        return [np.asarray(shape[attributes.get("start", 0) : attributes.get("end")], dtype=np.int64)]
    if not any(isinstance(a, Tensor | Comparison) for a in args):
        return folded(node, args, graph.opset)
    _note_rounding(graph.build, op, attributes, kinds)
    if op in _COMPARE:
        return [Comparison(_COMPARE[op], args[0], args[1])]
    if op == "Where":
        return [select(graph.build, args[0], args[1], args[2])]
    if op == "MaxPool" and len(list(filter(None, node.output))) > 1:
        raise Unsupported("MaxPool with the positions of the maxima", "MaxPool with its values alone")
    if any(isinstance(a, Comparison) for a in args):
        return [_of_tests(graph.build, op, attributes, args)]
    # onnxruntime has no kernel for it and runs the function that defines it.
    if op == "Gelu" and kinds[0] == "float64":
        op = "Gelu64"
    return [_symbolic(graph, op, attributes, args)]


def _of_tests(build: Builder, op: str, at: dict[str, Any], args: list[Any]) -> Any:
    """What an operator makes of booleans: another one, or the numbers 1 and 0."""
    if op in ("And", "Or"):
        return both(op.lower(), args[0], args[1])
    if op == "Not":
        return opposite(args[0])
    if op == "Cast" and _type_name(at["to"]) in ("float32", "float64"):
        return as_number(build, args[0])
    raise Unsupported(f"{op} of a comparison", "Where, And, Or, Not, Cast, Min, Max, Clip, Abs or Relu")


def _note_rounding(build: Builder, op: str, at: dict[str, Any], kinds: list[str | None]) -> None:
    """Record an operator whose rounding in float32 does not follow from the program's operations."""
    if op in ("Cast", "CastLike"):  # a cast to the same type changes nothing
        if kinds[0] != (_type_name(at["to"]) if "to" in at else kinds[-1]):
            build.unlike.add(op)
    elif op not in ONNX_ALIKE:
        build.unlike.add(op)


def _symbolic(graph: _Graph, op: str, at: dict[str, Any], args: list[Any]) -> Value:
    build, x = graph.build, args[0]
    if op in _UNARY:
        if op == "Swish" and at.get("alpha", 1.0) != 1.0:
            raise Unsupported("Swish with alpha", "x * Sigmoid(alpha * x)")
        return build.unary(_UNARY[op], x)
    if op in _BINARY:
        return build.binary(_BINARY[op], args[0], args[1])
    if op in ("Min", "Max", "Sum", "Mean"):
        return _many(build, op, args)
    if op in _SAME:
        return x  # type: ignore[no-any-return]
    if op in ("Softmax", "LogSoftmax") and graph.opset < 13:  # over all axes from this one on
        at = {"axes": range(at.get("axis", 1) % len(x.shape), len(x.shape))}
    if op in _MOVE:
        return x.arrange(lambda i: move(op, at, i, args[1:], graph.opset))  # type: ignore[no-any-return]
    if op in OPERATORS or op in LAYERS or op in FUSED:
        return (OPERATORS.get(op) or LAYERS.get(op) or FUSED[op])(build, at, args)
    if op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"):
        return reduce(build, op, at, args)
    raise Unsupported(op, _NEAREST.get(op, "an elementwise activation, Gemm, Conv or arithmetic"))


def _many(build: Builder, op: str, args: list[Any]) -> Value:
    total: Value = args[0]
    for arg in args[1:]:
        total = build.binary({"Min": "min", "Max": "max"}.get(op, "add"), total, arg)
    return build.binary("div", total, np.asarray(float(len(args)))) if op == "Mean" else total
