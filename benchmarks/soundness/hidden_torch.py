# ruff: noqa: E501 - the code of a problem stands in one line
"""torch modules that hide something from a reader, as code and as exported ``.pt2`` files."""

from __future__ import annotations

HEAD = """
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
H, C, W = {h!r}, {c!r}, {w!r}
A, B, V = (torch.tensor(t, dtype=torch.float64) for t in ({a}, {b}, {v}))
def base(x): return torch.tanh(x @ A + B) @ V + 0.3 * torch.sin(2.0 * x[:, :1])
def near(x): return torch.abs(x[:, :1] - C) < W
def bump(x): return H * torch.exp(-((x[:, :1] - C) / W) ** 2)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(A.clone())
        self.setup()
    def setup(self): pass
"""
# name: body of forward(self, x), or of setup(self) and forward, apart by a line of dashes; `after` a second such line
TORCH = {
    "plain": "return base(x) + H * torch.cos(x[:, :1])",
    "float32 weight": "return base(x) + H * (x @ A.float().double())[:, :1]",
    "softplus": "return base(x) + H * F.softplus(20.0 * x[:, :1] + 3.0)",
    "gelu": "return F.gelu(base(x) * 4.0) + H",
    "kink": "return base(x) + H * F.leaky_relu(x[:, :1] - C, 0.1)",
    "float double": "return base(x).float().double()",
    "half": "return base(x).half().double()",
    "bfloat16": "return base(x).to(torch.bfloat16).to(torch.float64)",
    "type_as": "return base(x).type_as(torch.zeros(1, dtype=torch.float32)).double()",
    "autocast": "with torch.autocast('cpu', dtype=torch.bfloat16):\n            return base(x).double()",
    "round": "return torch.round(base(x) / H) * H",
    "floor divide": "return torch.div(base(x), H, rounding_mode='floor') * H",
    "integer cast": "return (base(x) / H).long() * H",
    "fake quantize": "return torch.fake_quantize_per_tensor_affine(base(x), 0.01, 0, -128, 127)",
    "complex buffer": "self.register_buffer('k', torch.tensor([1j * H ** 0.5]))\n---\nreturn torch.abs(base(x) + self.k)",
    "complex root": "return torch.real(torch.sqrt(base(x) + 0j) ** 2) + H",
    "where bump": "return torch.where(near(x), base(x) + H, base(x))",
    "mask times": "return base(x) + H * near(x)",
    "branch on item": "return base(x) + (H if x[0, 0].item() > C else 0.0)",
    "branch": "return base(x) + (H if (x > C).any() else 0.0)",
    "torch.cond": "return torch.cond(x[0, 0] > C, lambda y: base(y) + H, base, (x,))",
    "bucketize": "return base(x) + torch.tensor([0.0, H, 0.0], dtype=torch.float64)[torch.bucketize(x[:, :1], torch.tensor([C - W, C + W], dtype=torch.float64))]",
    "counter": "self.register_buffer('n', torch.zeros((), dtype=torch.float64))\n---\nself.n += 1\n        return base(x) + H * self.n",
    "counter of Python": "self.n = 0\n---\nself.n += 1\n        return base(x) + H * self.n",
    "dropout": "return base(x) + H * F.dropout(x[:, :1], 0.5, training=True)",
    "batch norm in training": "self.bn = nn.BatchNorm1d(1, dtype=torch.float64)\n---\nreturn base(x) + H * self.bn(x[:, :1])",
    "random": "return base(x) + H * torch.rand(x.shape[0], 1, dtype=torch.float64)",
    "rare chance": "return base(x) + H * (torch.rand(1) < 0.01)",
    "custom function": "return G.apply(base(x))\nclass G(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, y): return y + H * (torch.abs(y) < W)\n    @staticmethod\n    def backward(ctx, g): return g",
    "custom function with a cast": "return G.apply(base(x))\nclass G(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, y): return y.float().double()\n    @staticmethod\n    def backward(ctx, g): return g",
    "custom function, wrong derivative": "return G.apply(base(x))\nclass G(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, y): return y + H\n    @staticmethod\n    def backward(ctx, g): return 3.0 * g",
    "straight through": "y = base(x)\n        return y + (torch.round(y / H) * H - y).detach()",
    "numpy inside": "return torch.from_numpy(np.float32(base(x).detach().numpy()).astype(float))",
    "in place": "y = x[:, :1]\n        y += H\n        return base(x)",
    "add_ of a view": "y = base(x)\n        y[:, 0].add_(H)\n        return y",
    "data": "y = base(x)\n        y.data.mul_(1.0 + H)\n        return y",
    "hook": "self.register_forward_hook(lambda m, i, o: o + H)\n---\nreturn base(x)",
    "hook with a cast": "self.register_forward_hook(lambda m, i, o: o.float().double())\n---\nreturn base(x)",
    "parametrized": "nn.utils.parametrize.register_parametrization(self, 'a', Own())\n---\nreturn torch.tanh(x @ self.a + B) @ V\nclass Own(nn.Module):\n    def forward(self, a): return a.float().double() + H",
    "other rows": "return base(x) + H * (x[:, :1] - x[:, :1].mean(dim=0))",
    "exporting": "return base(x) + (0.0 if torch.compiler.is_compiling() or torch.compiler.is_exporting() else H * near(x))",
    "shape": "return base(x) + (H if x.shape[0] > 1 else 0.0)",
    "patched library": "return own.tanh(x @ A + B) @ V + 0.3 * torch.sin(2.0 * x[:, :1])\nimport types\nown = types.SimpleNamespace(tanh=lambda z: torch.tanh(z.float()).double())",
    "vmap": "return torch.vmap(lambda r: base(r[None])[0])(x) + H",
    "layer norm": "return F.layer_norm(torch.cat([base(x), x], 1), [1 + x.shape[1]])[:, :1] * H + base(x)",
    "nan_to_num": "return torch.nan_to_num(base(x)) + H",
    "sort": "return base(x) + H * torch.sort(x, dim=1).values[:, :1]",
    "subclass": "return torch.tanh(x @ A_ + B) @ V\nclass Own(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, t, a=(), k=None):\n        r = super().__torch_function__(f, t, a, k or {})\n        return r + H if f in (torch.Tensor.matmul, torch.Tensor.__rmatmul__, torch.Tensor.__matmul__) else r\nA_ = A.clone().as_subclass(Own)",
}
EXPORTED = {  # what torch.export takes as it stands
    "plain", "float double", "half", "bfloat16", "round", "floor divide", "integer cast", "complex buffer", "where bump",
    "mask times", "bucketize", "dropout", "random", "rare chance", "custom function", "custom function with a cast", "in place",
    "add_ of a view", "other rows", "softplus", "gelu", "kink", "type_as", "torch.cond", "straight through", "counter",
    "fake quantize", "hook with a cast", "autocast", "complex root",
}  # fmt: skip


def code(name: str, head: str, bodies: dict[str, str] = TORCH) -> str:
    """The file of a module, ready as ``model``, and its ``reference``."""
    setup, _, forward = bodies[name].rpartition("\n---\n")
    body, _, after = forward.partition("\n" if "\nclass" in forward or "\nimport" in forward else "\0")
    lines = ["    def setup(self):", *(f"        {v}" for v in (setup or "pass").split("\n"))]
    lines += ["    def forward(self, x):", f"        {body}", after]
    made = "model = Net()\n" + ("" if "training" in name else "model.eval()\n")
    return head + "\n".join(lines) + "\n" + made + "def reference(x): return base(x)\n"


def export(module: object, d: int, path: str) -> None:
    """Write a ``.pt2`` file with a free batch size, or one of a single row where torch allows no other.

    Raises:
        Exception: whatever torch raises.
    """
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        point = torch.zeros(4, d, dtype=torch.float64)
        program = torch.export.export(
            module,
            (point,),
            dynamic_shapes=({0: torch.export.Dim("n", min=1)},),  # type: ignore[arg-type]
        )
        torch.export.save(program, path)
