"""Programs of ONNX graphs: values against onnxruntime, on graphs exported by torch and written by hand."""

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from supnorm.program import Unsupported, lower_onnx

rng = np.random.default_rng(1)


def _run(model, feeds):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def _export(module, d):
    module = module.double().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported = torch.onnx.export(
            module, (torch.zeros(3, d, dtype=torch.float64),), dynamo=True, verbose=False,
            dynamic_shapes=({0: torch.export.Dim("n")},),
        )  # fmt: skip
    buffer = io.BytesIO()
    exported.save(buffer)
    return onnx.load_from_string(buffer.getvalue())


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.inner, self.norm, self.last = (
            nn.Linear(3, 8), nn.Linear(8, 8), nn.LayerNorm(8, eps=2.0**-17), nn.Linear(8, 2),
        )  # fmt: skip

    def forward(self, x):
        h = torch.tanh(self.first(x))
        h = h + torch.nn.functional.silu(self.inner(self.norm(h)))
        return self.last(h)


class Convolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(1, 4, 3, padding=1, stride=2)
        self.second = nn.Conv1d(4, 4, 2, groups=2)
        self.last = nn.Linear(12, 2)

    def forward(self, x):
        h = torch.tanh(self.first(x.unsqueeze(1)))
        h = torch.sigmoid(self.second(h))
        return self.last(h.flatten(1))


class Features(nn.Module):
    def forward(self, x):
        a, b = x[:, :1], x[:, 1:]
        return torch.cat(
            [torch.exp(-(a**2)), torch.clamp(b, -0.5, 0.5), b.mean(1, keepdim=True) / (1 + a**2)], 1
        )


ACTIVATIONS = [nn.Tanh(), nn.ReLU(), nn.LeakyReLU(0.25), nn.Sigmoid(), nn.Softplus(), nn.SiLU(), nn.GELU()]


POOLS = [
    ((1, 1, 12), {"kernel_shape": [3]}),
    ((1, 2, 6), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
    ((1, 1, 12), {"kernel_shape": [2], "strides": [3], "dilations": [2], "pads": [1, 0]}),
    ((1, 1, 11), {"kernel_shape": [3], "strides": [2], "auto_pad": "SAME_UPPER"}),
    ((1, 1, 12), {"kernel_shape": [4], "strides": [3], "auto_pad": "SAME_LOWER"}),
    ((1, 1, 12), {"kernel_shape": [1], "strides": [2], "auto_pad": "SAME_LOWER"}),
    ((1, 1, 12), {"kernel_shape": [1], "strides": [2], "auto_pad": "SAME_UPPER"}),
    ((1, 1, 12), {"kernel_shape": [3], "strides": [4], "ceil_mode": 1}),
    ((1, 1, 3, 4), {"kernel_shape": [2, 3], "strides": [1, 2], "pads": [1, 0, 0, 1]}),
    ((1, 3, 2, 2), {"kernel_shape": [2, 1]}),
    ((1, 1, 2, 3, 2), {"kernel_shape": [1, 2, 2], "strides": [1, 1, 1]}),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "attributes"), POOLS)
def test_maximum_pooling(shape, attributes):
    """One that hangs over the end, padding on either side, several axes and channels: as onnxruntime."""
    d = int(np.prod(shape))
    names = [
        helper.make_tensor_value_info(n, TensorProto.DOUBLE, s)
        for n, s in (("x", ["n", d]), ("y", ["n", None]))
    ]
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["t"]),
        helper.make_node("MaxPool", ["t"], ["p"], **attributes),
        helper.make_node("Flatten", ["p"], ["y"]),
    ]
    constant = numpy_helper.from_array(np.array([-1, *shape[1:]]), "shape")
    graph = helper.make_graph(nodes, "pool", names[:1], names[1:], [constant])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    x = rng.normal(size=(20, d))
    np.testing.assert_array_equal(lower_onnx(model).value(x), _run(model, {"x": x})[0])


def test_the_places_of_maxima_are_no_values():
    nodes = [helper.make_node("MaxPool", ["x"], ["y", "at"], kernel_shape=[2])]
    names = [helper.make_tensor_value_info(n, TensorProto.DOUBLE, [1, 1, None]) for n in ("x", "y")]
    names[0].type.tensor_type.shape.dim[2].dim_value = 4
    model = helper.make_model(helper.make_graph(nodes, "pool", names[:1], names[1:]))
    with pytest.raises(Unsupported, match="positions of the maxima"):
        lower_onnx(model)


@pytest.mark.slow
def test_torch_exports():
    torch.manual_seed(0)
    mlp = nn.Sequential(*[part for a in ACTIVATIONS for part in (nn.Linear(3, 3), a)])
    batch_norm = nn.BatchNorm1d(3, eps=2.0**-17)
    batch_norm.running_mean += 0.3
    cases = {
        "mlp": (mlp, 3),
        "residual": (Residual(), 3),
        "conv": (Convolution(), 8),
        "features": (Features(), 3),
        "batch norm": (nn.Sequential(nn.Linear(3, 3), batch_norm, nn.Softmax(-1)), 3),
    }
    for name, (module, d) in cases.items():
        program = lower_onnx(_export(module, d))
        x = rng.normal(size=(30, d))
        expected = module(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(program.value(x), expected, rtol=1e-12, atol=1e-13, err_msg=name)
        weights = rng.normal(size=expected.shape)
        leaf = torch.from_numpy(x).requires_grad_()
        (module(leaf) * torch.from_numpy(weights)).sum().backward()
        np.testing.assert_allclose(program.vjp(x)[1](weights), leaf.grad.numpy(), rtol=1e-9, atol=1e-12)


def _graph(nodes, d, constants=(), inputs=None, opset=20):
    inputs = inputs or [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", d])]
    graph = helper.make_graph(
        nodes, "g", inputs, [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in dict(constants).items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


NODES = {
    "Sin": ([helper.make_node("Sin", ["x"], ["y"])], {}),
    "Cos": ([helper.make_node("Cos", ["x"], ["y"])], {}),
    "Pow": ([helper.make_node("Pow", ["x", "p"], ["y"])], {"p": 3.0}),
    "Gemm": (
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=1)],
        {"w": rng.normal(size=(4, 3)), "b": rng.normal(size=4)},
    ),
    "MatMul": ([helper.make_node("MatMul", ["x", "w"], ["y"])], {"w": rng.normal(size=(3, 2))}),
    "Slice": (
        [helper.make_node("Slice", ["x", "s", "e", "a", "t"], ["y"])],
        {"s": np.array([2]), "e": np.array([-4]), "a": np.array([1]), "t": np.array([-1])},
    ),
    "Gather": ([helper.make_node("Gather", ["x", "i"], ["y"], axis=1)], {"i": np.array([2, 0])}),
    "Split": (
        [
            helper.make_node("Split", ["x"], ["a", "b"], axis=1, num_outputs=2),
            helper.make_node("ReduceMax", ["a", "ax"], ["m"]),
            helper.make_node("Mul", ["m", "b"], ["y"]),
        ],
        {"ax": np.array([1])},
    ),
    "Reciprocal": ([helper.make_node("Reciprocal", ["x"], ["y"])], {}),
    "Min": (
        [helper.make_node("Min", ["x", "c"], ["m"]), helper.make_node("ReduceMean", ["m", "a"], ["y"])],
        {"c": np.array([0.1]), "a": np.array([1])},
    ),
    "Reshape": (
        [
            helper.make_node("Reshape", ["x", "s"], ["r"]),
            helper.make_node("Transpose", ["r"], ["t"], perm=[0, 2, 1]),
            helper.make_node("Squeeze", ["t", "a"], ["y"]),
        ],
        {"s": np.array([0, 3, 1]), "a": np.array([1])},
    ),
}


@pytest.mark.parametrize("name", NODES)
def test_operators(name):
    nodes, constants = NODES[name]
    model = _graph(nodes, 3, constants)
    x = rng.normal(size=(7, 3))
    (expected,) = _run(model, {"x": x})
    np.testing.assert_allclose(lower_onnx(model).value(x), expected.reshape(7, -1), rtol=1e-12, atol=1e-14)


SINGLE = {
    "Elu": {"alpha": 0.5}, "Selu": {}, "Celu": {"alpha": 2.0}, "HardSigmoid": {"alpha": 0.7, "beta": 0.25}, "HardSwish": {},
    "Softsign": {}, "Mish": {}, "PRelu": {},
}  # fmt: skip


@pytest.mark.parametrize("name", SINGLE)
def test_activations_that_onnxruntime_has_in_single_precision_only(name):
    slopes = {"s": np.array([0.1, 0.2, -0.3], dtype=np.float32)} if name == "PRelu" else {}
    nodes = [
        helper.make_node("Cast", ["x"], ["narrow"], to=TensorProto.FLOAT),
        helper.make_node(name, ["narrow", *slopes], ["a"], **SINGLE[name]),
        helper.make_node("Cast", ["a"], ["y"], to=TensorProto.DOUBLE),
    ]
    model = _graph(nodes, 3, slopes)
    x = 2.0 * np.random.default_rng(0).normal(size=(40, 3))
    (expected,) = _run(model, {"x": x})
    np.testing.assert_allclose(lower_onnx(model).value(x), expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("how", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_padding_of_tensorflow(how, stride):
    kernel = np.random.default_rng(1).normal(size=(2, 1, 2)).astype(np.float32)
    nodes = [
        helper.make_node("Cast", ["x"], ["narrow"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["narrow", "one"], ["r"]),
        helper.make_node("Conv", ["r", "k"], ["c"], auto_pad=how, strides=[stride]),
        helper.make_node("Flatten", ["c"], ["f"]),
        helper.make_node("Cast", ["f"], ["y"], to=TensorProto.DOUBLE),
    ]
    model = _graph(nodes, 5, {"k": kernel, "one": np.array([1])})
    x = np.random.default_rng(0).normal(size=(7, 5))
    (expected,) = _run(model, {"x": x})
    np.testing.assert_allclose(lower_onnx(model).value(x), expected, rtol=1e-6, atol=1e-6)


def test_inputs_in_a_given_order():
    inputs = [helper.make_tensor_value_info(k, TensorProto.DOUBLE, ["n", 1]) for k in ("T", "p")]
    model = _graph([helper.make_node("Sub", ["T", "p"], ["y"])], 1, inputs=inputs)
    x = np.array([[3.0, 1.0]])
    assert lower_onnx(model).value(x) == 2.0
    assert lower_onnx(model, inputs=["p", "T"]).value(x) == -2.0
    with pytest.raises(Unsupported, match="inputs"):
        lower_onnx(model, inputs=["p"])


def test_float32_weights_are_taken_exactly():
    weight = rng.normal(size=(3, 2)).astype(np.float32)
    model = _graph(
        [
            helper.make_node("Cast", ["w"], ["v"], to=TensorProto.DOUBLE),
            helper.make_node("MatMul", ["x", "v"], ["y"]),
        ],
        3,
        {"w": weight},
    )
    np.testing.assert_array_equal(lower_onnx(model).nodes[1].weight, weight.astype(float).T)


def test_unsupported_operators_are_named_with_the_nearest_form():
    with pytest.raises(Unsupported, match=r"Floor.*none: a step"):
        lower_onnx(_graph([helper.make_node("Floor", ["x"], ["y"])], 3))


@pytest.mark.parametrize("op", ["ReduceMean", "ReduceMax", "ReduceProd", "ReduceL2", "ReduceLogSumExp"])
def test_a_tensor_without_numbers_is_named(op):
    """A mean over nothing is NaN, whose bits differed for one and for several points: "depends on the whole batch"."""
    places = {"s": [0], "e": [0], "a": [1]}
    nodes = [
        helper.make_node("Slice", ["x", "s", "e", "a"], ["empty"]),
        helper.make_node(op, ["empty", "a"], ["mean"], keepdims=1),
        helper.make_node("Add", ["x", "mean"], ["y"]),
    ]
    with pytest.raises(Unsupported, match=rf"ONNX {op} of a tensor without numbers"):
        lower_onnx(_graph(nodes, 3, places))


def test_attributes_of_a_function_reach_its_nodes():
    """A slope given to a local function was passed over: the default of the operator came in its place."""
    node = helper.make_node("LeakyRelu", ["a"], ["b"])
    node.attribute.append(
        onnx.AttributeProto(name="alpha", ref_attr_name="steep", type=onnx.AttributeProto.FLOAT)
    )
    bend = helper.make_function(
        "own", "Bend", ["a"], ["b"], [node], [helper.make_opsetid("", 18)], attributes=["steep"]
    )
    graph = helper.make_graph(
        [helper.make_node("Bend", ["x"], ["y"], domain="own", steep=0.5)], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1])],
    )  # fmt: skip
    model = helper.make_model(
        graph, functions=[bend], opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("own", 1)],
        ir_version=10,
    )  # fmt: skip
    x = np.array([[-2.0], [3.0]])
    assert _run(model, {"x": x.astype(np.float32)})[0].ravel().tolist() == [-1.0, 3.0]
    assert lower_onnx(model).value(x).ravel().tolist() == [-1.0, 3.0]


@pytest.mark.slow
def test_a_graph_that_rounds_on_the_way_has_no_bound_as_deployed(tmp_path):
    """Double in and out, but the values pass through float: no rounding of float64 bounds that."""
    from supnorm.certification import certify
    from supnorm.sources import open_problem

    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["a"], to=TensorProto.FLOAT),
            helper.make_node("Sigmoid", ["a"], ["b"]),
            helper.make_node("Cast", ["b"], ["y"], to=TensorProto.DOUBLE),
        ], "g",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 1])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, ["n", 1])],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    (tmp_path / "truth.py").write_text("def f(x): return 0.5 + 0.2 * x[:, 0]\n")
    (tmp_path / "problem.toml").write_text(
        '[model]\nfile = "m.onnx"\n[reference]\npython = "truth.py:f"\n[domain]\na = { low = 0.0, high = 1.0 }\n'
    )
    problem = open_problem(tmp_path / "problem.toml")
    assert problem.model.program is not None
    assert problem.model.precision == "float32"
    assert certify(problem, 1.5).deployed_upper is None


@pytest.mark.parametrize(("kind", "said"), [(TensorProto.FLOAT16, True), (TensorProto.DOUBLE, False)])
def test_a_program_of_float16_says_that_it_does_not_overflow(kind, said):
    """Its proof is one in real numbers: a value of 70,000 on a small part of the domain is infinite as it runs."""
    nodes = [
        helper.make_node("Cast", ["x"], ["narrow"], to=kind),
        helper.make_node("Cast", ["narrow"], ["y"], to=TensorProto.DOUBLE),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, ["n", 1]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "cast", ends[:1], ends[1:])
    program = lower_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]))
    assert any("beyond 65,504" in remark for remark in program.remarks) == said


def graph_of(nodes, constants=(), functions=(), ir=9):
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "g",
        [info("x", TensorProto.DOUBLE, ["n", 1])],
        [info("y", TensorProto.DOUBLE, ["n", 1])],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, functions=list(functions), opset_imports=opsets, ir_version=ir)


def as_it_runs(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


@pytest.mark.parametrize("order", [("Sin", "Cos"), ("Cos", "Sin")])
@pytest.mark.parametrize("called", ["Sin", "Cos"])
def test_of_functions_with_one_name_the_overload_that_is_called_is_read(order, called):
    functions = []
    for name in order:
        opset = [helper.make_opsetid("", 17)]
        one = helper.make_function("own", "F", ["a"], ["b"], [helper.make_node(name, ["a"], ["b"])], opset)
        one.overload = name
        functions.append(one)
    node = helper.make_node("F", ["x"], ["y"], domain="own")
    node.overload = called
    model = graph_of([node], (), functions, ir=10)
    x = np.array([[0.3], [0.7]])
    assert np.allclose(lower_onnx(model).value(x), as_it_runs(model, x), rtol=1e-12)


@pytest.mark.parametrize("around", [True, False])
def test_a_loop_over_constants_is_what_onnxruntime_computes_or_refused(around):
    info, number = helper.make_tensor_value_info, TensorProto.DOUBLE
    one = numpy_helper.from_array(np.array(1.0), "one")
    body = helper.make_graph(
        [helper.make_node("Add", ["v", "one"], ["w"]), helper.make_node("Identity", ["c"], ["d"])],
        "body",
        [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("v", number, [])],
        [info("d", TensorProto.BOOL, []), info("w", number, [])],
        [] if around else [one],
    )
    nodes = [
        helper.make_node("Loop", ["steps", "", "zero"], ["k"], body=body),
        helper.make_node("Add", ["x", "k"], ["y"]),
    ]
    constants = [one, numpy_helper.from_array(np.array(0.0), "zero")]
    model = graph_of(nodes, [*constants, numpy_helper.from_array(np.array(2), "steps")])
    assert as_it_runs(model, np.array([[0.5]])) == 2.5
    if around:
        with pytest.raises(Unsupported, match="Loop of constants, with values from around it"):
            lower_onnx(model)
    else:
        assert lower_onnx(model).value(np.array([[0.5]])) == 2.5


@pytest.mark.parametrize("domain", ["", "ai.onnx", "com.microsoft"])
def test_a_function_in_the_place_of_an_operator_of_onnxruntime_is_refused(domain):
    body = [helper.make_node("Cos", ["a"], ["b"])]
    own = helper.make_function(domain, "Sin", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    model = graph_of([helper.make_node("Sin", ["x"], ["y"])], (), [own])
    assert as_it_runs(model, np.array([[0.3]])) == np.sin(0.3)
    with pytest.raises(Unsupported, match="where onnxruntime runs its own"):
        lower_onnx(model)


@pytest.mark.parametrize(
    ("op", "given"),
    [
        ("ReduceProd", np.array([2**20, 2**20], np.int32)),
        ("ReduceSum", np.array([2**31 - 1, 1], np.int32)),
        ("ReduceMin", np.array([1.0, np.nan])),
        ("ArgMax", np.array([1.0, np.nan, 3.0])),
    ],
)
def test_constants_are_those_that_onnxruntime_computes(op, given):
    nodes = [
        helper.make_node(op, ["k"], ["r"], **({"axis": 0} if op == "ArgMax" else {})),
        helper.make_node("Cast", ["r"], ["d"], to=TensorProto.DOUBLE),
        helper.make_node("Add", ["x", "d"], ["y"]),
    ]
    model = graph_of(nodes, [numpy_helper.from_array(given, "k")])
    x = np.array([[0.3], [0.7]])
    assert np.array_equal(lower_onnx(model).value(x), as_it_runs(model, x))
