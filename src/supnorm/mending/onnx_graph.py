"""An ONNX file as a graph with trainable weights: matrices of linear layers and what is added to their results.

Other constants (means and deviations of a normalisation, powers, numbers inside of an activation) stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.mending.trainable import Trainable
from supnorm.problem.specification import SourceSpec
from supnorm.program import Unsupported
from supnorm.results import BadInput, install
from supnorm.sources.onnx_files import loaded
from supnorm.sources.ports import Port, arrange

FLOATS = {1: "float32", 11: "float64"}  # types of ONNX whose weights can be trained
ELEMENTWISE = (
    *(
        "Neg",
        "Abs",
        "Relu",
        "Tanh",
        "Sigmoid",
        "Softplus",
        "Softsign",
        "HardSwish",
        "Erf",
        "Sin",
        "Cos",
        "Exp",
        "Log",
    ),
    *("Sqrt", "Reciprocal", "Identity", "Elu", "LeakyRelu", "Selu", "Gelu", "Cast", "Where", "Clip"),
)
TWO = ("Add", "Sub", "Mul", "Div", "Pow", "MatMul", "Gemm")
MOVES = ("Concat", "Gather", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Slice", "Constant")
KNOWN = {*ELEMENTWISE, *TWO, *MOVES}


def read(path: Path, spec: SourceSpec, names: tuple[str, ...]) -> Trainable:
    """Read a file.

    Raises:
        BadInput: naming the operator that torch does not run here, or why the weights cannot be trained.
    """
    try:
        from onnx import numpy_helper
    except ImportError:
        raise BadInput(f"to train an ONNX file, supnorm needs the package onnx: {install('onnx')}") from None
    try:
        model = loaded(path)
    except Unsupported as error:
        raise BadInput(f"{path.name} cannot be trained: it cannot be read: {error}") from None
    graph = model.graph
    unknown = sorted({node.op_type for node in graph.node if node.domain or node.op_type not in KNOWN})
    if unknown:
        raise BadInput(f"{path.name} cannot be trained: torch does not run {', '.join(unknown)} here")
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    made = [node for node in graph.node if node.op_type == "Constant"]
    constants |= {node.output[0]: _constant(node, path.name) for node in made}
    ports = tuple(port_of(one) for one in graph.input if one.name not in constants)
    layout = arrange(ports, spec, names, f'[model] file = "{path.name}"')
    weights = {name: constants[name] for name in _trained(graph, constants)}
    run = _runner(graph, constants, [port.name for port in ports], spec.outputs or [])
    return Trainable(weights, run, layout, partial(_written, model))


def _runner(
    graph: Any, constants: Mapping[str, NDArray[Any]], given: list[str], asked: list[str]
) -> Callable[[Mapping[str, Any], list[Any]], list[Any]]:
    """The graph in torch, with weights by name; ``asked``: names of some of the outputs."""
    steps = [_step(node) for node in graph.node if node.op_type != "Constant"]
    listed = [one.name for one in graph.output]
    wanted = [n for n in asked if n in listed] or listed

    def run(values: Mapping[str, Any], inputs: list[Any]) -> list[Any]:
        import torch

        fixed = {n: torch.from_numpy(_double(c)) for n, c in constants.items() if n not in values}
        known = {**fixed, **values, **dict(zip(given, (x.double() for x in inputs), strict=True))}
        for step in steps:
            step(known)
        return [known[name] for name in wanted]

    return run


def _written(model: Any, new: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of the model with other weights."""
    from onnx import ModelProto, numpy_helper

    copy = ModelProto()
    copy.CopyFrom(model)
    for one in copy.graph.initializer:
        if one.name in new:
            one.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(new[one.name]), one.name))
    for node in copy.graph.node:
        if node.op_type == "Constant" and node.output[0] in new:
            node.attribute[0].t.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(new[node.output[0]])))
    data: bytes = copy.SerializeToString()
    return data


def port_of(given: Any) -> Port:
    """An input of a graph."""
    sizes = given.type.tensor_type.shape.dim
    shape = tuple(s.dim_value if s.HasField("dim_value") else None for s in sizes)
    return Port(given.name, shape, FLOATS.get(given.type.tensor_type.elem_type, "float32"))


def _constant(node: Any, name: str) -> NDArray[Any]:
    from onnx import numpy_helper

    attribute = node.attribute[0]
    if attribute.name == "value":
        return np.asarray(numpy_helper.to_array(attribute.t))
    if attribute.name in ("value_float", "value_int"):
        return np.asarray(attribute.f if attribute.name == "value_float" else attribute.i)
    raise BadInput(f"{name} cannot be trained: its graph has a constant of the kind {attribute.name}")


def _trained(graph: Any, constants: Mapping[str, NDArray[Any]]) -> list[str]:
    """Names of the constants that are weights, in the order of the graph."""
    weights: dict[str, None] = {}
    layers = {node.output[0] for node in graph.node if node.op_type in ("MatMul", "Gemm")}
    for node in graph.node:
        names = [n for n in node.input if n in constants and constants[n].dtype in (np.float32, np.float64)]
        if node.op_type in ("MatMul", "Gemm") or (node.op_type == "Add" and layers.intersection(node.input)):
            weights.update(dict.fromkeys(names))
    return list(weights)


def _double(value: NDArray[Any]) -> NDArray[Any]:
    return np.array(value, dtype=np.float64 if value.dtype.kind == "f" else value.dtype)


def _step(node: Any) -> Callable[[dict[str, Any]], None]:
    from onnx import helper

    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    names = list(node.input)

    def step(values: dict[str, Any]) -> None:
        arguments = [values[n] if n else None for n in names]
        values[node.output[0]] = _applied(node.op_type, arguments, attributes)

    return step


def _applied(op: str, a: list[Any], by: dict[str, Any]) -> Any:
    """One operator of ONNX in torch, in double precision."""
    import torch

    unary = {
        "Neg": torch.neg,
        "Abs": torch.abs,
        "Relu": torch.relu,
        "Tanh": torch.tanh,
        "Sigmoid": torch.sigmoid,
        "Softplus": lambda x: torch.nn.functional.softplus(x, threshold=1e9),
        "Softsign": torch.nn.functional.softsign,
        "HardSwish": torch.nn.functional.hardswish,
        "Erf": torch.erf,
        "Sin": torch.sin,
        "Cos": torch.cos,
        "Exp": torch.exp,
        "Log": torch.log,
        "Sqrt": torch.sqrt,
        "Reciprocal": torch.reciprocal,
        "Identity": lambda x: x,
    }
    binary = {
        "Add": torch.add,
        "Sub": torch.sub,
        "Mul": torch.mul,
        "Div": torch.div,
        "Pow": torch.pow,
        "MatMul": torch.matmul,
    }
    if op in unary:
        return unary[op](a[0])
    if op in binary:
        return binary[op](a[0], a[1])
    if op == "Gemm":
        x = a[0].T if by.get("transA") else a[0]
        w = a[1].T if by.get("transB") else a[1]
        y = by.get("alpha", 1.0) * (x @ w)
        return y if len(a) < 3 or a[2] is None else y + by.get("beta", 1.0) * a[2]
    if op == "Gelu":
        kind = by.get("approximate", b"none")
        return torch.nn.functional.gelu(a[0], approximate=kind.decode() if isinstance(kind, bytes) else kind)
    if op == "Elu":
        return torch.nn.functional.elu(a[0], alpha=by.get("alpha", 1.0))
    if op == "LeakyRelu":
        return torch.nn.functional.leaky_relu(a[0], by.get("alpha", 0.01))
    if op == "Selu":
        alpha, gamma = by.get("alpha", 1.6732632423543772), by.get("gamma", 1.0507009873554805)
        return gamma * torch.where(a[0] > 0, a[0], alpha * torch.expm1(a[0]))
    if op == "Cast":  # between types of floating-point numbers nothing changes here: all is double
        return a[0].double() if by["to"] in (1, 10, 11, 16) else a[0].long()
    if op == "Where":
        return torch.where(a[0].bool(), a[1], a[2])
    if op == "Clip":
        low, high = (
            a[k] if len(a) > k and a[k] is not None else by.get(n) for k, n in ((1, "min"), (2, "max"))
        )
        return torch.clamp(a[0], None if low is None else float(low), None if high is None else float(high))
    return _moved(op, a, by)


def _moved(op: str, a: list[Any], by: dict[str, Any]) -> Any:
    """An operator that only moves numbers."""
    import torch

    x = a[0]
    if op == "Concat":
        return torch.cat(a, dim=by["axis"])
    if op == "Gather":
        axis = by.get("axis", 0)
        index = a[1].long()
        flat = torch.index_select(x, axis, index.reshape(-1) % x.shape[axis])
        return flat.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]) if axis >= 0 else flat
    if op == "Transpose":
        return x.permute(*by.get("perm", range(x.ndim)[::-1]))
    if op == "Flatten":
        axis = by.get("axis", 1)
        return x.reshape(math.prod(x.shape[:axis]), -1)
    if op == "Reshape":
        shape = [int(v) for v in a[1]]
        return x.reshape([x.shape[i] if v == 0 else v for i, v in enumerate(shape)])
    axes = [int(v) for v in (a[1] if len(a) > 1 and a[1] is not None else by.get("axes", []))]
    if op == "Squeeze":
        return x.squeeze(tuple(axes)) if axes else x.squeeze()
    if op == "Unsqueeze":
        for axis in sorted(v % (x.ndim + len(axes)) for v in axes):
            x = x.unsqueeze(axis)
        return x
    return _sliced(x, a)


def _sliced(x: Any, a: list[Any]) -> Any:
    starts, ends = ([int(v) for v in part] for part in a[1:3])
    axes = [int(v) for v in a[3]] if len(a) > 3 and a[3] is not None else range(len(starts))
    steps = [int(v) for v in a[4]] if len(a) > 4 and a[4] is not None else [1] * len(starts)
    parts = [slice(None)] * x.ndim
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        parts[axis] = slice(start, min(end, x.shape[axis]), step)
    return x[tuple(parts)]
