"""Checks the references of an ``.onnx`` file: weights in files beside it, and sizes that it claims.

External data may name any path: a device, a pipe, or a file elsewhere that does not belong to the model. So it must be
a regular file in the folder of the model. Sizes of initialisers are summed before anything is allocated.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from supnorm.results import BadInput
from supnorm.results.guard import demand_file, demand_memory
from supnorm.results.printable import one_line

DEPTH = 40  # largest depth of graphs inside nodes of graphs
WIDEST = 8  # largest number of bytes of a number


def demand_data_beside(path: Path, what: str) -> None:
    """Check that external data lies beside the model and that claimed sizes fit; none of the data is read.

    Without the ``onnx`` package, which reads the structure, only onnxruntime checks the file.

    Raises:
        BadInput: names the file or the size that the model refers to.
    """
    try:
        import onnx
    except ImportError:
        return
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception:
        return  # onnxruntime gives a better message
    size, asked, folder = path.stat().st_size, 0, Path(os.path.normpath(path.parent.absolute()))
    for tensor in _tensors(model.graph):
        asked += WIDEST * math.prod(max(int(n), 0) for n in tensor.dims) if tensor.dims else 0
        external = {entry.key: entry.value for entry in tensor.external_data}
        if tensor.data_location != onnx.TensorProto.EXTERNAL or "location" not in external:
            continue
        name = one_line(external["location"], 80)
        # A link that lies in this folder was made by the user.
        target = Path(os.path.normpath(folder / external["location"]))
        if Path(external["location"]).is_absolute() or not target.is_relative_to(folder):
            raise BadInput(f"{what} keeps weights in {name}, which is outside of its folder: refused")
        if not target.exists():
            raise BadInput(
                f"{what}: its weights are in {name}, which is not in its folder: copy that file there too"
            )
        size += demand_file(target, f"{what}: weights in {name}")
    demand_memory(asked, size, what)


def data_files(path: Path) -> list[Path]:
    """The files with the weights of an ``.onnx`` file; without the ``onnx`` package those with the usual names."""
    usual = [
        path.with_name(path.name + ".data"),
        path.with_suffix(".data"),
        path.with_name(path.name + "_data"),
    ]
    try:
        import onnx

        model = onnx.load(str(path), load_external_data=False)
        external = [
            entry.value
            for tensor in _tensors(model.graph)
            if tensor.data_location == onnx.TensorProto.EXTERNAL
            for entry in tensor.external_data
            if entry.key == "location"
        ]
    except Exception:  # the reader that opens the file reports its fault
        return [p for p in usual if p.is_file()]
    return [p for name in dict.fromkeys(external) if (p := path.parent / name).is_file()]


def _tensors(graph: Any, depth: int = 0) -> Iterator[Any]:
    if depth > DEPTH:
        raise RecursionError
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _tensors(inner, depth + 1)
