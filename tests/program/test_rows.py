"""Code that uses more of a batch than each row for itself is refused, also where no comparison of values shows it."""

import numpy as np
import pytest
from scipy.interpolate import PPoly, interp1d

from supnorm import Domain, Problem, certify
from supnorm.program import Builder, Tensor, Unsupported, lower_jaxpr, lower_numpy, lower_onnx, tracing
from supnorm.program.onnx_rows import each_row_alone
from supnorm.program.rows import BEYOND, NONE, SEVERAL, _joined, demand_each_alone
from supnorm.program.torch import NodesAlone
from supnorm.program.watched import Unlike
from supnorm.sources.aten_program import program_of_graph
from supnorm.sources.ports import Layout

PLACE, COUNT = "on its place among them", "how many points there are"
OTHERS = "depends on other points"
BUFFER = np.zeros(100)
BUFFER[1:] = 1.0
TEXTS = ["0"] * 2 + ["1"] * 100
FACTORS = {"0": np.zeros(1), "1": np.ones(1)}

NUMPY = {
    "number": (lambda x: x[:, 0] * len(x), COUNT),
    "number minus one": (lambda x: x[:, 0] * (x.shape[0] - 1.0), COUNT),
    "every other row": (lambda x: x[:, 0] + np.arange(len(x)) % 2, PLACE),
    "pairs of rows": (lambda x: x[:, 0] + np.arange(len(x)) // 2, PLACE),
    "buffer": (lambda x: x[:, 0] * BUFFER[: len(x)], PLACE),
    "list": (lambda x: x[:, 0] * np.multiply(2.0, BUFFER.tolist()[: len(x)]), PLACE),
    "sum of ones": (lambda x: x[:, 0] * np.tanh(np.sum(np.ones_like(x)) - 1.0), COUNT),
    "text": (lambda x: x[:, 0] * FACTORS[TEXTS[len(x)]], COUNT),
    "deviation of ones": (lambda x: x[:, 0] + np.linspace(0.0, 1.0, len(x)).std(), COUNT),
    "mean": (lambda x: x[:, 0] - x.mean(), OTHERS),
    "neighbour": (lambda x: x[:, 0] + np.roll(x, 1, axis=0)[:, 1], OTHERS),
    "first": (lambda x: x[:, 0] * x[0, 1], OTHERS),
    "largest": (lambda x: x[:, 0] - x.max(axis=0)[1], OTHERS),
    "turned": (lambda x: x[::-1, 0], OTHERS),
    "product": (lambda x: x @ x.T @ x, OTHERS),
    "clamp": (lambda x: np.minimum(x[:, 0], 0.5 * len(x)), COUNT),
    "power": (lambda x: x[:, 0] ** len(x), COUNT),
    "two alone": (lambda x: x[:, 0] * (1.0 + np.equal(len(x), 2)), COUNT),
}

PLAIN = {
    "network": lambda x: np.tanh(x @ np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 1.0]]) + 0.1) @ np.ones(3),
    "network of columns": lambda x: np.ones(3) @ np.tanh(np.ones((3, 2)) @ x.T + np.arange(3.0)[:, None]),
    "squares": lambda x: (x.T * x.T).T.sum(1) + x[:, 0] * x[:, 0],
    "silu of columns": lambda x: ((lambda y: y / (1.0 + np.exp(-y)))(x.T)).T,
    "relu of columns": lambda x: np.maximum(x.T, 0.0).T,
    "ones": lambda x: np.column_stack([np.ones(len(x)), x, np.zeros((x.shape[0], 1))]).sum(axis=1),
    "tiled": lambda x: x * np.tile(np.array([1.0, 2.0]), (len(x), 1)),
    "parts": lambda x: np.concatenate([np.sin(part) for part in np.array_split(x, max(1, len(x) // 2))]),
    "loop": lambda x: np.stack([row @ np.array([1.0, -2.0]) for row in x]),
    "radial": lambda x: np.exp(-((x[:, None, :] - np.arange(6.0).reshape(1, 3, 2)) ** 2).sum(2)) @ np.ones(3),
    "softmax": lambda x: np.exp(x - x.max(axis=1, keepdims=True)) / np.exp(x).sum(1, keepdims=True),
    "constant": lambda x: np.full(len(x), np.pi),
}


@pytest.mark.parametrize("name", NUMPY)
def test_more_than_the_row_is_refused(name):
    function, words = NUMPY[name]
    with pytest.raises(Unlike, match=f"depends on more than the point .*{words}"):
        lower_numpy(function, 2)


@pytest.mark.parametrize("name", PLAIN)
def test_rows_alone_are_read(name):
    x = np.random.default_rng(0).uniform(0.2, 1.5, (5, 2))
    expected = np.asarray(PLAIN[name](x)).reshape(5, -1)
    np.testing.assert_allclose(lower_numpy(PLAIN[name], 2).value(x), expected, rtol=1e-13, atol=1e-14)


def test_jax_code():
    import jax
    import jax.numpy as jnp

    for function, words in (
        (lambda x: x[:, 0] + jnp.arange(x.shape[0]) % 2, PLACE),
        (lambda x: x[:, 0] * (len(x) - 1.0), COUNT),
        (lambda x: x[:, 0] + jnp.cumsum(x, axis=0)[:, 1], OTHERS),
    ):
        with pytest.raises(Unlike, match=words):
            lower_jaxpr(function, 2)
    one = jax.vmap(lambda r: jnp.dot(jnp.tanh(jnp.ones((4, 2)) @ r), jnp.arange(4.0)))
    x = np.random.default_rng(0).uniform(0.2, 1.5, (5, 2))
    with jax.enable_x64(True):
        np.testing.assert_allclose(lower_jaxpr(one, 2).value(x)[:, 0], np.asarray(one(x)), rtol=1e-13)


@pytest.mark.slow
def test_torch_code():
    torch = pytest.importorskip("torch")
    from supnorm.program import lower_torch

    for function, words in (
        (lambda x: x[:, 0] + torch.arange(x.shape[0]), PLACE),
        (lambda x: x[:, 0] - x[:, 1].mean(), OTHERS),
    ):
        with pytest.raises(Unlike, match=words):
            lower_torch(function, 2)
    layers = torch.nn.Conv1d(1, 2, 2), torch.nn.Flatten(), torch.nn.Linear(2, 1)
    assert "affine" in lower_torch(torch.nn.Sequential(torch.nn.Unflatten(1, (1, 2)), *layers), 2).operations


def graph(nodes, first="n", **constants):
    helper = pytest.importorskip("onnx.helper")
    from onnx import TensorProto, numpy_helper

    x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, [first, 2])
    y = helper.make_tensor_value_info("y", TensorProto.DOUBLE, [first, 2])
    made = [helper.make_node(op, inputs, outputs, **at) for op, inputs, outputs, at in nodes]
    held = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    return helper.make_model(helper.make_graph(made, "g", [x], [y], held))


def test_onnx_graphs():
    size = [("Shape", ["x"], ["s"], {}), ("Gather", ["s", "zero"], ["k"], {})]
    number = [*size, ("Cast", ["k"], ["c"], {"to": 11}), ("Mul", ["x", "c"], ["y"], {})]
    with pytest.raises(Unlike, match=COUNT):
        lower_onnx(graph(number, zero=0))
    one = lower_onnx(graph(number, first=1, zero=0))
    assert one.value(np.ones((1, 2))).tolist() == [[1.0, 1.0]]
    assert one.remarks == ()
    assert lower_onnx(graph(number, zero=0), alone=True).remarks == ()
    clipped = [*number[:-1], ("Clip", ["c", "low"], ["e"], {}), ("Mul", ["x", "e"], ["y"], {})]
    assert lower_onnx(graph(clipped, zero=0, low=3.0)).remarks == (BEYOND,)  # 4 points differ: it is assumed
    place = [*size, ("Range", ["zero", "k", "one"], ["r"], {}), ("Cast", ["r"], ["c"], {"to": 11})]
    place += [("Unsqueeze", ["c", "axes"], ["u"], {}), ("Add", ["x", "u"], ["y"], {})]
    for first in ("n", 4):
        with pytest.raises(Unlike, match=PLACE):
            lower_onnx(graph(place, first, zero=0, one=1, axes=[1]))
    mean = [("ReduceMean", ["x", "axes"], ["m"], {}), ("Sub", ["x", "m"], ["y"], {})]
    with pytest.raises(Unlike, match=OTHERS):
        lower_onnx(graph(mean, axes=[0]))


def test_random_programs_are_told_apart():
    """Random programs for three points: each is the one of a point, or one entry of it has been changed."""
    rng = np.random.default_rng(5)
    for case in range(40):
        seed = int(rng.integers(1 << 30))
        one = random_program(seed, 1)
        demand_each_alone(one, lambda n, one=one, seed=seed: random_program(seed, n))
        with pytest.raises(Unlike):
            demand_each_alone(one, lambda n, seed=seed, case=case: random_program(seed, n, 1 + case % 4))


def random_program(seed: int, n: int, fault: int = 0):
    """A network whose layers are combined at random, for ``n`` points; ``fault``: how the last point differs."""
    rng, build = np.random.default_rng(seed), Builder(2 * n)
    x = build.input.arrange(lambda i: i.reshape(n, 2))
    last = np.zeros((n, 3))
    last[-1, rng.integers(3)] = 1e-9
    for layer in range(3):
        weight = rng.normal(size=(x.shape[1], 3))
        y = build.binary("add", build.contract(x, weight), rng.normal(size=3))
        if fault == 1 and layer == 1:
            y = build.binary("add", y, last)
        if fault == 2 and layer == 1:
            y = build.binary("mul", y, 1.0 + last)
        y = build.unary(str(rng.choice(["tanh", "sin", "sigmoid"])), y)
        if fault == 3 and layer == 0:
            y = y.arrange(lambda i: np.concatenate([i[:-1], i[:1]]))
        if fault == 4 and layer == 2:
            y = y.arrange(lambda i: np.concatenate([i[:-1], i[-1:, [1, 0, 2]]]))
        x = build.binary(str(rng.choice(["add", "mul", "max"])), y, y.arrange(lambda i: i[:, ::-1]))
    return build.finish(x)


def test_without_the_rule_a_bound_is_false(one_row_read):
    def model(x):
        return x[:, 0] + 1e-2 * np.exp(-(((x[:, 0] - 0.4123) / 1e-7) ** 2)) * (np.arange(len(x)) % 2)

    result = certify(Problem(model, lambda x: x[:, 0], Domain(x=(0.0, 1.0))), tolerance=1e-3)
    assert result.status.code == "within-tolerance"
    x = np.array([[0.1], [0.4123]])
    assert abs(model(x) - x[:, 0]).max() > 5 * result.upper


def test_points_on_which_a_feature_depends():
    points = np.array([[0, 0, NONE, NONE, SEVERAL, 1], [0, 1, 2, NONE, NONE, SEVERAL]])
    assert _joined(points.T.ravel(), 2 * np.arange(6)).tolist() == [0, SEVERAL, 2, NONE, SEVERAL, SEVERAL]


def test_a_result_of_another_shape_is_refused():
    build = Builder(2)
    one = build.finish(build.input)
    with pytest.raises(Unlike, match="has another shape for 2 points than for one"):
        demand_each_alone(one, lambda n: Builder(2 * n).finish(Tensor(0, np.arange(2))))


@pytest.mark.parametrize("name", ["network", "network of columns", "radial"])
def test_products_of_large_matrices_are_taken_row_by_row(name, monkeypatch):
    monkeypatch.setattr(tracing, "BLOCK", 0)
    test_rows_alone_are_read(name)
    with pytest.raises(Unlike, match=OTHERS):
        lower_numpy(lambda x: PLAIN["network"](x[::-1]), 2)


def test_a_table_that_ends_elsewhere_for_several_points_is_refused():
    """Beyond its end, which a program does not have, such a table has another value: here on a strip of width 2e-7."""
    ends = np.array([0.0, 0.5, 1.0 - 1e-14])
    tables = [interp1d(ends, ends, bounds_error=False, fill_value=f) for f in ("extrapolate", 7.0)]
    chosen = dict(zip(FACTORS, tables, strict=True))
    with pytest.raises(Unlike, match="has tables that end elsewhere where there are several points"):
        lower_numpy(lambda x: chosen[TEXTS[len(x)]](1.0 - (x[:, 0] - 0.4) ** 2), 1)
    assert len(lower_numpy(lambda x: tables[1](1.0 - x[:, 0] ** 2), 1).limits) == 1
    jump = np.array([[1.0, 1.0], [0.0, 0.5]])
    exact, off = (PPoly(jump + [[0.0], [e]] * np.array([[0.0, 1.0]]), [0.0, 0.5, 1.0]) for e in (0.0, 1e-14))
    chosen = {"0": exact, "1": off}
    with pytest.raises(Unlike, match=COUNT):
        lower_numpy(lambda x: chosen[TEXTS[len(x)]](x[:, 0]), 1)


def _rows_of_two(*nodes, **given):
    """Of a graph with two columns, the remarks."""
    return lower_onnx(graph([*nodes], **given)).remarks


def test_onnx_graphs_for_any_number_of_points_are_assumed_to_compute_each_alone():
    """From the fourth row on: of three rows nothing is there, and the bound of one was false."""
    ends = {"none": [0], "three": [3], "end": [1000], "rows": [0], "columns": [1], "one": [1]}
    rest, kept = (
        ("Slice", ["x", "three", "end", "rows"], ["r"], {}),
        ("Slice", ["x", "none", "three", "rows"], ["k"], {}),
    )
    assert _rows_of_two(rest, kept, ("Concat", ["r", "k"], ["y"], {"axis": 0}), **ends) == (BEYOND,)
    # The points are along the second axis of three.
    lifted = [
        ("Unsqueeze", ["x", "rows"], ["u"], {}),
        ("Slice", ["u", "three", "end", "columns"], ["r"], {}),
    ]
    lifted += [
        ("Slice", ["u", "none", "three", "columns"], ["k"], {}),
        ("Concat", ["r", "k"], ["v"], {"axis": 1}),
    ]
    assert _rows_of_two(*lifted, ("Squeeze", ["v", "rows"], ["y"], {}), **ends) == (BEYOND,)
    # Three axes come of a constant.
    high = [("Add", ["x", "high"], ["u"], {}), *lifted[1:], ("Squeeze", ["v", "rows"], ["y"], {})]
    assert _rows_of_two(*high, high=np.zeros((1, 1, 1)), **ends) == (BEYOND,)


@pytest.mark.parametrize(
    "made", [("Concat", ["high", "high"], ["c"], {"axis": 1}), ("Softmax", ["high"], ["c"], {"axis": 1})]
)
def test_what_an_onnx_graph_makes_of_a_constant_may_have_more_axes(made):
    nodes = [made, ("Add", ["x", "c"], ["y"], {})]
    assert not each_row_alone(graph(nodes, high=np.zeros((1, 1, 1))))
    assert each_row_alone(graph([("Add", ["x", "c"], ["y"], {})], c=np.zeros((1, 2))))


def test_onnx_graphs_whose_operators_compute_each_row_have_no_such_assumption():
    ends = {"none": [0], "one": [1], "end": [1000], "columns": [1]}
    left, right = (
        ("Slice", ["x", "none", "one", "columns"], ["l"], {}),
        ("Slice", ["x", "one", "end", "columns"], ["r"], {}),
    )
    turned = ("Concat", ["r", "l"], ["c"], {"axis": -1})
    layer = ("Gemm", ["c", "w", "b"], ["g"], {"transB": 1})
    weights = {"w": np.eye(2), "b": np.ones(2), "s": np.ones((1, 2))}
    assert _rows_of_two(left, right, turned, layer, ("Mul", ["g", "s"], ["y"], {}), **ends, **weights) == ()
    turned = [
        ("Transpose", ["x"], ["t"], {}),
        ("Transpose", ["t"], ["u"], {}),
        ("MatMul", ["u", "w"], ["y"], {}),
    ]
    assert _rows_of_two(*turned, w=np.eye(2)) == (BEYOND,)


def test_exported_graphs_for_any_number_of_points(tmp_path):
    """The bound was false: 0.01 beside an error of 1,000 in all rows from the fourth on."""
    torch = pytest.importorskip("torch")
    from supnorm.problem.specification import SourceSpec
    from supnorm.sources.open_function import open_function

    class Rows(torch.nn.Module):
        def forward(self, x):
            return torch.cat([x[:3], x[3:] + torch.relu(x[3:] - 2.0)])

    class Columns(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 2, dtype=torch.float64)

        def forward(self, x):
            return torch.cat([x[:, 1:], torch.sin(self.layer(x)[:, :1])], -1)[:, 0] * 2.0

    for net, file in ((Rows(), "rows.pt2"), (Columns(), "columns.pt2")):
        free = ({0: torch.export.Dim("n", min=5, max=1000)},)
        x = torch.rand(8, 2, dtype=torch.float64)
        torch.export.save(torch.export.export(net, (x,), dynamic_shapes=free), tmp_path / file)
        probe = np.random.default_rng(0).uniform(size=(8, 2))
        opened = open_function(SourceSpec(file=file), tmp_path, ("a", "b"), probe, False, where="a problem")
        assert opened.program is not None, opened.notes
        assert (BEYOND in opened.program.remarks) == (file == "rows.pt2")


def test_a_graph_of_any_batch_is_read_for_several_points_whatever_batch_a_problem_gives():
    torch = pytest.importorskip("torch")
    layout, one = (Layout(((0,),), ((1,),), batch, ("float64",)) for batch in (64, 1))
    mean = {"target": "torch.ops.aten.mean.dim", "outputs": [{"as_tensor": {"name": "m"}}]}
    mean["inputs"] = [{"name": "self", "arg": {"as_tensor": {"name": "x"}}}]
    graph = {"nodes": [mean]}
    x = torch.zeros((1, 1), dtype=torch.float64)
    alone = NodesAlone({"x": x}, lambda _, values: values["x"].mean([0], keepdim=True))
    mean["inputs"] += [{"name": "", "arg": {"as_ints": [0]}}, {"name": "", "arg": {"as_bool": True}}]
    given = {
        "types": lambda _: {},
        "ran": lambda *_: ({}, alone),
        "probe": np.zeros((1, 1)),
        "least": "float64",
        "batch": None,
    }
    assert program_of_graph(graph, {}, ["x"], ["m"], one, **given).m == 1
    with pytest.raises(Unsupported, match="takes one point and fails for 2"):
        program_of_graph(graph, {}, ["x"], ["m"], layout, **given)
