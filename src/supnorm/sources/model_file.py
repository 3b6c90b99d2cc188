"""Opens model and table files by their suffix, and gives advice for suffixes that are not opened."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput, install
from supnorm.results.door import reading
from supnorm.results.guard import cause, exists, wants_memory
from supnorm.sources.ports import reordered

Array = NDArray[np.float64]
PYTHON = 'give python = "file.py:name", a function or object that loads it in code you trust'
REFUSED = {
    ".pkl": f"is a pickle, which runs code when it is loaded: refused; {PYTHON}",
    ".pickle": f"is a pickle, which runs code when it is loaded: refused; {PYTHON}",
    ".joblib": f"is a pickle, which runs code when it is loaded: refused; {PYTHON}",
    ".pth": f"is a pickle, which runs code when it is loaded: refused; export it as .pt2 or {PYTHON}",
    ".ckpt": f"is a pickle, which runs code when it is loaded: refused; export it as .pt2 or {PYTHON}",
    ".safetensors": f"contains weights without a network; {PYTHON}",
    ".h5": f"is a Keras file; {PYTHON}",
    ".keras": f"is a Keras file; {PYTHON}",
}
NEEDS = {  # package and extra
    ".onnx": ("onnxruntime", "onnx"),
    ".pt2": ("torch", "torch"),
    ".pt": ("torch", "torch"),
    ".npz": ("numpy", "numpy"),
}
KNOWN = ".onnx, .pt2, .pt (TorchScript), .npz (supnorm), .csv, .parquet, .nc"


def open_file(
    spec: SourceSpec, root: Path, names: tuple[str, ...], probe: Array, trust: bool, where: str
) -> Function:
    """The file of a table of the problem file as a `Function`.

    Raises:
        BadInput: for a missing file, an unknown or refused kind, or a fault inside the file.
    """
    assert spec.file is not None
    path, suffix = root / spec.file, Path(spec.file).suffix.lower()
    what = f'{where} file = "{spec.file}"'
    if not exists(path):
        raise BadInput(f"{what}: there is no file {path}; paths start from {root}")
    if suffix in REFUSED:
        raise BadInput(f"{what} {REFUSED[suffix]}")
    if suffix in NEEDS:
        _need(*NEEDS[suffix], what)
        with reading(path, what):
            function = _opened(path, suffix, spec, names, probe, trust=trust, where=where)
            if not trust:
                _tried(function, probe, what)
            return function
    raise BadInput(f"{what}: files of this kind are not opened; known are {KNOWN}, for others {PYTHON}")


def _opened(
    path: Path, suffix: str, spec: SourceSpec, names: tuple[str, ...], probe: Array, trust: bool, where: str
) -> Function:
    if suffix == ".npz":
        return _network(path, spec, names, f'{where} file = "{spec.file}"')
    if suffix == ".onnx":
        from supnorm.sources.onnx import open_onnx

        return open_onnx(path, spec, names, probe, where)
    if suffix == ".pt2":
        from supnorm.sources.torch_export import open_torch_export

        return open_torch_export(path, spec, names, probe, trust, where)
    from supnorm.sources.torchscript import open_torchscript

    return open_torchscript(path, spec, names, trust, where)


def _tried(function: Function, probe: Array, what: str) -> None:
    """Run a function once with bounds of memory and time: a graph of a few bytes can ask for gigabytes, or never end.

    Raises:
        BadInput: when it exceeds these bounds. Other failures belong to points; the evaluator counts and names them.
    """
    try:
        function.value(probe)
    except BadInput:
        raise
    except Exception as error:
        if isinstance(error, TimeoutError) or wants_memory(error):
            raise BadInput(f"{what} cannot be run: {cause(error)}") from None


def _need(package: str, extra: str, what: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise BadInput(f"{what}: opening it needs {package}: {install(extra)}")


def _network(path: Path, spec: SourceSpec, names: tuple[str, ...], what: str) -> Function:
    """A file of a network or approximator that supnorm wrote; its inputs are matched to the axes by name or in order."""
    from supnorm.approximants import load

    try:
        network = load(path)
    except BadInput as error:
        raise BadInput(f"{what}: {str(error).removeprefix(f'{path}: ')}") from None
    if network.d != len(names):
        raise BadInput(f"{what} takes {network.d} inputs, the domain has {len(names)} axes")
    function = network.as_function()
    if spec.inputs is not None and sorted(spec.inputs) != sorted(names):
        raise BadInput(f"{what}: inputs = {spec.inputs} must name each axis once: {', '.join(names)}")
    wanted = tuple(spec.inputs or function.inputs)
    if sorted(wanted) == sorted(names):
        function = reordered(function, [names.index(n) for n in wanted])
    return replace(function, inputs=names, name=spec.name or function.name or path.name)
