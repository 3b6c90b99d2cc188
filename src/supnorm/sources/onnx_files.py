"""Checks the references of an ``.onnx`` file: weights in files beside it, and sizes that it claims.

External data may name any path: a device, a pipe, or a file elsewhere that does not belong to the model. So it must be
a regular file in the folder of the model. Sizes of initialisers are summed before anything is allocated, those of sparse
ones as the dense arrays that onnxruntime makes of them.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from supnorm.program import Unsupported
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
    asked += sum(_claimed(sparse) for sparse in _sparse_tensors(model.graph))
    for tensor in _tensors(model.graph):
        asked += _claimed(tensor)
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
        held = demand_file(target, f"{what}: weights in {name}")
        _demand_whole(tensor, external, held, f"{what}: weights in {name}")
        size += held
    demand_memory(asked, size, what)


def loaded(path: Path) -> Any:
    """An ``onnx.ModelProto`` with its external data, and with dense arrays for sparse ones, as onnxruntime runs it.

    Raises:
        Unsupported: for a sparse array that cannot be read.
    """
    import onnx
    from onnx.external_data_helper import load_external_data_for_model

    model = onnx.load(str(path), load_external_data=False)
    for tensor in _tensors(model.graph):
        # Without a length, and with one of 0, onnxruntime takes what the tensor needs, and onnx other numbers of bytes.
        lengths = [entry for entry in tensor.external_data if entry.key == "length"]
        needed = _bytes_of(tensor)
        if (
            tensor.data_location == onnx.TensorProto.EXTERNAL
            and needed
            and not any(int(e.value) for e in lengths)
        ):
            entry = lengths[0] if lengths else tensor.external_data.add()
            entry.key, entry.value = "length", str(needed)
    load_external_data_for_model(model, str(path.parent))
    for sparse in model.graph.sparse_initializer:
        model.graph.initializer.append(_dense(sparse))
    del model.graph.sparse_initializer[:]
    return model


def _dense(sparse: Any) -> Any:
    from onnx import numpy_helper

    name, dims = sparse.values.name, [int(n) for n in sparse.dims]
    values, indices = numpy_helper.to_array(sparse.values), numpy_helper.to_array(sparse.indices)
    supported = f"the sparse initializer {one_line(name, 40)}", "a dense initializer"
    if values.ndim != 1 or indices.shape not in ((len(values),), (len(values), len(dims))):
        raise Unsupported(*supported)
    try:
        flat = indices if indices.ndim == 1 else np.ravel_multi_index(tuple(indices.T), dims)
    except ValueError:  # an index beyond the array
        raise Unsupported(*supported) from None
    if len(flat) and (flat[0] < 0 or flat[-1] >= math.prod(dims) or (np.diff(flat) <= 0).any()):
        raise Unsupported(
            *supported
        )  # of an element that is given twice ONNX does not say which value counts
    dense = np.zeros(math.prod(dims), dtype=values.dtype)
    dense[flat] = values
    return numpy_helper.from_array(dense.reshape(dims), name)


def _claimed(tensor: Any) -> int:
    """Bytes of memory that a tensor, dense or sparse, claims to need at most."""
    return WIDEST * math.prod(max(int(n), 0) for n in tensor.dims) if tensor.dims else 0


def _bytes_of(tensor: Any) -> int | None:
    """Bytes of a tensor in a file; None for types of less than a byte, which are packed, and for text."""
    from onnx import helper

    try:
        kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    except (KeyError, TypeError, ValueError):
        return None
    if kind.kind not in "fiub":
        return None
    return int(kind.itemsize) * math.prod(max(int(n), 0) for n in tensor.dims)


def _demand_whole(tensor: Any, external: dict[str, str], held: int, what: str) -> None:
    """Check that a file holds what a tensor takes from it.

    Raises:
        BadInput: with the numbers of bytes. onnxruntime says "initializer.cc:51" and not what is wrong.
    """
    stated = {key: external.get(key, "0") for key in ("offset", "length")}
    wrong = [
        f"{key} {one_line(value, 40)}"
        for key, value in stated.items()
        if not value.isascii() or not value.isdigit()
    ]
    if wrong:
        raise BadInput(
            f"{what}: the {wrong[0]} of {one_line(tensor.name, 40)} is no whole number from 0 on; export the model again"
        )
    offset, length = (int(value) for value in stated.values())
    needed = _bytes_of(tensor)
    if needed is None:
        return
    if length not in (0, needed) or offset + needed > held:
        raise BadInput(
            f"{what}: {one_line(tensor.name, 40)} needs {needed} bytes from byte {offset} on, and the model names "
            f"{length or needed} of the {held} bytes of the file; is it cut short, or of another model?"
        )


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


def _sparse_tensors(graph: Any) -> Iterator[Any]:
    for one in _graphs(graph):
        yield from one.sparse_initializer
        for attribute in (a for node in one.node for a in node.attribute):
            if attribute.HasField("sparse_tensor"):
                yield attribute.sparse_tensor
            yield from attribute.sparse_tensors


def _tensors(graph: Any) -> Iterator[Any]:
    for one in _graphs(graph):
        yield from one.initializer
        for attribute in (a for node in one.node for a in node.attribute):
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _graphs(graph: Any, depth: int = 0) -> Iterator[Any]:
    """A graph and those within its nodes."""
    if depth > DEPTH:
        raise RecursionError
    yield graph
    for attribute in (a for node in graph.node for a in node.attribute):
        for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            yield from _graphs(inner, depth + 1)
