"""Every type of numbers through every reader: the program is the function as it runs, or the type is refused by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from supnorm.certification import certify
from supnorm.problem import Domain, Function, Problem
from supnorm.problem.coded import Coded
from supnorm.problem.double_precision import double_precision
from supnorm.problem.specification import SourceSpec
from supnorm.program import Unsupported, program_of
from supnorm.program.entry import Narrowed, constant, result
from supnorm.results import BadInput
from supnorm.sources.model_file import open_file

X = np.random.default_rng(0).uniform(0.5, 2.0, size=(32, 2))
NUMPY = ["complex64", "complex128", "float16", "float32", "float64", "longdouble", "int8", "int16", "int32", "int64",
         "uint8", "uint16", "uint32", "uint64", "bool", "object", "str"]  # fmt: skip
JAX = ["complex64", "complex128", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float32", "float64", "int8",
       "int16", "int32", "int64", "uint8", "uint64", "bool"]  # fmt: skip
TORCH = ["complex64", "complex128", "float16", "bfloat16", "float8_e4m3fn", "float32", "float64", "int8", "int16", "int32",
         "int64", "uint8", "bool"]  # fmt: skip
ONNX = ["complex128", "float16", "bfloat16", "float32", "float64", "int8", "int32", "int64", "uint8", "bool"]
ROLES = ["constant", "weight", "result", "promoted"]
NUMBERS = np.array([1.1, -0.3])


def holds(code: Callable, function: Function, *named: str) -> None:
    """The program's values are the function's, or one of these types is named; or the function itself does not run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            runs = code(X)
        except Exception:  # whatever a library says to these types
            return
        try:
            program = program_of(function, 2)
        except (Unsupported, BadInput) as refused:
            said = str(refused)
        else:
            np.testing.assert_allclose(program.value(X), runs.reshape(len(X), -1), rtol=1e-13, atol=1e-14)
            return
    assert any(name in said for name in named), said


def of(code: Callable, runs: Callable, kind: str = "") -> Function:
    """The function that runs, with the code it is read from."""
    return Function(Coded(runs, code, kind))


def values(dtype: str) -> np.ndarray:
    if dtype == "longdouble":  # one that float64 does not hold
        return NUMBERS.astype(np.longdouble) + np.longdouble(1) / 3 * 1e-12
    with np.errstate(all="ignore"):
        return (10 * NUMBERS if dtype.startswith(("int", "uint")) else NUMBERS).astype(dtype)


@pytest.mark.parametrize("role", [*ROLES, "sum", "divide", "join"])
@pytest.mark.parametrize("dtype", NUMPY)
def test_numpy(dtype: str, role: str) -> None:
    v = values(dtype)
    code = {
        "constant": lambda x: np.abs(x * v),
        "weight": lambda x: np.tanh(x @ v),
        "result": lambda x: np.sin(x.astype(dtype)),
        "promoted": lambda x: np.cos((x + v) * v),
        "sum": lambda x: np.sum(x, 1, dtype),
        "divide": lambda x: np.divide(x, 3.0, dtype=dtype),
        "join": lambda x: np.concatenate([x, 2 * x], axis=1, dtype=dtype, casting="unsafe"),
    }[role]

    def runs(x: np.ndarray) -> np.ndarray:
        y = np.asarray(code(x))
        assert y.dtype.kind in "fiub", "such a result is refused when it runs"
        return y.astype(np.float64)

    holds(runs, of(code, runs), np.dtype(dtype).name, dtype)


@pytest.mark.sampled(24)
@pytest.mark.parametrize("role", [*ROLES, "dot", "sum"])
@pytest.mark.parametrize("dtype", JAX)
def test_jax(dtype: str, role: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    v = values("int8").astype(kind) if "int" in dtype else NUMBERS.astype(kind)
    code = {
        "constant": lambda x: jnp.abs(x * jnp.asarray(v)),
        "weight": lambda x: jnp.tanh(x @ jnp.asarray(v).astype(x.dtype if v.dtype.kind != "c" else v.dtype)),
        "result": lambda x: jnp.sin(x.astype(v.dtype)).astype(x.dtype),
        "promoted": lambda x: jnp.cos((x + jnp.asarray(v)) * 0.5),
        "dot": lambda x: jax.lax.dot(x, jnp.eye(2), preferred_element_type=v.dtype).astype(x.dtype),
        "sum": lambda x: jnp.sum(x, 1, dtype=v.dtype).astype(x.dtype),
    }[role]

    def runs(x: np.ndarray) -> np.ndarray:
        with double_precision():
            return np.asarray(code(jnp.asarray(x))).astype(np.float64)

    holds(runs, of(code, runs), dtype)


class Cast(torch.nn.Module):
    """A network that meets numbers of another type."""

    def __init__(self, dtype: str, role: str) -> None:
        super().__init__()
        self.role, self.kind = role, getattr(torch, dtype)
        numbers = 10 * NUMBERS if "int" in dtype else NUMBERS
        self.register_buffer("v", torch.tensor(numbers).to(self.kind))

    def forward(self, x):
        if self.role == "constant":
            return torch.abs(x * self.v)
        if self.role == "weight":
            return torch.nn.functional.linear(x, self.v[None])
        if self.role == "promoted":
            return torch.cos((x + self.v) * self.v)
        if self.role == "quotient":
            return x * (self.v / 3)
        if self.role == "element":
            return x * (self.v[0] / 3)
        return torch.sin(x.to(self.kind)).to(x.dtype)


def torch_runs(module: torch.nn.Module) -> Callable:
    return lambda x: module(torch.from_numpy(x)).detach().double().numpy()


@pytest.mark.slow
@pytest.mark.parametrize("role", [*ROLES, "quotient", "element"])
@pytest.mark.parametrize("dtype", TORCH)
def test_torch(dtype: str, role: str) -> None:
    module = Cast(dtype, role)
    runs = torch_runs(module)
    holds(runs, of(module, runs, "torch"), dtype, "float32" if role in ("quotient", "element") else dtype)


@pytest.mark.sampled(24)
@pytest.mark.parametrize("role", [*ROLES, "quotient", "element"])
@pytest.mark.parametrize("dtype", TORCH)
def test_torch_files(dtype: str, role: str, tmp_path: Path) -> None:
    module = Cast(dtype, role).eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module(torch.ones(2, 2, dtype=torch.float64))
    except (RuntimeError, NotImplementedError):
        return  # torch itself does not run it
    batch = ({0: torch.export.Dim("n")},)
    exported = torch.export.export(module, (torch.ones(3, 2, dtype=torch.float64),), dynamic_shapes=batch)
    torch.export.save(exported, tmp_path / "m.pt2")
    function = open_file(SourceSpec(file="m.pt2"), tmp_path, ("a", "b"), X[:3], False, "[model]")
    if function.precision == "float64" or function.program is None:
        holds(torch_runs(module), function, dtype, "float32" if role in ("quotient", "element") else dtype)
    else:  # said to be rounded to this
        assert function.precision in (dtype, "float32")
        assert any(function.precision in note for note in function.notes)


@pytest.mark.parametrize("role", ["constant", "weight", "result", "like"])
@pytest.mark.parametrize("dtype", ONNX)
def test_onnx(dtype: str, role: str, tmp_path: Path) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    v = (10 * NUMBERS if "int" in dtype else NUMBERS).astype(kind)
    code = helper.np_dtype_to_tensor_dtype(kind)
    double = TensorProto.DOUBLE
    nodes = {
        "constant": [
            helper.make_node("Cast", ["v"], ["w"], to=double),
            helper.make_node("Mul", ["x", "w"], ["y"]),
        ],
        "weight": [helper.make_node("MatMul", ["x", "v"], ["y"])],
        "result": [
            helper.make_node("Cast", ["x"], ["z"], to=code),
            helper.make_node("Cast", ["z"], ["y"], to=double),
        ],
        "like": [
            helper.make_node("CastLike", ["x", "v"], ["z"]),
            helper.make_node("CastLike", ["z", "x"], ["y"]),
        ],
    }[role]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", double, ["n", 2])],
        [helper.make_empty_tensor_value_info("y")], [numpy_helper.from_array(v, "v")],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    try:
        function = open_file(SourceSpec(file="m.onnx"), tmp_path, ("a", "b"), X[:3], False, "[model]")
    except BadInput:
        return  # onnxruntime itself does not run it
    if function.precision != "float64":
        assert function.precision == dtype
        assert any(dtype in note for note in function.notes)
        return
    holds(function.value, function, dtype)


def test_the_door() -> None:
    for wrong in (1j, np.array("1.5"), np.array([1.5], dtype=object), np.datetime64("2020-01-01"),
                  np.longdouble(1) / 3, [np.complex64(1)]):  # fmt: skip
        with pytest.raises(Narrowed):
            constant(wrong, "an operation")
    for right in (
        True,
        3,
        2**60,
        np.float16(0.1),
        np.longdouble(0.5),
        np.uint8([1, 2]),
        ml_dtypes.bfloat16(0.1),
    ):
        np.testing.assert_array_equal(constant(right, "an operation"), np.asarray(right).astype(np.float64))
    for dtype in (np.float64, np.longdouble, "float64", torch.float64):
        result(dtype, "an operation")
    for dtype in (np.float32, torch.bfloat16, "torch.float16", np.int64, bool, complex, "qint8"):
        with pytest.raises(Narrowed, match=str(dtype)[-6:].strip("'>")):
            result(dtype, "an operation")


def test_a_function_may_run_in_the_precision_that_its_values_show() -> None:
    def single(x):
        return np.tanh(x.astype(np.float32)[:, 0])

    program = program_of(Function(single, precision="float32"), 2)
    np.testing.assert_allclose(program.value(X)[:, 0], np.tanh(X[:, 0]), rtol=1e-14)


def test_plain_code_that_returns_float32_is_certified_as_what_it_is() -> None:
    problem = Problem(
        lambda x: np.tanh(x.astype(np.float32)[:, 0]), lambda x: np.tanh(x[:, 0]) + 0.1, Domain(x=(0.0, 1.0))
    )
    result = certify(problem, ratio=1.1)
    assert result.lower <= 0.1 * (1 + 1e-9) <= result.upper * (1 + 1e-9)
    assert result.deployed_upper is None
