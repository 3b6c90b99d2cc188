"""Each operator is also read alone and runs alone, with random arguments: what is read wrongly is seen behind a ReLU."""

import re

import numpy as np
import pytest

from supnorm.program import (
    aten_operators,
    branches,
    jaxpr,
    jaxpr_loop,
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


def test_an_operator_may_overflow_on_the_way_where_arguments_are_large():
    """As softplus does where torch's threshold is 1e9: log(1 + exp(800)); it was refused."""

    def run(x):
        with np.errstate(over="ignore"):
            return np.log1p(np.exp(x))

    assert compared(lambda build, x: build.unary("softplus", x), run, shape=(40,)) == 1


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


def _wrong(true, change):
    def wrong(*args):
        result = true(*args)
        return change(*args, result) if result is not None and result is not False else result

    return wrong


# What looks for a form, what a wrong one would give, and code with the form.
FORMS = {
    "slope": ("_leaky_slope", lambda *args: 2.0 * args[-1], lambda h, np: np.where(h > 0.0, h, 0.1 * h)),
    "no slope": (
        "_leaky_slope",
        lambda *args: 0.5 if args[-1] == 0.0 else args[-1],
        lambda h, np: np.where(h > 0.0, h, 0.0),
    ),
    "other side": (
        "_clamped",
        lambda build, test, *rest: build.binary("max", test.left, np.asarray(0.7)),
        lambda h, np: np.where(h > 0.7, 0.7, h),
    ),
    "both sides": (
        "_clamped",
        lambda build, test, *rest: build.binary("min", test.left, np.asarray(0.7)),
        lambda h, np: np.where(h > 0.7, 0.7, np.maximum(h, 0.3)),
    ),
    "linear part": (
        "_leaky_slope",
        lambda *args: args[-1],
        lambda h, np: np.where(h > 0.0, h, 1.5 * (np.exp(np.minimum(h, 0.0)) - 1.0)),
    ),
}


@pytest.mark.parametrize("which", [*FORMS])
def test_a_branch_that_follows_from_what_it_tests(monkeypatch, which):
    """Its form is seen alone, too: the other argument follows from an input as it does in the code."""
    name, change, code = FORMS[which]

    def model(x):
        return code(np.maximum(x[:, 0] - 20.0, 0.0) - 0.5, np)

    assert lower_numpy(model, 2).m == 1
    monkeypatch.setattr(Operators, "_known", set())
    if which == "linear part":
        monkeypatch.setattr(branches, "_is", lambda *args: True)
        wrong = lambda h, np: np.where(h > 0.0, h, 1.5 * (np.exp(np.minimum(h, 1.0)) - 1.0))  # noqa: E731
        code = wrong
    else:
        monkeypatch.setattr(branches, name, _wrong(getattr(branches, name), change))
    with pytest.raises(Unlike, match=f"np.where, which {WRONG}"):
        lower_numpy(model, 2)


@pytest.mark.parametrize(("true", "wrong"), [("gt", "ge"), ("le", "lt")])
def test_a_branch_at_its_threshold(monkeypatch, true, wrong):
    """Only where both sides are equal, another comparison is seen: whole numbers are drawn around the threshold."""
    test = {"gt": np.greater, "le": np.less_equal}[true]

    def model(x):
        return np.where(test(np.maximum(x[:, 0] - 20.0, 0.0), 0.123), x[:, 1], 2.5)

    assert lower_numpy(model, 2).m == 1
    monkeypatch.setattr(Operators, "_known", set())
    inner = branches._piecewise

    def other(build, given, *rest):
        return inner(build, Comparison(wrong, given.left, given.right), *rest)

    monkeypatch.setattr(branches, "_piecewise", other)
    with pytest.raises(Unlike, match=f"np.where, which {WRONG}"):
        lower_numpy(model, 2)


def test_tiny_arguments_show_what_is_added_to_a_variance():
    def norm(eps):
        return lambda x: x / np.sqrt(np.mean(x * x) + eps)

    def read(build, x):
        mean = build.sum(build.unary("pow", x, 2.0), (0,), 1.0 / 3.0)
        return build.binary("div", x, build.unary("sqrt", build.binary("add", mean, np.asarray(1e-7))))

    single = ("float32", "float32")
    assert compared(read, norm(1e-7), single) == 1
    with pytest.raises(Unreadable):
        compared(read, norm(1.19e-7), single, (3,)) or compared(read, norm(1.19e-7), single, (4,))


@pytest.mark.parametrize("operation", ["sub", "gt", "scan"])
def test_arithmetic_comparisons_and_loops_of_jax(monkeypatch, operation):
    jax = pytest.importorskip("jax")

    def model(x):
        far = jax.nn.relu(x - 20.0)
        loop = jax.lax.scan(lambda c, a: (0.5 * c + a, c), far[:, 0], far.T)[1]
        return jax.numpy.where(far[:, 0] > 1.0, far[:, 1] - far[:, 2], loop[0])

    assert lower_jaxpr(model, 3).m == 1
    monkeypatch.setattr(Operators, "_known", set())
    if operation == "sub":
        monkeypatch.setitem(jaxpr._BINARY, "sub", "add")
    elif operation == "scan":
        monkeypatch.setattr(jaxpr_loop, "reversed", lambda steps: steps, raising=False)
        monkeypatch.setattr(jaxpr_loop, "range", lambda n: [*range(n)][::-1], raising=False)
    else:
        inner = jaxpr._operation

        def other(build, equation, args):
            result = inner(build, equation, args)
            one = result[0]
            return [Comparison("ge", one.left, one.right)] if equation.primitive.name == "gt" else result

        monkeypatch.setattr(jaxpr, "_operation", other)
    with pytest.raises(Unreadable, match=f"JAX {operation}, which {WRONG}"):
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
