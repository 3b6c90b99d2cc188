"""Export to ONNX in float64, written node by node so that no constant is rounded to float32.

Opset 20. GELU, SiLU and softplus are written as elementary operations. onnxruntime 1.32 computes all of them in
double precision on the CPU except the error function. So a GELU network is exported exactly, but onnxruntime refuses
it; other runtimes run it (onnx's reference evaluator rounds the error function to float32).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from supnorm.networks.network import Network
from supnorm.networks.part import Part
from supnorm.networks.scaling import Scaling
from supnorm.program import Program
from supnorm.program.backend import run_program
from supnorm.program.onnx_graph import OPSET, OnnxBackend, OnnxGraph
from supnorm.results import BadInput, install, write_whole


def to_onnx(network: Network, path: Path | str) -> None:
    """Write ``network`` as an ONNX model with input ``x`` ``(n, d)`` and output ``y`` ``(n, m)``, float64.

    Raises:
        BadInput: when the package ``onnx`` is missing.
    """
    _demand_onnx()
    graph = OnnxGraph()
    _network(graph, network)
    write_whole(path, _whole(graph, network.d, network.m, network.name or "network"))


def document(program: Program, precision: str = "float64") -> bytes:
    """A program as an ONNX graph, ``x (n, d)`` to ``y (n, m)`` in double precision.

    Args:
        program: what is written.
        precision: of the arithmetic inside, ``"float64"`` or ``"float32"``.

    Raises:
        BadInput: when the package ``onnx`` is missing.
        Unsupported: for an operation that has no node.
    """
    graph = OnnxGraph()
    _demand_onnx()
    on = OnnxBackend(graph, precision)
    y = run_program(program.nodes, on, "x" if precision == "float64" else on.cast("x"))
    y = y if precision == "float64" else on.cast(y, "float64")
    graph.apply("Identity", y, output="y")
    return _whole(graph, program.d, program.m, "fitted model")


def _whole(graph: OnnxGraph, d: int, m: int, name: str) -> bytes:
    """A graph from ``x`` (n, d) to ``y`` (n, m) as a file."""
    from onnx import TensorProto, checker, helper

    ports = [
        [helper.make_tensor_value_info(n, TensorProto.DOUBLE, ["n", k])] for n, k in (("x", d), ("y", m))
    ]
    model = helper.make_model(
        helper.make_graph(graph.nodes, name, ports[0], ports[1], graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=9,
        producer_name="supnorm",
    )
    checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString()
    return data


def _demand_onnx() -> None:
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise BadInput(f"export to ONNX needs the package onnx: {install('onnx')}") from None


def nodes_of(network: Network, x: str, prefix: str) -> tuple[list[Any], list[Any], str]:
    """Nodes and constants of a network inside of another graph, whose value ``x`` it takes, and the name of its output."""
    graph = OnnxGraph()
    _network(graph, network, x)
    for constant in graph.constants:
        constant.name = prefix + constant.name
    for node in graph.nodes:
        node.input[:] = [name if name == x else prefix + name for name in node.input]
        node.output[:] = [prefix + name for name in node.output]
    return graph.nodes, graph.constants, f"{prefix}y"


def _network(graph: OnnxGraph, network: Network, x: str = "x") -> None:
    z = _enter(graph, network.scaling, x)
    if not network.takes:
        y = _layers(graph, network.parts[0], z)
    for takes, part in zip(network.takes, network.parts, strict=False):
        y = _layers(graph, part, _channels(graph, z, takes))
        z = graph.apply("Concat", z, y, axis=1)
    y = graph.apply("Mul", y, graph.constant(network.scaling.output_scale))
    graph.apply("Add", y, graph.constant(network.scaling.output_shift), output="y")


def _enter(graph: OnnxGraph, s: Scaling, z: str) -> str:
    if any(s.log):
        log = graph.constant(np.array(s.log))
        safe = graph.apply("Where", log, z, graph.constant(np.ones(1)))
        z = graph.apply("Where", log, graph.apply("Log", safe), z)
    z = graph.apply("Sub", z, graph.constant(s.input_shift))
    return graph.apply("Div", z, graph.constant(s.input_scale))


def _layers(graph: OnnxGraph, part: Part, z: str) -> str:
    if len(part.frequencies):
        waves = graph.apply("MatMul", z, graph.constant(part.frequencies.T))
        z = graph.apply("Concat", z, graph.apply("Sin", waves), graph.apply("Cos", waves), axis=1)
    for i, (weights, bias) in enumerate(part.layers[:-1]):
        after = _activate(graph, part.architecture.activations[i], _affine(graph, z, weights, bias))
        z = graph.apply("Add", z, after) if part.architecture.skips(i) else after
    return _affine(graph, z, *part.layers[-1])


def _channels(graph: OnnxGraph, z: str, takes: tuple[int, ...]) -> str:
    return graph.apply("Gather", z, graph.constant(np.array(takes, dtype=np.int64)), axis=1)


def _affine(graph: OnnxGraph, z: str, weights: Any, bias: Any) -> str:
    return graph.apply("Add", graph.apply("MatMul", z, graph.constant(weights.T)), graph.constant(bias))


def _activate(graph: OnnxGraph, name: str, z: str) -> str:
    if name == "silu":
        return graph.apply("Mul", z, graph.apply("Sigmoid", z))
    if name == "gelu":
        root, one, half = (graph.constant(np.array(v)) for v in (np.sqrt(0.5), 1.0, 0.5))
        erf = graph.apply("Erf", graph.apply("Mul", z, root))
        return graph.apply("Mul", z, graph.apply("Mul", graph.apply("Add", erf, one), half))
    if name == "softplus":  # max(z, 0) + log(1 + exp(-|z|)) cannot overflow
        decay = graph.apply("Exp", graph.apply("Neg", graph.apply("Abs", z)))
        rest = graph.apply("Log", graph.apply("Add", decay, graph.constant(np.array(1.0))))
        return graph.apply("Add", graph.apply("Relu", z), rest)
    return graph.apply({"tanh": "Tanh", "sin": "Sin", "relu": "Relu"}[name], z)
