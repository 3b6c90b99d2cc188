"""Opens ``.onnx`` files; onnxruntime runs them as they are deployed, and they have derivatives if the graph can be read.

Values always come from onnxruntime, in the precision of the file. If straight-line programs have all operations of the
graph, the program gives the derivative, and the certifier reads it; otherwise the graph is a black box. Files that torch
and tf2onnx export have float32 constants even for a float64 model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.problem import Function
from supnorm.problem.function import Pullback
from supnorm.problem.specification import SourceSpec
from supnorm.program import Program, Unreadable, Unsupported
from supnorm.program.onnx import Run
from supnorm.results import BadInput, install
from supnorm.sources.onnx_files import demand_data_beside
from supnorm.sources.onnx_session import as_it_runs, session_of
from supnorm.sources.ports import Layout, Port, arrange, joined
from supnorm.sources.programs import with_program
from supnorm.sources.torch import rounding_note
from supnorm.sources.watch import seconds_of, stopped_after

Array = NDArray[np.float64]
ROWS = 16_384  # points of a call: what the runtime holds at once stays bounded
DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16"}


def open_onnx(path: Path, spec: SourceSpec, names: tuple[str, ...], probe: Array, where: str) -> Function:
    """An ONNX file as a `Function`.

    Args:
        path: the file.
        spec: its table of the problem file.
        names: names of the axes.
        probe: points ``(k, d)`` at which the program that was read is compared with onnxruntime.
        where: file and table, for messages.

    Raises:
        BadInput: for a damaged file, inputs that do not take the axes, or a device that onnxruntime does not have.
    """
    from onnxruntime import RunOptions

    what = f'{where} file = "{spec.file}"'
    demand_data_beside(path, what)
    session = session_of(path, spec, what)
    ports = tuple(_port(given, what) for given in session.get_inputs())
    layout = arrange(ports, spec, names, what)
    outputs = _chosen(session, spec, what)
    words = {p.precision for p in ports}
    precision = "float64" if words == {"float64"} else "float32" if "float32" in words else "float16"
    if spec.precision not in (None, precision):
        raise BadInput(f"{what} runs in {precision}; precision = {spec.precision!r} needs another export")

    def call(x: Array) -> Array:
        given = {
            port.name: np.ascontiguousarray(part, dtype=port.precision)
            for port, part in zip(ports, layout.feed(x), strict=True)
        }
        options = RunOptions()

        def stop() -> None:
            options.terminate = True

        with stopped_after(seconds_of(len(x), spec.timeout), stop):
            try:
                return joined(session.run(outputs, given, options), len(x), what)
            except Exception as error:
                if options.terminate:
                    raise TimeoutError(
                        f"{path.name} took over {seconds_of(len(x), spec.timeout):g} s for {len(x)} points (a loop without "
                        "end?) and was stopped; timeout = seconds a point allows more"
                    ) from None
                raise error

    def value(x: Array) -> Array:
        return layout.run(call, x, ROWS)

    function = Function(
        value,
        name=spec.name or path.name,
        outputs=_columns(session, outputs),
        precision=precision,
        notes=rounding_note(precision),
    )
    readable = with_program(function, path.name, lambda: _program(path, layout, outputs, spec, probe), probe)
    graph = readable.program
    if graph is None:
        return readable
    readable = replace(readable, vjp=_derivative(function.value, graph))
    if readable.precision != precision:  # the rounding of the lower precision counts
        readable = replace(readable, notes=(*readable.notes, *rounding_note(readable.precision)))
    return readable


def _program(path: Path, layout: Layout, outputs: list[str], spec: SourceSpec, probe: Array) -> Program:
    from supnorm.program import lower_onnx
    from supnorm.sources.programs import permuted

    try:
        import onnx  # noqa: F401
    except ImportError:
        raise Unsupported("any", f"reading the graph needs onnx: {install('onnx')}") from None
    try:
        model = as_it_runs(path, spec)
        run = _steps(model, layout, spec, probe)
        graph = lower_onnx(model, outputs=outputs, alone=layout.batch == 1, run=run)
        # The graph's feature vector has the axes in the order in which its inputs take them.
        graph = permuted(graph, [axis for columns in layout.columns for axis in columns])
    except ValueError as error:  # shapes that hold for a fixed number of points only
        raise Unreadable(
            f"the graph fails for one point ({error})", "an export with a dynamic batch"
        ) from None
    # The float32 arithmetic of an accelerator is another one.
    return graph if spec.device == "cpu" else replace(graph, origin=None)


def _steps(model: Any, layout: Layout, spec: SourceSpec, probe: Array) -> Run:
    """Runs a graph at points of the domain, with the results on the way."""
    sessions: list[Any] = []

    def opened(names: Sequence[str]) -> Any:
        import onnxruntime
        from onnx import ModelProto, ValueInfoProto

        copy = ModelProto()
        copy.CopyFrom(model)
        del copy.graph.output[:]
        copy.graph.output.extend(ValueInfoProto(name=name) for name in names)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        # Each operator alone, as it is read; and the session is made in a fraction of the time.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        providers = ["CPUExecutionProvider"]
        return onnxruntime.InferenceSession(copy.SerializeToString(), options, providers=providers)

    def run(names: Sequence[str], n: int) -> tuple[Array, dict[str, Any]]:
        from onnxruntime import RunOptions

        parts = layout.feed(np.resize(probe, (n, probe.shape[1])))
        stopping = RunOptions()

        def stop() -> None:
            stopping.terminate = True

        try:
            if not sessions:
                sessions.append(opened(names))
            given = {
                port.name: np.ascontiguousarray(part, dtype=DTYPES[port.type])
                for port, part in zip(sessions[0].get_inputs(), parts, strict=True)
            }
            with stopped_after(seconds_of(n, spec.timeout), stop):
                results = sessions[0].run(list(names), given, stopping)
        except Exception as error:  # onnxruntime's own exception classes are not public
            first = " ".join(str(error).split())[:120]
            why = f"any, because onnxruntime does not run it step by step ({first})"
            raise Unsupported(why, "another export") from None
        row = np.concatenate([np.asarray(part, dtype=np.float64).reshape(n, -1) for part in parts], axis=1)
        return row.ravel(), dict(zip(names, results, strict=True))

    return run


Named = tuple[str, tuple[int | None, ...], str]  # name, shape and type of an input or an output


def described(path: Path) -> tuple[list[Named], list[Named]]:
    """The inputs and the outputs of a graph, each with its name, shape (None: any size) and type.

    Raises:
        BadInput: for a file that is no ONNX graph.
    """
    session = session_of(path, SourceSpec(file=str(path)), str(path))
    both: list[list[Named]] = []
    for ports in (session.get_inputs(), session.get_outputs()):
        both.append(
            [
                (
                    p.name,
                    tuple(s if isinstance(s, int) else None for s in p.shape),
                    DTYPES.get(p.type, p.type),
                )
                for p in ports
            ]
        )
    return both[0], both[1]


def _port(given: Any, what: str) -> Port:
    if given.type not in DTYPES:
        raise BadInput(
            f"{what}: input {given.name} is a {given.type}; only inputs of floating-point numbers can be used"
        )
    return Port(given.name, tuple(s if isinstance(s, int) else None for s in given.shape), DTYPES[given.type])


def _chosen(session: Any, spec: SourceSpec, what: str) -> list[str]:
    """The outputs of the graph that ``outputs`` lists, in its order; all outputs if it lists new names for them."""
    there = [o.name for o in session.get_outputs()]
    if not there:
        raise BadInput(f"{what}: its graph has no outputs; export the model again")
    listed = spec.outputs or []
    if listed and all(name in there for name in listed):
        return listed
    if len(there) > 1 and any(name in there for name in listed):
        raise BadInput(
            f"{what}: outputs = {listed} must choose among the outputs of the graph ({', '.join(there)}), or give "
            "new names to all of its columns"
        )
    return there


def _columns(session: Any, outputs: list[str]) -> tuple[str, ...]:
    """Names of the columns: those of the graph's outputs if there are several, with numbers if one has several columns."""
    nodes = session.get_outputs()
    shapes = {o.name: o.shape for o in nodes}
    widths = [
        1 if len(s) == 1 else math.prod(s[1:]) if all(isinstance(k, int) for k in s[1:]) else 0
        for s in (shapes[name] for name in outputs)
    ]
    if len(nodes) < 2 or 0 in widths:
        return ()
    return tuple(
        name if width == 1 else f"{name} {k + 1}"
        for name, width in zip(outputs, widths, strict=True)
        for k in range(width)
    )


def _derivative(
    value: Callable[[Array], Array], program: Program
) -> Callable[[Array], tuple[Array, Pullback]]:
    """Deployed values with the program's derivative; the two differ by the rounding of the file's precision."""

    def vjp(x: Array) -> tuple[Array, Pullback]:
        _, pull = program.vjp(x)
        return value(x), pull

    return vjp
