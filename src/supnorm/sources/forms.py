"""The forms in which one model runs: as it is, compiled by torch, as an ONNX graph, and in the other precision.

What is compared is the code that runs: the ONNX graph, and the twin of a model that is neither a torch module nor JAX code,
are written from the operations that supnorm reads, and run by onnxruntime. A form that cannot be made is not left out in
silence: it says why.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from supnorm.networks.export_onnx import document
from supnorm.problem import Function, Problem, as_columns
from supnorm.problem.coded import Coded, code_of
from supnorm.problem.double_precision import double_precision
from supnorm.program import Unsupported, program_of
from supnorm.results import BadInput, install
from supnorm.results.printable import one_line, typed_line

Array = NDArray[np.float64]
ROWS = 256  # of each call of a compiled module: for another number torch may compile again, or stop doing so


@dataclass(frozen=True)
class Form:
    """One form of a model.

    Attributes:
        name: ``"as it is"``, ``"compiled"`` (of JAX code, which is compiled as it is: ``"eager"``), ``"onnx"``,
            ``"float32"`` or ``"float64"``.
        function: that form; None if there is none.
        why: what it is, or why there is none.
    """

    name: str
    function: Function | None
    why: str


def forms_of(problem: Problem) -> tuple[Form, ...]:
    """The forms of the model of a problem, the model as it is first.

    Raises:
        BadInput: for a problem without a model, or whose model is a table.

    >>> import supnorm as sn
    >>> one = sn.Problem(lambda x: 2.0 * x[:, 0], lambda x: x[:, 0], sn.Domain(x=(0.0, 1.0)))
    >>> [(form.name, form.function is not None) for form in forms_of(one)][:2]
    [('as it is', True), ('compiled', False)]
    """
    model, x = problem.model, problem.domain.from_unit(np.random.default_rng(0).random((3, problem.domain.d)))
    if model is None or model.table is not None:
        raise BadInput("the forms of a model are compared: name one that can be called as [model], no table")
    single = model.precision != "float64"
    twin = "float64" if single else "float32"
    return (
        Form("as it is", model, f"the model as the problem names it, in {model.precision}"),
        _tried("compiled", _compiled, model, x, "torch.compile of the whole module")
        if _jax_code(model) is None
        else _tried(
            "eager", _eager, model, x, "JAX operation by operation; as it is, the code runs compiled"
        ),
        _tried(
            "onnx",
            lambda m: _graph(m, x.shape[1], model.precision),
            model,
            x,
            "its operations in onnxruntime",
        ),
        _tried(twin, lambda m: _twin(m, x.shape[1], twin), model, x, f"the model in {twin}"),
    )


def _tried(name: str, make: Callable[[Function], Function], model: Function, x: Array, what: str) -> Form:
    """The form, if it can be made and gives finite numbers at a few points."""
    try:
        made = make(model)
        made(x)
    except BadInput as error:
        return Form(name, None, str(error))
    except Unsupported as error:
        return Form(name, None, one_line(str(error), 200))
    except Exception as error:  # compilers and runtimes raise anything
        return Form(name, None, typed_line(error))
    return Form(name, replace(made, name=f"{model.name} ({name})"), what)


def _module(model: Function) -> Any:
    """The torch module or function of tensors behind a model; None where there is none."""
    return code_of(model.value) if isinstance(model.value, Coded) and model.value.kind == "torch" else None


def _jax_code(model: Function) -> Any:
    """The JAX function behind a model, which supnorm compiles; None where there is none."""
    return code_of(model.value) if isinstance(model.value, Coded) and model.value.kind == "jax" else None


def _eager(model: Function) -> Function:
    """JAX code that is not compiled as a whole: the compiler may join operations, and then round less often."""
    code, label = _jax_code(model), f"{model.name} (eager)"
    double = model.precision == "float64"
    import jax

    def value(x: Array) -> Array:
        with double_precision(double), jax.disable_jit():
            return as_columns(
                code(jax.numpy.asarray(x, dtype=np.float64 if double else np.float32)), len(x), label
            )

    return Function(value, precision=model.precision, inputs=model.inputs, outputs=model.outputs)


def _compiled(model: Function) -> Function:
    module = _module(model)
    if module is None:
        raise BadInput("torch.compile is for torch modules, and this model is not one")
    import torch

    from supnorm.sources.torch import from_tensors

    quick = torch.compile(module, fullgraph=True)
    made = from_tensors(quick, "compiled", model.precision, model.precision, torch.device("cpu"), ROWS, ROWS)
    return replace(made, vjp=None)  # to compile the derivative too takes as long again


def _twin(model: Function, d: int, precision: str) -> Function:
    module = _module(model)
    if (code := _jax_code(model)) is not None:
        from supnorm.sources.jax import from_jax

        return replace(from_jax(code, precision=precision), inputs=model.inputs, outputs=model.outputs)
    if module is None:
        return _graph(model, d, precision)
    import torch

    from supnorm.sources.torch import from_torch

    if isinstance(module, torch.nn.Module):
        return from_torch(copy.deepcopy(module), precision=precision)
    return from_torch(module, precision=precision)


def _graph(model: Function, d: int, precision: str) -> Function:
    """The operations of a model as an ONNX graph in a precision, run by onnxruntime."""
    if precision not in ("float32", "float64"):
        raise BadInput(f"a graph is written in float32 or float64, and the model runs in {precision}")
    program = program_of(model, d)
    try:
        import onnxruntime
    except ImportError:
        raise BadInput(f"this needs onnx and onnxruntime: {install('onnx')}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = onnxruntime.InferenceSession(document(program, precision), options)

    def value(x: Array) -> Array:
        return np.asarray(session.run(["y"], {"x": np.ascontiguousarray(x)})[0])

    return Function(value, precision=precision, inputs=model.inputs, outputs=model.outputs)
