"""CROWN with branch and bound (auto_LiRPA) on the problems of the comparison, as a peer.

    python -m benchmarks.certify.crown [--seconds 60]

Needs torch and auto_LiRPA only, so that it can run in an environment of its own: PyPI's newest auto_LiRPA is
0.3 (torch < 1.13); 0.7.1 is in its repository and runs with newer torch than it declares (``pip install
--no-deps``). What it gets: float64, one thread, bounds of 256 boxes at a time, boxes with the largest bound
first, halved along the axis with the largest product of slope and width, the same witness by sampling and
ascent. Model and reference are two networks: their hidden layers are not shared, as for all other methods.
"""

from __future__ import annotations

import argparse
import math
import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from benchmarks.certify import records

BATCH = 256
CASES = [  # name, d, width, depth, activation, size, ratio
    ("1-D 2x32 tanh, 1e-4", 1, 32, 2, "tanh", 1e-4, 1.1),
    ("1-D 2x32 tanh, 1e-6", 1, 32, 2, "tanh", 1e-6, 1.01),
    ("2-D 2x32 tanh, 1e-2", 2, 32, 2, "tanh", 1e-2, 1.1),
    ("2-D 3x64 tanh, 1e-4", 2, 64, 3, "tanh", 1e-4, 1.1),
    ("2-D 2x32 ReLU, 1e-2", 2, 32, 2, "relu", 1e-2, 1.01),
]


class Error(torch.nn.Module):
    """N - (N + size * wave): the problem of `targets.shifted`, with the same numbers."""

    def __init__(self, d: int, width: int, depth: int, activation: str, size: float) -> None:
        super().__init__()
        self.first, self.second, self.size = *(_network(d, width, depth, activation) for _ in "ab"), size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The error at points."""
        one = x[:, :1]
        wave = torch.sin(3 * one + 2 * x.sum(1, keepdim=True)) * torch.exp(-(one * one))
        return self.first(x) - (self.second(x) + self.size * wave)


def _network(d: int, width: int, depth: int, activation: str) -> torch.nn.Module:
    rng = np.random.default_rng(0)
    parts: list[torch.nn.Module] = []
    for i, (a, b) in enumerate(pairwise([d] + [width] * depth)):
        weight, bias = (
            rng.normal(size=(a, b)) / np.sqrt(a) * (1.5 if i == 0 else 1.0),
            0.5 * rng.normal(size=b),
        )
        parts += [_linear(weight, bias), torch.nn.Tanh() if activation == "tanh" else torch.nn.ReLU()]
    parts.append(_linear(rng.normal(size=(width, 1)) / np.sqrt(width), np.zeros(1)))
    return torch.nn.Sequential(*parts)


def _linear(weight: np.ndarray, bias: np.ndarray) -> torch.nn.Linear:
    layer = torch.nn.Linear(*weight.shape).double()
    layer.weight.data, layer.bias.data = torch.tensor(weight.T.copy()), torch.tensor(bias)
    return layer


def witness(error: Error, d: int) -> float:
    """A sampled maximum, climbed."""
    x = 2 * torch.rand(8192, d, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) - 1
    x = torch.cat([x, torch.cartesian_prod(*[torch.tensor([-1.0, 1.0]).double()] * d).reshape(-1, d)])
    best = x[error(x).abs().flatten().topk(12).indices]
    largest = float(error(best).abs().max().detach())
    for step in 0.02 * 0.9 ** np.arange(60):
        best = best.detach().requires_grad_()
        value = error(best).abs()
        slope = torch.autograd.grad(value.sum(), best)[0]
        best = (best + step * slope / slope.norm(dim=1, keepdim=True).clamp_min(1e-300)).clamp(-1, 1)
        largest = max(largest, float(value.max().detach()))
    return largest


def branch_and_bound(error: Error, d: int, ratio: float, seconds: float) -> dict[str, Any]:
    """The same loop as ours, with CROWN's bounds."""
    from auto_LiRPA import BoundedModule, BoundedTensor, PerturbationLpNorm

    bounded = BoundedModule(error, torch.zeros(1, d, dtype=torch.float64))
    start = time.process_time()
    lower = witness(error, d)
    low, high = -torch.ones(1, d, dtype=torch.float64), torch.ones(1, d, dtype=torch.float64)
    upper, done, tried, proved = torch.tensor([math.inf]).double(), 0.0, 0, 0.0
    while len(upper) and time.process_time() - start < seconds:
        order = upper.argsort(descending=True)
        picked, rest = order[:BATCH], order[BATCH:]
        a, b = low[picked], high[picked]
        box = BoundedTensor(0.5 * (a + b), PerturbationLpNorm(norm=math.inf, x_L=a, x_U=b))
        needed = {bounded.output_name[0]: {bounded.input_name[0]}}
        lb, ub, A = bounded.compute_bounds(x=(box,), method="CROWN", return_A=True, needed_A_dict=needed)
        slope = A[bounded.output_name[0]][bounded.input_name[0]]["uA"].reshape(len(a), d).abs()
        bound = torch.maximum(-lb, ub).flatten().detach()
        bound = torch.minimum(bound, upper[picked])
        tried += len(a)
        good = bound <= ratio * lower
        done = max(done, float(bound[good].max())) if good.any() else done
        proved += float(((b - a)[good] / 2).prod(1).sum())
        a, b, bound, slope = a[~good], b[~good], bound[~good], slope[~good]
        axis = ((slope + 1e-3 * slope.sum(1, keepdim=True) + 1e-300) * (b - a)).argmax(1)
        rows, middle = torch.arange(len(a)), 0.5 * (a + b)
        b1, a2 = b.clone(), a.clone()
        b1[rows, axis] = middle[rows, axis]
        a2[rows, axis] = middle[rows, axis]
        low, high = torch.cat([low[rest], a, a2]), torch.cat([high[rest], b1, b])
        upper = torch.cat([upper[rest], bound, bound])
    reached = max([done, *upper.tolist()])
    return {
        "asked": ratio, "ratio": reached / lower, "lower": lower, "upper": reached, "boxes": tried,
        "proved": proved, "code": "proved" if not len(upper) else "interrupted",
        "seconds": time.process_time() - start,
    }  # fmt: skip


def main() -> None:
    """All cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.certify.crown")
    parser.add_argument("--seconds", type=float, default=60.0, help="processor seconds a case")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # its tables of relaxations take the default
    for name, d, width, depth, activation, size, ratio in CASES:
        row = branch_and_bound(Error(d, width, depth, activation, size), d, ratio, options.seconds)
        print(name, row, flush=True)
        records.put("peers", f"{name} | CROWN (auto_LiRPA)", row)


if __name__ == "__main__":
    main()
