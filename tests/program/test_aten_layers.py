"""Layers and functions of torch as programs, beside torch at points of several sizes: small ones show an epsilon."""

import numpy as np
import pytest

from supnorm.certification import certify
from supnorm.checker import check
from supnorm.problem import Domain, Problem
from supnorm.program import Unsupported, lower_torch

torch = pytest.importorskip("torch")
nn, F = torch.nn, torch.nn.functional
SCALES = (3.0, 1e-2, 1e-6)


def _outer(x):
    return x[:, :, None] * torch.stack([x[:, 0], 1 + x[:, 1], torch.sin(x[:, 2])], 1)[:, None, :]


FUNCTIONS = {
    "norms": lambda x: torch.cat([
        torch.linalg.vector_norm(x, p, dim=1, keepdim=True) for p in (1, 2, 2.5, 3, 4, float("inf"), -float("inf"))], 1),
    "norms by other names": lambda x: torch.stack([
        torch.linalg.norm(x, dim=1), torch.norm(x, dim=1), x.norm(p=3, dim=-1), torch.linalg.norm(x + 1, dim=1),
        F.pairwise_distance(x, torch.sin(x) + 1), F.cosine_similarity(x, torch.cos(x), dim=1)], 1),
    "matrix by matrix": lambda x: torch.linalg.norm(_outer(x), dim=(1, 2)),
    "directions": lambda x: torch.cat([F.normalize(x, dim=1), F.normalize(x, p=1, dim=1, eps=1e-3)], 1),
    "variances": lambda x: torch.stack([
        x.var(1), x.var(1, unbiased=False), torch.var(x, 1, correction=0), torch.var(x, dim=1, correction=0.5), x.std(1),
        torch.std(x, dim=1, correction=0), *torch.std_mean(x, 1), *torch.var_mean(x, 1, correction=2)], 1),
    "variances that stay": lambda x: torch.cat([x.var(1, keepdim=True), *torch.std_mean(x, 1, keepdim=True)], 1),
    "logarithms of sums": lambda x: torch.cat([
        torch.logsumexp(x, 1, keepdim=True), F.log_softmax(x, -1), F.softmin(x, 1),
        torch.logsumexp(_outer(x), (1, 2))[:, None], torch.logaddexp(x[:, :1], x[:, 1:])], 1),
    "sums of products": lambda x: torch.cat([
        torch.lerp(x, torch.sin(x), 0.3), torch.lerp(x, torch.sin(x), torch.sigmoid(x)),
        torch.addcmul(x, x, x + 1, value=0.5), torch.addcdiv(x, x, 2 + torch.sin(x), value=-0.3),
        torch.hypot(x, x.flip(1)), x.prod(1, keepdim=True),
        torch.special.expit(x), torch.clip(x, -1e-6, 0.1), torch.arctan(x), torch.true_divide(x, 3.0)], 1),
    "products": lambda x: torch.cat([
        torch.baddbmm(x[:, :, None], _outer(x), x[:, :, None], beta=0.3, alpha=2.0).flatten(1),
        torch.tensordot(_outer(x), torch.arange(6.0, dtype=x.dtype).reshape(3, 2), dims=([1], [0])).flatten(1),
        (_outer(x)[:, None] @ _outer(x).transpose(1, 2)[:, None]).flatten(1),
        (_outer(x)[:, None] @ torch.arange(12.0, dtype=x.dtype).reshape(2, 3, 2)).flatten(1)], 1),
    "largest and least": lambda x: torch.stack([
        x.max(1).values, x.min(1).values, torch.max(x[:, 0], x[:, 1]), x.min(1)[0]], 1),
    "thresholds": lambda x: torch.cat([
        F.softshrink(x, 0.3), F.softshrink(x, 1e-7), F.threshold(x, 0.1, 0.1), F.rrelu(x, 0.1, 0.3), F.tanhshrink(x)], 1),
    "moves": lambda x: torch.cat([
        _outer(x).swapaxes(1, 2).flatten(1), _outer(x).movedim(1, 2).flatten(1), _outer(x).mT.flatten(1),
        x.narrow(1, 1, 2), x.narrow(1, -2, 2), x.tile(1, 2), x.repeat_interleave(2, 1), x.roll(1, 1), x.roll((1, 2), (1, 1)),
        _outer(x).diagonal(dim1=1, dim2=2), x.ravel().view_as(x), torch.hstack([x, x]), torch.column_stack([x[:, 0], x]),
        torch.dstack([x, x]).flatten(1), *x.tensor_split(2, 1), *x.tensor_split((1, 2), 1)], 1),
    "constant places": lambda x: torch.cat([
        x[:, [2, 0]], _outer(x)[:, [0, 1], [2, 0]], _outer(x)[:, [0, 2]].flatten(1),
        _outer(x)[:, [[0, 1], [2, 2]], 1].flatten(1), _outer(x)[:, :, None][:, [0, 1], :, [0, 2]].swapaxes(0, 1).flatten(1),
        torch.gather(x, 1, torch.tensor([[1, 1, 0, 2]]).expand(len(x), 4))], 1),
    "masks": lambda x: torch.cat([
        torch.tril(_outer(x)).flatten(1), torch.triu(_outer(x), 1).flatten(1),
        x.masked_fill(torch.tensor([True, False, False]), 0.5), torch.where(torch.tensor([True, False, True]), x, x**2)], 1),
    "masks that the code makes": lambda x: torch.cat([
        torch.where(torch.arange(3) < 2, x, x**2), torch.where(~(torch.arange(3) == 1), x, x**2),
        _outer(x).masked_fill(torch.triu(torch.ones(3, 3), 1) == 1, -1.0).flatten(1)], 1),
    "padding": lambda x: torch.cat([
        F.pad(x, (1, 2)), F.pad(x, (0, 1), value=2.5), F.pad(_outer(x), (1, 0, 0, 2), value=-1.0).flatten(1),
        *(F.pad(_outer(x), (1, 2), mode=m).flatten(1) for m in ("reflect", "replicate", "circular"))], 1),
    "mean pooling": lambda x: torch.cat([
        F.avg_pool1d(x[:, None], 2).flatten(1), F.avg_pool1d(x[:, None], 2, 1, 1).flatten(1),
        F.avg_pool1d(x[:, None], 3, 1, 1, count_include_pad=False).flatten(1),
        F.avg_pool2d(_outer(x)[:, None], (2, 1), (1, 2)).flatten(1),
        F.avg_pool2d(_outer(x)[:, None], 2, 1, 1, count_include_pad=False, divisor_override=3).flatten(1),
        F.avg_pool2d(_outer(x)[:, None], 2, 2, 1, count_include_pad=False).flatten(1),
        F.adaptive_avg_pool1d(_outer(x), 2).flatten(1), F.adaptive_avg_pool2d(_outer(x)[:, None], (2, None)).flatten(1)], 1),
    "larger pictures": lambda x: torch.cat([
        F.interpolate(_outer(x), scale_factor=2).flatten(1), F.interpolate(_outer(x)[:, None], size=(6, 3)).flatten(1),
        F.interpolate(_outer(x)[:, None], scale_factor=(1.0, 3.0)).flatten(1),
        F.pixel_shuffle(_outer(x).repeat(1, 4, 1).unflatten(1, (4, 3)), 2).flatten(1),
        F.pixel_unshuffle(F.pad(_outer(x), (0, 1, 0, 1))[:, None], 2).flatten(1)], 1),
}  # fmt: skip


def _lines(channels, *middle, wide, last):
    """A network whose middle gets ``(n, channels, wide)``."""
    return nn.Sequential(
        nn.Linear(3, channels * wide), nn.Unflatten(1, (channels, wide)), *middle, nn.Flatten(), nn.Linear(last, 2)
    )  # fmt: skip


def _dense(middle, width=8):
    return nn.Sequential(nn.Linear(3, 8), middle, nn.Linear(width, 2))


class Steps(nn.Module):
    """A recurrent network over the three inputs as a sequence, and over twice as many numbers each."""

    def __init__(self, cell, **options):
        super().__init__()
        self.cell = cell(2, 3, batch_first=True, **options)
        width = 6 if options.get("bidirectional") else 3
        self.last = nn.Linear(width, 1)

    def forward(self, x):
        results, states = self.cell(torch.stack([x, x**2], 2))
        ends = states[1] if isinstance(states, tuple) else states
        return torch.cat([self.last(results[:, -1]), results[:, 0], ends.swapaxes(0, 1).flatten(1)], 1)


class Attention(nn.Module):
    """Two heads over the inputs as tokens, by torch's own module or by scaled_dot_product_attention."""

    def __init__(self, mask=None, module=False, **options):
        super().__init__()
        self.first, self.last = nn.Linear(1, 4), nn.Linear(4, 1)
        self.inner = nn.MultiheadAttention(4, 2, batch_first=True) if module else None
        self.mask, self.options = mask, options

    def forward(self, x):
        h = self.first(x[:, :, None])
        if self.inner is not None:
            h = h + self.inner(h, h, h, need_weights=False)[0]
        else:
            heads = h.unflatten(2, (2, 2)).swapaxes(1, 2)
            mask = self.mask if self.mask is None or self.mask.dtype == torch.bool else self.mask.to(x.dtype)
            out = F.scaled_dot_product_attention(heads, torch.sin(heads), heads, mask, **self.options)
            h = out.swapaxes(1, 2).flatten(2)
        return self.last(torch.tanh(h)).flatten(1)


BOOLEAN = torch.tensor([[True, True, False], [False, True, True], [True, False, True]])
ADDED = torch.tensor([[0.0, -float("inf"), 0.5], [0.1, 0.2, 0.3], [-1.0, 0.0, -float("inf")]])
MODULES = {
    "RMSNorm": lambda: _dense(nn.RMSNorm(8)),
    "RMSNorm with an epsilon": lambda: _dense(nn.RMSNorm((8,), eps=1e-3, elementwise_affine=False)),
    "GroupNorm": lambda: _dense(nn.GroupNorm(2, 8)),
    "GroupNorm of lines": lambda: _lines(4, nn.GroupNorm(2, 4, eps=1e-3), wide=2, last=8),
    "InstanceNorm": lambda: _lines(2, nn.InstanceNorm1d(2, affine=True), wide=4, last=8),
    "InstanceNorm with its statistics": lambda: _lines(
        2, nn.InstanceNorm1d(2, track_running_stats=True), wide=4, last=8
    ),
    "GLU": lambda: _dense(nn.GLU(), 4),
    "LogSoftmax": lambda: _dense(nn.LogSoftmax(-1)),
    "Bilinear": lambda: nn.Sequential(nn.Linear(3, 4), Both(nn.Bilinear(4, 4, 3)), nn.Tanh(), nn.Linear(3, 1)),
    "same padding": lambda: _lines(2, nn.Conv1d(2, 3, 4, padding="same", dilation=2), wide=5, last=15),
    "circular padding": lambda: _lines(2, nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular"), wide=4, last=12),
    "ConvTranspose1d": lambda: _lines(2, nn.ConvTranspose1d(2, 4, 3, 2, 1, 1, groups=2, dilation=2), wide=3, last=32),
    "ConvTranspose2d": lambda: nn.Sequential(
        nn.Linear(3, 8), nn.Unflatten(1, (2, 2, 2)), nn.ConvTranspose2d(2, 3, (2, 3), (2, 1), bias=False), nn.Flatten()
    ),
    "LSTM": lambda: Steps(nn.LSTM),
    "LSTM of two layers, both ways": lambda: Steps(nn.LSTM, num_layers=2, bidirectional=True),
    "LSTM without biases": lambda: Steps(nn.LSTM, bias=False),
    "GRU": lambda: Steps(nn.GRU, num_layers=2),
    "RNN": lambda: Steps(nn.RNN),
    "RNN of ReLUs": lambda: Steps(nn.RNN, nonlinearity="relu", bidirectional=True),
    "attention": lambda: Attention(),
    "attention by torch's module": lambda: Attention(module=True),
    "causal attention": lambda: Attention(is_causal=True, scale=0.3),
    "attention with a mask": lambda: Attention(BOOLEAN),
    "attention with an added mask": lambda: Attention(ADDED),
    "TransformerEncoderLayer": lambda: nn.Sequential(
        nn.Unflatten(1, (3, 1)), nn.Linear(1, 4), nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), nn.Flatten()
    ),
}  # fmt: skip


class Both(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x, torch.cos(x))


def _module(name):
    torch.manual_seed(0)
    return MODULES[name]().double().eval()


def _agree(program, function, scale=1.0):
    x = scale * np.random.default_rng(0).normal(size=(30, 3))
    with torch.no_grad():
        expected = function(torch.from_numpy(x)).reshape(len(x), -1).numpy()
    # Rounding near zero, of differences of numbers near one, and of variances of numbers that are nearly alike.
    np.testing.assert_allclose(program.value(x), expected, rtol=1e-7, atol=1e-13)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    program = lower_torch(FUNCTIONS[name], 3)
    for scale in SCALES:
        _agree(program, FUNCTIONS[name], scale)


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_modules(name):
    module = _module(name)
    program = lower_torch(module, 3)
    for scale in SCALES:
        _agree(program, module, scale)


class Unbatched(nn.Module):
    """A convolution of each of two channels by itself, without an axis for the batch."""

    def __init__(self, rank):
        super().__init__()
        self.rank, self.kernel = (
            rank,
            nn.Parameter(torch.tensor([0.25, 1.0, -2.0]).reshape(1, 1, 3, *(1,) * (rank - 1))),
        )
        self.function = getattr(torch.nn.functional, f"conv{rank}d")

    def forward(self, x):
        wide = torch.stack([x[:, 0], x[:, 1], x[:, 0] * x[:, 1], x[:, 0] + 1.0], dim=1)
        parts = [
            self.function(row.reshape(1, 4, *(1,) * (self.rank - 1)), self.kernel)[0].reshape(2)
            for row in (wide[i] for i in range(len(x)))
        ]
        return torch.stack(parts)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_convolutions_without_a_batch(rank):
    """The first axis was taken for a batch, and only the last number of the kernel counted: a false bound was proved."""
    model = Unbatched(rank).double()
    x = np.random.default_rng(0).normal(size=(3, 2))
    program = lower_torch(model, 2, "float64")
    np.testing.assert_allclose(program.value(x), model(torch.tensor(x)).detach().numpy(), rtol=1e-13)


def test_the_epsilon_of_rms_norm_is_that_of_its_precision():
    for dtype, least in ((torch.float64, "float64"), (torch.float32, "float32")):
        program = lower_torch(lambda x: F.rms_norm(x, (3,)), 3, least)
        x = np.random.default_rng(0).normal(size=(20, 3)) * np.sqrt(torch.finfo(dtype).eps)
        x = torch.tensor(x, dtype=dtype)
        expected = F.rms_norm(x, (3,)).double().numpy()
        np.testing.assert_allclose(program.value(x.double().numpy()), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: torch.where(x == 0.1, x, 0.0), "where"),
        (lambda x: torch.cdist(x, torch.ones(30, 3, dtype=x.dtype)), "cdist.*vector_norm"),
        (lambda x: torch.linalg.vector_norm(x, 0.5, dim=1), "order 0.5.*1 and more"),
        (lambda x: torch.linalg.norm(_outer(x), "nuc", dim=(1, 2)), "matri|nuc"),
        (lambda x: torch.linalg.norm(_outer(x), 2, dim=(1, 2)), "matri"),
        (lambda x: x[:, x[0].long()], "int64|index|cannot read"),
        (lambda x: torch.var(x[:, :1], 1), "variance of 1 number"),
        (lambda x: F.avg_pool1d(x[:, None], 2, ceil_mode=True).flatten(1), "ceil_mode"),
        (lambda x: F.interpolate(x[:, None], size=4).flatten(1), "upsampling from 3 entries to 4"),
        (lambda x: F.pad(x, (-1, 0)), "padding by negative"),
        (lambda x: x.max(1).indices.to(x.dtype), "getitem_1.*places|max.*places"),
        (Attention(torch.zeros(3, 3, dtype=torch.bool)).double(), "masks all keys"),
    ],
)
def test_what_stands_in_the_way_is_named(function, words):
    with pytest.raises(Unsupported, match=words):
        lower_torch(function, 3, "float64")


def test_a_mask_of_nan_masks_nothing():
    mask = torch.tensor([[0.0, float("nan"), 0.0]]).expand(3, 3)
    program = lower_torch(Attention(mask).double(), 3)
    assert np.isnan(program.value(np.ones((1, 3)))).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["RMSNorm", "GroupNorm", "GLU", "LSTM", "GRU", "attention", "causal attention", "ConvTranspose1d"]
)
def test_the_proof_of_a_module_holds(name, tmp_path):
    module, twin = _module(name), _module(name)
    with torch.no_grad():
        for weight in twin.parameters():
            weight += 1e-2 * torch.sin(torch.arange(weight.numel(), dtype=weight.dtype)).reshape(weight.shape)
    domain = Domain(a=(-0.5, 0.5), b=(0.1, 0.4), c=(0.2, 0.3))
    proof = certify(Problem(module, twin, domain), ratio=1.5, seconds=60)
    x = np.random.default_rng(1).uniform((-0.5, 0.1, 0.2), (0.5, 0.4, 0.3), size=(20_000, 3))
    with torch.no_grad():
        largest = float((module(torch.from_numpy(x)) - twin(torch.from_numpy(x))).abs().max())
    assert largest <= proof.upper <= 10.0 * largest
    proof.certificate.save(tmp_path / "proof.cert.json")
    assert check(tmp_path / "proof.cert.json").accepted
