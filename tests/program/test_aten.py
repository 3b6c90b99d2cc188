"""torch modules and exported graphs as programs: values against torch, and what cannot be read is named."""

import warnings

import numpy as np
import pytest

from supnorm.program import AtenNode, Ref, Unsupported, lower_aten, lower_exported, lower_torch

torch = pytest.importorskip("torch")
F = torch.nn.functional


class Residual(torch.nn.Module):
    """Every kind of layer that networks for science use: residuals, layer norm, gating."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = torch.nn.Linear(3, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 2)
        self.norm = torch.nn.LayerNorm(8)
        self.register_buffer("shift", torch.tensor([0.1, -0.2, 0.3]))

    def forward(self, x):
        h = torch.tanh(self.a((x - self.shift) / 2.0))
        h = h + F.gelu(self.b(self.norm(h)))
        return self.c(h * torch.sigmoid(h))


class Convolution(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv1d(1, 2, 2, padding=1)
        self.last = torch.nn.Linear(8, 1)
        self.norm = torch.nn.BatchNorm1d(2)

    def forward(self, x):
        h = self.norm(self.conv(x.unsqueeze(1)))
        return self.last(torch.flatten(F.silu(h), 1))


FUNCTIONS = {
    "activations": lambda x: torch.cat([
        F.softplus(x), F.gelu(x, approximate="tanh"), F.leaky_relu(x, 0.2), F.relu(x), F.silu(x), torch.erf(x),
        F.logsigmoid(x), F.hardtanh(x), F.relu6(8 * x), F.softplus(x, beta=2.0)], 1),
    "exponential below": lambda x: torch.cat([
        F.elu(x), F.elu(x, 0.5), F.selu(x), F.celu(x, 2.0), F.mish(x), F.hardsigmoid(5 * x), F.hardswish(5 * x),
        F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
        F.prelu(x, torch.tensor([0.3, 0.2, -0.1], dtype=x.dtype))], 1),
    "other logarithms": lambda x: torch.log10(1 + x**2) + torch.log2(1.5 + x) + torch.exp2(x),
    "arithmetic": lambda x: torch.stack([
        torch.sin(x[:, 0]) / (2 + x[:, 1] ** 2), torch.exp(-x[:, 2]) * torch.sqrt(3 + x[:, 0]),
        torch.log1p(x[:, 1] ** 2) - torch.rsqrt(4 + x[:, 0]), torch.pow(2.5 + x[:, 0], 1.7),
        1 - x[:, 0], torch.add(x[:, 0], x[:, 1], alpha=3), torch.expm1(x[:, 0]) + torch.cosh(x[:, 1])], 1),
    "extrema": lambda x: torch.stack([
        torch.minimum(x[:, 0], x[:, 1]), torch.clamp(x[:, 0], -0.2, 0.1), x.amax(1), x.abs().amin(1),
        torch.where(x[:, 0] > 0, x[:, 0], 0.5 * x[:, 0])], 1),
    "moves": lambda x: torch.cat([
        x.view(-1, 3, 1).transpose(1, 2).squeeze(1), x.flip([1]), x[:, 1:].repeat(1, 2), x.chunk(3, 1)[1],
        x.unbind(1)[2].unsqueeze(1), x.reshape(-1, 1, 3).mean(2), x.split([1, 2], 1)[1]], 1),
    "reductions": lambda x: torch.stack([
        x.sum(1), x.mean(1), (x**2).sum(1).sqrt(), F.softmax(x, 1)[:, 0], (x[:, None] @ x[:, :, None])[:, 0, 0],
        F.layer_norm(x, (3,))[:, 1]], 1),
    "maximum pooling": lambda x: torch.cat([
        F.max_pool1d(x.unsqueeze(1), 2).flatten(1), F.max_pool1d(x, 2, 1),
        F.max_pool1d(x.unsqueeze(1), 3, 2, 1, 1, True).flatten(1),
        F.max_pool2d((x[:, :, None] * x[:, None, :]).unsqueeze(1), 2, (1, 2), (1, 0), (1, 2)).flatten(1),
        F.max_pool2d((x[:, :, None] - x[:, None, :]).unsqueeze(1), 2, ceil_mode=True).flatten(1)], 1),
    "constants": lambda x: x @ torch.tensor([[1.0], [2.0], [3.0]], dtype=x.dtype) + torch.ones_like(x[:, :1]),
}  # fmt: skip


def _agree(program, function, d=3):
    x = np.random.default_rng(0).uniform(-0.9, 0.9, size=(40, d))
    with torch.no_grad():
        expected = function(torch.from_numpy(x)).reshape(len(x), -1).numpy()
    np.testing.assert_allclose(program.value(x), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    _agree(lower_torch(FUNCTIONS[name], 3), FUNCTIONS[name])


@pytest.mark.parametrize("module", [Residual, Convolution])
def test_modules(module):
    torch.manual_seed(0)
    net = module().eval()
    program = lower_torch(net, 3)
    assert next(net.parameters()).dtype == torch.float32  # the module is left alone
    _agree(program, net.double())


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: torch.floor(x), "floor"),
        (lambda x: torch.round(x), "round.*none: a step"),
        (torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.5)).train(), "dropout.*eval"),
        (torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).train(), r"cannot read.*after model.eval\(\)"),
        (lambda x: x if x.sum() > 0 else -x, "cannot read"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_named(function, words):
    with pytest.raises(Unsupported, match=words):
        lower_torch(function, 3)


def test_a_graph_as_data_needs_no_torch():
    nodes = [AtenNode("aten.mul.Tensor", (Ref("x"), 2.0), outputs=("y",)),
             AtenNode("aten.split.Tensor", (Ref("y"), 1, 1), outputs=("a", "b")),
             AtenNode("aten.maximum.default", (Ref("a"), Ref("b")), outputs=("z",))]  # fmt: skip
    program = lower_aten(nodes, {}, [("x", (1, 2))], ["z"])
    assert program.value(np.array([[0.5, 3.0], [2.0, 1.0]])).ravel().tolist() == [6.0, 4.0]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of torch's own, in run_decompositions
def test_an_exported_program():
    torch.manual_seed(1)
    net = Residual().double().eval()
    exported = torch.export.export(net, (torch.zeros(1, 3, dtype=torch.float64),))
    _agree(lower_exported(exported), net)
    _agree(lower_exported(exported.run_decompositions()), net)


# -- from the model to the proof ---------------------------------------------------------------------------


def _problem(function):
    from supnorm.problem import Domain, Problem
    from supnorm.sources import from_torch

    net = from_torch(function, precision="float64")
    return Problem(net, lambda x: 0.0 * x[:, 0], Domain(x=(-0.2, 0.2), y=(0.0, 0.3)))


def test_a_module_is_certified(tmp_path):
    from supnorm.certification import certify

    torch.manual_seed(3)
    net = torch.nn.Sequential(
        torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.LayerNorm(6), torch.nn.Linear(6, 1)
    )
    problem = _problem(net.eval())
    result = certify(problem, 1.1)
    assert result.status.code == "proved"
    x = problem.domain.from_unit(np.random.default_rng(0).random((20_000, 2)))
    assert result.lower * 0.9 <= np.abs(problem.model.value(x)).max() <= result.upper


@pytest.mark.slow
def test_an_exported_file_has_a_program(tmp_path):
    from supnorm.certification import certify
    from supnorm.sources import open_problem

    torch.manual_seed(4)
    net = torch.nn.Sequential(torch.nn.Linear(2, 6), torch.nn.Tanh(), torch.nn.Linear(6, 1)).double()
    for name, options in (("free", {"dynamic_shapes": ({0: torch.export.Dim.DYNAMIC},)}), ("tied", {})):
        exported = torch.export.export(net, (torch.zeros(4, 2, dtype=torch.float64),), **options)
        torch.export.save(exported, tmp_path / f"{name}.pt2")
        (tmp_path / "truth.py").write_text("import numpy as np\ndef f(x): return np.sin(x[:, 0]) * x[:, 1]\n")
        (tmp_path / "problem.toml").write_text(
            f'[model]\nfile = "{name}.pt2"\n[reference]\npython = "truth.py:f"\n'
            "[domain]\na = { low = 0.0, high = 1.0 }\nb = { low = -1.0, high = 1.0 }\n"
        )
        problem = open_problem(tmp_path / "problem.toml")
        assert problem.model.program is not None, problem.model.notes
        assert problem.model.first_layer[0].shape == (6, 2)
        result = certify(problem, 1.05)
        assert result.status.code == "proved"
        assert result.deployed_upper is not None


def test_code_that_depends_on_other_rows_is_refused():
    from supnorm.certification import certify
    from supnorm.results import BadInput

    with pytest.raises(BadInput, match="depends on more than the point"):
        certify(_problem(lambda x: x[:, 0] - x[:, 0].mean() + x[:, 1]))


# -- what would be read as something else -----------------------------------------------------------------


def _clamped_view(x):
    h = 3.0 * x
    h.view(-1).clamp_(max=0.8)
    return h


def _clamped_row(x):
    h = 3.0 * x
    for part in h.unbind(1):
        part.relu_()
    return h


def _through_the_base(x):
    h = 3.0 * x
    v = h[:, 1:]
    h.clamp_(max=0.8)
    return v


def _turned(x):
    h = 3.0 * x
    turned = torch.einsum("ij->ji", h)  # a view where it sums nothing
    h.clamp_(max=0.8)
    return turned.T


def _cut(x):
    return x - (5.0 * x).to(torch.int64).to(torch.float64)


@pytest.mark.parametrize(
    "function", [_clamped_view, _clamped_row, _through_the_base, _turned], ids=lambda f: f.__name__
)
def test_a_change_in_place_that_shows_through_a_view_is_refused(function, tmp_path):
    """The reader took the tensor as it was before: a clamp of a corner of the domain was not seen at all."""
    with pytest.raises(Unsupported, match="in place on a view"):
        lower_torch(function, 3)


def test_a_result_that_is_written_into_another_tensor_is_refused_before_anything_runs():
    class Counting(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(1, dtype=torch.float64))

        def forward(self, x):
            torch.add(self.count, 1.0, out=self.count)
            return x + torch.relu(self.count - 5000.0)

    module = Counting()
    with pytest.raises(Unsupported, match=r"add\.out.*without out"):
        lower_torch(module, 1)
    with pytest.raises(Unsupported, match=r"addcmul\.out.*without out"):
        lower_torch(lambda x: _written(x), 3)


def _written(x):
    h = x * 1.0
    torch.addcmul(x, x, x, out=h)
    return h


def test_a_change_in_place_is_read_where_nothing_else_shares_the_memory():
    _agree(lower_torch(lambda x: torch.relu_(3.0 * x.view(-1, 3) - 0.5), 3), lambda x: F.relu(3.0 * x - 0.5))
    _agree(lower_torch(lambda x: (3.0 * x).clamp_(max=0.2) + x, 3), lambda x: (3.0 * x).clamp(max=0.2) + x)

    def copied(x):
        h = x.clone()
        return h.clamp_(max=0.2) + x

    _agree(lower_torch(copied, 3), lambda x: x.clamp(max=0.2) + x)
    nodes = [
        AtenNode("aten.mul.Tensor", (Ref("x"), 3.0), outputs=("h",)),
        AtenNode("aten.clamp_.default", (Ref("h"), None, 0.8), outputs=("c",)),
    ]
    read = lower_aten(nodes, {}, [("x", (1, 1))], ["h"])  # a graph may go on with the first name
    assert read.value(np.array([[1.0]])) == 0.8


def test_a_buffer_that_changes_at_each_call_is_refused():
    nodes = [
        AtenNode("aten.add_.Tensor", (Ref("count"), 1.0), outputs=("c",)),
        AtenNode("aten.mul.Tensor", (Ref("x"), Ref("c")), outputs=("y",)),
    ]
    with pytest.raises(Unsupported, match="changes at each call"):
        lower_aten(nodes, {"count": np.zeros(1)}, [("x", (1, 1))], ["y"])


def test_an_index_of_uint8_is_a_mask_and_no_position():
    nodes = [AtenNode("aten.index.Tensor", (Ref("x"), [None, Ref("i")]), outputs=("y",))]
    at = np.array([1, 1], dtype=np.uint8)
    with pytest.raises(Unsupported, match="index of uint8"):
        lower_aten(nodes, {"i": at}, [("x", (1, 2))], ["y"])
    read = lower_aten(nodes, {"i": at.astype(np.int64)}, [("x", (1, 2))], ["y"])
    assert read.value(np.array([[3.0, 4.0]])).ravel().tolist() == [4.0, 4.0]


def _file(tmp_path, function):
    from supnorm.sources import open_problem

    class Module(torch.nn.Module):
        def forward(self, x):
            return function(x)

    exported = torch.export.export(
        Module(), (torch.zeros(4, 1, dtype=torch.float64),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    torch.export.save(exported, tmp_path / "m.pt2")
    (tmp_path / "truth.py").write_text("def f(x): return 3.0 * x[:, 0]\n")
    (tmp_path / "problem.toml").write_text(
        '[model]\nfile = "m.pt2"\n[reference]\npython = "truth.py:f"\n[domain]\na = { low = 0.0, high = 1.0 }\n'
    )
    return open_problem(tmp_path / "problem.toml")


@pytest.mark.slow
def test_numbers_that_become_integers_are_refused(tmp_path):
    with pytest.raises(Unsupported, match="to int64"):
        lower_torch(_cut, 3)
    assert _file(tmp_path, _cut).model.program is None


@pytest.mark.slow
def test_a_file_that_rounds_on_the_way_has_no_bound_as_deployed(tmp_path):
    """Float64 in and out, but the values pass through float32: no rounding of float64 bounds that."""
    from supnorm.certification import certify

    problem = _file(tmp_path, lambda x: (torch.tanh(x.float()) * 3.0).double())
    assert problem.model.program is not None
    assert problem.model.precision == "float32"
    assert certify(problem, 1.5).deployed_upper is None


class Added(torch.nn.Module):
    """Adds a number that the graph computes from a constant."""

    def __init__(self, constant, function):
        super().__init__()
        self.register_buffer("constant", constant)
        self.function = function

    def forward(self, x):
        return x + self.function(self.constant).to(torch.float64)


@pytest.mark.parametrize(
    ("constant", "function", "words"),
    [
        (torch.tensor([0], dtype=torch.uint8), lambda k: k - 1, "sub.Tensor to uint8"),
        (torch.tensor([1], dtype=torch.uint8), lambda k: -k, "neg.default to uint8"),
        (torch.tensor([2.0**24, 1.0, 1.0]), lambda k: k.sum(), "sum.default of constants to float32"),
    ],
)
def test_constants_that_torch_computes_otherwise_are_refused(constant, function, words):
    with pytest.raises(Unsupported, match=words):
        lower_torch(Added(constant, function), 1, "float64")


def test_constants_of_narrower_numbers_that_float64_gives_alike_are_read():
    module = Added(torch.tensor([1.5]), lambda k: (k * 2.0 + 1.0).sqrt() / 0.25)
    x = torch.tensor([[0.3]], dtype=torch.float64)
    assert lower_torch(module, 1, "float64").value(x.numpy())[0, 0] == float(module(x)) == 8.3


@pytest.mark.parametrize("compiled", ["script", "trace"])
def test_torchscript_is_named(compiled):
    """It was said to be in training mode, also after ``model.eval()``."""
    net = torch.nn.Linear(2, 1).double().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch will drop it
        made = (
            torch.jit.script(net)
            if compiled == "script"
            else torch.jit.trace(net, torch.zeros(3, 2).double())
        )
    with pytest.raises(Unsupported, match=r"TorchScript.*before torch\.jit"):
        lower_torch(made, 2)


def test_a_softplus_in_a_branch_is_linear_above_the_lower_threshold():
    """The bound was false: what was known of the threshold of torch's softplus was lost."""
    torch = pytest.importorskip("torch")
    import torch.nn.functional as F

    def model(x):
        return torch.where(x > 1000.0, x, F.softplus(x, threshold=0.5))

    program = lower_torch(model, 1)
    rooms = {one.above: one.absolute for node in program.nodes for one in node.discrepancies}
    assert rooms[0.5] >= np.log1p(np.exp(-0.5))
    x = np.linspace(-1.0, 2.0, 301)[:, None]
    off = np.abs(model(torch.as_tensor(x)).numpy() - program.value(x))
    assert 0.4 < off.max() <= rooms[0.5]


def test_an_operation_of_another_family_is_none_of_sizes():
    """`getitem` may be an overload of somebody's operation, which does something else."""
    node = AtenNode("mine.pick.getitem", ([Ref("x"), Ref("x")], 0), {}, ("y",))
    with pytest.raises(Unsupported, match=r"mine\.pick\.getitem"):
        lower_aten([node], {}, [("x", (1, 1))], ["y"])


@pytest.mark.parametrize("layer", [torch.nn.AlphaDropout, torch.nn.Dropout1d, torch.nn.FeatureAlphaDropout])
def test_dropout_of_every_kind_changes_nothing_in_evaluation_mode(layer):
    net = torch.nn.Sequential(torch.nn.Unflatten(1, (1, 4)), layer(0.5), torch.nn.Flatten())
    assert lower_torch(net.eval(), 4).operations == ("input", "take")
    with pytest.raises(Unsupported, match=r"dropout.*eval"):
        lower_torch(net.train(), 4)
