"""``.onnx`` files, run by onnxruntime as they are deployed; differentiable where the graph can be read.

Values always come from onnxruntime, in the precision of the file. Where the operations of the graph are
among those of our straight-line programs, the program gives the derivative and goes to the certifier; else
the graph is a black box. Files exported by torch and tf2onnx carry float32 constants even for a float64
model.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.problem.specification import SourceSpec
from supnorm.results import BadInput
from supnorm.sources.ports import Layout, Port, arrange, joined
from supnorm.sources.torch import rounding_note

Array = NDArray[np.float64]
ROWS = 16_384
DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}


def open_onnx(path: Path, spec: SourceSpec, names: tuple[str, ...], where: str) -> Function:
    """An ONNX file as a `Function`.

    Raises:
        BadInput: for a damaged file, inputs that do not take the axes, or a device onnxruntime does not have.
    """
    what = f'{where} file = "{spec.file}"'
    session = _session(path, spec.device, what)
    ports = tuple(_port(given, what) for given in session.get_inputs())
    layout = arrange(ports, spec, names, what)
    outputs = [o.name for o in session.get_outputs()]

    def call(x: Array) -> Array:
        given = {
            port.name: np.ascontiguousarray(part, dtype=port.precision)
            for port, part in zip(ports, layout.feed(x), strict=True)
        }
        return joined(session.run(outputs, given), len(x), what)

    def value(x: Array) -> Array:
        return layout.run(call, x, ROWS)

    graph = _program(path) if _in_order(layout) else None
    words = {p.precision for p in ports}
    precision = "float64" if words == {"float64"} else "float32" if "float32" in words else "float16"
    notes = rounding_note(precision)
    if spec.precision not in (None, precision):
        raise BadInput(f"{what} runs in {precision}; precision = {spec.precision!r} needs another export")
    if graph is None:
        notes += (f"{path.name} is run as a black box: its operations are not all known, so no derivative",)
    return Function(
        value,
        name=spec.name or path.name,
        outputs=tuple(outputs) if len(outputs) > 1 and _single(session) else (),
        vjp=None if graph is None else _derivative(value, graph),
        program=graph,
        precision=precision,
        notes=notes,
    )


def _session(path: Path, device: str, what: str) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise BadInput(f"{what}: reading ONNX needs onnxruntime; install supnorm[onnx]") from None
    providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    provider = providers.get(device.partition(":")[0])
    if provider not in onnxruntime.get_available_providers():
        raise BadInput(f'{what}: device = "{device}" is not there for onnxruntime; try "cpu"')
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[provider])
    except Exception as error:  # onnxruntime's own exception classes are not public
        said = " ".join(str(error).split())[:160]
        raise BadInput(f"{what} cannot be read as ONNX (cut short or damaged?): {said}") from None


def _port(given: Any, what: str) -> Port:
    if given.type not in DTYPES:
        raise BadInput(
            f"{what}: input {given.name} is a {given.type}; inputs of floating numbers can be used"
        )
    return Port(given.name, tuple(s if isinstance(s, int) else None for s in given.shape), DTYPES[given.type])


def _single(session: Any) -> bool:
    """Whether each output is one column, so that its name names an output of the model."""
    return all(len(o.shape) == 1 or o.shape[-1] == 1 for o in session.get_outputs())


def _in_order(layout: Layout) -> bool:
    """Whether the graph is one input that takes the axes in their order, as programs do."""
    columns = layout.columns
    return len(columns) == 1 and columns[0] == tuple(range(len(columns[0]))) and not layout.flat[0]


def _program(path: Path) -> Any:
    """The graph as a straight-line program, None where its operations are not all known."""
    try:
        import onnx

        lower = importlib.import_module("supnorm.program").lower_onnx
    except (ImportError, AttributeError):
        return None
    try:
        return lower(onnx.load(str(path)))
    except BadInput:
        return None


def _derivative(value: Callable[[Array], Array], program: Any) -> Callable[[Array], tuple[Array, Pullback]]:
    """Deployed values with the program's derivative: they differ by the rounding of the file's precision."""

    def vjp(x: Array) -> tuple[Array, Pullback]:
        _, pull = program.vjp(x)
        return value(x), pull

    return vjp
