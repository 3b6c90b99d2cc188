"""What torch runs for a module is what is exported of it: the same operations, with the same results."""

import pytest

from supnorm.program import lower_torch
from supnorm.program.operations import Unsupported

torch = pytest.importorskip("torch")


class Coded(torch.nn.Module):
    """Two tokens through an encoder; where ``padding`` is true of one, it is padding."""

    def __init__(self, padding=None, mask=None):
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(4, 2, 4, batch_first=True, dtype=torch.float64)
        self.encoder = torch.nn.TransformerEncoder(layer, 1)
        self.first = torch.nn.Linear(2, 8, dtype=torch.float64)
        self.padding, self.mask = padding, mask

    def forward(self, x):
        tokens = self.first(x).reshape(-1, 2, 4)
        padding = None if self.padding is None else self.padding.expand(len(x), 2)
        return self.encoder(tokens, self.mask, padding, is_causal=False)[:, 1, :1]


@pytest.mark.slow
def test_attention_in_one_operation_is_what_is_exported():
    assert lower_torch(Coded().eval(), 2).m == 1
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.slow
@pytest.mark.parametrize(
    "given",
    [
        {"padding": torch.tensor([[False, True]])},
        {"mask": torch.tensor([[False, True], [False, False]])},
    ],
    ids=["padding", "mask"],
)
def test_attention_with_a_mask_is_refused_unless_it_runs_as_it_is_exported(given):
    """Of the token that is padding, torch gives zeros in one operation, and other numbers in those that are exported."""
    module = Coded(**given).eval()
    with pytest.raises(Unsupported, match=r"attention with a mask or padding.*set_fastpath_enabled"):
        lower_torch(module, 2)
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        assert lower_torch(module, 2).m == 1
    finally:
        torch.backends.mha.set_fastpath_enabled(True)


class Asking(torch.nn.Module):
    """Computes otherwise while it is exported, times a number that is zero on most of the domain."""

    def __init__(self, exported, runs):
        super().__init__()
        self.exported, self.runs = exported, runs

    def forward(self, x):
        chosen = self.exported if torch.compiler.is_exporting() else self.runs
        return x[:, :1] + torch.relu(x[:, :1] - 1e3) * chosen(x[:, 1:3])[:, :1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("exported", "runs", "message"),
    [
        (torch.sin, torch.cos, "runs aten.cos and exports aten.sin"),
        (lambda x: 2.0 * x, lambda x: 3.0 * x, "aten.mul, which gives other numbers"),
        (lambda x: x[:, :1], lambda x: x[:, 1:2], "aten.slice, which gives other numbers"),
        (lambda x: x[:, 1:], lambda x: x[:, 1:] + 0.0, "runs aten.add and exports aten.mul"),
    ],
    ids=["another", "constant", "view", "more"],
)
def test_code_that_computes_otherwise_while_it_is_exported_is_refused(exported, runs, message):
    assert lower_torch(Asking(exported, exported), 3).m == 1
    with pytest.raises(Unsupported, match=message):
        lower_torch(Asking(exported, runs), 3)


def test_more_or_fewer_operations_at_the_end_are_refused():
    def more(x):
        y = torch.sin(x[:, 0])
        return y if torch.compiler.is_exporting() else y.clone()

    with pytest.raises(Unsupported, match=r"runs 3 operations and exports 2 \(aten.clone"):
        lower_torch(more, 2)


def _doubled(x):
    return 2.0 * torch.sin(x) + 1.0


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
def test_code_that_torch_compiles_is_what_is_exported_of_it():
    """A number is one of another overload there."""
    scripted = torch.jit.script(_doubled)
    assert lower_torch(lambda x: scripted(x[:, :1]), 2).m == 1


@pytest.mark.parametrize("whole", [True, False])
def test_code_that_torch_compile_has_made_is_refused(whole):
    """Its backend may compute anything, and is switched off while torch exports the code or notes its operations."""
    compiled = torch.compile(torch.sin, backend=lambda graph, given: lambda *some: (torch.cos(some[-1]),))
    module = compiled if whole else lambda x: 2.0 * compiled(x)
    with pytest.raises(Unsupported, match="compile has compiled, which"):
        lower_torch(module, 2)
    assert lower_torch(torch.sin, 2).m == 2


def test_memory_that_is_written_later_has_no_numbers_before():
    """As circular padding takes it; it was refused, because each run found other numbers there."""
    assert lower_torch(torch.nn.CircularPad1d(2), 5).m == 9


def test_another_kernel_of_an_operation_of_torch_is_refused(monkeypatch):
    import torch.library

    monkeypatch.setattr(
        torch.library, "_impls", {*torch.library._impls, "mine/sin/CPU", "aten/sin/Meta", "aten/sin/CUDA"}
    )
    torch.func.vmap(torch.sin)(torch.zeros(2, 1))  # loads kernels for `vmap`
    assert lower_torch(torch.sin, 2).m == 2
    torch.library._impls.add("aten/sin/CPU")
    with pytest.raises(Unsupported, match="aten/sin/CPU is another kernel"):
        lower_torch(torch.sin, 2)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v[:, 2:].add_(v[:, :-2]),
        lambda v: v.addmm_(v, torch.ones(3, 3, dtype=v.dtype)),
        lambda v: v.addmm_(v.detach(), torch.ones(3, 3, dtype=v.dtype)),
    ],
    ids=["views that overlap", "product", "product with a view"],
)
def test_an_operation_in_place_with_an_argument_in_the_same_memory_is_refused(change):
    """torch reads there what it has written before."""

    def code(x):
        v = torch.stack([x[:, 0], x[:, 1], x[:, 0] * x[:, 1]], 1)
        return change(v)[:, :1]

    with pytest.raises(Unsupported, match="in place with another argument in the same memory"):
        lower_torch(code, 2)


def test_a_number_for_itself_may_be_its_own_argument():
    def code(x):
        v = 2.0 * x
        return v.add_(v)[:, :1]

    assert lower_torch(code, 2).value([[0.25, 0.0]]).tolist() == [[1.0]]


class Shifted(torch.nn.Module):
    """In float32: torch rounds the factor to it, and the product; the reader makes both one constant, 1.875 exactly."""

    def __init__(self, code):
        super().__init__()
        self.register_buffer("shift", torch.tensor([[7346.25]]))
        self.code = code

    def forward(self, x):
        return self.code(x, self.shift)


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        lambda x, c: torch.add(x, c, alpha=1.0 / 3918),
        lambda x, c: torch.sub(x, c, alpha=1.0 / 3918),
        lambda x, c: torch.rsub(x, c, alpha=1.0 / 3918),
        lambda x, c: torch.addmm(c, x, c, beta=1.0 / 3918),
        lambda x, c: torch.addcmul(x, c, c, value=1.0 / 3918),
    ],
    ids=["add", "sub", "rsub", "addmm", "addcmul"],
)
def test_of_a_factor_in_float32_the_rounding_is_not_known(code):
    """A bound of the model as it runs, 1.279e-7, was below its error, 1.714e-7."""
    program = lower_torch(Shifted(code), 1, "float32")
    assert program.origin is not None
    assert any("with a factor" in one for one in program.origin.unlike)
    plain = lower_torch(Shifted(lambda x, c: torch.add(x, c)), 1, "float32")
    assert plain.origin is not None
    assert plain.origin.unlike == ()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_an_encoder_whose_layers_take_nested_tensors_opens():
    """supnorm ended as with a bug of its own, while it looked for a first layer that scales its inputs."""
    from supnorm.sources.torch import first_layer

    class Padded(torch.nn.Module):
        def __init__(self):
            super().__init__()
            layer = torch.nn.TransformerEncoderLayer(4, 2, 4, batch_first=True, dtype=torch.float64)
            self.encoder = torch.nn.TransformerEncoder(layer, 1)

        def forward(self, x):
            tokens = x.repeat(1, 4).reshape(-1, 2, 4)
            padding = torch.tensor([[False, True]]).expand(len(x), 2)
            return self.encoder(tokens, src_key_padding_mask=padding)[:, 0]

    assert first_layer(Padded().eval(), torch.rand(5, 2, dtype=torch.float64).numpy()) is None


def test_an_export_that_fails_does_not_print_its_graph(capfd):
    """torch prints it to the standard error stream; of a transformer these were 159 lines before the refusal."""

    def model(x):
        return torch.sin(x) if (x > 0.0).all() else x

    with pytest.raises(Unsupported, match="cannot read"):
        lower_torch(model, 2)
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "def forward" not in printed.err
