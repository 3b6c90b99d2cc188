"""Writes a guarded model as one ONNX graph, for programs in C++, Fortran or anything that onnxruntime runs in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.evaluation.guarded import values_of
from supnorm.guarding.fused import demand_expressible, fused, model_program
from supnorm.guarding.guard import Flag, Guard
from supnorm.problem import Domain, Function
from supnorm.program import Unsupported
from supnorm.program.backend import run_program
from supnorm.program.onnx_graph import OPSET, TREES, OnnxBackend, OnnxGraph
from supnorm.results import BadInput, install, write_whole

Array = NDArray[np.float64]
TRIED = 2000  # points at which the graph is compared with the guard before it is written
# Of a value, by which the graph may differ from the guard: rounding of sums in another order, in the model's precision.
SAME = {"float64": 1e-9, "float32": 1e-4}
TIES = 1e-9  # of a cut: scores nearer to it than this may fall on either side


def demand_graph(model: Function, domain: Domain) -> None:
    """Refuse a model that no graph can hold, before an hour of work is done for its guard.

    Raises:
        BadInput: with the name of what cannot be read or written.
    """
    inner = OnnxBackend(OnnxGraph(), model.precision)
    try:
        run_program(model_program(model, domain).nodes, inner, inner.cast("x"))
    except Unsupported as error:
        raise BadInput(f"a graph cannot hold the model: {error}") from None


def fuse(guard: Guard, path: Path | str) -> None:
    """Write model and guard as one ONNX graph, after it was compared with the guard at 2,000 points.

    Its input is ``x (n, d)`` in double precision. Its outputs are ``y (n, m)``, NaN where the model is not trusted;
    ``accept (n,)``, 1 or 0, as 32-bit integers; and ``estimate (n,)`` of the error. The graph never calls the reference, and
    does not say "proven": the proof is about the model as Python runs it.

    Raises:
        BadInput: with the name of what a graph cannot hold; without onnx and onnxruntime; and when the graph's answers are
            not those of the guard.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise BadInput(f"{path}: the graph is written as ONNX; give a name that ends in .onnx")
    demand_expressible(guard)
    program = model_program(guard.model, guard.domain)
    try:
        import onnxruntime  # noqa: F401
        from onnx import TensorProto, checker, helper
    except ImportError:
        raise BadInput(f"a graph is written with onnx and tried in onnxruntime: {install('onnx')}") from None
    graph, single = OnnxGraph(), guard.model.precision == "float32"
    on = OnnxBackend(graph)

    def model(x: str) -> str:
        inner = OnnxBackend(graph, guard.model.precision)
        y = run_program(program.nodes, inner, inner.cast(x) if single else x)
        return on.cast(y) if single else str(y)

    try:
        parts = fused(guard, on, "x", model)
    except Unsupported as error:
        raise BadInput(f"a graph cannot hold the model: {error}") from None
    columns = graph.constant(np.array([1], dtype=np.int64))
    graph.apply("Identity", parts.y, output="y")
    graph.apply("Squeeze", on.cast(parts.accept, "int32"), columns, output="accept")
    graph.apply("Squeeze", parts.estimate, columns, output="estimate")
    kinds = [("y", TensorProto.DOUBLE, ["n", guard.record.outputs])]
    kinds += [("accept", TensorProto.INT32, ["n"]), ("estimate", TensorProto.DOUBLE, ["n"])]
    document = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "guarded model",
            [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", guard.domain.d])],
            [helper.make_tensor_value_info(*one) for one in kinds],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREES)],
        ir_version=9,
        producer_name="supnorm",
    )
    helper.set_model_props(
        document, {"inputs": ", ".join(guard.domain.names), "status": guard.record.status.code}
    )
    checker.check_model(document, full_check=True)
    data = document.SerializeToString()
    _demand_same(guard, data)
    write_whole(path, data)


def opened(data: bytes | str) -> Any:
    """A session of onnxruntime for a graph, on the CPU.

    Raises:
        BadInput: when onnxruntime cannot run it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1  # small graphs: threads cost more than they bring
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exception classes are not public
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"onnxruntime cannot run the graph of this model and guard: {said}") from None


def _demand_same(guard: Guard, data: bytes) -> None:
    """Compare the graph with the guard, outside of the domain too.

    Raises:
        BadInput: with the point where both differ.
    """
    rng = np.random.default_rng(0)
    x = guard.domain.from_unit(rng.random((TRIED, guard.domain.d)))
    reach = np.ptp(x, axis=0)
    x = np.concatenate([x, x[:50] + reach, x[:50] - reach, np.full((1, guard.domain.d), np.nan)])
    y, accept, estimate = opened(data).run(["y", "accept", "estimate"], {"x": x})
    answer = guard(x, fallback=False)
    different: NDArray[np.bool_] = (accept == 1) != (answer.flag == Flag.ACCEPTED)
    bad = np.asarray(different & ~tied(guard, x))
    near = SAME[guard.model.precision]
    both = ~different & (accept == 1)
    size = float(np.abs(answer.y[both]).max(initial=0.0))
    bad = bad | (both & ~np.isclose(y, answer.y, rtol=near, atol=near * size).all(axis=1))
    bad = bad | (both & ~np.isclose(estimate, answer.estimate, rtol=1e-6, atol=0.0))
    bad = bad | (np.isfinite(y).any(axis=1) != (accept == 1))
    if bad.any():
        k = int(np.argmax(bad))
        raise BadInput(
            f"the graph is not the guarded model: at {x[k].tolist()} it gives y = {y[k].tolist()}, accept {int(accept[k])}; "
            f"the guard y = {answer.y[k].tolist()}, flag {int(answer.flag[k])}; please report it"
        )


def tied(guard: Guard, x: Array) -> NDArray[np.bool_]:
    """Points at which some score lies within rounding of its cut: there a graph may decide otherwise, shape ``(n,)``."""
    found = np.zeros(len(x), dtype=bool)
    inside = np.asarray(np.isfinite(x).all(axis=1))
    inside[inside] = guard.domain.contains(x[inside])
    z = x[inside]
    if not len(z):
        return found
    near, y = np.zeros(len(z), dtype=bool), values_of(guard.model, z, guard.record.outputs)
    for layer, cut in zip(guard.cuts.layers, guard.cuts.cuts, strict=True):
        slack = TIES * max(abs(cut), 1.0)
        if layer.name in ("disagree", "second"):  # its score has the rounding of the model's values
            slack = max(slack, 10.0 * SAME[guard.model.precision] * float(np.abs(y).max(initial=0.0)))
        near |= np.abs(layer.score(z, y) - cut) <= slack
    found[inside] = near
    return found
