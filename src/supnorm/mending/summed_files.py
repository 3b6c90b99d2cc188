"""Writes a model with a residual as one file of the model's own kind, where that is ONNX or torch.export."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.mending.tunable import is_graph_file
from supnorm.networks.export_onnx import nodes_of
from supnorm.networks.summed import SummedModel
from supnorm.problem import Problem
from supnorm.problem.specification import SourceSpec
from supnorm.program import Unsupported
from supnorm.results import BadInput, write_whole

TYPES = {1: "float32", 11: "float64"}  # of ONNX


def write_summed(problem: Problem, model: SummedModel, folder: Path) -> tuple[str, ...]:
    """Write ``model.onnx`` or ``model.pt2`` beside the residual; no name where the model comes from no such file.

    The graph must have one input of shape ``(n, d)`` and one output of shape ``(n, m)``.
    """
    origin = problem.model.origin or {}
    file = str(origin.get("file", ""))
    suffix = Path(file).suffix.lower()
    if problem.source is None or not is_graph_file(problem):
        return ()
    writers: dict[str, Callable[..., bytes | None]] = {".onnx": _onnx, ".pt2": _torch}
    spec, names = SourceSpec.model_validate(dict(origin)), problem.domain.names
    try:
        data = writers[suffix](problem.source.parent / file, spec, names, model)
    except (BadInput, ImportError):  # the residual is there all the same
        return ()
    if data is None:
        return ()
    write_whole(folder / f"model{suffix}", data)
    return (f"model{suffix}",)


def _onnx(path: Path, spec: SourceSpec, names: tuple[str, ...], model: SummedModel) -> bytes | None:
    import onnx
    from onnx import helper, numpy_helper

    from supnorm.mending.onnx_graph import port_of
    from supnorm.sources.onnx_files import loaded
    from supnorm.sources.ports import arrange

    try:
        whole = loaded(path)
    except Unsupported:
        return None
    graph = whole.graph
    given = [one for one in graph.input if one.name not in {c.name for c in graph.initializer}]
    if len(given) != 1 or len(graph.output) != 1:
        return None
    kinds = given[0].type.tensor_type.elem_type, graph.output[0].type.tensor_type.elem_type
    shape = graph.output[0].type.tensor_type.shape.dim
    if not set(kinds) <= set(TYPES) or len(shape) != 2 or len(given[0].type.tensor_type.shape.dim) != 2:
        return None
    columns = arrange([port_of(given[0])], spec, names, path.name).columns[0]
    out, inner = graph.output[0].name, "supnorm_residual_base"
    for node in graph.node:
        node.input[:] = [inner if n == out else n for n in node.input]
        node.output[:] = [inner if n == out else n for n in node.output]
    order = numpy_helper.from_array(np.argsort(columns).astype(np.int64), "supnorm_residual_order")
    added = [
        helper.make_node("Cast", [given[0].name], ["supnorm_residual_cast"], to=onnx.TensorProto.DOUBLE),
        helper.make_node("Gather", ["supnorm_residual_cast", order.name], ["supnorm_residual_x"], axis=1),
    ]
    constants, total = [order], ""
    for k, network in enumerate(model.networks):
        prefix = f"supnorm_residual_{k}_"
        nodes, more, last = nodes_of(network, "supnorm_residual_x", prefix)
        added, constants = [*added, *nodes], [*constants, *more]
        if total:
            added.append(helper.make_node("Add", [total, last], [prefix + "sum"]))
        total = prefix + "sum" if total else last
    added += [
        helper.make_node("Cast", [total], ["supnorm_residual_sum"], to=kinds[1]),
        helper.make_node("Add", [inner, "supnorm_residual_sum"], [out]),
    ]
    graph.node.extend(added)
    graph.initializer.extend(constants)
    onnx.checker.check_model(whole)
    data: bytes = whole.SerializeToString()
    return data


def _torch(path: Path, spec: SourceSpec, names: tuple[str, ...], model: SummedModel) -> bytes | None:
    import torch

    from supnorm.networks.export_torch import to_torch
    from supnorm.sources.ports import arrange
    from supnorm.sources.torch_export import read_graph

    graph = read_graph(path, torch.device("cpu"))
    run = graph.run_with
    assert run is not None  # torch's own loader was not asked
    if len(graph.ports) != 1 or graph.ports[0].precision not in TYPES.values():
        return None
    layout = arrange(graph.ports, spec, names, path.name)
    if layout.batch is not None:
        return None
    order = np.argsort(layout.columns[0])
    labels = list(graph.constants)

    class Sum(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            for k, name in enumerate(labels):
                self.register_buffer(f"base_{k}", graph.constants[name])
            self.register_buffer("order", torch.tensor(order))
            self.residuals = torch.nn.ModuleList(to_torch(network) for network in model.networks)

        def forward(self, x: Any) -> Any:
            values = {name: getattr(self, f"base_{k}") for k, name in enumerate(labels)}
            (y,) = run(values, [x], 1e9)  # type: ignore[misc]
            axes = x.double()[:, self.order]
            return y + sum(one(axes) for one in self.residuals).to(y.dtype)

    points = torch.zeros((2, len(names)), dtype=getattr(torch, graph.ports[0].precision))
    archive = io.BytesIO()
    try:
        exported = torch.export.export(Sum(), (points,), dynamic_shapes=({0: torch.export.Dim("rows")},))
        torch.export.save(exported, archive)
    except Exception:  # torch raises errors of many types for what it cannot trace
        return None
    return archive.getvalue()
