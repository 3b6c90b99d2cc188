"""Networks for `dynamics` by the recipe of "Certified Neural Approximations of Nonlinear Dynamics".

The same: sizes, ReLU, torch's initial weights with seed 0, AdamW (rate 1e-3, decay 1e-4), mean square plus 1e-3 of the
largest error, gradients clipped at norm 1, 50,000 steps, 4,096 random points that are drawn again every 50 steps, float32.
The code of the paper passes the loss where its scheduler expects the number of the step, so the rate stays 1e-3; and what
it keeps as the best weights is a shallow copy, so the last ones stay. We do what this amounts to. Not the same: points are
drawn by torch in another order, so the weights are not those of the repository.

    python -m benchmarks.certify.dynamics_train [SYSTEM ..]
"""

from __future__ import annotations

import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import torch

from benchmarks.certify.dynamics import NETWORKS, SYSTEMS, worst_seen

STEPS, POINTS, AGAIN = 50_000, 4096, 50


def train(name: str, steps: int = STEPS) -> torch.nn.Sequential:
    """The network of a system."""
    system = SYSTEMS[name]
    torch.manual_seed(0)
    sizes = [len(system.box), *system.hidden, len(system.bent)]
    layers: list[torch.nn.Module] = []
    for a, b in pairwise(sizes[:-1]):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-2], sizes[-1]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
    low, high = torch.tensor(system.box).T
    math = SimpleNamespace(
        sin=torch.sin, cos=torch.cos, exp=torch.exp, sqrt=torch.sqrt, cbrt=lambda z: z ** (1.0 / 3.0)
    )
    for step in range(steps):
        if step % AGAIN == 0:
            x = low + (high - low) * torch.rand(POINTS, len(system.box))
            y = torch.stack(torch.broadcast_tensors(*system.outputs(list(x.T), math)), 1)
        off = model(x) - y
        loss = (off * off).mean() + 1e-3 * off.abs().max()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    return model


def main() -> None:
    """Train and store what is asked, by default all."""
    torch.set_num_threads(1)
    NETWORKS.mkdir(exist_ok=True)
    for name in sys.argv[1:] or SYSTEMS:
        linear = [layer for layer in train(name) if isinstance(layer, torch.nn.Linear)]
        arrays = {}
        for k, layer in enumerate(linear):
            arrays |= {f"w{k}": layer.weight.detach().numpy(), f"b{k}": layer.bias.detach().numpy()}
        np.savez_compressed(NETWORKS / f"{name.replace(' ', '_')}.npz", **arrays)
        print(
            f"{name}: largest error seen {worst_seen(name):.4g}, tolerance {SYSTEMS[name].tolerance}",
            flush=True,
        )


if __name__ == "__main__":
    main()
