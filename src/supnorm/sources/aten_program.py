"""The nodes of a ``.pt2`` graph as data for the program room: no torch operation is looked up or run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from supnorm.program import AtenNode, Program, Ref, Unsupported, entry, lower_aten
from supnorm.program.rows import beyond_rows, demand_each_alone
from supnorm.program.torch import NodesAlone, array_of, on_devices
from supnorm.sources.aten import DTYPES
from supnorm.sources.ports import Layout
from supnorm.sources.programs import permuted


def program_of_graph(
    graph: dict[str, Any],
    constants: dict[str, Any],
    given: list[str],
    outputs: list[str],
    layout: Layout,
    *,
    types: Callable[[Layout], Mapping[str, str]],
    ran: Callable[[Layout, Any], tuple[Mapping[str, Any], NodesAlone]],
    probe: Any,
    least: str,
    batch: int | None,
) -> Program:
    """The program of a graph; ``layout`` says which axes its inputs take.

    Args:
        graph: the JSON of the graph.
        constants: weights by the names of the graph, tensors.
        given: names of the inputs.
        outputs: names of the outputs.
        types: from a layout to the types of the numbers of all results, by name, as the running graph returns them.
        ran: from a layout and points to all results, by name, tensors as the running graph returns them; and what
            runs its nodes alone.
        probe: points of the domain.
        least: the precision in which the graph is declared to run.
        layout: the axes that each input takes.
        batch: the number of points that the graph takes; None if it takes any, also where a problem file gives one.

    Raises:
        Unsupported: names the operation.
    """
    kinds = types(layout)
    nodes = [_node(node, kinds) for node in graph["nodes"]]
    arrays = {k: entry.tensor(v, f"torch weight {k}") for k, v in constants.items()}
    shapes = [(1, *shape) for shape in layout.shapes]
    batch = 1 if layout.batch == 1 else batch

    def run(n: int) -> tuple[Any, Mapping[str, Any], NodesAlone] | None:
        if batch not in (None, n):
            return None
        x = np.resize(probe, (n, probe.shape[1]))
        row = np.concatenate([part.reshape(n, -1) for part in layout.feed(x)], axis=1)
        results, alone = ran(layout, x)
        return row.ravel(), {name: array_of(value) for name, value in results.items()}, alone

    inputs = list(zip(given, shapes, strict=True))
    lower = partial(lower_aten, nodes, arrays, inputs, outputs, least, run=run)
    program = lower()
    demand_each_alone(program, lower, batch)
    program = beyond_rows(program, batch, _each_row_alone(graph, constants))
    return permuted(
        on_devices(program, constants.values()), [axis for columns in layout.columns for axis in columns]
    )


# Operations of each number for itself, and those along an axis that is not that of the points.
_OF_NUMBERS = frozenset(
    {
        "abs",
        "acos",
        "acosh",
        "add",
        "asin",
        "asinh",
        "atan",
        "atan2",
        "atanh",
        "celu",
        "clamp",
        "clamp_max",
        "clamp_min",
    }
    | {
        "clone",
        "cos",
        "cosh",
        "detach",
        "div",
        "dropout",
        "elu",
        "erf",
        "erfc",
        "exp",
        "exp2",
        "expm1",
        "ge",
        "gelu",
        "gt",
    }
    | {
        "hardsigmoid",
        "hardswish",
        "hardtanh",
        "le",
        "leaky_relu",
        "log",
        "log1p",
        "log_sigmoid",
        "lt",
        "maximum",
        "minimum",
    }
    | {
        "mish",
        "mul",
        "neg",
        "pow",
        "prelu",
        "reciprocal",
        "relu",
        "relu6",
        "rsub",
        "selu",
        "sigmoid",
        "silu",
        "sin",
        "sinh",
    }
    | {"softplus", "softsign", "sqrt", "square", "sub", "tan", "tanh", "to", "where", "_to_copy", "rsqrt"}
)
_ALONG = {"cat": "dim", "select": "dim", "slice": "dim", "softmax": "dim", "log_softmax": "dim"}


def _each_row_alone(graph: dict[str, Any], constants: dict[str, Any]) -> bool:
    """Whether each operation certainly computes each row of a batch for itself.

    The points are along the first axis of all tensors then: no operation here adds or moves an axis, and no constant that
    meets numbers one by one has several axes.
    """

    def is_row_by_row(node: dict[str, Any]) -> bool:
        name = node["target"].removeprefix("torch.ops.aten.").split(".")[0]
        given = {one["name"]: next(iter(one["arg"].values())) for one in node["inputs"]}
        parts = [part for one in given.values() for part in (one if isinstance(one, list) else [one])]
        held = [constants.get(str(one.get("name"))) for one in parts if isinstance(one, dict)]
        if name == "linear":
            return len(held) > 1 and held[0] is None and held[1] is not None and held[1].ndim == 2
        if name in _ALONG and _axis(graph, node, name, given.get(_ALONG[name])) < 1:
            return False
        return (name in _OF_NUMBERS or name in _ALONG) and all(one is None or one.ndim < 2 for one in held)

    return all(map(is_row_by_row, graph["nodes"]))


def _axis(graph: dict[str, Any], node: dict[str, Any], name: str, axis: Any) -> int:
    """The axis of an operation, counted from the first one; 0 where it is not known."""
    if type(axis) is not int or axis >= 0:
        return axis if type(axis) is int else 0
    made = node["outputs"][0].get("as_tensor", {}).get("name")
    return axis + len(graph["tensor_values"].get(made, {}).get("sizes", [])) + (name == "select")


def _node(node: dict[str, Any], types: Mapping[str, str]) -> AtenNode:
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for argument in node["inputs"]:
        value = _argument(argument["arg"])
        if argument.get("kind") == 2 or (argument.get("kind") is None and positional and argument["name"]):
            named[argument["name"]] = value
        else:
            positional.append(value)
    outputs = tuple(name for output in node["outputs"] for name in _names(output))
    known = tuple(types.get(name, "float64") for name in outputs)
    return AtenNode(node["target"].removeprefix("torch.ops."), tuple(positional), named, outputs, known)


def _argument(arg: dict[str, Any]) -> Any:
    kind, body = next(iter(arg.items()))
    if kind in ("as_int", "as_ints", "as_bool", "as_bools", "as_string"):
        return body
    if kind in ("as_float", "as_floats"):
        return [float(b) for b in body] if isinstance(body, list) else float(body)
    if kind in ("as_tensor", "as_optional_tensor", "as_sym_int", "as_sym_float", "as_sym_bool"):
        return _one(body)
    if kind in ("as_tensors", "as_sym_ints", "as_sym_floats", "as_sym_bools", "as_optional_tensors"):
        return [_one(b) for b in body]
    if kind == "as_scalar_type":
        return DTYPES.get(body, "integers of an unknown type")
    if kind in ("as_none", "as_device", "as_layout", "as_memory_format"):
        return None
    raise Unsupported(f"torch graph argument of kind {kind}", "tensors and numbers")


def _one(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    kind, inner = next(iter(body.items()))
    if kind in ("as_tensor", "as_optional_tensor"):
        return _one(inner)
    if kind in ("name", "as_name"):
        return Ref(inner)
    return None if kind == "as_none" else inner


def _names(output: dict[str, Any]) -> list[str]:
    kind, body = next(iter(output.items()))
    if kind == "as_none":
        return []
    if isinstance(body, list):
        return [next(iter(b.values())) for b in body]
    return [body.get("name") or body.get("as_name")]
