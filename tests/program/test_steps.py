"""Results on the way: constants are those of the runtime, and an operator that is read as another one is refused."""

import numpy as np
import onnx
import pytest
from onnx import parser

from supnorm.program import Unsupported, lower_onnx, lower_torch, program_of
from supnorm.program import aten_operators as of_torch
from supnorm.program import onnx as of_onnx
from supnorm.results import BadInput
from supnorm.sources import open_problem

torch = pytest.importorskip("torch")

HEAD = """<ir_version: 10, opset_import: ["" : {opset}, "own" : 1]>
g ({kind}[N,2] x) => ({kind}[N,1] y)
<{kind}[1] one = {{1.0}}, {kind}[1] zero = {{0.0}}, int64[1] i0 = {{0}}, int64[1] i1 = {{1}}, int64[1] far = {{-100}},
 int64[1] back = {{-1}}, int64[1] before = {{-10}}>
{{ x0 = Gather<axis=1>(x, i0) {lines} }}
{functions}"""


def _opened(tmp_path, lines, opset=20, functions="", kind="double"):
    model = parser.parse_model(HEAD.format(opset=opset, kind=kind, lines=lines, functions=functions))
    return _of_file(tmp_path, lambda path: onnx.save(model, path), "m.onnx")


def _of_file(tmp_path, save, name):
    save(tmp_path / name)
    (tmp_path / "problem.toml").write_text(
        f'[model]\nfile = "{name}"\n[reference]\npython = "numpy:sin"\n[domain]\na = [0.1, 0.9]\nb = [0.2, 0.7]\n'
    )
    (tmp_path / "numpy.py").write_text("def sin(x): return x[:, :1]\n")
    (tmp_path / "problem.toml").write_text(
        (tmp_path / "problem.toml").read_text().replace("numpy:", "numpy.py:")
    )
    return open_problem(tmp_path / "problem.toml").model


def _is_read_as_it_runs(model):
    x = np.random.default_rng(0).uniform(0.2, 0.7, (5, 2))
    np.testing.assert_allclose(program_of(model, 2).value(x), model.value(x), rtol=1e-12, atol=1e-15)


CONSTANT = "k = Constant<value = double[1,2] {3.0, 7.0}>() "
GRAPHS = {
    "a shape from an axis on": CONSTANT + "s = Shape<start=1>(k) v = Gather(s, i0) w = Cast<to=11>(v) y = Mul(x0, w)",
    "a shape up to an axis": CONSTANT + "s = Shape<end=-1>(k) v = Gather(s, back) w = Cast<to=11>(v) y = Mul(x0, w)",
    "a slice backwards from before the array": "s = Slice(x, before, far, i1, back) y = ReduceSum<keepdims=1>(s, i1)",
    "a slice backwards from beyond the array": "hundred = Constant<value = int64[1] {100}>() "
    "s = Slice(x, hundred, far, i1, back) v = Gather<axis=1>(s, i0) y = Mul(v, x0)",
    "the same of constants": "k = Constant<value = double[2] {3.0, 7.0}>() s = Slice(k, before, far, i0, back) "
    "v = ReduceSum<keepdims=0>(s) y = Mul(x0, v)",
    "a power by a row": "k = Constant<value = double[1,3] {2.0, 2.0, 2.0}>() p = Pow(x0, k) "
    "y = ReduceSum<keepdims=1>(p, i1)",
    "a root by a row": "k = Constant<value = double[1,3] {0.5, 0.5, 0.5}>() p = Pow(x0, k) "
    "y = ReduceSum<keepdims=1>(p, i1)",
    "a sum without axes that does nothing": "s = ReduceSum<keepdims=1, noop_with_empty_axes=1>(x) y = Gather<axis=1>(s, i0)",
    "integers of eight bits that wrap": "a = Constant<value = int8[1] {127}>() b = Constant<value = int8[1] {2}>() "
    "c = Add(a, b) w = Cast<to=11>(c) y = Mul(x0, w)",
}  # fmt: skip
SHAPED = (
    "sh = Constant<value = int64[3] {-1,1,1}>() x3 = Reshape(x0, sh) "
    "k = Constant<value = double[1,2,2] {1,2,3,4}>() kx = Mul(x3, k) "
)


@pytest.mark.parametrize("lines", GRAPHS.values(), ids=GRAPHS)
def test_an_operator_is_read_with_its_options(tmp_path, lines):
    _is_read_as_it_runs(_opened(tmp_path, lines))


def test_a_softmax_before_opset_13_is_over_all_later_axes(tmp_path):
    last = "m = ReduceMax<axes=[1,2], keepdims=0>(s) two = Constant<value = int64[2] {-1,1}>() y = Reshape(m, two)"
    _is_read_as_it_runs(_opened(tmp_path, SHAPED + "s = Softmax(kx) " + last, opset=11))


def test_a_function_of_a_file_is_read_by_the_opset_by_which_onnxruntime_runs_it(tmp_path):
    last = "ax = Constant<value = int64[2] {1,2}>() m = ReduceMax<keepdims=0>(s, ax) "
    last += "two = Constant<value = int64[2] {-1,1}>() y = Reshape(m, two)"
    soft = '<domain: "own", opset_import: ["" : 11]> soft (a) => (b) { b = Softmax(a) }'
    model = _opened(tmp_path, SHAPED + "s = own.soft(kx) " + last, functions=soft)
    _is_read_as_it_runs(model)


def test_a_reduction_over_no_axes_takes_all_of_them(tmp_path):
    with pytest.raises((Unsupported, BadInput)):  # all rows are in it
        program_of(
            _opened(tmp_path, "none = Constant<value = int64[0] {}>() y = ReduceMax<keepdims=1>(x, none)"), 2
        )


def test_constants_of_sixteen_bits_are_those_that_onnxruntime_computes(tmp_path):
    lines = "a = Constant<value = float16[1] {2048}>() s = Add(a, a) t = Sub(s, a) w = Cast<to=11>(t) y = Mul(x0, w)"
    _is_read_as_it_runs(_opened(tmp_path, lines))
    (file,) = tmp_path.glob("*.onnx")
    with pytest.raises(Unsupported, match="constants to float16"):  # nobody else computes them
        lower_onnx(onnx.load(str(file)))


def _net(dtype):
    torch.manual_seed(0)
    layers = torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
    return torch.nn.Sequential(*layers).to(dtype).eval()


def _exported(path):
    x = torch.zeros(3, 2, dtype=torch.float64)
    kept = torch.export.export(_net(torch.float64), (x,), dynamic_shapes=({0: torch.export.Dim("n")},))
    torch.export.save(kept, path)


def test_an_operator_that_is_read_as_another_one_is_refused_by_name(tmp_path, monkeypatch):
    read = {
        "graph": _opened(tmp_path, "t = Tanh(x0) y = Mul(t, zero)"),
        "pt2": _of_file(tmp_path, _exported, "m.pt2"),
    }
    for model in read.values():
        program_of(model, 2)
    monkeypatch.setitem(of_onnx._UNARY, "Tanh", "sin")
    with pytest.raises(Unsupported, match="ONNX Tanh"):
        program_of(_opened(tmp_path, "t = Tanh(x0) y = Mul(t, zero)"), 2)
    monkeypatch.setitem(of_torch.OPERATORS, "tanh", of_torch.OPERATORS["sin"])
    with pytest.raises(Unsupported, match="tanh"):
        program_of(_of_file(tmp_path, _exported, "m.pt2"), 2)
    with pytest.raises(Unsupported, match="tanh"):
        lower_torch(_net(torch.float64), 2)


ROOM = torch.linspace(-1, 1, 64, dtype=torch.float64)
KEPT = ROOM.exp(), ROOM.tanh()
BYTES = torch.tensor([65536], dtype=torch.int32), torch.tensor([100, 200], dtype=torch.uint8)
CONSTANTS = {
    "digits of exponentials": lambda x: x[:, :1] * ((ROOM.exp() - KEPT[0]).abs().sum() * 1e18 + 1.0),
    "digits of tangents": lambda x: x[:, :1] * ((ROOM.tanh() - KEPT[1]).abs().sum() * 1e18 + 1.0),
    "a softmax of weights": lambda x: x[:, :1] * torch.softmax(ROOM, 0)[3],
    "a layer norm of weights": lambda x: x[:, :1] * torch.nn.functional.layer_norm(ROOM, (64,))[3],
    "an identity": lambda x: x @ torch.eye(2, dtype=x.dtype),
    "evenly spaced numbers": lambda x: x[:, :1] * torch.linspace(0.0, 1.0, 11, dtype=x.dtype)[3],
    "integers that wrap": lambda x: x[:, :1] * (BYTES[0] * BYTES[0] + 1).double(),
}


@pytest.mark.parametrize("function", CONSTANTS.values(), ids=CONSTANTS)
def test_constants_are_those_that_torch_computes(function):
    x = torch.rand(5, 2, dtype=torch.float64)
    np.testing.assert_allclose(lower_torch(function, 2).value(x.numpy()), function(x).numpy(), rtol=1e-12)


def test_integers_that_float64_does_not_have_are_refused():
    large = torch.tensor([2**53 + 1])
    with pytest.raises(Unsupported, match=r"2\^53"):
        lower_torch(lambda x: x[:, :1] * (large - torch.tensor([2**53])).double(), 2)


HONEST = {
    "cancellation": lambda x: torch.relu((x[:, :1] * 0.1) * 10.0 - x[:, :1]) + x[:, :1],
    "normal rows that hardly vary": lambda x: torch.nn.functional.layer_norm(
        x[:, :1].expand(-1, 2) + 1e-4 * x, (2,)
    ),
    "a sum in another order": lambda x: torch.tanh(x @ torch.ones(2, 200, dtype=x.dtype)).sum(
        1, keepdim=True
    ),
    "a change in place": lambda x: (x + 0.0).mul_(2.0).sum(1, keepdim=True),
}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("function", HONEST.values(), ids=HONEST)
def test_rounding_alone_is_not_refused(function, dtype):
    program = lower_torch(function, 2, str(dtype).removeprefix("torch."))
    x = torch.rand(5, 2, dtype=dtype)
    assert program.value(x.double().numpy()).shape == function(x).shape
