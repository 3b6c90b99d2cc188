"""A ``.pt2`` file as a graph with trainable weights. Only the raw bytes of the weights change in the archive."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.mending.trainable import Trainable
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.aten import NeedsTrust
from supnorm.sources.ports import arrange
from supnorm.sources.torch_export import read_graph

SECONDS = 1e9  # the training has a limit of its own
CONFIG = "data/weights/model_weights_config.json"


def read(path: Path, spec: SourceSpec, names: tuple[str, ...]) -> Trainable:
    """Read an archive.

    Raises:
        BadInput: for a file that only torch's own loader opens, or weights that share their bytes.
    """
    import torch

    try:
        graph = read_graph(path, torch.device("cpu"), "float64")
        stored = read_graph(path, torch.device("cpu"))
    except NeedsTrust as reason:
        raise BadInput(f"{path.name} cannot be trained: {reason}; give the module itself in Python") from None
    parameters, run_with = graph.parameters, graph.run_with
    assert run_with is not None
    weights = {name: stored.constants[name].numpy() for name in parameters}
    entries = _entries(path)
    for name in parameters.values():
        shared = [k for k, e in entries.items() if e["path_name"] == entries[name]["path_name"]]
        if len(shared) > 1 or entries[name]["use_pickle"]:
            why = f"{' and '.join(shared)} share their numbers" if len(shared) > 1 else f"{name} is a pickle"
            raise BadInput(f"{path.name} cannot be trained: {why}; give the module itself in Python")

    def run(values: Mapping[str, Any], inputs: list[Any]) -> list[Any]:
        return run_with(dict(values), inputs, SECONDS)

    def write(new: Mapping[str, NDArray[Any]]) -> bytes:
        return _written(path, {parameters[name]: value for name, value in new.items()})

    what = f'[model] file = "{path.name}"'
    return Trainable(weights, run, arrange(graph.ports, spec, names, what), write)


def _entries(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        config = next(name for name in archive.namelist() if name.partition("/")[2] == CONFIG)
        entries: dict[str, Any] = json.loads(archive.read(config))["config"]
    return entries


def _written(path: Path, new: Mapping[str, NDArray[Any]]) -> bytes:
    """The archive with other bytes of some weights."""
    entries, out = _entries(path), io.BytesIO()
    by_member = {f"data/weights/{entries[name]['path_name']}": name for name in new}
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as copy:
        for info in archive.infolist():
            payload, name = archive.read(info), by_member.get(info.filename.partition("/")[2])
            if name is not None:
                payload = _payload(payload, entries[name]["tensor_meta"], new[name])
            copy.writestr(info, payload)
    return out.getvalue()


def _payload(old: bytes, meta: dict[str, Any], value: NDArray[Any]) -> bytes:
    """The raw bytes of a tensor with its strides and offset."""
    flat = np.frombuffer(bytearray(old), dtype=value.dtype)
    step = value.dtype.itemsize
    strides = tuple(step * s["as_int"] for s in meta["strides"])
    view = np.lib.stride_tricks.as_strided(
        flat[meta["storage_offset"]["as_int"] :], value.shape, strides, writeable=True
    )
    view[...] = value
    return flat.tobytes()
