"""Each operator is also read alone and runs alone, with random arguments: what is read wrongly is seen behind a ReLU."""

import re

import numpy as np
import pytest

from supnorm.program import (
    aten_operators,
    jaxpr_moves,
    lower_jaxpr,
    lower_numpy,
    lower_torch,
    numpy_traced,
    onnx_operators,
)
from supnorm.program.branches import Comparison
from supnorm.program.each_operator import Operators
from supnorm.program.operations import Unreadable
from supnorm.program.tracing import Builder
from supnorm.program.watched import Unlike

WRONG = "gives other numbers than were read of it"


@pytest.fixture(autouse=True)
def _none_known(monkeypatch):
    monkeypatch.setattr(Operators, "_known", set())


def compared(read, run, kinds=("float64", "float64"), shape=(3,)):
    """Compares what is read of an operator of one tensor with what runs; returns how often it ran."""
    build = Builder(int(np.prod(shape)))
    operators, calls = Operators(), []
    x = build.input.arrange(lambda i: i.reshape(shape))
    operators.note(build, "an operator", "", [x], kinds, lambda other, some: [read(other, *some)], None)

    def all_draws(cases):
        calls.extend(cases)
        return [[[run(*given)] for given in case.arguments] for case in cases]

    operators.demand(all_draws)
    return len(calls)


def test_an_operator_that_is_what_was_read_of_it_passes_and_is_not_run_again():
    read = lambda build, x: build.unary("sin", x)  # noqa: E731
    assert compared(read, np.sin) == 1
    assert compared(read, np.sin) == 0
    assert compared(read, np.sin, shape=(2, 3)) == 1


@pytest.mark.parametrize(
    "run",
    [
        np.cos,
        lambda x: np.sin(x) + 1e-11 * x,
        lambda x: np.sin(x)[:2],
        lambda x: np.where(x > 20.0, np.sin(x) + 1e-6, np.sin(x)),  # where the draw of large numbers is
        lambda x: np.where(x == 0.0, 1e-6, np.sin(x)),  # where that of whole numbers is
        lambda x: np.where(x > 0.5, np.nan, np.sin(x)),
        lambda x: np.where(x > 0.5, np.inf, np.sin(x)),
    ],
    ids=["another", "near", "shape", "large", "whole", "NaN", "infinite"],
)
def test_an_operator_that_gives_other_numbers_is_refused(run):
    with pytest.raises(Unreadable, match=f"an operator, which {WRONG}"):
        compared(lambda build, x: build.unary("sin", x), run, shape=(40,))


def test_the_room_is_that_of_the_type():
    read = lambda build, x: build.unary("sin", x)  # noqa: E731
    single = ("float32", "float32")
    assert compared(read, lambda x: np.sin(x.astype(np.float32)), single) == 1
    with pytest.raises(Unreadable):
        compared(read, lambda x: np.sin(x) + 1e-3, single, (2,))
    with pytest.raises(Unreadable):  # the same digits, of a type that has more
        compared(read, lambda x: np.sin(x.astype(np.float32)), shape=(4,))


def test_a_function_without_a_value_where_it_is_read_without_one_passes():
    assert (
        compared(lambda build, x: build.unary("log", x), lambda x: np.log(np.where(x > 0.0, x, np.nan))) == 1
    )


def test_comparisons_are_arguments_and_results():
    build = Builder(4)
    test = Comparison("gt", build.input, np.zeros(4))
    for run, wrong in ((np.logical_not, False), (lambda b: b, True)):
        operators = Operators()
        read = lambda other, some: [Comparison("le", some[0].left, some[0].right)]  # noqa: E731
        operators.note(build, "not", "", [test], ["bool", "bool"], read, None)
        check = lambda cases, run=run: [[[run(*given)] for given in one.arguments] for one in cases]  # noqa: E731
        if wrong:
            with pytest.raises(Unreadable, match=f"not, which {WRONG}"):
                operators.demand(check)
        else:
            operators.demand(check)
        Operators._known.clear()


def test_arguments_that_are_one_tensor_stay_one():
    build = Builder(3)
    operators = Operators()
    read = lambda other, some: [other.binary("sub", *some)]  # noqa: E731
    operators.note(build, "sub", "", [build.input, build.input], ["float64"] * 3, read, None)
    seen = []
    operators.demand(
        lambda cases: [[[seen.append(a) or a[0] - a[1]] for a in one.arguments] for one in cases]
    )
    assert all((a == b).all() for a, b in seen)


def bump(x, module):
    """Zero on [-1, 1], where steps are compared."""
    return module.relu(x - 20.0)


def _backwards(true):
    return lambda build, x, axis=None, **others: true(build, x[:, ::-1], axis, **others)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (lambda x: np.cumsum(np.maximum(x - 20.0, 0.0), axis=1), "cumsum"),
        (lambda x: np.maximum(x - 20.0, 0.0).var(axis=1), "var"),
        (lambda x: np.hypot(np.maximum(x[:, 0] - 20.0, 0.0), x[:, 1]), "hypot"),
        (lambda x: np.where(x[:, 0] > 20.0, x[:, 1], 0.0), "where"),
    ],
    ids=["function", "method", "ufunc", "comparison"],
)
def test_numpy(monkeypatch, model, name):
    assert lower_numpy(model, 3).d == 3
    monkeypatch.setattr(Operators, "_known", set())
    true = numpy_traced.FUNCTIONS[np.cumsum]
    monkeypatch.setitem(numpy_traced.FUNCTIONS, np.cumsum, _backwards(true))
    monkeypatch.setitem(
        numpy_traced.FUNCTIONS, np.where, lambda build, test, a, b: numpy_traced.where(build, test, b, a)
    )
    ufunc = numpy_traced.ufunc_value

    def wrong(build, name, args):
        return build.binary("add", *args) if name == "hypot" else ufunc(build, name, args)

    monkeypatch.setattr(numpy_traced, "ufunc_value", wrong)
    if name == "var":
        monkeypatch.setattr(numpy_traced.Traced, "__pow__", lambda self, k: abs(self), raising=False)
    with pytest.raises(Unlike, match=f"np.{name}, which {WRONG}"):
        lower_numpy(model, 3)


def test_torch(monkeypatch):
    torch = pytest.importorskip("torch")

    def model(x):
        return torch.cumsum(torch.relu(x - 200.0), 1)

    assert lower_torch(model, 3).m == 3
    true = aten_operators.OPERATORS["cumsum"]
    monkeypatch.setattr(Operators, "_known", set())
    monkeypatch.setitem(aten_operators.OPERATORS, "cumsum", lambda build, x, axis: true(build, x, 0))
    with pytest.raises(Unreadable, match=re.escape("torch aten.cumsum.default, which " + WRONG)):
        lower_torch(model, 3)


def test_jax(monkeypatch):
    jax = pytest.importorskip("jax")

    def model(x):
        return jax.nn.relu(x - 20.0)[:, ::-1]

    assert lower_jaxpr(model, 3).m == 3
    monkeypatch.setattr(Operators, "_known", set())
    monkeypatch.setitem(jaxpr_moves.MOVES, "rev", lambda array, params: array)
    with pytest.raises(Unreadable, match=f"JAX rev, which {WRONG}"):
        lower_jaxpr(model, 3)


@pytest.mark.slow
def test_a_call_of_jax_that_is_read_as_one_operation(monkeypatch):
    pytest.importorskip("jax")
    import jax.numpy as jnp

    from supnorm.program import jaxpr_named

    def model(x):
        return jnp.hypot(x[:, 0], x[:, 1])

    assert lower_jaxpr(model, 2).m == 1
    monkeypatch.setattr(Operators, "_known", set())
    wrong = ("hypot", lambda build, a, b: build.binary("max", build.unary("abs", a), build.unary("abs", b)))
    monkeypatch.setitem(jaxpr_named.FORMS, "hypot", wrong)
    with pytest.raises(Unreadable, match=f"which {WRONG}"):
        lower_jaxpr(model, 2)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_onnx_pads_that_onnxruntime_computes_otherwise(monkeypatch, tmp_path, kind):
    """The bound was false before windows of this kind were refused: here nothing refuses them but the comparison."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    from onnx import helper

    from supnorm.problem.specification import SourceSpec
    from supnorm.sources.onnx import open_onnx

    code = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    constant = helper.make_tensor("far", code, [], [2.0])
    axes = helper.make_tensor("shape", onnx.TensorProto.INT64, [3], [-1, 1, 6])
    nodes = [
        helper.make_node("Sub", ["x", "far"], ["z"]),
        helper.make_node("Relu", ["z"], ["r"]),
        helper.make_node("Reshape", ["r", "shape"], ["v"]),
        helper.make_node("MaxPool", ["v"], ["y"], kernel_shape=[2], strides=[2], dilations=[2], auto_pad="SAME_UPPER"),
        helper.make_node("Flatten", ["y"], ["out"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "bump",
        [helper.make_tensor_value_info("x", code, ["n", 6])],
        [helper.make_tensor_value_info("out", code, None)],
        [constant, axes],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    path = tmp_path / "m.onnx"
    path.write_bytes(model.SerializeToString())
    probe = np.random.default_rng(0).uniform(-1.0, 1.0, (5, 6))
    names = tuple("abcdef")
    refused = open_onnx(path, SourceSpec(file=str(path)), names, probe, "problem.toml")
    assert "auto_pad" in " ".join(refused.notes)
    monkeypatch.setattr(Operators, "_known", set())
    whole = onnx_operators.OPERATORS["MaxPool"]

    def without_refusal(build, at, args):
        pads = onnx_operators.pads_of(
            at, args[0].shape[2:], at["kernel_shape"], at["strides"], at["dilations"]
        )
        return whole(build, {**at, "auto_pad": b"NOTSET", "pads": pads}, args)

    monkeypatch.setitem(onnx_operators.OPERATORS, "MaxPool", without_refusal)
    misread = open_onnx(path, SourceSpec(file=str(path)), names, probe, "problem.toml")
    assert f"ONNX MaxPool, which {WRONG}" in " ".join(misread.notes)
